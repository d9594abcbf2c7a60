"""What a CloudAccount's `.status` remembers: whose account it is, its lanes, and the tasks whose objects had to go."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from imageferry.core.hints import Hints
from imageferry.core.job import DeletionPolicy, ImageWish, Job, Kind, format_time
from imageferry.core.journal import Claim, Condition, Journal
from imageferry.core.observation import Task
from imageferry.core.resolved import Resolved, ResolvedExport, ResolvedImport
from imageferry.core.status import read_conditions, write_condition

MOST_ORPHANS: Final = 500
"""As many as the CRD's list holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A task, or an open claim, whose object had to go before it could be ended. It still counts in its lane.

    `task_id` is empty for a claim whose outcome was open. Of an export `image_id` and `image_name` are the image that is
    exported, of an import the one that is made; its id is empty until the cloud has told it.
    """

    operation: str
    task_id: str
    key: str
    object_prefix: str
    image_id: str
    image_name: str
    bucket: str
    region: str
    account_id: str
    namespace: str
    name: str
    uid: str
    deletion_policy: DeletionPolicy
    claimed_at: datetime
    since: datetime

    @property
    def kind(self) -> Kind:
        """The direction of its task."""
        return kind_of(self.operation)

    @property
    def task(self) -> Task:
        """Its task, as far as it is known."""
        made = self.image_id if self.kind is Kind.IMPORT else ""
        return Task(
            id=self.task_id or None,
            key=self.key,
            object_prefix=self.object_prefix,
            started_at=self.claimed_at,
            image_id=made,
        )

    @property
    def resolved(self) -> Resolved:
        """As much of the request as is needed to find what the task left."""
        match self.kind:
            case Kind.EXPORT:
                return ResolvedExport(region=self.region, image_id=self.image_id, bucket=self.bucket)
            case Kind.IMPORT:
                return ResolvedImport(region=self.region, disks=(), image=ImageWish(name=self.image_name))


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRow:
    """One lane as the account shows it."""

    region: str
    operation: str
    limit: int | None
    learned_limit: int | None
    running: int
    queued: int
    closed_until: datetime | None
    closed_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Everything of an account's status that the operator reads back."""

    observed_generation: int = -1
    conditions: tuple[Condition, ...] = ()
    account_id: str = ""
    lanes: tuple[LaneRow, ...] = ()
    orphans: tuple[Orphan, ...] = ()


_OPERATIONS: Final = {Kind.EXPORT: "Export", Kind.IMPORT: "Import"}
_POLICIES: Final = frozenset(DeletionPolicy)


def operation_of(kind: Kind) -> str:
    """The word for a direction in lanes and orphans."""
    return _OPERATIONS[kind]


def kind_of(operation: str) -> Kind:
    """The direction that the word stands for."""
    return next(kind for kind, word in _OPERATIONS.items() if word == operation)


def orphan_of(job: Job, journal: Journal, claim: Claim, now: datetime) -> Orphan:
    """The record of what a job leaves behind."""
    resolved, task = journal.resolved, journal.task
    image_id, image_name = task.image_id if task else "", ""
    match resolved:
        case ResolvedExport():
            image_id, image_name = resolved.image_id, resolved.image_name
        case ResolvedImport():
            image_name = resolved.image.name
    return Orphan(
        operation=operation_of(job.kind),
        task_id=(task.id or "") if task else "",
        key=claim.key,
        object_prefix=claim.object_prefix,
        image_id=image_id,
        image_name=image_name,
        bucket=resolved.bucket if resolved else job.bucket,
        region=resolved.region if resolved else job.region,
        account_id=claim.account_id,
        namespace=job.namespace,
        name=job.name,
        uid=job.uid,
        deletion_policy=job.policy.deletion_policy,
        claimed_at=claim.claimed_at,
        since=now,
    )


def read(status: Mapping[str, Any]) -> Book:
    """The book of a status as the API server returns it. Raises nothing; what does not make sense is as if it were absent."""
    hints = Hints(status)
    generation = hints.number("observedGeneration")
    return Book(
        observed_generation=-1 if generation is None else generation,
        conditions=read_conditions(hints),
        account_id=hints.text("accountID"),
        lanes=tuple(lane for part in hints.parts("lanes") if (lane := _lane(part))),
        orphans=tuple(orphan for part in hints.parts("orphans") if (orphan := _orphan(part))),
    )


def write(book: Book) -> dict[str, Any]:
    """The status that holds the book."""
    return {
        "observedGeneration": book.observed_generation,
        "conditions": [write_condition(condition) for condition in book.conditions],
        "lanes": [_write_lane(lane) for lane in book.lanes],
        "orphans": [_write_orphan(orphan) for orphan in book.orphans],
    } | ({"accountID": book.account_id} if book.account_id else {})


def _lane(hints: Hints) -> LaneRow | None:
    region, operation = hints.text("region"), hints.text("operation")
    if not region or operation not in _OPERATIONS.values():
        return None
    closed_until = hints.moment("closedUntil")
    return LaneRow(
        region=region,
        operation=operation,
        limit=hints.number("limit"),
        learned_limit=hints.number("learnedLimit"),
        running=hints.count("running"),
        queued=hints.count("queued"),
        closed_until=closed_until,
        closed_reason=hints.text("closedReason") if closed_until else "",
    )


def _write_lane(lane: LaneRow) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "region": lane.region,
        "operation": lane.operation,
        "running": lane.running,
        "queued": lane.queued,
    }
    if lane.limit is not None:
        fields["limit"] = lane.limit
    if lane.learned_limit is not None:
        fields["learnedLimit"] = lane.learned_limit
    if lane.closed_until:
        fields |= {"closedUntil": format_time(lane.closed_until), "closedReason": lane.closed_reason}
    return fields


def _orphan(hints: Hints) -> Orphan | None:
    """A row of which a part is missing cannot be followed: neither by whom nor where is known."""
    texts = {name: hints.text(name) for name in ("operation", "key", "objectPrefix", "region", "accountID", "uid")}
    policy, claimed_at = hints.text("deletionPolicy"), hints.moment("claimedAt")
    if not all(texts.values()) or claimed_at is None or policy not in _POLICIES:
        return None
    if texts["operation"] not in _OPERATIONS.values() or not texts["objectPrefix"].endswith(texts["key"]):
        return None
    return Orphan(
        operation=texts["operation"],
        task_id=hints.text("taskID"),
        key=texts["key"],
        object_prefix=texts["objectPrefix"],
        image_id=hints.text("imageID"),
        image_name=hints.text("imageName"),
        bucket=hints.text("bucket"),
        region=texts["region"],
        account_id=texts["accountID"],
        namespace=hints.text("namespace"),
        name=hints.text("name"),
        uid=texts["uid"],
        deletion_policy=DeletionPolicy(policy),
        claimed_at=claimed_at,
        since=hints.moment("since") or claimed_at,
    )


def _write_orphan(orphan: Orphan) -> dict[str, Any]:
    fields = {
        "operation": orphan.operation,
        "taskID": orphan.task_id,
        "key": orphan.key,
        "objectPrefix": orphan.object_prefix,
        "imageID": orphan.image_id,
        "imageName": orphan.image_name[:256],
        "bucket": orphan.bucket,
        "region": orphan.region,
        "accountID": orphan.account_id,
        "namespace": orphan.namespace,
        "name": orphan.name,
        "uid": orphan.uid,
        "deletionPolicy": str(orphan.deletion_policy),
        "claimedAt": format_time(orphan.claimed_at),
        "since": format_time(orphan.since),
    }
    return {name: text for name, text in fields.items() if text}
