"""What `.status` remembers about a job's attempts: the only durable memory, to and from a dict.

An open claim is an attempt with a key and no task. A job is finished once it has a completion time; it finished badly if
an error stands beside it. Conditions are a report and are never read here as memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from imageferry.core.artifacts import Artifact, Role
from imageferry.core.job import format_time, parse_time
from imageferry.core.observation import Task


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


def read(status: Mapping[str, Any]) -> Journal:
    """The journal of a status as the API server returns it.

    A status that somebody forged or truncated is read as far as it makes sense; what does not is as if it were absent, and
    the cloud is asked instead (a status is a hint, the cloud is the proof).
    """
    attempt = _attempt(status.get("attempt"))
    return Journal(
        attempt=attempt,
        resolved=_resolved(status.get("resolved")),
        task=_task(status.get("task"), attempt),
        progress=_progress(status.get("progress")),
        queued=_queued(status.get("queue")),
        artifacts=tuple(_artifact(item) for item in status.get("artifacts") or ()),
        start_at=_moment(status.get("startTime")),
        completion_at=_moment(status.get("completionTime")),
        last_error=_last_error(status.get("lastError")),
        last_refusal=_last_refusal(status.get("lastRefusal")),
        handled_retry=status.get("handledRetryRequest", ""),
        handled_cancel=status.get("handledCancelRequest", ""),
        observed_generation=status.get("observedGeneration", -1),
        conditions=tuple(read_condition(item) for item in status.get("conditions") or ()),
    )


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


def _moment(text: str | None) -> datetime | None:
    return parse_time(text) if text else None


def _text(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None


def _attempt(value: Mapping[str, Any] | None) -> Attempt | None:
    if not value or "number" not in value:
        return None
    claim = None
    if all(value.get(name) for name in ("key", "objectPrefix", "accountID", "claimedAt", "claimedBy")):
        claim = Claim(
            key=value["key"],
            object_prefix=value["objectPrefix"],
            account_id=value["accountID"],
            claimed_at=parse_time(value["claimedAt"]),
            claimed_by=value["claimedBy"],
        )
    return Attempt(number=value["number"], failures=value.get("failures", 0), claim=claim)


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


def _task(value: Mapping[str, Any] | None, attempt: Attempt | None) -> Task | None:
    """A task without an attempt of ours beside it proves nothing and is not read."""
    if not value or not attempt or not attempt.claim or value.get("key") != attempt.claim.key:
        return None
    return Task(
        id=value.get("id"),
        key=value["key"],
        object_prefix=attempt.claim.object_prefix,
        state=value.get("state", ""),
        cancellable=value.get("cancellable"),
        started_at=_moment(value.get("startedAt")),
        finished_at=_moment(value.get("finishedAt")),
    )


def _write_task(task: Task | None) -> dict[str, Any] | None:
    if task is None:
        return None
    return _present(
        {
            "id": task.id,
            "key": task.key,
            "state": task.state,
            "cancellable": task.cancellable,
            "startedAt": _text(task.started_at),
            "finishedAt": _text(task.finished_at),
        }
    )


def _resolved(value: Mapping[str, Any] | None) -> Resolved | None:
    if not value or not value.get("region") or not value.get("imageID"):
        return None
    return Resolved(
        region=value["region"],
        image_id=value["imageID"],
        image_name=value.get("imageName", ""),
        platform=value.get("platform", ""),
        architecture=value.get("architecture", ""),
        size_gib=value.get("sizeGiB", 0),
        data_disks=value.get("dataDisks", 0),
        bucket=value.get("bucket", ""),
        format=value.get("format", ""),
        role_name=value.get("roleName", ""),
    )


def _write_resolved(resolved: Resolved | None) -> dict[str, Any] | None:
    if resolved is None:
        return None
    return _present(
        {
            "region": resolved.region,
            "imageID": resolved.image_id,
            "imageName": resolved.image_name,
            "platform": resolved.platform,
            "architecture": resolved.architecture,
            "sizeGiB": resolved.size_gib,
            "bucket": resolved.bucket,
            "format": resolved.format,
            "roleName": resolved.role_name,
        }
    ) | {"dataDisks": resolved.data_disks}


def _progress(value: Mapping[str, Any] | None) -> Progress | None:
    if not value or not value.get("updatedAt"):
        return None
    return Progress(
        percent=value.get("percent"),
        updated_at=parse_time(value["updatedAt"]),
        estimated_finish_at=_moment(value.get("estimatedFinishTime")),
    )


def _write_progress(progress: Progress | None) -> dict[str, Any] | None:
    if progress is None:
        return None
    fields = {"updatedAt": _text(progress.updated_at), "estimatedFinishTime": _text(progress.estimated_finish_at)}
    return _present(fields) | ({} if progress.percent is None else {"percent": progress.percent})


def _queued(value: Mapping[str, Any] | None) -> Queued | None:
    if not value or not value.get("since"):
        return None
    return Queued(parse_time(value["since"]), _moment(value.get("nextTryTime")))


def _write_queued(queued: Queued | None) -> dict[str, Any] | None:
    if queued is None:
        return None
    return _present({"since": _text(queued.since), "nextTryTime": _text(queued.next_try_at)})


def _artifact(value: Mapping[str, Any]) -> Artifact:
    return Artifact(
        role=Role(value.get("role", Role.SYSTEM)),
        device=value.get("device", ""),
        bucket=value["bucket"],
        key=value["key"],
        uri=value.get("uri", ""),
        format=value.get("format", ""),
        size_bytes=value.get("sizeBytes", 0),
        crc64=value.get("crc64", ""),
        etag=value.get("etag", ""),
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


def _last_error(value: Mapping[str, Any] | None) -> LastError | None:
    if not value or not value.get("reason") or not value.get("time"):
        return None
    return LastError(
        reason=value["reason"],
        message=value.get("message", ""),
        code=value.get("code", ""),
        request_id=value.get("requestID", ""),
        time=parse_time(value["time"]),
    )


def _write_last_error(error: LastError | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return _present(
        {
            "reason": error.reason,
            "code": error.code,
            "message": error.message,
            "requestID": error.request_id,
            "time": _text(error.time),
        }
    )


def _last_refusal(value: Mapping[str, Any] | None) -> LastRefusal | None:
    if not value or not value.get("reason"):
        return None
    return LastRefusal(
        reason=value["reason"],
        failure_class=value.get("class", ""),
        message=value.get("message", ""),
        generation=value.get("generation", 0),
        next_try_at=_moment(value.get("nextTryTime")),
    )


def _write_last_refusal(refusal: LastRefusal | None) -> dict[str, Any] | None:
    if refusal is None:
        return None
    return _present(
        {
            "reason": refusal.reason,
            "class": refusal.failure_class,
            "message": refusal.message,
            "generation": refusal.generation,
            "nextTryTime": _text(refusal.next_try_at),
        }
    )


def read_condition(value: Mapping[str, Any]) -> Condition:
    """A condition of a status."""
    return Condition(
        type=value["type"],
        status=value["status"],
        reason=value.get("reason", ""),
        message=value.get("message", ""),
        observed_generation=value.get("observedGeneration", 0),
        last_transition_at=parse_time(value["lastTransitionTime"]),
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
