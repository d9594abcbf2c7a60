"""The report: for each state the whole list of conditions, and what generic tools make of it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from imageferry.core.conditions import conditions, report
from imageferry.core.errors import MESSAGE_LIMIT, Refusal
from imageferry.core.job import Job
from imageferry.core.journal import Journal
from imageferry.core.reasons import MEANINGS, NOT_YET, Reason
from imageferry.core.status import write
from imageferry.core.step import Adopt, Check, Claim, Close, Fail, Guard, Hold, Rest, Step, Submit, Wait
from tests.builders import (
    NOON,
    a_closed_attempt,
    a_file,
    a_job,
    a_journal,
    an_error,
    claimed,
    exported,
    failed,
    resolved,
    running,
    seen_running,
)
from tests.kstatus import Status, kstatus

YOUNG_SECONDS = 300.0
NOW = NOON + timedelta(minutes=6)
Row = tuple[str, str, str, str]

QUEUED = Wait(Reason.QUEUED, "All 5 slots of the lane are taken.")
SECRET_GONE = Hold(Refusal(Reason.CREDENTIALS_MISSING, "Secret alibaba-prod is not there."), 30.0)
NO_GRANT = Hold(Refusal(Reason.BUCKET_NOT_PERMITTED, "CloudAccount alibaba-prod does not allow the bucket."), 900.0)
STRANGE_KEYS = Hold(Refusal(Reason.ACCOUNT_CHANGED, "The credentials belong to another account."), 30.0)
LOOKING = Wait(Reason.SUBMISSION_UNKNOWN, "The outcome is being found out by looking.", 30.0)
RUNNING = Wait(Reason.RUNNING, "The cloud's task is in state Processing.")
CANCELLING = Wait(Reason.CANCELLING, "The cloud was asked to end the task.", 30.0)

VALID = ("Validated", "True", "Accepted", "Spec, grants and preflight hold.")
SUBMITTED = ("Submitted", "True", "Submitted", "The cloud accepted the task.")


def with_remedy(reason: Reason, message: str) -> str:
    """What is wrong, and what to do about it."""
    return f"{message} {MEANINGS[reason].remedy}"


def working(reason: str, message: str, *more: Row) -> list[Row]:
    """The conditions of an object on which work goes on."""
    return [
        ("Ready", "False", reason, message),
        ("Succeeded", "Unknown", reason, message),
        ("Reconciling", "True", reason, message),
        *more,
    ]


def stuck(reason: str, message: str, *more: Row, succeeded: str = "Unknown") -> list[Row]:
    """The conditions of an object that waits for a person, or finished badly."""
    return [
        ("Ready", "False", reason, message),
        ("Succeeded", succeeded, reason, message),
        ("Stalled", "True", reason, message),
        *more,
    ]


def done(message: str) -> list[Row]:
    """The conditions of an object that finished well."""
    return [
        ("Ready", "True", "Exported", message),
        ("Succeeded", "True", "Exported", message),
        VALID,
        SUBMITTED,
        ("Verified", "True", "Exported", message),
    ]


ACCEPTED = ("Accepted", "The object was seen and is being checked.")
CLAIMED = ("Claimed", "An attempt was recorded and is about to be submitted.")
FAILURE = ("TaskFailed", with_remedy(Reason.TASK_FAILED, "The snapshot could not be read."))
ANOTHER_TRY = ("TaskFailed", "Attempt 1 failed, another one follows. The snapshot could not be read.")
EMPTY = ("OutputEmpty", with_remedy(Reason.OUTPUT_EMPTY, "A file is empty."))
BARRED = ("BucketNotPermitted", with_remedy(Reason.BUCKET_NOT_PERMITTED, NO_GRANT.refusal.message))
KEYLESS = ("CredentialsMissing", with_remedy(Reason.CREDENTIALS_MISSING, SECRET_GONE.refusal.message))
CHANGED = ("AccountChanged", with_remedy(Reason.ACCOUNT_CHANGED, STRANGE_KEYS.refusal.message))

CASES: dict[str, tuple[Journal, Step, list[Row], Status]] = {
    "seen for the first time": (Journal(), Guard(), working(*ACCEPTED), Status.IN_PROGRESS),
    "being checked": (a_journal(), Check(), working(*ACCEPTED), Status.IN_PROGRESS),
    "waiting in its lane": (a_journal(), QUEUED, working(QUEUED.reason, QUEUED.message), Status.IN_PROGRESS),
    "waiting in its lane for another try": (
        a_journal(attempt=a_closed_attempt(failures=1), resolved=resolved()),
        QUEUED,
        working(QUEUED.reason, QUEUED.message, VALID, ("Submitted", "False", QUEUED.reason, QUEUED.message)),
        Status.IN_PROGRESS,
    ),
    "suspended": (
        a_journal(),
        Wait(Reason.SUSPENDED, "Suspended."),
        working("Suspended", "Suspended."),
        Status.IN_PROGRESS,
    ),
    "held by a missing grant": (
        a_journal(),
        NO_GRANT,
        stuck(*BARRED, ("Validated", "False", *BARRED)),
        Status.FAILED,
    ),
    "held by a Secret that stays away": (
        a_journal(),
        SECRET_GONE,
        stuck(*KEYLESS, ("Validated", "False", *KEYLESS)),
        Status.FAILED,
    ),
    "claimed": (
        claimed(),
        Claim(1),
        working(*CLAIMED, VALID, ("Submitted", "False", *CLAIMED)),
        Status.IN_PROGRESS,
    ),
    "with an unknown outcome": (
        claimed(),
        LOOKING,
        working(LOOKING.reason, LOOKING.message, VALID, ("Submitted", "False", LOOKING.reason, LOOKING.message)),
        Status.IN_PROGRESS,
    ),
    "with a claim under another owner's keys": (
        claimed(),
        STRANGE_KEYS,
        stuck(*CHANGED, VALID, ("Submitted", "False", *CHANGED)),
        Status.FAILED,
    ),
    "just submitted": (
        running(),
        Submit(again=False),
        working("Submitted", "The cloud accepted the task.", VALID, SUBMITTED),
        Status.IN_PROGRESS,
    ),
    "adopted": (
        running(),
        Adopt(seen_running()),
        working("Submitted", "The cloud accepted the task.", VALID, SUBMITTED),
        Status.IN_PROGRESS,
    ),
    "running": (running(), RUNNING, working("Running", RUNNING.message, VALID, SUBMITTED), Status.IN_PROGRESS),
    "being cancelled": (
        running(),
        CANCELLING,
        working("Cancelling", CANCELLING.message, VALID, SUBMITTED),
        Status.IN_PROGRESS,
    ),
    "after a failure that another try follows": (
        a_journal(attempt=a_closed_attempt(failures=1), resolved=resolved(), last_error=an_error()),
        Close(Reason.TASK_FAILED, "It failed.", costs_attempt=True),
        working(*ANOTHER_TRY, VALID, ("Submitted", "False", *ANOTHER_TRY)),
        Status.IN_PROGRESS,
    ),
    "exported": (exported(), Rest(), done("1 file, 1288490188 bytes in all, written and checked."), Status.CURRENT),
    "exported with a data disk": (
        exported(artifacts=(a_file(size_bytes=5), a_file(device="xvdb", size_bytes=7))),
        Rest(),
        done("2 files, 12 bytes in all, written and checked."),
        Status.CURRENT,
    ),
    "failed by the cloud": (
        failed(),
        Rest(),
        stuck(*FAILURE, VALID, SUBMITTED, succeeded="False"),
        Status.FAILED,
    ),
    "failed by what was found": (
        failed(Reason.OUTPUT_EMPTY, last_error=an_error(Reason.OUTPUT_EMPTY, message="A file is empty.")),
        Rest(),
        stuck(*EMPTY, VALID, SUBMITTED, ("Verified", "False", *EMPTY), succeeded="False"),
        Status.FAILED,
    ),
    "cancelled before anything was submitted": (
        a_journal(completion_at=NOON, last_error=an_error(Reason.CANCELLED, message="Cancelled.")),
        Fail(Reason.CANCELLED, "Cancelled."),
        stuck("Cancelled", with_remedy(Reason.CANCELLED, "Cancelled."), succeeded="False"),
        Status.FAILED,
    ),
}


def shown(job: Job, journal: Journal, step: Step, *, now: datetime = NOW) -> Journal:
    """The journal as it is written after the step."""
    said = report(job, journal, step, now=now, young_seconds=YOUNG_SECONDS)
    return replace(journal, conditions=conditions(job, journal, said, now=now), observed_generation=job.generation)


def read_by_tools(job: Job, journal: Journal) -> Status:
    """What kstatus makes of the object."""
    return kstatus({"metadata": {"generation": job.generation}, "status": write(journal)})


def types_and_more(journal: Journal) -> list[Row]:
    """Each condition without what all share."""
    return [(each.type, each.status, each.reason, each.message) for each in journal.conditions]


@pytest.mark.parametrize(
    ("journal", "step", "rows", "status"), [pytest.param(*case, id=name) for name, case in CASES.items()]
)
def test_an_object_shows_the_whole_truth(journal: Journal, step: Step, rows: list[Row], status: Status) -> None:
    """Every condition with status, reason and message, all of one generation; and tools read the same out of it."""
    job = a_job(generation=3)
    after = shown(job, journal, step)
    assert types_and_more(after) == rows
    assert {(each.observed_generation, each.last_transition_at) for each in after.conditions} == {(3, NOW)}
    assert read_by_tools(job, after) is status


@pytest.mark.parametrize("reason", sorted(NOT_YET))
def test_what_may_still_come_is_awaited_while_the_object_is_young(reason: Reason) -> None:
    """A tool that applies everything at once does not give up before the rest has arrived."""
    step = Hold(Refusal(reason, "Not there."), 30.0)
    young = shown(a_job(), a_journal(), step, now=NOON + timedelta(seconds=299))
    old = shown(a_job(), young, step, now=NOON + timedelta(seconds=300))
    assert types_and_more(young) == working(reason, with_remedy(reason, "Not there."))
    assert read_by_tools(a_job(), young) is Status.IN_PROGRESS
    assert read_by_tools(a_job(), old) is Status.FAILED


def test_what_can_never_come_stalls_even_a_young_object() -> None:
    """A missing grant is told at once."""
    young = shown(a_job(), a_journal(), NO_GRANT, now=NOON)
    assert read_by_tools(a_job(), young) is Status.FAILED


def test_an_object_is_in_progress_until_its_latest_edit_was_seen() -> None:
    """Neither a new object nor an edited one reads as current by what was said before."""
    after = shown(a_job(), exported(), Rest())
    assert read_by_tools(a_job(generation=2), after) is Status.IN_PROGRESS
    assert read_by_tools(a_job(), Journal()) is Status.IN_PROGRESS


def test_a_transition_time_moves_with_the_status_only() -> None:
    """A new reason or message leaves the time of the last transition; a new status moves it."""
    first = shown(a_job(), running(), RUNNING, now=NOON)
    second = shown(a_job(generation=2), first, CANCELLING, now=NOON + timedelta(minutes=1))
    end = NOON + timedelta(minutes=2)
    third = shown(a_job(), replace(exported(), conditions=second.conditions), Rest(), now=end)
    assert [each.last_transition_at for each in second.conditions] == [NOON] * len(first.conditions)
    assert {each.type: each.last_transition_at for each in third.conditions} == {
        "Ready": end,
        "Succeeded": end,
        "Validated": NOON,
        "Submitted": NOON,
        "Verified": end,
    }


def test_a_transition_time_is_in_whole_seconds() -> None:
    """What is written is what is read back."""
    after = shown(a_job(), running(), RUNNING, now=NOON + timedelta(microseconds=7))
    assert {each.last_transition_at for each in after.conditions} == {NOON}


def test_a_message_is_at_most_one_kib() -> None:
    """However much is said, an object stays readable and small."""
    refusal = Refusal(Reason.INVALID_SPEC, "x" * 5000)
    after = shown(a_job(), a_journal(), Hold(refusal, 900.0))
    assert {len(each.message) for each in after.conditions} == {MESSAGE_LIMIT}


def test_conditions_are_never_read_as_memory() -> None:
    """Forged conditions change nothing of what is said."""
    forged = shown(a_job(), exported(), Rest()).conditions
    after = shown(a_job(), a_journal(conditions=forged), Check())
    assert types_and_more(after) == working(*ACCEPTED)
