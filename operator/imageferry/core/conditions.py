"""Journal and outlook -> conditions: the report that kubectl, Argo CD and Flux read. Never the memory.

They follow kstatus: working = Reconciling, finished well = Ready, finished badly or waiting for a person = Stalled and
Ready=False. `observedGeneration` is stamped here and nowhere else; `lastTransitionTime` moves only when `status` does.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, unique
from typing import Final, assert_never

from imageferry.core.artifacts import File, image_among
from imageferry.core.errors import MESSAGE_LIMIT
from imageferry.core.job import Job, Kind
from imageferry.core.journal import Condition, Journal
from imageferry.core.reasons import NOT_YET, Reason, told
from imageferry.core.step import Hold, Step, Wait

FLAWS: Final = frozenset({Reason.OUTPUT_MISSING, Reason.OUTPUT_EMPTY, Reason.FORMAT_MISMATCH, Reason.OBJECT_CHANGED})


@unique
class Outlook(StrEnum):
    """What the reader may expect."""

    WORKING = "Working"
    STUCK = "Stuck"
    DONE = "Done"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Report:
    """One sentence about the object: what to expect, why, and the words for it."""

    outlook: Outlook
    reason: Reason
    message: str


def report(job: Job, journal: Journal, step: Step, *, now: datetime, young_seconds: float) -> Report:
    """What the step says about the object, given what is in the journal after it."""
    if journal.finished:
        return _ending(job, journal)
    match step:
        case Hold(refusal=refusal):
            young = now - job.created_at < timedelta(seconds=young_seconds)
            stuck = not (young and refusal.reason in NOT_YET)
            outlook = Outlook.STUCK if stuck else Outlook.WORKING
            return Report(outlook, refusal.reason, told(refusal.reason, refusal.message))
        case Wait(reason=reason, message=message):
            return Report(Outlook.WORKING, reason, message)
        case _:
            return _underway(journal)


def _ending(job: Job, journal: Journal) -> Report:
    if journal.last_error:
        reason = Reason(journal.last_error.reason)
        return Report(Outlook.FAILED, reason, told(reason, journal.last_error.message))
    match job.kind:
        case Kind.EXPORT:
            sizes = [item.size_bytes for item in journal.artifacts if isinstance(item, File)]
            files = "1 file" if len(sizes) == 1 else f"{len(sizes)} files"
            return Report(Outlook.DONE, Reason.EXPORTED, f"{files}, {sum(sizes)} bytes in all, written and checked.")
        case Kind.IMPORT:
            image_id = image_among(journal.artifacts)
            return Report(Outlook.DONE, Reason.IMPORTED, f"Image {image_id} is available and was checked.")
        case _:
            assert_never(job.kind)


def _underway(journal: Journal) -> Report:
    if journal.task:
        return Report(Outlook.WORKING, Reason.SUBMITTED, "The cloud accepted the task.")
    if journal.claim:
        return Report(Outlook.WORKING, Reason.CLAIMED, "An attempt was recorded and is about to be submitted.")
    if journal.last_error and journal.failures:
        failure = f"Attempt {journal.number} failed, another one follows. {journal.last_error.message}"
        return Report(Outlook.WORKING, Reason(journal.last_error.reason), failure)
    return Report(Outlook.WORKING, Reason.ACCEPTED, "The object was seen and is being checked.")


def conditions(job: Job, journal: Journal, said: Report, *, now: datetime) -> tuple[Condition, ...]:
    """All conditions of the object, in the order in which they are shown."""
    rows: list[tuple[str, str, Reason, str]] = [_ready(said), _succeeded(said)]
    if said.outlook is Outlook.WORKING:
        rows.append(("Reconciling", "True", said.reason, said.message))
    if said.outlook in (Outlook.STUCK, Outlook.FAILED):
        rows.append(("Stalled", "True", said.reason, said.message))
    rows += _milestones(journal, said)
    before = {condition.type: condition for condition in journal.conditions}
    return tuple(_stamp(row, before.get(row[0]), job, now) for row in rows)


def _ready(said: Report) -> tuple[str, str, Reason, str]:
    return ("Ready", "True" if said.outlook is Outlook.DONE else "False", said.reason, said.message)


def _succeeded(said: Report) -> tuple[str, str, Reason, str]:
    status = {Outlook.DONE: "True", Outlook.FAILED: "False"}.get(said.outlook, "Unknown")
    return ("Succeeded", status, said.reason, said.message)


def _milestones(journal: Journal, said: Report) -> list[tuple[str, str, Reason, str]]:
    """Validated, Submitted and Verified: each from when its question was first asked."""
    rows = []
    if said.outlook is Outlook.STUCK and not journal.claim:
        rows.append(("Validated", "False", said.reason, said.message))
    elif journal.resolved:
        rows.append(("Validated", "True", Reason.ACCEPTED, "Spec, grants and preflight hold."))
    if journal.task:
        rows.append(("Submitted", "True", Reason.SUBMITTED, "The cloud accepted the task."))
    elif journal.attempt:
        rows.append(("Submitted", "False", said.reason, said.message))
    if said.outlook is Outlook.DONE:
        rows.append(("Verified", "True", said.reason, said.message))
    elif said.outlook is Outlook.FAILED and said.reason in FLAWS:
        rows.append(("Verified", "False", said.reason, said.message))
    return rows


def _stamp(row: tuple[str, str, Reason, str], before: Condition | None, job: Job, now: datetime) -> Condition:
    kind, status, reason, message = row
    return Condition(
        type=kind,
        status=status,
        reason=reason,
        message=message[:MESSAGE_LIMIT],
        observed_generation=job.generation,
        last_transition_at=before.last_transition_at
        if before and before.status == status
        else now.replace(microsecond=0),
    )
