"""What `.status` remembers about a job's attempts: the only durable memory, to and from a dict.

An open claim is an attempt with a key and no task. A job is finished once it has a completion time; it finished badly if
an error stands beside it. Conditions are a report and are never read here as memory.

A status is a hint: it may be forged, cut, or copied from another object. A claim is believed only if its key is one that the
object's uid makes, and a file only if its name bears such a key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from imageferry.core.artifacts import Artifact, Role
from imageferry.core.hints import Hints
from imageferry.core.job import format_time
from imageferry.core.keys import is_own, key_in
from imageferry.core.observation import Task
from imageferry.core.reasons import MEANINGS, Reason

_REASONS: Final = frozenset(Reason)
_ROLES: Final = frozenset(Role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The entry "attempt n with key k is about to be submitted". `claimed_at` is in whole seconds."""

    key: str
    object_prefix: str
    account_id: str
    claimed_at: datetime
    claimed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at the cloud. `number` only grows; `failures` counts the tries that cost one. `claim` is None once closed."""

    number: int
    failures: int
    claim: Claim | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What the job means in the cloud: every request parameter, pinned while a key is there. Sizes are in GiB."""

    region: str
    image_id: str
    image_name: str = ""
    platform: str = ""
    architecture: str = ""
    size_gib: int = 0
    data_disks: int = 0
    bucket: str = ""
    format: str = ""
    role_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the task is; `percent` is None where the cloud gives none."""

    percent: int | None
    updated_at: datetime
    estimated_finish_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """Waiting since, and when it is looked at again at the latest."""

    since: datetime
    next_try_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRefusal:
    """A submission refused for a lasting reason. `failure_class` is Blocked or Rejected."""

    reason: str
    failure_class: str
    message: str
    generation: int
    next_try_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastError:
    """The latest fault, or the reason for which a finished job finished badly."""

    reason: str
    message: str
    code: str = ""
    request_id: str = ""
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition as Kubernetes shows it."""

    type: str
    status: str
    reason: str
    message: str
    observed_generation: int
    last_transition_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """Everything of a status that the operator reads back."""

    attempt: Attempt | None = None
    resolved: Resolved | None = None
    task: Task | None = None
    progress: Progress | None = None
    queued: Queued | None = None
    artifacts: tuple[Artifact, ...] = ()
    start_at: datetime | None = None
    completion_at: datetime | None = None
    last_error: LastError | None = None
    last_refusal: LastRefusal | None = None
    handled_retry: str = ""
    handled_cancel: str = ""
    observed_generation: int = -1
    conditions: tuple[Condition, ...] = field(default=())
    doubtful: bool = False
    """The status named an attempt that is not ours or was cut: the journal counts as lost. Not written."""

    @property
    def claim(self) -> Claim | None:
        """The claim that is open or belongs to the task; None while idle."""
        return self.attempt.claim if self.attempt else None

    @property
    def number(self) -> int:
        """The number of the latest attempt; 0 before the first."""
        return self.attempt.number if self.attempt else 0

    @property
    def failures(self) -> int:
        """The attempts that cost one."""
        return self.attempt.failures if self.attempt else 0

    @property
    def finished(self) -> bool:
        """The job ended, well or badly."""
        return self.completion_at is not None

    @property
    def failed(self) -> bool:
        """The job ended badly."""
        return self.finished and self.last_error is not None


def read(status: Mapping[str, Any], uid: str) -> Journal:
    """The journal in the status of the object `uid` as the API server returns it. Raises nothing.

    What does not make sense is as if it were absent, and the cloud is asked instead.
    """
    hints = Hints(status)
    told = Journal(
        handled_retry=hints.text("handledRetryRequest"),
        handled_cancel=hints.text("handledCancelRequest"),
        observed_generation=_generation(hints),
        conditions=read_conditions(hints),
    )
    attempt = _attempt(hints.part("attempt"), uid)
    if hints.part("attempt").text("key") and not (attempt and attempt.claim):
        return replace(told, doubtful=True)
    completion_at = hints.moment("completionTime")
    last_error = _last_error(hints.part("lastError"), completion_at)
    return replace(
        told,
        attempt=attempt,
        resolved=_resolved(hints.part("resolved")),
        task=_task(hints.part("task"), attempt),
        progress=_progress(hints.part("progress")),
        queued=_queued(hints.part("queue")),
        artifacts=tuple(item for part in hints.parts("artifacts") if (item := _artifact(part, uid, attempt))),
        start_at=hints.moment("startTime"),
        completion_at=completion_at,
        last_error=last_error,
        last_refusal=_last_refusal(hints.part("lastRefusal"), last_error),
    )


def _generation(hints: Hints) -> int:
    number = hints.number("observedGeneration")
    return -1 if number is None else number


def write(journal: Journal) -> dict[str, Any]:
    """The status that holds the journal; absent values are left out."""
    return _present(
        {
            "observedGeneration": journal.observed_generation,
            "conditions": [write_condition(condition) for condition in journal.conditions],
            "resolved": _write_resolved(journal.resolved),
            "attempt": _write_attempt(journal.attempt),
            "lastRefusal": _write_last_refusal(journal.last_refusal),
            "handledRetryRequest": journal.handled_retry,
            "handledCancelRequest": journal.handled_cancel,
            "task": _write_task(journal.task),
            "progress": _write_progress(journal.progress),
            "queue": _write_queued(journal.queued),
            "artifacts": [_write_artifact(artifact) for artifact in journal.artifacts],
            "startTime": _text(journal.start_at),
            "completionTime": _text(journal.completion_at),
            "lastError": _write_last_error(journal.last_error),
        }
    )


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that say something: None, an empty string and an empty list do not."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


def _cut(text: str, longest: int) -> str:
    """A cloud's words within what the schema holds: a status that the API server refuses would remember nothing."""
    return text[:longest]


def _text(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None


def _attempt(hints: Hints, uid: str) -> Attempt | None:
    number = hints.number("number")
    if number is None or number < 0:
        return None
    return Attempt(number=number, failures=hints.count("failures"), claim=_claim(hints, uid, number))


def _claim(hints: Hints, uid: str, number: int) -> Claim | None:
    claimed_at, key, object_prefix = hints.moment("claimedAt"), hints.text("key"), hints.text("objectPrefix")
    account_id, claimed_by = hints.text("accountID"), hints.text("claimedBy")
    if not (key and claimed_at and account_id and claimed_by):
        return None
    if not object_prefix.endswith(key) or not is_own(key, uid, number):
        return None
    return Claim(
        key=key, object_prefix=object_prefix, account_id=account_id, claimed_at=claimed_at, claimed_by=claimed_by
    )


def _write_attempt(attempt: Attempt | None) -> dict[str, Any] | None:
    if attempt is None:
        return None
    fields: dict[str, Any] = {"number": attempt.number, "failures": attempt.failures}
    if attempt.claim:
        fields |= {
            "key": attempt.claim.key,
            "objectPrefix": attempt.claim.object_prefix,
            "accountID": attempt.claim.account_id,
            "claimedAt": format_time(attempt.claim.claimed_at),
            "claimedBy": attempt.claim.claimed_by,
        }
    return fields


def _task(hints: Hints, attempt: Attempt | None) -> Task | None:
    """A task without an attempt of ours beside it proves nothing and is not read."""
    if not attempt or not attempt.claim or hints.text("key") != attempt.claim.key:
        return None
    return Task(
        id=hints.text("id") or None,
        key=attempt.claim.key,
        object_prefix=attempt.claim.object_prefix,
        state=hints.text("state"),
        cancellable=hints.flag("cancellable"),
        started_at=hints.moment("startedAt"),
        finished_at=hints.moment("finishedAt"),
    )


def _write_task(task: Task | None) -> dict[str, Any] | None:
    if task is None:
        return None
    return _present(
        {
            "id": task.id,
            "key": task.key,
            "state": _cut(task.state, 128),
            "cancellable": task.cancellable,
            "startedAt": _text(task.started_at),
            "finishedAt": _text(task.finished_at),
        }
    )


def _resolved(hints: Hints) -> Resolved | None:
    region, image_id = hints.text("region"), hints.text("imageID")
    if not region or not image_id:
        return None
    return Resolved(
        region=region,
        image_id=image_id,
        image_name=hints.text("imageName"),
        platform=hints.text("platform"),
        architecture=hints.text("architecture"),
        size_gib=hints.count("sizeGiB"),
        data_disks=hints.count("dataDisks"),
        bucket=hints.text("bucket"),
        format=hints.text("format"),
        role_name=hints.text("roleName"),
    )


def _write_resolved(resolved: Resolved | None) -> dict[str, Any] | None:
    if resolved is None:
        return None
    return _present(
        {
            "region": resolved.region,
            "imageID": resolved.image_id,
            "imageName": _cut(resolved.image_name, 256),
            "platform": _cut(resolved.platform, 128),
            "architecture": _cut(resolved.architecture, 32),
            "sizeGiB": resolved.size_gib,
            "bucket": resolved.bucket,
            "format": resolved.format,
            "roleName": resolved.role_name,
        }
    ) | {"dataDisks": resolved.data_disks}


def _progress(hints: Hints) -> Progress | None:
    updated_at = hints.moment("updatedAt")
    if updated_at is None:
        return None
    return Progress(
        percent=hints.number("percent"),
        updated_at=updated_at,
        estimated_finish_at=hints.moment("estimatedFinishTime"),
    )


def _write_progress(progress: Progress | None) -> dict[str, Any] | None:
    if progress is None:
        return None
    fields = {"updatedAt": _text(progress.updated_at), "estimatedFinishTime": _text(progress.estimated_finish_at)}
    return _present(fields) | ({} if progress.percent is None else {"percent": progress.percent})


def _queued(hints: Hints) -> Queued | None:
    since = hints.moment("since")
    return Queued(since, hints.moment("nextTryTime")) if since else None


def _write_queued(queued: Queued | None) -> dict[str, Any] | None:
    if queued is None:
        return None
    return _present({"since": _text(queued.since), "nextTryTime": _text(queued.next_try_at)})


def _artifact(hints: Hints, uid: str, attempt: Attempt | None) -> Artifact | None:
    """A file whose name does not bear a mark of ours is another's, whoever listed it here."""
    key, bucket, role = hints.text("key"), hints.text("bucket"), hints.text("role")
    if not bucket or not is_own(key_in(key) or "", uid, attempt.number if attempt else 0):
        return None
    return Artifact(
        role=Role(role) if role in _ROLES else Role.SYSTEM,
        device=hints.text("device"),
        bucket=bucket,
        key=key,
        uri=hints.text("uri"),
        format=hints.text("format"),
        size_bytes=hints.count("sizeBytes"),
        crc64=hints.text("crc64"),
        etag=hints.text("etag"),
    )


def _write_artifact(artifact: Artifact) -> dict[str, Any]:
    return {
        "role": str(artifact.role),
        "device": artifact.device,
        "bucket": artifact.bucket,
        "key": artifact.key,
        "uri": artifact.uri,
        "format": artifact.format,
        "sizeBytes": artifact.size_bytes,
        "crc64": artifact.crc64,
        "etag": artifact.etag,
    }


def _last_error(hints: Hints, ended_at: datetime | None) -> LastError | None:
    """Beside an end, something of an error always remains: a job that failed must not read as one that is done."""
    time, reason = hints.moment("time") or ended_at, hints.text("reason")
    if not hints or time is None:
        return None
    return LastError(
        reason=reason if reason in _REASONS else Reason.TASK_FAILED,
        message=hints.text("message"),
        code=hints.text("code"),
        request_id=hints.text("requestID"),
        time=time,
    )


def _write_last_error(error: LastError | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return _present(
        {
            "reason": error.reason,
            "code": _cut(error.code, 256),
            "message": error.message,
            "requestID": _cut(error.request_id, 128),
            "time": _text(error.time),
        }
    )


def _last_refusal(hints: Hints, error: LastError | None) -> LastRefusal | None:
    """Its words stand in the error beside it, or are the reason's own."""
    reason = hints.text("reason")
    if reason not in _REASONS:
        return None
    return LastRefusal(
        reason=reason,
        failure_class=hints.text("class"),
        message=error.message if error and error.reason == reason else MEANINGS[Reason(reason)].meaning,
        generation=hints.count("generation"),
        next_try_at=hints.moment("nextTryTime"),
    )


def _write_last_refusal(refusal: LastRefusal | None) -> dict[str, Any] | None:
    if refusal is None:
        return None
    return _present(
        {
            "reason": refusal.reason,
            "class": refusal.failure_class,
            "generation": refusal.generation,
            "nextTryTime": _text(refusal.next_try_at),
        }
    )


def read_conditions(hints: Hints) -> tuple[Condition, ...]:
    """The conditions of a status."""
    return tuple(condition for part in hints.parts("conditions") if (condition := _condition(part)))


def _condition(hints: Hints) -> Condition | None:
    since, kind, status = hints.moment("lastTransitionTime"), hints.text("type"), hints.text("status")
    if since is None or not kind or not status:
        return None
    return Condition(
        type=kind,
        status=status,
        reason=hints.text("reason"),
        message=hints.text("message"),
        observed_generation=hints.count("observedGeneration"),
        last_transition_at=since,
    )


def write_condition(condition: Condition) -> dict[str, Any]:
    """A condition as a status holds it."""
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message,
        "observedGeneration": condition.observed_generation,
        "lastTransitionTime": format_time(condition.last_transition_at),
    }
