"""The decision, row by row: for each row of the tables a case that only this row decides."""

from dataclasses import replace
from datetime import timedelta

import pytest

from imageferry.core import answers
from imageferry.core.artifacts import Artifacts, Flaw, Image
from imageferry.core.decide import TABLES, decide, group_of, matching_row
from imageferry.core.errors import Refusal
from imageferry.core.facts import Facts
from imageferry.core.job import DeletionPolicy, Job, UnknownOutcome
from imageferry.core.journal import Journal
from imageferry.core.keys import LOST_NUMBERING, SEARCHED_NUMBERS
from imageferry.core.reasons import Reason
from imageferry.core.resolved import Obstructed
from imageferry.core.situation import Situation
from imageferry.core.step import (
    Adopt,
    Cancel,
    Check,
    Claim,
    Close,
    Collect,
    Complete,
    Discard,
    Fail,
    Guard,
    Hold,
    Look,
    Release,
    Reopen,
    Rest,
    Step,
    Submit,
    Unguard,
    Wait,
    Withdraw,
)
from tests.builders import (
    LONG_AFTER,
    NOON,
    STRANGER,
    WINDOW_SECONDS,
    a_candidate,
    a_closed_attempt,
    a_file,
    a_job,
    a_journal,
    a_task,
    absent,
    an_attempt,
    an_error,
    an_import,
    claimed,
    collected,
    exported,
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

DELETE = DeletionPolicy.DELETE
ORPHAN = DeletionPolicy.ORPHAN
AWAY = Refusal(Reason.CREDENTIALS_MISSING, "Secret alibaba-prod is not there.")
BARRED = Refusal(Reason.BUCKET_NOT_PERMITTED, "CloudAccount alibaba-prod does not allow the bucket.")
REFUSED = Refusal(Reason.NOT_WHITELISTED, "The account may not use image export.")
NOT_READY = Refusal(Reason.IMAGE_NOT_READY, "The image is not available yet.")
BUSY = Refusal(Reason.IMAGE_BUSY, "Another task works on the same image.", LONG_AFTER)
MISSING = Artifacts((), Flaw(Reason.OUTPUT_MISSING, "Bucket team-images holds 0 of 1 files."))
EMPTY = Artifacts((a_file(size_bytes=0),), Flaw(Reason.OUTPUT_EMPTY, "Empty in bucket team-images."))
LOST = a_journal()
OPEN_END = a_journal(
    attempt=a_closed_attempt(2), resolved=resolved(), last_error=an_error(Reason.OUTCOME_UNKNOWN, message="Lost.")
)
SPENT = a_journal(attempt=a_closed_attempt(4, failures=4), last_error=an_error())
A_DAY = 86_400.0
MUCH_LATER = NOON + timedelta(seconds=A_DAY)
LAST_TRY = running(attempt=replace(an_attempt(4), failures=3), task=a_task(4))
SOON = timedelta(seconds=30)

UNKNOWN = answers._UNKNOWN
TOO_LATE = answers.DEADLINE_PASSED.message
LOOKING = Wait(
    Reason.SUBMISSION_UNKNOWN,
    "The outcome of a submission is being found out by looking; nothing is sent meanwhile.",
    30.0,
)
UNCLEAR = Wait(Reason.SUBMISSION_UNKNOWN, "A task runs on the image that cannot yet be told to be ours or not.", 30.0)
ASKED_TO_END = Wait(Reason.CANCELLING, "The cloud was asked to end the task.", 30.0)
STRANGE_KEYS = Hold(
    Refusal(
        Reason.ACCOUNT_CHANGED,
        "The credentials belong to account 6543210987654321, the attempt to 1234567890123456.",
    ),
    30.0,
)


def past_bound(**changes: object) -> Facts:
    """A deletion that has taken longer than any may take."""
    return facts(**{"deleting_seconds": A_DAY, "deletion_tried": True, **changes})


def lost(**changes: object) -> Facts:
    """A finalizer that another process set tells of a journal that is not there any more."""
    return facts(**{"guarded_here": False, **changes})


def sent(**changes: object) -> Facts:
    """What may be known of a claim whose request another process may have sent."""
    return facts(**changes)


def unsent(**changes: object) -> Facts:
    """A claim that this process made and has not sent."""
    return facts(**{"unsent": True, **changes})


CASES: dict[str, dict[str, tuple[Job, Journal, Facts, Step, int]]] = {
    "finished": {
        "a finished export deleted under Orphan leaves at once, its files untouched": (
            a_job(deleting=True, deletion_policy=ORPHAN), exported(), facts(), Release(orphan=False), 0),
        "deleting under Delete removes the listed files": (
            a_job(deleting=True, deletion_policy=DELETE), exported(), facts(), Discard((a_file(),)), 1),
        "files that cannot be removed in time are recorded, and the object leaves": (
            a_job(deleting=True, deletion_policy=DELETE), exported(), past_bound(), Release(orphan=True), 2),
        "under Retain the object leaves and the files stay": (
            a_job(deleting=True), exported(), facts(), Release(orphan=False), 2),
        "a retry request reopens what finished badly": (
            a_job(retry_request="again"), failed(), facts(), Reopen(), 3),
        "with files to delete one day the finalizer goes on": (
            a_job(guarded=False, deletion_policy=DELETE), exported(), facts(), Guard(), 4),
        "with nothing left to do the finalizer comes off": (a_job(), exported(), facts(), Unguard(), 5),
        "a finished export rests, for ever": (a_job(guarded=False), exported(), facts(), Rest(), 6),
        "a retry request does not touch what finished well": (
            a_job(guarded=False, retry_request="again"), exported(), facts(), Rest(), 6),
        "a retry request is acted upon once": (
            a_job(guarded=False, retry_request="again"), failed(handled_retry="again"), facts(), Rest(), 6),
    },
    "idle (no claim, no task)": {
        "after a lost journal every mark is looked for first": (
            a_job(), LOST, lost(), Look(SEARCHED_NUMBERS, range(1, 0)), 1),
        "a status that named another's attempt counts as lost even without our finalizer": (
            a_job(guarded=False), a_journal(doubtful=True), facts(), Guard(), 0),
        "a status that was wiped leaves a mark that a restart does not forget": (
            a_job(guarded=False), LOST, facts(wiped=True), Guard(), 0),
        "a status that was wiped is looked for, even where our finalizer is new": (
            a_job(), LOST, facts(wiped=True), Look(SEARCHED_NUMBERS, range(1, 0)), 1),
        "a lost journal that nothing proves empty uses no key again": (
            a_job(), LOST, facts(wiped=True, observation=unprovable(), absent_since=NOON),
            Claim(LOST_NUMBERING + 1), 16),
        "a lost journal that is proven empty begins with the first key": (
            a_job(), LOST, facts(wiped=True, observation=absent(), absent_since=NOON), Claim(1), 16),
        "a retry after an unknown outcome looks before it claims": (
            a_job(), OPEN_END, facts(), Look(range(1, 3), range(1, 2)), 1),
        "the task of a lost journal is followed again": (
            a_job(), LOST, lost(observation=seen_running(3)), Adopt(seen_running(3)), 2),
        "after an open end a task that runs after all is followed": (
            a_job(), OPEN_END, facts(observation=seen_running(2)), Adopt(seen_running(2)), 2),
        "a task on the image that may be ours is waited for": (
            a_job(), LOST, lost(observation=a_candidate()), UNCLEAR, 3),
        "one empty look does not prove that a lost journal held nothing": (
            a_job(), LOST, lost(observation=absent(), absent_since=NOON), LOOKING, 3),
        "a bad end alone does not settle a lost journal while a later claim may be accepted": (
            a_job(), LOST, lost(observation=seen_failed(), absent_since=NOON), LOOKING, 3),
        "a bad end settles a lost journal once no other task can come": (
            a_job(), LOST, lost(observation=seen_failed(at=LONG_AFTER), absent_since=NOON),
            Adopt(seen_failed(at=LONG_AFTER)), 2),
        "what this cloud cannot prove is waited for": (
            a_job(), LOST, lost(observation=unprovable(), absent_since=NOON), LOOKING, 4),
        "what can never be proven ends as unknown, not as a second try": (
            a_job(), LOST, lost(observation=unprovable(MUCH_LATER), absent_since=NOON),
            Fail(Reason.OUTCOME_UNKNOWN, UNKNOWN), 4),
        "without claim or task a deletion takes no time": (
            a_job(deleting=True), a_journal(), facts(), Release(orphan=False), 5),
        "a lost journal does not hold up a deletion under Orphan": (
            a_job(deleting=True, deletion_policy=ORPHAN), LOST, lost(), Release(orphan=False), 5),
        "a cancel request ends what was never submitted": (
            a_job(cancel_request="now"), a_journal(), facts(),
            Fail(Reason.CANCELLED, "Cancelled before anything was submitted."), 6),
        "a passed deadline ends it between two attempts": (
            a_job(active_deadline_seconds=60), a_journal(attempt=a_closed_attempt(), start_at=NOON),
            facts(now=NOON + timedelta(seconds=61)),
            Fail(Reason.DEADLINE_EXCEEDED, TOO_LATE), 7),
        "after the last attempt it ends with the cloud's last reason": (
            a_job(), SPENT, facts(),
            Fail(Reason.BACKOFF_LIMIT_EXCEEDED,
                 "4 attempts failed; spec.backoffLimit lets 3 be followed by another. "
                 "The last one: The snapshot could not be read."), 8),
        "a missing Secret is awaited with a short recheck": (
            a_job(), a_journal(), facts(away=AWAY, owner=""), Hold(AWAY, 30.0), 9),
        "a missing grant holds it": (a_job(), a_journal(), facts(barred=BARRED), Hold(BARRED, 900.0), 9),
        "a lasting refusal of the cloud is not tried again at once": (
            a_job(), a_journal(), facts(refused=REFUSED), Hold(REFUSED, 900.0), 9),
        "a suspended job submits nothing": (
            a_job(suspend=True), a_journal(), facts(checked=None),
            Wait(Reason.SUSPENDED, "spec.suspend is true: nothing new is submitted."), 10),
        "before the claim the cloud is asked what the job means": (
            a_job(), a_journal(), facts(checked=None), Check(), 11),
        "an image that is still being made is awaited": (
            a_job(), a_journal(), facts(checked=NOT_READY), Hold(NOT_READY, 30.0), 12),
        "a busy image is a wait and costs nothing": (
            a_job(), a_journal(), facts(turn=BUSY), Wait(Reason.IMAGE_BUSY, BUSY.message, retry_at=LONG_AFTER), 14),
        "no claim without our finalizer": (a_job(guarded=False), a_journal(), facts(), Guard(), 15),
        "its turn come, the first attempt is claimed": (a_job(), a_journal(), facts(), Claim(1), 16),
        "each attempt takes a new number": (a_job(), a_journal(attempt=a_closed_attempt(7)), facts(), Claim(8), 16),
        "after a loss with proof numbering goes on where no key was used": (
            a_job(), LOST, lost(observation=absent(LONG_AFTER), absent_since=NOON), Claim(LOST_NUMBERING + 1), 16),
        "a deadline does not fire while the clocks disagree": (
            a_job(active_deadline_seconds=60), a_journal(attempt=a_closed_attempt(), start_at=NOON),
            facts(now=MUCH_LATER, clock_agrees=False), Claim(2), 16),
        "a failed image of an earlier attempt is cleared away first": (
            an_import(), a_journal(), facts(checked=Obstructed((Image("m-failed"),))), Discard((Image("m-failed"),)), 13),
    },
    "claim, mine and unsent": {
        "an unsent claim is taken back when a cancel is requested": (
            a_job(cancel_request="now"), claimed(), unsent(), Withdraw(), 0),
        "an unsent claim is taken back when its object is deleted": (
            a_job(deleting=True, deletion_policy=ORPHAN), claimed(), unsent(), Withdraw(), 0),
        "an unsent claim is taken back on suspend": (a_job(suspend=True), claimed(), unsent(), Withdraw(), 0),
        "an unsent claim is taken back when its grant is lost": (
            a_job(), claimed(), unsent(barred=BARRED), Withdraw(), 0),
        "an unsent claim is taken back when the keys change hands": (
            a_job(), claimed(), unsent(owner=STRANGER), Withdraw(), 0),
        "a claim too old to arrive in time is taken back": (
            a_job(), claimed(), unsent(claim_age_seconds=301.0), Withdraw(), 0),
        "a claim is sent while the lease outlives the call": (a_job(), claimed(), unsent(), Submit(again=False), 1),
        "no lease, no submission": (
            a_job(), claimed(), unsent(fenced=False),
            Wait(Reason.CLAIMED, "Waiting for the leader's lease to be renewed.", 1.0), 2),
    },
    "claim, otherwise": {
        "under Orphan an open claim is let go": (
            a_job(deleting=True, deletion_policy=ORPHAN), claimed(), sent(), Release(orphan=False), 0),
        "past its bound a deletion records the claim and leaves": (
            a_job(deleting=True), claimed(), past_bound(), Release(orphan=True), 1),
        "without credentials the claim stays open": (
            a_job(), claimed(), sent(away=AWAY, owner=""),
            Wait(Reason.CREDENTIALS_MISSING, AWAY.message, 30.0), 2),
        "with another owner's keys nothing is done": (a_job(), claimed(), sent(owner=STRANGER), STRANGE_KEYS, 3),
        "the task of a lost answer is found and followed": (
            a_job(), claimed(), sent(observation=seen_running()), Adopt(seen_running()), 4),
        "a task of an earlier attempt is followed once ours can no longer come": (
            a_job(), claimed(2), sent(observation=seen_running(at=LONG_AFTER)),
            Adopt(seen_running(at=LONG_AFTER)), 4),
        "an unknown outcome is looked for": (a_job(), claimed(3), sent(), Look(range(1, 4), range(1, 3)), 5),
        "a task that may be ours is waited for, window or not": (
            a_job(), claimed(), sent(observation=a_candidate(LONG_AFTER)), UNCLEAR, 6),
        "with a client token the same request is sent again": (
            a_job(), claimed(), sent(observation=absent(), has_token=True), Submit(again=True), 7),
        "while a copy of the request may be accepted nothing is sent": (
            a_job(), claimed(), sent(observation=absent()), LOOKING, 8),
        "a task of an earlier attempt does not end the wait for ours": (
            a_job(), claimed(2), sent(observation=seen_running(1)), LOOKING, 8),
        "a submission proven not accepted costs no attempt": (
            a_job(), claimed(), sent(observation=absent(LONG_AFTER)),
            Close(Reason.SUBMISSION_UNKNOWN, "The cloud never accepted the submission.", costs_attempt=False), 9),
        "what cannot be proven is given its time": (
            a_job(), claimed(), sent(observation=unprovable(LONG_AFTER)), LOOKING, 10),
        "an outcome that stays unknown fails the job": (
            a_job(), claimed(), sent(observation=unprovable(MUCH_LATER)), Fail(Reason.OUTCOME_UNKNOWN, UNKNOWN), 10),
        "with unknownOutcome Retry it costs an attempt instead": (
            a_job(unknown_outcome=UnknownOutcome.RETRY), claimed(), sent(observation=unprovable(MUCH_LATER)),
            Close(Reason.OUTCOME_UNKNOWN, UNKNOWN, costs_attempt=True), 10),
        "while deleting an unknown outcome is looked for to the bound": (
            a_job(deleting=True), claimed(), sent(observation=unprovable(MUCH_LATER)), LOOKING, 10),
    },
    "task": {
        "under Orphan a running task is let go, uncancelled": (
            a_job(deleting=True, deletion_policy=ORPHAN), running(), facts(observation=seen_running()),
            Release(orphan=False), 0),
        "past its bound a deletion records the task and leaves": (
            a_job(deleting=True), running(), past_bound(observation=seen_running()), Release(orphan=True), 1),
        "without credentials the task goes on unseen": (
            a_job(), running(), facts(away=AWAY, owner=""), Wait(Reason.CREDENTIALS_MISSING, AWAY.message, 30.0), 2),
        "another owner's keys do not touch the task": (
            a_job(cancel_request="now"), running(), facts(owner=STRANGER, observation=seen_running()),
            STRANGE_KEYS, 3),
        "what a task left is listed before anything is said": (
            a_job(), running(), facts(observation=seen_succeeded()), Collect(seen_succeeded().task), 4),
        "a file may be late by the read lag": (
            a_job(), running(), facts(observation=seen_succeeded(finished_at=NOON - SOON), collected=MISSING),
            Wait(Reason.VERIFYING, "Not everything that the task made is to be seen yet.", 30.0), 5),
        "with every file there and checked the job is done": (
            a_job(), running(), facts(observation=seen_succeeded(), collected=collected(a_file())),
            Complete(collected(a_file()), seen_succeeded().task), 6),
        "a file missing beyond the read lag is a bad end": (
            a_job(), running(),
            facts(observation=seen_succeeded(finished_at=NOON - timedelta(seconds=120)), collected=MISSING),
            Fail(Reason.OUTPUT_MISSING, "Bucket team-images holds 0 of 1 files.",
                 task=seen_succeeded(finished_at=NOON - timedelta(seconds=120)).task), 6),
        "an empty file is a bad end, and stays listed": (
            a_job(), running(), facts(observation=seen_succeeded(), collected=EMPTY),
            Fail(Reason.OUTPUT_EMPTY, "Empty in bucket team-images.", EMPTY.items, task=seen_succeeded().task), 6),
        "a cancelled task is never tried again": (
            a_job(), running(), facts(observation=seen_cancelled(), collected=collected()),
            Fail(Reason.CANCELLED, "The task was cancelled.", task=seen_cancelled().task), 7),
        "a task cancelled for the deadline says so": (
            a_job(active_deadline_seconds=30), running(),
            facts(observation=seen_cancelled(), collected=collected()),
            Fail(Reason.DEADLINE_EXCEEDED, TOO_LATE, task=seen_cancelled().task), 7),
        "before another try the partial files of the failed one go": (
            a_job(), running(), facts(observation=seen_failed(), collected=collected(a_file())),
            Discard((a_file(),)), 8),
        "a failure worth another try costs one attempt": (
            a_job(), running(), facts(observation=seen_failed(), collected=collected()),
            Close(Reason.TASK_FAILED, "The snapshot could not be read.", costs_attempt=True), 9),
        "a failure that would only repeat itself is the end": (
            a_job(), running(), facts(observation=seen_failed(retryable=False), collected=collected(a_file())),
            Fail(Reason.TASK_FAILED, "The snapshot could not be read.", (a_file(),), "ExportImageFailed",
                 seen_failed().task), 10),
        "the last attempt's failure is the end": (
            a_job(), LAST_TRY, facts(observation=seen_failed(4), collected=collected()),
            Fail(Reason.TASK_FAILED, "The snapshot could not be read.", (), "ExportImageFailed", seen_failed(4).task), 10),
        "no other try follows a failure under a cancel request": (
            a_job(cancel_request="now"), running(), facts(observation=seen_failed(), collected=collected()),
            Fail(Reason.TASK_FAILED, "The snapshot could not be read.", (), "ExportImageFailed", seen_failed().task), 10),
        "a cancel request ends the running task": (
            a_job(cancel_request="now"), running(), facts(observation=seen_running()), Cancel(a_task()), 11),
        "a passed deadline ends the running task": (
            a_job(active_deadline_seconds=30), running(), facts(observation=seen_running()), Cancel(a_task()), 11),
        "a deletion ends the running task": (
            a_job(deleting=True), running(), facts(observation=seen_running()), Cancel(a_task()), 11),
        "a cancel is not asked for again at once": (
            a_job(cancel_request="now"), running(), facts(observation=seen_running(), cancel_due=False),
            ASKED_TO_END, 12),
        "a cloud without a cancel call is said to have none": (
            a_job(cancel_request="now"), running(), facts(observation=seen_running(), can_cancel=False),
            Wait(Reason.CANCELLING,
                 "This cloud has no call that ends the task: it runs to its end and keeps its slot.", 30.0), 12),
        "a running task is shown with its state": (
            a_job(), running(), facts(observation=seen_running(percent=62)),
            Wait(Reason.RUNNING, "The cloud's task is in state Processing.", running=seen_running(percent=62)), 13),
        "a task that waits inside the cloud is shown to wait": (
            a_job(suspend=True), running(), facts(observation=seen_running(state="Waiting")),
            Wait(Reason.WAITING, "The cloud's task is in state Waiting.", running=seen_running(state="Waiting")), 13),
        "files may prove a task that the cloud forgot": (
            a_job(), running(), facts(observation=absent(LONG_AFTER), absent_since=NOON), Collect(a_task()), 14),
        "a forgotten task whose files are whole is a good end": (
            a_job(), running(),
            facts(observation=absent(LONG_AFTER), absent_since=NOON, collected=collected(a_file())),
            Complete(collected(a_file())), 15),
        "a forgotten task without a whole result is lost": (
            a_job(), running(), facts(observation=absent(LONG_AFTER), absent_since=NOON, collected=MISSING),
            Fail(Reason.TASK_LOST, "The cloud no longer knows the task, and no complete result is there."), 15),
        "a task not shown for a moment is no lost task": (
            a_job(), running(), facts(observation=absent(), absent_since=NOON),
            Wait(Reason.RUNNING, "The cloud's task is in state Processing."), 16),
    },
}  # fmt: skip

_ROWS = [pytest.param(group, *case, id=name) for group, cases in CASES.items() for name, case in cases.items()]


@pytest.mark.parametrize(("group", "job", "journal", "known", "step", "row"), _ROWS)
def test_the_row_that_fits_first_decides(
    group: str, job: Job, journal: Journal, known: Facts, step: Step, row: int
) -> None:
    """The step is that of the row named, out of the group of the journal's state."""
    situation = Situation(job, journal, known)
    found = group_of(situation)
    assert decide(job, journal, known) == step
    assert (found.journal, found.rows.index(matching_row(situation))) == (group, row)


def test_every_row_has_its_case() -> None:
    """No row stands in the tables that no case shows."""
    shown = {(group, case[4]) for group, cases in CASES.items() for case in cases.values()}
    assert shown == {(group.journal, index) for group in TABLES for index in range(len(group.rows))}


def test_a_deletion_without_a_claim_never_waits() -> None:
    """Not even a suspended, barred or busy job holds its namespace up."""
    known = facts(barred=BARRED, away=AWAY, turn=BUSY, owner="")
    assert decide(a_job(deleting=True, suspend=True), a_journal(), known) == Release(orphan=False)


def test_the_window_is_judged_by_the_clouds_clock_alone() -> None:
    """A local clock that runs a day ahead closes no claim early."""
    known = sent(now=MUCH_LATER, observation=absent(NOON + timedelta(seconds=WINDOW_SECONDS)))
    assert decide(a_job(), claimed(), known) == LOOKING


def test_a_forged_number_makes_no_endless_search() -> None:
    """However large a number the status claims, only the latest attempts are looked for."""
    number = 2**62
    step = decide(a_job(), claimed(number), sent())
    assert isinstance(step, Look)
    assert (len(step.numbers), step.numbers[-1]) == (len(SEARCHED_NUMBERS), number)
