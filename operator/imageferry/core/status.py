"""A status dict <-> the journal.

A status is a hint: it may be forged, cut, or copied from another object. A claim is believed only if its key is one that the
object's uid makes. What an attempt pinned is in core/resolved.py, what it made in core/findings.py.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from imageferry.core import findings, resolved
from imageferry.core.hints import Hints
from imageferry.core.job import Kind, format_time
from imageferry.core.journal import (
    Attempt,
    Claim,
    Condition,
    Journal,
    LastError,
    LastRefusal,
    Progress,
    Queued,
)
from imageferry.core.keys import is_own
from imageferry.core.observation import DiskProgress, Task
from imageferry.core.reasons import MEANINGS, Reason

_REASONS: Final = frozenset(Reason)


def read(status: Mapping[str, Any], uid: str, kind: Kind) -> Journal:
    """The journal in the status of the object `uid` of this kind as the API server returns it. Raises nothing.

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
        resolved=resolved.read(hints.part("resolved"), kind),
        task=_task(hints.part("task"), attempt, hints.text("imageID")),
        progress=_progress(hints.part("progress"), hints.parts("disks")),
        queued=_queued(hints.part("queue")),
        artifacts=findings.read(hints, uid, attempt.number if attempt else 0, ended=completion_at is not None),
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
            "resolved": _present(resolved.write(journal.resolved)) if journal.resolved else None,
            "attempt": _write_attempt(journal.attempt),
            "lastRefusal": _write_last_refusal(journal.last_refusal),
            "handledRetryRequest": journal.handled_retry,
            "handledCancelRequest": journal.handled_cancel,
            "task": _write_task(journal.task),
            "progress": _write_progress(journal.progress),
            "disks": _write_disks(journal.progress),
            "queue": _write_queued(journal.queued),
            **findings.write(journal.artifacts, journal.task),
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


def _task(hints: Hints, attempt: Attempt | None, image_id: str) -> Task | None:
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
        image_id=image_id,
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


def _progress(hints: Hints, disks: tuple[Hints, ...]) -> Progress | None:
    updated_at = hints.moment("updatedAt")
    if updated_at is None:
        return None
    return Progress(
        percent=hints.number("percent"),
        updated_at=updated_at,
        estimated_finish_at=hints.moment("estimatedFinishTime"),
        disks=tuple(DiskProgress(disk.text("device"), disk.count("percent")) for disk in disks),
    )


def _write_progress(progress: Progress | None) -> dict[str, Any] | None:
    if progress is None:
        return None
    fields = {"updatedAt": _text(progress.updated_at), "estimatedFinishTime": _text(progress.estimated_finish_at)}
    return _present(fields) | ({} if progress.percent is None else {"percent": progress.percent})


def _write_disks(progress: Progress | None) -> list[dict[str, Any]]:
    return [{"device": disk.device, "percent": disk.percent} for disk in progress.disks] if progress else []


def _queued(hints: Hints) -> Queued | None:
    since = hints.moment("since")
    return Queued(since, hints.moment("nextTryTime")) if since else None


def _write_queued(queued: Queued | None) -> dict[str, Any] | None:
    if queued is None:
        return None
    return _present({"since": _text(queued.since), "nextTryTime": _text(queued.next_try_at)})


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
