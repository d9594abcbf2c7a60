"""The decision at its limits: the last second, the request taken back, the question that does not hold."""

from dataclasses import replace
from datetime import timedelta

import pytest

from imageferry.core import answers, decide
from imageferry.core.artifacts import Artifacts, Flaw
from imageferry.core.errors import Refusal
from imageferry.core.facts import Facts
from imageferry.core.job import Job
from imageferry.core.journal import Journal
from imageferry.core.keys import SEARCHED_NUMBERS
from imageferry.core.reasons import Reason
from imageferry.core.situation import Situation
from imageferry.core.step import (
    Adopt,
    Claim,
    Close,
    Collect,
    Fail,
    Guard,
    Hold,
    Look,
    Release,
    Step,
    Submit,
    Unguard,
    Wait,
)
from tests.builders import (
    LONG_AFTER,
    NOON,
    WINDOW_SECONDS,
    a_closed_attempt,
    a_file,
    a_job,
    a_journal,
    a_task,
    absent,
    an_error,
    claimed,
    collected,
    facts,
    failed,
    resolved,
    running,
    seen_cancelled,
    seen_failed,
    seen_running,
    seen_succeeded,
    unprovable,
)

AWAY = Refusal(Reason.CREDENTIALS_MISSING, "Secret alibaba-prod is not there.")
BARRED = Refusal(Reason.BUCKET_NOT_PERMITTED, "CloudAccount alibaba-prod does not allow the bucket.")
LOOKING = Wait(
    Reason.SUBMISSION_UNKNOWN,
    "The outcome of a submission is being found out by looking; nothing is sent meanwhile.",
    30.0,
)
OPEN_END = a_journal(
    attempt=a_closed_attempt(2), resolved=resolved(), last_error=an_error(Reason.TASK_LOST, message="Lost.")
)
UNKNOWN = Fail(
    Reason.OUTCOME_UNKNOWN, "The answer to a submission was lost, and this cloud can neither show nor exclude its task."
)
PATIENCE = timedelta(seconds=21_600)
STARTED = a_journal(attempt=a_closed_attempt(), start_at=NOON)
TOKEN = facts(observation=absent(), has_token=True)
LEFT = collected(a_file())
SECOND = timedelta(seconds=1)

CASES: dict[str, tuple[Job, Journal, Facts, Step]] = {
    # Requests
    "a cancel request that was taken back ends nothing": (
        a_job(), a_journal(handled_cancel="once"), facts(), Claim(1)),
    "a cancel request that was handled ends nothing anew": (
        a_job(cancel_request="once"), a_journal(handled_cancel="once"), facts(), Claim(1)),
    "a retry request that was taken back reopens nothing": (a_job(), failed(handled_retry="once"), facts(), Unguard()),
    # What passes by itself
    "a cloud that asks for patience is waited for": (
        a_job(), a_journal(), facts(refused=Refusal(Reason.THROTTLED, "Slow down.")),
        Wait(Reason.THROTTLED, "Slow down.", 30.0)),
    # Deadline and limit
    "within its deadline an attempt is made": (
        a_job(active_deadline_seconds=60), STARTED, facts(now=NOON + timedelta(seconds=59)), Claim(2)),
    "in the last second of its deadline, too": (
        a_job(active_deadline_seconds=60), STARTED, facts(now=NOON + timedelta(seconds=60)), Claim(2)),
    "a deadline without a beginning does not pass": (
        a_job(active_deadline_seconds=60), a_journal(), facts(now=LONG_AFTER), Claim(1)),
    "as many failures as the limit lets be followed are followed": (
        a_job(backoff_limit=3), a_journal(attempt=a_closed_attempt(3, failures=3)), facts(), Claim(4)),
    # A journal that was lost, or left open
    "a wiped status without our finalizer begins at number one": (
        a_job(), a_journal(), facts(wiped=True, observation=absent(), absent_since=NOON), Claim(1)),
    "a finalizer of another process does not move the numbers of a known journal": (
        a_job(), a_journal(attempt=a_closed_attempt(7)), facts(guarded_here=False), Claim(8)),
    "without our finalizer one empty look is enough": (
        a_job(guarded=False), a_journal(), facts(wiped=True, observation=absent(), absent_since=NOON), Guard()),
    "after an open end one empty look is enough": (
        a_job(), OPEN_END, facts(guarded_here=False, observation=absent(), absent_since=NOON), Claim(3)),
    "after an open end a task that failed since is not followed": (
        a_job(), OPEN_END, facts(observation=seen_failed(2)), Claim(3)),
    "after an open end a task that ended well since is": (
        a_job(), OPEN_END, facts(observation=seen_succeeded(2)), Adopt(seen_succeeded(2))),
    "an end that is not open is not looked into": (
        a_job(), replace(OPEN_END, last_error=an_error()), facts(), Claim(3)),
    "a lost journal is proven empty once a whole window was seen through": (
        a_job(), a_journal(),
        facts(guarded_here=False, observation=absent(NOON + timedelta(seconds=WINDOW_SECONDS)), absent_since=NOON),
        Claim(1001)),
    "and not a second earlier": (
        a_job(), a_journal(),
        facts(guarded_here=False, observation=absent(NOON + timedelta(seconds=WINDOW_SECONDS - 1)), absent_since=NOON),
        LOOKING),
    "a cancelled task says nothing about a claim that may still be accepted": (
        a_job(), a_journal(), facts(guarded_here=False, observation=seen_cancelled(), absent_since=NOON), LOOKING),
    # A journal that was lost, and what forbids to look for it
    "a lost journal is looked for as soon as the credentials are back": (
        a_job(), a_journal(), facts(guarded_here=False, away=AWAY, owner=""), Hold(AWAY, 30.0)),
    "under our finalizer a missing grant forbids no look": (
        a_job(), a_journal(), facts(guarded_here=False, barred=BARRED), Look(SEARCHED_NUMBERS, range(1, 0))),
    "a deletion looks although the credentials are away": (
        a_job(deleting=True), a_journal(), facts(guarded_here=False, away=AWAY, owner=""),
        Look(SEARCHED_NUMBERS, range(1, 0))),
    "also where the finalizer tells of no claim": (
        a_job(deleting=True), a_journal(), facts(wiped=True, away=AWAY, owner=""),
        Look(SEARCHED_NUMBERS, range(1, 0))),
    "without our finalizer nothing is looked for while the credentials are away": (
        a_job(guarded=False), a_journal(), facts(wiped=True, away=AWAY, owner=""), Hold(AWAY, 30.0)),
    "nor in a bucket that is not granted": (
        a_job(guarded=False), a_journal(), facts(wiped=True, barred=BARRED), Hold(BARRED, 900.0)),
    # A claim
    "a claim of just a third of the signature's life is sent": (
        a_job(), claimed(), facts(unsent=True, claim_age_seconds=300.0), Submit(again=False)),
    "a window ends after its last second": (
        a_job(), claimed(), facts(observation=absent(NOON + timedelta(seconds=WINDOW_SECONDS))), LOOKING),
    "and then at once": (
        a_job(), claimed(), facts(observation=absent(NOON + timedelta(seconds=WINDOW_SECONDS) + SECOND)),
        Close(Reason.SUBMISSION_UNKNOWN, "The cloud never accepted the submission.", costs_attempt=False)),
    "an unknown outcome is given its last second": (
        a_job(), claimed(), facts(observation=unprovable(NOON + PATIENCE)), LOOKING),
    "and then is one": (a_job(), claimed(), facts(observation=unprovable(NOON + PATIENCE + SECOND)), UNKNOWN),
    "a repeat is not sent for a suspended job": (a_job(suspend=True), claimed(), TOKEN, LOOKING),
    "a repeat is not sent once a cancel is requested": (a_job(cancel_request="now"), claimed(), TOKEN, LOOKING),
    "a repeat is not sent without the grant": (a_job(), claimed(), replace(TOKEN, barred=BARRED), LOOKING),
    "a repeat is not sent without a lease": (a_job(), claimed(), replace(TOKEN, fenced=False), LOOKING),
    "a repeat is not sent for an object that nothing holds": (a_job(guarded=False), claimed(), TOKEN, LOOKING),
    "a repeat is not sent before a look": (
        a_job(), claimed(), replace(TOKEN, observation=facts().observation), Look(range(1, 2), range(1, 1))),
    # A task
    "a task is gone once the cloud's reads cannot lag any more": (
        a_job(), running(), facts(observation=absent(NOON + timedelta(seconds=120)), absent_since=NOON),
        Collect(a_task())),
    "and not a second earlier than that": (
        a_job(), running(task=a_task(state="")),
        facts(observation=absent(NOON + timedelta(seconds=119)), absent_since=NOON),
        Wait(Reason.SUBMITTED, "The cloud accepted the task.")),
    "what a failed task left is listed": (
        a_job(), running(), facts(observation=seen_failed()), Collect(seen_failed().task)),
    "what a cancelled task left is listed": (
        a_job(), running(), facts(observation=seen_cancelled()), Collect(seen_cancelled().task)),
    "the files of a cancelled task stay known": (
        a_job(), running(), facts(observation=seen_cancelled(), collected=LEFT),
        Fail(Reason.CANCELLED, "The task was cancelled.", LEFT.items, task=seen_cancelled().task)),
    "so do those of a task that the deadline ended": (
        a_job(active_deadline_seconds=60), running(),
        facts(now=LONG_AFTER, observation=seen_cancelled(), collected=LEFT),
        Fail(Reason.DEADLINE_EXCEEDED, "spec.activeDeadlineSeconds passed.", LEFT.items,
             task=seen_cancelled().task)),
    "a deletion that was not tried is not over": (
        a_job(deleting=True, cancel_request="now"), running(),
        facts(observation=seen_running(), deleting_seconds=86_400.0, cancel_due=False),
        Wait(Reason.CANCELLING, "The cloud was asked to end the task.", 30.0)),
    "one that was tried is, at its time": (
        a_job(deleting=True), running(),
        facts(observation=seen_running(), deleting_seconds=86_400.0, deletion_tried=True), Release(orphan=True)),
}  # fmt: skip


@pytest.mark.parametrize(("job", "journal", "known", "step"), CASES.values(), ids=CASES)
def test_at_its_limit_the_decision_is_as_told(job: Job, journal: Journal, known: Facts, step: Step) -> None:
    """The last second counts, and what was taken back is none."""
    assert decide.decide(job, journal, known) == step


def test_files_of_a_lost_task_stay_known() -> None:
    """Whoever looks into the bucket finds in the status what is there."""
    flawed = Artifacts((a_file(),), Flaw(Reason.OUTPUT_MISSING, "Bucket team-images holds 1 of 2 files."))
    known = facts(observation=absent(LONG_AFTER), absent_since=NOON, collected=flawed)
    step = decide.decide(a_job(), running(), known)
    assert isinstance(step, Fail)
    assert (step.reason, step.items) == (Reason.TASK_LOST, flawed.items)


def test_without_an_error_the_last_attempt_is_told_by_its_number() -> None:
    """A status that lost its error still says why the job ended."""
    spent = a_journal(attempt=a_closed_attempt(4, failures=4))
    message = "4 attempts failed; spec.backoffLimit lets 3 be followed by another."
    assert decide.decide(a_job(), spent, facts()) == Fail(Reason.BACKOFF_LIMIT_EXCEEDED, message)


def test_an_owner_that_is_not_known_is_no_other_owner() -> None:
    """Credentials that cannot be had accuse nobody."""
    assert not Situation(a_job(), claimed(), facts(owner="")).foreign_owner


def test_an_outcome_that_nobody_looked_for_is_awaited() -> None:
    """Patience is measured by the cloud's clock alone, and it has not shown it yet."""
    assert Situation(a_job(), claimed(), facts()).outcome_awaited


def test_before_a_listing_nothing_is_known_to_be_left() -> None:
    """Nothing is deleted that was not listed."""
    assert Situation(a_job(), running(), facts()).left == Artifacts((), None)


@pytest.mark.parametrize(
    ("journal", "known", "expected"),
    [
        pytest.param(running(task=a_task(state="")), facts(), None, id="a task just accepted"),
        pytest.param(a_journal(), facts(), None, id="a task that nobody knows any more"),
        pytest.param(
            running(), facts(observation=seen_running(state="")), seen_running(state=""), id="a task without a state"
        ),
    ],
)
def test_a_task_whose_state_is_not_known_was_accepted(journal: Journal, known: Facts, expected: object) -> None:
    """That much is certain; what else the cloud says of it is shown."""
    step = answers.wait_for_task(Situation(a_job(), journal, known))
    assert step == Wait(Reason.SUBMITTED, "The cloud accepted the task.", running=expected)  # type: ignore[arg-type]


def test_a_fault_in_the_tables_is_loud() -> None:
    """An answer to a question that does not hold ends the visit with a traceback, never with an act."""
    idle = Situation(a_job(), a_journal(), facts())
    with pytest.raises(AssertionError, match=r"^a state with a claim was asked of a journal without one$"):
        _ = idle.claim
    with pytest.raises(AssertionError, match=r"^a row was answered that needs a task of ours$"):
        answers.adopt(idle)
    with pytest.raises(AssertionError, match=r"^a row was answered whose question does not hold$"):
        answers.hold(idle, None)
    with pytest.raises(AssertionError, match=r"^a row was answered whose question does not hold$"):
        answers.fail_with_task(Situation(a_job(), running(), facts(observation=seen_running())))


def test_the_tables_that_run_are_those_of_the_docstring() -> None:
    """Row for row, so that whoever reads the module reads what decides."""
    assert decide.tables_text() in (decide.__doc__ or "")
    assert decide.tables_text().startswith("finished\n    ")
    assert decide.tables_text().endswith(" -> Wait")
