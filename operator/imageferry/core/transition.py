"""What each act makes of the journal. Pure: the engine performs the act, writes what comes out here, and nothing else.

Numbers only grow, so that a key is never used twice; a closed attempt keeps its number and failures and nothing more.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from imageferry.core.artifacts import Artifact, File, Image, image_among
from imageferry.core.job import Job
from imageferry.core.journal import Attempt, Claim, Journal, LastError, LastRefusal, Progress, Queued
from imageferry.core.keys import LOST_NUMBERING, mark
from imageferry.core.observation import Ours, Running, Task
from imageferry.core.resolved import Resolved
from imageferry.core.step import Complete, Fail

_TELLING_PERCENT: Final = 10
"""Below this, progress says too little to predict an end from."""

_ALL_PERCENT: Final = 100


def claimed(
    journal: Journal, job: Job, number: int, *, resolved: Resolved, account_id: str, by: str, at: datetime
) -> Journal:
    """Attempt `number` is about to be submitted by the process `by`."""
    own = mark(job.uid, number, job.prefix)
    claim = Claim(
        key=own.key,
        object_prefix=own.object_prefix,
        account_id=account_id,
        claimed_at=at.replace(microsecond=0),
        claimed_by=by,
    )
    attempt = Attempt(number=number, failures=journal.failures, claim=claim)
    # Images and snapshots of earlier attempts are gone: preflight would have met them. Files stay, under their keys.
    files = tuple(item for item in journal.artifacts if isinstance(item, File))
    return replace(journal, attempt=attempt, resolved=resolved, artifacts=files, queued=None, last_refusal=None)


def taken_over(journal: Journal, by: str) -> Journal:
    """The open claim is the process `by`'s from now on: whoever made it can no longer withdraw it."""
    attempt, claim = journal.attempt, journal.claim
    if attempt is None or claim is None:
        return journal
    return replace(journal, attempt=replace(attempt, claim=replace(claim, claimed_by=by)))


def accepted(journal: Journal, task: Task, now: datetime) -> Journal:
    """The cloud answered the submission with a task."""
    start = journal.claim.claimed_at if journal.claim else now
    return replace(
        journal,
        task=replace(task, started_at=task.started_at or start),
        start_at=journal.start_at or start,
        queued=None,
        last_error=None,
    )


def adopted(journal: Journal, found: Ours, *, account_id: str, by: str, now: datetime) -> Journal:
    """A task of ours was found: the attempt becomes that task's, and its number never falls."""
    task, claim = found.task, journal.claim
    if claim is None or claim.key != task.key:
        claim = Claim(
            key=task.key,
            object_prefix=task.object_prefix,
            account_id=claim.account_id if claim else account_id,
            claimed_at=(task.started_at or (claim.claimed_at if claim else now)).replace(microsecond=0),
            claimed_by=by,
        )
    number = journal.number if journal.attempt else LOST_NUMBERING
    attempt = Attempt(number=number, failures=journal.failures, claim=claim)
    return accepted(replace(journal, attempt=attempt), task, now)


def closed(journal: Journal, *, costs_attempt: bool) -> Journal:
    """The attempt ended, or never was; the job goes on."""
    attempt = Attempt(number=journal.number, failures=journal.failures + costs_attempt, claim=None)
    return replace(journal, attempt=attempt, task=None, progress=None)


def refused(journal: Journal, refusal: LastRefusal | None, error: LastError) -> Journal:
    """The cloud proved by its answer that the submission did not start; a lasting refusal is remembered."""
    return replace(closed(journal, costs_attempt=False), last_refusal=refusal, last_error=error)


def observed(journal: Journal, seen: Running, now: datetime) -> Journal:
    """The task's latest state and progress; what a cloud does not say again is kept."""
    known = journal.task
    if known is None:
        return journal
    task = replace(
        seen.task,
        id=seen.task.id or known.id,
        image_id=seen.task.image_id or known.image_id,
        started_at=known.started_at or seen.task.started_at,
        cancellable=known.cancellable if seen.task.cancellable is None else seen.task.cancellable,
    )
    if seen.percent is None:
        return replace(journal, task=task)
    before = journal.progress.percent if journal.progress else None
    percent = max(seen.percent, before or 0)
    if percent == before:
        return replace(journal, task=task)
    progress = Progress(
        percent=percent,
        updated_at=now,
        estimated_finish_at=_estimate(task.started_at, percent, seen.seconds_left, now),
        disks=seen.disks,
    )
    return replace(journal, task=task, progress=progress)


def _estimate(started_at: datetime | None, percent: int, seconds_left: int | None, now: datetime) -> datetime | None:
    """When the cloud says the task will end, or else when one that goes on as before would; not before the first tenth."""
    if seconds_left is not None:
        return now + timedelta(seconds=seconds_left)
    if started_at is None or not _TELLING_PERCENT <= percent < _ALL_PERCENT or now <= started_at:
        return None
    return now + timedelta(seconds=round((now - started_at).total_seconds() * (_ALL_PERCENT - percent) / percent))


def waiting(journal: Journal, now: datetime, next_try_at: datetime | None) -> Journal:
    """The job waits in its lane."""
    since = journal.queued.since if journal.queued else now
    return replace(journal, queued=Queued(since, next_try_at))


def completed(journal: Journal, job: Job, step: Complete, now: datetime) -> Journal:
    """The job finished well."""
    return replace(
        _ended(journal, job, now),
        task=_last_seen(journal.task, step.task, step.artifacts.items, now),
        artifacts=_joined(journal.artifacts, step.artifacts.items),
        progress=Progress(percent=_ALL_PERCENT, updated_at=now),
        last_error=None,
    )


def failed(journal: Journal, job: Job, step: Fail, now: datetime) -> Journal:
    """The job finished badly."""
    error = LastError(reason=step.reason, message=step.message, code=step.code, time=now)
    items = _joined(journal.artifacts, step.items)
    task = _last_seen(journal.task, step.task, step.items, now) if step.task else _with_image(journal.task, step.items)
    return replace(_ended(journal, job, now), artifacts=items, last_error=error, task=task)


def _last_seen(known: Task | None, seen: Task | None, items: tuple[Artifact, ...], now: datetime) -> Task | None:
    """The journal's task in the state in which the cloud showed it last; what has no time of its end ended by now."""
    if known is None:
        return None
    finished_at = (seen.finished_at if seen else None) or known.finished_at or now
    state = seen.state if seen else known.state
    return replace(known, state=state, finished_at=finished_at, image_id=image_among(items))


def _with_image(task: Task | None, items: tuple[Artifact, ...]) -> Task | None:
    """Once a job ended, its task names the image that is there, and no other."""
    return replace(task, image_id=image_among(items)) if task else None


def _ended(journal: Journal, job: Job, now: datetime) -> Journal:
    """Requests that stand when a job ends count as handled."""
    return replace(
        journal,
        completion_at=now,
        queued=None,
        handled_retry=job.retry_request or journal.handled_retry,
        handled_cancel=job.cancel_request or journal.handled_cancel,
    )


def reopened(journal: Journal, job: Job) -> Journal:
    """A person asked for another run: the count starts over, the numbers and the files of earlier attempts stay."""
    return replace(
        journal,
        attempt=Attempt(number=journal.number, failures=0, claim=None) if journal.attempt else None,
        task=None,
        progress=None,
        start_at=None,
        completion_at=None,
        last_refusal=None,
        handled_retry=job.retry_request,
    )


def discarded(journal: Journal, items: tuple[Artifact, ...]) -> Journal:
    """These are gone."""
    gone = {item.place for item in items}
    left = tuple(item for item in journal.artifacts if item.place not in gone)
    task = journal.task
    if task and Image(task.image_id).place in gone:
        task = replace(task, image_id="")
    return replace(journal, artifacts=left, task=task)


def remembered_refusal(journal: Journal, job: Job, now: datetime) -> LastRefusal | None:
    """The last submission's lasting refusal, while neither the spec changed nor its time came."""
    refusal = journal.last_refusal
    if refusal is None or refusal.generation != job.generation:
        return None
    return None if refusal.next_try_at and now >= refusal.next_try_at else refusal


def _joined(earlier: tuple[Artifact, ...], later: tuple[Artifact, ...]) -> tuple[Artifact, ...]:
    known = {item.place for item in later}
    return tuple(item for item in earlier if item.place not in known) + later
