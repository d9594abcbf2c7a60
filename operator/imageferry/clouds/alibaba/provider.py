"""The verbs for Alibaba Cloud: joins preflight, calls, search and output into the contract of clouds/provider.py.

Exports only: imports are refused by name. What an error means is in faults.py, what an answer means in translate.py.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from imageferry.clouds.alibaba import listing, output, search, translate
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.client import CENTRAL_REGION, Action, Answer
from imageferry.clouds.alibaba.inspection import Desk, inspect
from imageferry.clouds.alibaba.preflight import Preflight
from imageferry.clouds.alibaba.roles import Roles
from imageferry.clouds.alibaba.translate import Detail, Listed
from imageferry.clouds.finding import Finding
from imageferry.clouds.provider import Access, Capabilities, CloudConnection, ImageProvider, Inquiry, Origin, Search
from imageferry.clouds.ratelimit import RateLimits
from imageferry.clouds.sharing import Shared
from imageferry.clouds.threads import together
from imageferry.core.artifacts import Artifact, Artifacts
from imageferry.core.errors import Blocked, Failure, Rejected, Transient, Unconfirmed
from imageferry.core.job import ExportJob, Job, Kind
from imageferry.core.journal import Claim, Resolved
from imageferry.core.observation import Absent, Observation, Running, Task
from imageferry.core.reasons import Reason

log = structlog.get_logger(__name__)

_PERCENTS_A_LOOK: Final = 10
"""Of so many running tasks the percent is asked for in one poll: that takes one call each, where the state takes none."""

_ENDED_ALREADY: Final = ("InvalidTaskId.IncorrectTaskStatus", listing.UNKNOWN_TASK)

_OLDEST_WAITING: Final = timedelta(days=7)
"""No task waits longer. The filter for waiting tasks is said to have no effect, and then lists all there ever were."""


def connect(access: Access) -> CloudConnection:
    """The connection that one version of an account's credentials makes."""
    return Connection(access)


class Connection:
    """One version of one account's credentials: the rate limits and the list of regions are shared by all its regions."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._limits = RateLimits(access.requests_per_second)
        self._central = self._calls(CENTRAL_REGION)
        self._roles = Roles(self._central)
        self._exports: dict[str, Exports] = {}
        self._owners = Shared(self._ask_owner, most=1)
        self._region_lists = Shared(self._ask_regions, most=1)
        self._owner = ""
        self._regions: Collection[str] = ()

    async def owner(self) -> str:
        """The id of the account that owns the key, asked from STS each time."""
        answer = await self._central.caller()
        found = answer.body.get("AccountId")
        if not isinstance(found, str) or not found:
            raise Transient(Reason.CLOUD_UNAVAILABLE, "The cloud did not say whose key it is.")
        self._owner = found
        return found

    def provider(self, kind: Kind, region: str) -> ImageProvider:
        """The verbs in one region. Raises Rejected for imports."""
        if kind is not Kind.EXPORT:
            raise _unsupported(kind)
        if region not in self._exports:
            calls = self._calls(region)
            wishes = Preflight(calls, self._roles, has_region=self.has_region, owner=self.known_owner)
            self._exports[region] = Exports(calls, wishes, seen_without=self.seen_without)
        return self._exports[region]

    async def inspect(self, inquiry: Inquiry) -> Sequence[Finding]:
        """What account and exports lack, and what the cloud shows. Raises a Failure if the key's owner is not told."""
        desk = Desk(
            calls=self._calls,
            central=self._central,
            roles=self._roles,
            has_region=self.has_region,
            owner=self.known_owner,
        )
        return await inspect(desk, inquiry)

    async def known_owner(self) -> str:
        """The owner as it was last told: the owner of a key never changes."""
        return self._owner or await self._owners.get("") or ""

    async def has_region(self, region: str) -> bool:
        """Whether the cloud has the region. A key may lack the right to ask."""
        return await self.seen_without(region) is None

    async def seen_without(self, region: str) -> datetime | None:
        """The cloud's clock when it listed its regions, and this was none of them; None if it has it, or does not tell."""
        if region in self._regions:
            return None
        try:
            listed = await self._region_lists.get("")
        except Blocked as failure:
            if failure.reason is not Reason.NOT_AUTHORIZED:
                raise
            return None
        if listed is None:
            raise AssertionError("a list that does not come is a failure")
        self._regions = translate.regions(listed.body)
        return None if region in self._regions else listing.clock(listed.date)

    async def aclose(self) -> None:
        """Let go of the sockets; the pool is the caller's."""
        for exports in self._exports.values():
            await exports.aclose()
        for shared in (self._roles, self._owners, self._region_lists):
            await shared.aclose()
        self._central.close()

    async def _ask_owner(self, _: tuple[str, ...]) -> Mapping[str, str]:
        return {"": await self.owner()}

    async def _ask_regions(self, _: tuple[str, ...]) -> Mapping[str, Answer]:
        return {"": await self._central.ecs(Action.DESCRIBE_REGIONS, {})}

    def _calls(self, region: str) -> Calls:
        return Calls(self._access, self._limits, region)


class Exports:
    """ECS images into OSS buckets, in one region."""

    def __init__(
        self, calls: Calls, wishes: Preflight, *, seen_without: Callable[[str], Awaitable[datetime | None]]
    ) -> None:
        self._calls, self._preflight = calls, wishes
        self._seen_without = seen_without
        self._percents = _Percents()

    @property
    def capabilities(self) -> Capabilities:
        """Exports can be cancelled (CancelTask); ExportImage takes no client token."""
        return Capabilities(cancel=True, client_token=False)

    async def preflight(self, job: Job) -> Resolved:
        """What the job means here. Raises Rejected, Blocked or Deferred."""
        return await self._preflight.check(_export(job))

    async def resolve(self, job: Job) -> Resolved:
        """What the job means here, for a task of ours that was found again. Raises Transient or Blocked."""
        return await self._preflight.resolve(_export(job))

    async def submit(self, job: Job, claim: Claim, resolved: Resolved) -> Task:
        """ExportImage, once, from what was pinned. Raises as the contract says."""
        answer = await self._calls.submit(
            translate.export_request(resolved, claim), signed_at=claim.claimed_at, nonce=claim.key
        )
        task_id, request_id = answer.body.get("TaskId"), answer.body.get("RequestId")
        if not isinstance(task_id, str) or not task_id:
            raise Unconfirmed(Reason.SUBMISSION_UNKNOWN, "The cloud took the submission, but named no task.")
        log.info(
            "export submitted",
            uid=job.uid,
            key=claim.key,
            account=claim.account_id,
            region=resolved.region,
            task_id=task_id,
            request_id=request_id,
        )
        return Task(
            id=task_id, key=claim.key, object_prefix=claim.object_prefix, state="Waiting", started_at=answer.date
        )

    async def find(self, search_: Search) -> Observation:
        """Is there a task of ours, by the files it writes?

        Where no claim is open, and the cloud has no such region, there is none: its own address may not even resolve.
        """
        if search_.until is None and (cloud_time := await self._seen_without(self._calls.region)):
            return Absent(cloud_time)
        return await search.find(self._calls, search_)

    async def poll(self, tasks: Mapping[str, Task]) -> Mapping[str, Observation]:
        """The states, 100 tasks to a call. A task without an id, or whose details failed to come, is left out."""
        known = {uid: task for uid, task in tasks.items() if task.id}
        ids = sorted({task.id for task in known.values() if task.id})
        chunks = [ids[first : first + listing.MOST_ROWS] for first in range(0, len(ids), listing.MOST_ROWS)]
        parts = await together(listing.exports(self._calls, {"TaskIds": ",".join(chunk)}) for chunk in chunks)
        rows = {task_id: row for part in parts for task_id, row in part.rows.items()}
        asked = self._percents.choose([row.id for row in rows.values() if not row.ended])
        clocks = dict(
            zip(ids, (part.cloud_time for part, chunk in zip(parts, chunks, strict=True) for _ in chunk), strict=True)
        )
        seen = await together(
            self._look(task, rows.get(task.id or ""), clocks[task.id or ""], asked) for task in known.values()
        )
        return {uid: look for uid, look in zip(known, seen, strict=True) if look}

    async def cancel(self, task: Task, origin: Origin) -> None:
        """CancelTask, once the task has been looked at again."""
        if task.id is None:
            return
        try:
            shown, _ = await listing.detail(self._calls, task.id)
            if shown.listed.ended or not await self._is_ours(task, origin, shown):
                return
            answer = await self._calls.ecs(Action.CANCEL_TASK, {"TaskId": task.id})
        except Failure as failure:
            if failure.code not in _ENDED_ALREADY:
                raise
            return
        request_id = answer.body.get("RequestId")
        log.info("cancel requested", key=task.key, task_id=task.id, region=self._calls.region, request_id=request_id)

    async def _is_ours(self, task: Task, origin: Origin, shown: Detail) -> bool:
        """By its files; while it shows none, by its image and the time it was made."""
        owned = translate.owned(shown, task.object_prefix)
        if owned is not None:
            return owned
        row = (await listing.exports(self._calls, {"TaskIds": shown.listed.id})).rows.get(shown.listed.id)
        if row is None or row.created_at is None:
            return False
        return (
            row.resource_id == origin.image_id and origin.since - search.CLOCKS_APART <= row.created_at <= origin.until
        )

    async def collect(self, resolved: Resolved, task: Task) -> Artifacts:
        """What is really there."""
        return await output.collect(self._calls, resolved, task)

    async def discard(self, artifacts: Sequence[Artifact]) -> None:
        """Delete what collect listed, and nothing else."""
        await output.discard(self._calls, artifacts)

    async def running(self) -> Sequence[str]:
        """The ids of all exports that run in the region, whoever started them."""
        since = translate.moment(datetime.now(UTC) - _OLDEST_WAITING)
        return [row.id for row in await listing.running(self._calls, {"StartTime": since})]

    async def aclose(self) -> None:
        """Let go of the sockets."""
        await self._preflight.aclose()
        self._calls.close()

    async def _look(
        self, task: Task, row: Listed | None, cloud_time: datetime, asked: Collection[str]
    ) -> Observation | None:
        """What is seen of one task; details cost a call and are asked of ended tasks and of some that run."""
        if row is None:
            return Absent(cloud_time)
        current = Running(
            cloud_time, translate.task(row, task.key, task.object_prefix), self._percents.last.get(row.id)
        )
        if not row.ended and row.id not in asked:
            return current
        try:
            shown, _ = await listing.detail(self._calls, row.id)
        except Transient as failure:
            if failure.code == listing.UNKNOWN_TASK:
                return Absent(cloud_time)
            return None if row.ended else current
        if translate.owned(shown, task.object_prefix) is False:
            return Absent(cloud_time)
        if shown.percent is not None:
            self._percents.last[row.id] = shown.percent
        return translate.seen(shown.listed, task, cloud_time, shown)


class _Percents:
    """Whose percent is asked for next, and the last answers: running tasks take turns, ten to a poll."""

    def __init__(self) -> None:
        self.last: dict[str, int] = {}
        self._turns: dict[str, int] = {}
        self._turn = 0

    def choose(self, running: Sequence[str]) -> frozenset[str]:
        """The tasks to ask about now. What is no longer running is forgotten."""
        self._turn += 1
        self._turns = {task_id: self._turns.get(task_id, 0) for task_id in running}
        self.last = {task_id: percent for task_id, percent in self.last.items() if task_id in self._turns}
        chosen = sorted(running, key=lambda task_id: self._turns[task_id])[:_PERCENTS_A_LOOK]
        self._turns |= dict.fromkeys(chosen, self._turn)
        return frozenset(chosen)


def _export(job: Job) -> ExportJob:
    if not isinstance(job, ExportJob):
        raise _unsupported(job.kind)
    return job


def _unsupported(kind: Kind) -> Rejected:
    return Rejected(Reason.NOT_YET_SUPPORTED, f"This release knows no {kind} on Alibaba Cloud.")
