"""A status dict <-> the journal.

A status is a hint: it may be forged, cut, or copied from another object. A claim is believed only if its key is one that the
object's uid makes, and a file only if its name bears such a key.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from imageferry.core.artifacts import Artifact, Role
from imageferry.core.hints import Hints
from imageferry.core.job import format_time
from imageferry.core.journal import (
    Attempt,
    Claim,
    Condition,
    Journal,
    LastError,
    LastRefusal,
    Progress,
    Queued,
    Resolved,
)
from imageferry.core.keys import is_own, key_in
from imageferry.core.observation import Task
from imageferry.core.reasons import MEANINGS, Reason

_REASONS: Final = frozenset(Reason)
_ROLES: Final = frozenset(Role)


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
