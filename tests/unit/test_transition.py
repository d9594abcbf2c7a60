"""What each act makes of the journal: numbers only grow, a closed attempt keeps number and failures and nothing more."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageferry.core import transition
from imageferry.core.artifacts import Artifacts
from imageferry.core.journal import Journal, LastRefusal, Progress, Queued
from imageferry.core.keys import LOST_NUMBERING
from imageferry.core.observation import Ours
from imageferry.core.reasons import Reason
from imageferry.core.step import Complete, Fail
from tests.builders import (
    LONG_AFTER,
    ME,
    NOON,
    OWNER,
    STRANGER,
    a_claim,
    a_closed_attempt,
    a_file,
    a_job,
    a_journal,
    a_task,
    an_attempt,
    an_error,
    claimed,
    exported,
    failed,
    resolved,
    running,
    seen_running,
    seen_succeeded,
)

LATER = NOON + timedelta(minutes=30)
REFUSAL = LastRefusal(
    reason=Reason.NOT_WHITELISTED,
    failure_class="Blocked",
    message="The account may not use image export.",
    generation=1,
    next_try_at=LATER,
)


def adopt(journal: Journal, found: Ours, *, account_id: str = OWNER) -> Journal:
    """The journal after a task was found by the process `me`."""
    return transition.adopted(journal, found, account_id=account_id, by=ME, now=LATER)


def test_who_repeats_a_submission_makes_the_claim_its_own_first() -> None:
    """Nothing but the claimant's name changes: the key, the time that is signed and the pinned parameters stay."""
    after = transition.taken_over(claimed(), "another")
    assert after == replace(claimed(), attempt=replace(an_attempt(), claim=a_claim(claimed_by="another")))


def test_where_nothing_is_claimed_nothing_is_taken_over() -> None:
    """A closed attempt stays closed."""
    closed = a_journal(attempt=a_closed_attempt())
    assert transition.taken_over(closed, "another") == closed


def test_a_claim_names_attempt_owner_and_process() -> None:
    """All that a lost answer is resolved by stands in the status before anything is sent."""
    before = a_journal(queued=Queued(NOON, None), last_refusal=REFUSAL, attempt=a_closed_attempt(failures=1))
    at = NOON + timedelta(microseconds=999)
    after = transition.claimed(before, a_job(), 2, resolved=resolved(), account_id=OWNER, by=ME, at=at)
    assert after == a_journal(attempt=replace(an_attempt(2), failures=1), resolved=resolved())


def test_an_accepted_task_starts_the_clock_at_its_claim() -> None:
    """The deadline counts from the first submission, and a clean start forgets the error before it."""
    after = transition.accepted(claimed(last_error=an_error()), a_task(started_at=None), LATER)
    assert after == running()


def test_a_later_attempt_does_not_start_the_clock_anew() -> None:
    """The deadline is that of the job, not of the attempt."""
    before = claimed(2, start_at=NOON - timedelta(hours=1))
    assert transition.accepted(before, a_task(2), LATER).start_at == NOON - timedelta(hours=1)


def test_the_claims_own_task_is_adopted_as_if_it_had_been_answered() -> None:
    """A lost answer leaves no trace once its task is found."""
    assert adopt(claimed(), seen_running()) == running()


def test_a_task_of_an_earlier_attempt_keeps_the_number() -> None:
    """The number never falls, or a key would be used twice."""
    after = adopt(claimed(3), seen_running(1))
    assert after.number == 3
    assert after.claim == a_claim(1)


def test_a_task_of_a_lost_journal_goes_on_beyond_all_numbers_used() -> None:
    """The next attempt takes a key that no attempt before the loss can have had."""
    after = adopt(a_journal(), seen_running(7), account_id=STRANGER)
    assert (after.number, after.failures) == (LOST_NUMBERING, 0)
    assert after.claim == a_claim(7, account_id=STRANGER)
    assert after.task == a_task(7)


@given(st.integers(1, 5), st.booleans(), st.integers(1, 5))
def test_the_number_never_falls(number: int, costs: bool, found: int) -> None:  # noqa: FBT001 -- drawn, not passed
    """Whatever happens to an attempt, its number stays or grows."""
    for journal in (claimed(number), running(number), a_journal(attempt=a_closed_attempt(number)), failed()):
        outcomes = [
            transition.closed(journal, costs_attempt=costs),
            transition.refused(journal, REFUSAL, an_error()),
            transition.reopened(journal, a_job(retry_request="again")),
            adopt(journal, seen_running(found)),
            transition.failed(journal, a_job(), Fail(Reason.CANCELLED, "Cancelled."), LATER),
        ]
        assert [after.number for after in outcomes if after.number < journal.number] == []


@pytest.mark.parametrize(("costs", "failures"), [(True, 2), (False, 1)])
def test_a_closed_attempt_keeps_number_and_failures_only(*, costs: bool, failures: int) -> None:
    """Key, prefix, owner, time and process go with the claim; so do the task and its progress."""
    before = running(2, attempt=replace(an_attempt(2), failures=1), progress=Progress(percent=5, updated_at=NOON))
    after = transition.closed(before, costs_attempt=costs)
    assert after == a_journal(attempt=a_closed_attempt(2, failures=failures), resolved=resolved(), start_at=NOON)


def test_a_refusal_costs_no_attempt_and_is_remembered() -> None:
    """What must change before another try is worth it survives a restart."""
    error = an_error(Reason.NOT_WHITELISTED)
    after = transition.refused(claimed(), REFUSAL, error)
    assert after == a_journal(attempt=a_closed_attempt(), resolved=resolved(), last_refusal=REFUSAL, last_error=error)


def test_a_remembered_refusal_ends_with_a_new_spec_or_its_time() -> None:
    """An edit, or the time of the next try, is worth another submission."""
    journal = a_journal(last_refusal=REFUSAL)
    assert transition.remembered_refusal(journal, a_job(), NOON) == REFUSAL
    assert transition.remembered_refusal(journal, a_job(generation=2), NOON) is None
    assert transition.remembered_refusal(journal, a_job(), LATER) is None
    assert transition.remembered_refusal(a_journal(), a_job(), NOON) is None


@given(st.lists(st.none() | st.integers(0, 100), min_size=1, max_size=8))
def test_percent_never_goes_back(percents: list[int | None]) -> None:
    """A cloud that counts backwards, or says nothing for a while, does not confuse who watches."""
    journal, shown = running(), [0]
    for minute, percent in enumerate(percents):
        now = NOON + timedelta(minutes=minute)
        journal = transition.observed(journal, seen_running(percent=percent), now)
        shown.append(journal.progress.percent or 0 if journal.progress else 0)
    assert shown == sorted(shown)
    assert shown[-1] == max([0, *(percent for percent in percents if percent is not None)])


def test_what_the_cloud_does_not_say_again_is_kept() -> None:
    """An answer that leaves out id, start or whether the task can be cancelled takes nothing away."""
    seen = seen_running(id=None, started_at=None, cancellable=None, state="Waiting")
    assert transition.observed(running(), seen, LATER).task == a_task(state="Waiting")


def test_the_end_is_predicted_from_the_first_tenth_on() -> None:
    """A task at a quarter after half an hour takes three more half hours; before a tenth nothing is said."""
    quarter = transition.observed(running(), seen_running(percent=25), LATER).progress
    start = transition.observed(running(), seen_running(percent=9), LATER).progress
    all_of_it = transition.observed(running(), seen_running(percent=100), LATER).progress
    assert quarter == Progress(percent=25, updated_at=LATER, estimated_finish_at=LATER + timedelta(minutes=90))
    assert start == Progress(percent=9, updated_at=LATER)
    assert all_of_it == Progress(percent=100, updated_at=LATER)


def test_a_look_without_a_task_changes_nothing() -> None:
    """A late answer of the poller meets a job that has moved on."""
    assert transition.observed(claimed(), seen_running(percent=5), LATER) == claimed()


def test_the_wait_in_the_lane_counts_from_its_beginning() -> None:
    """How long a job has waited is not forgotten when the reason changes."""
    first = transition.waiting(a_journal(), NOON, None)
    assert transition.waiting(first, LATER, LONG_AFTER).queued == Queued(NOON, LONG_AFTER)


def test_a_good_end_lists_the_files_and_settles_every_request() -> None:
    """A retry or cancel request that stands at the end counts as handled: nothing starts over by itself."""
    job = a_job(retry_request="r", cancel_request="c")
    done = Complete(Artifacts((a_file(),), None))
    after = transition.completed(running(queued=Queued(NOON, None)), job, done, LATER)
    assert after == exported(
        task=a_task(finished_at=LATER),
        completion_at=LATER,
        progress=Progress(percent=100, updated_at=LATER),
        handled_retry="r",
        handled_cancel="c",
    )


def test_the_clouds_own_time_of_the_end_stays() -> None:
    """When the cloud says when its task ended, that is what is shown."""
    before = running(task=seen_succeeded().task)
    after = transition.completed(before, a_job(), Complete(Artifacts((), None)), LATER)
    assert after.task
    assert after.task.finished_at == NOON


def test_a_bad_end_tells_why_and_lists_what_is_left() -> None:
    """The reason, the cloud's code and the files of the last attempt are in the status."""
    step = Fail(Reason.OUTPUT_EMPTY, "A file is empty.", (a_file(size_bytes=0),), "Code")
    after = transition.failed(running(), a_job(), step, LATER)
    assert after.failed
    assert (after.completion_at, after.artifacts) == (LATER, step.items)
    assert after.last_error == an_error(Reason.OUTPUT_EMPTY, message="A file is empty.", code="Code", time=LATER)


def test_a_bad_end_shows_the_state_in_which_the_cloud_ended_the_task() -> None:
    """A cancelled task is not told as one that runs; where the cloud showed nothing, what was known stays."""
    before = running()
    assert before.task is not None
    gone = replace(before.task, state="Deleted")
    after = transition.failed(before, a_job(), Fail(Reason.CANCELLED, "Cancelled.", task=gone), LATER)
    assert after.task == replace(before.task, state="Deleted", finished_at=LATER)
    assert transition.failed(before, a_job(), Fail(Reason.TASK_LOST, "Lost."), LATER).task == before.task


def test_files_of_earlier_attempts_stay_listed_once() -> None:
    """A file found again is listed as it is now."""
    earlier = (a_file(1), a_file(2, size_bytes=1))
    done = Complete(Artifacts((a_file(2),), None))
    after = transition.completed(running(2, artifacts=earlier), a_job(), done, LATER)
    assert after.artifacts == (a_file(1), a_file(2))


def test_a_reopened_job_starts_over_with_the_next_number() -> None:
    """The count of failures and the clock begin anew; numbers, files and the last error stay."""
    before = failed(attempt=replace(an_attempt(3), failures=3), artifacts=(a_file(3),), last_refusal=REFUSAL)
    after = transition.reopened(before, a_job(retry_request="again"))
    assert after == a_journal(
        attempt=a_closed_attempt(3),
        resolved=resolved(),
        artifacts=(a_file(3),),
        last_error=before.last_error,
        handled_retry="again",
    )


def test_a_job_that_never_had_an_attempt_is_reopened_without_one() -> None:
    """Cancelled before its first claim, it begins at number one."""
    before = a_journal(completion_at=NOON, last_error=an_error(Reason.CANCELLED))
    assert transition.reopened(before, a_job(retry_request="again")).attempt is None


def test_deleted_files_are_struck_off() -> None:
    """What is gone is not listed any more; what is left is."""
    system, data = a_file(), a_file(device="xvdb")
    after = transition.discarded(exported(artifacts=(system, data)), (system,))
    assert after.artifacts == (data,)
