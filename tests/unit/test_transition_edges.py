"""What each act makes of the journal where something is missing, at its limit, or unchanged."""

from dataclasses import replace
from datetime import timedelta

import pytest

from imageferry.core import transition
from imageferry.core.artifacts import Artifacts
from imageferry.core.journal import Journal, Progress, Queued
from imageferry.core.observation import Ours
from imageferry.core.step import Complete
from tests.builders import (
    LONG_AFTER,
    ME,
    NOON,
    OWNER,
    STRANGER,
    a_claim,
    a_file,
    a_job,
    a_journal,
    a_task,
    an_error,
    an_import,
    claimed,
    exported,
    failed,
    running,
    seen_running,
    seen_succeeded,
)

LATER = NOON + timedelta(minutes=30)
DONE = Complete(Artifacts((a_file(),), None))


def adopt(journal: Journal, found: Ours, *, account_id: str = OWNER) -> Journal:
    """The journal after a task was found by the process `me`."""
    return transition.adopted(journal, found, account_id=account_id, by=ME, now=LATER)


def test_an_adopted_task_stays_with_the_account_that_claimed_it() -> None:
    """The keys in use may have changed hands; the task's owner has not."""
    after = adopt(claimed(3), seen_running(1), account_id=STRANGER)
    assert after.claim == a_claim(1, account_id=OWNER)


@pytest.mark.parametrize(
    ("journal", "claimed_at"),
    [
        pytest.param(claimed(3), NOON, id="claimed"),
        pytest.param(a_journal(), LATER, id="lost"),
    ],
)
def test_a_found_task_that_does_not_say_when_it_began_is_dated_as_well_as_can_be(
    journal: Journal, claimed_at: object
) -> None:
    """By the claim that it settles, or by the moment in which it was found."""
    after = adopt(journal, seen_running(1, started_at=None))
    assert after.claim
    assert after.claim.claimed_at == claimed_at


def test_a_found_task_waits_in_no_lane() -> None:
    """Its slot is taken."""
    assert adopt(a_journal(queued=Queued(NOON, None)), seen_running()).queued is None


def test_a_task_recorded_without_a_claim_counts_from_now() -> None:
    """A deadline has a beginning even then."""
    after = transition.accepted(a_journal(), a_task(started_at=None), LATER)
    assert (after.start_at, after.task) == (LATER, a_task(started_at=LATER))


def test_a_task_that_becomes_too_late_to_cancel_is_shown_so() -> None:
    """What the cloud says anew counts."""
    after = transition.observed(running(), seen_running(cancellable=False), LATER)
    assert after.task == a_task(cancellable=False)


@pytest.mark.parametrize("percent", [None, 40, 41])
def test_a_new_state_is_shown_whatever_the_percent(percent: int | None) -> None:
    """Also where the cloud gives none, or the same again."""
    before = running(progress=Progress(percent=40, updated_at=NOON))
    after = transition.observed(before, seen_running(percent=percent, state="Waiting"), LATER)
    assert after.task == a_task(state="Waiting")


def test_the_same_percent_is_no_progress() -> None:
    """The time of the last progress tells how long a task has stood still."""
    before = running(progress=Progress(percent=40, updated_at=NOON))
    assert transition.observed(before, seen_running(percent=40), LATER).progress == before.progress


@pytest.mark.parametrize(
    ("percent", "minutes", "told"),
    [
        pytest.param(10, 30, True, id="at the first tenth"),
        pytest.param(9, 30, False, id="not before"),
        pytest.param(99, 30, True, id="to the last hundredth"),
        pytest.param(50, 0, False, id="not at the very start"),
        pytest.param(50, -1, False, id="not by a clock that is behind"),
    ],
)
def test_an_end_is_predicted_where_there_is_something_to_predict_it_from(
    percent: int, minutes: int, *, told: bool
) -> None:
    """A prediction that could only be wrong is not shown."""
    progress = transition.observed(running(), seen_running(percent=percent), NOON + timedelta(minutes=minutes)).progress
    assert progress
    assert (progress.estimated_finish_at is not None) is told


def test_a_good_end_shows_the_task_as_it_was_last_seen() -> None:
    """State and time of the end are the cloud's own."""
    ended = NOON + timedelta(minutes=20)
    seen = seen_succeeded(finished_at=ended).task
    after = transition.completed(running(), a_job(), replace(DONE, task=seen), LATER)
    assert after.task == a_task(state="Finished", finished_at=ended)


def test_a_good_end_leaves_no_error() -> None:
    """A job that once had to try again does not read as failed in the end."""
    after = transition.completed(running(last_error=an_error()), a_job(), DONE, LATER)
    assert after.finished
    assert not after.failed


def test_files_without_a_task_can_be_a_good_end() -> None:
    """Where the cloud has forgotten the task its files are proof enough."""
    after = transition.completed(claimed(), a_job(), DONE, LATER)
    assert (after.task, after.artifacts, after.finished) == (None, (a_file(),), True)


def test_a_reopened_job_shows_no_progress_of_the_run_before() -> None:
    """It begins anew."""
    before = failed(progress=Progress(percent=62, updated_at=NOON), queued=Queued(NOON, LONG_AFTER))
    assert transition.reopened(before, a_job(retry_request="again")).progress is None


def test_only_an_exports_names_carry_the_users_prefix() -> None:
    """An import's marks are no file names."""
    assert (a_job(prefix="web").prefix, an_import().prefix) == ("web", "")


def test_a_finished_job_keeps_what_was_handled_before() -> None:
    """An end without requests takes back none."""
    after = transition.completed(exported(handled_retry="r", handled_cancel="c"), a_job(), DONE, LATER)
    assert (after.handled_retry, after.handled_cancel) == ("r", "c")
