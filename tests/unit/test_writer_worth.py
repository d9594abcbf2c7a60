"""What deserves a write of its own: everything that changes, except progress, which has a budget."""

from dataclasses import replace
from datetime import timedelta

import pytest

from imageferry.core.journal import Journal, Progress, Queued
from imageferry.engine.writer import worth_writing
from tests.builders import LONG_AFTER, NOON, a_task, exported, running


def at(percent: int | None, *, seconds: int = 0) -> Journal:
    """A running task's journal with this progress, seen so long after noon."""
    return running(progress=Progress(percent=percent, updated_at=NOON + timedelta(seconds=seconds)))


BEFORE = at(20)


@pytest.mark.parametrize(
    ("new", "worth"),
    [
        pytest.param(BEFORE, False, id="nothing new"),
        pytest.param(at(20, seconds=3600), False, id="the same percent an hour later"),
        pytest.param(at(44, seconds=59), False, id="24 points within a minute"),
        pytest.param(at(45, seconds=1), True, id="25 points at once"),
        pytest.param(at(30, seconds=59), False, id="10 points in less than a minute"),
        pytest.param(at(30, seconds=60), True, id="10 points and a minute"),
        pytest.param(at(29, seconds=3600), False, id="9 points in an hour"),
        pytest.param(replace(at(20), task=a_task(state="Finished")), True, id="a new state of the task"),
        pytest.param(replace(at(21), queued=Queued(NOON, None)), True, id="anything else beside a point of progress"),
        pytest.param(running(), True, id="progress that is gone"),
        pytest.param(exported(), True, id="the end"),
    ],
)
def test_progress_keeps_to_its_budget_and_all_else_is_written_at_once(new: Journal, *, worth: bool) -> None:
    """A thousand running tasks write seldom, and no change of state waits."""
    assert worth_writing(BEFORE, new) is worth


def test_the_first_progress_is_written() -> None:
    """Whoever watches sees that something moves."""
    assert worth_writing(running(), at(1))


def test_a_prediction_alone_is_no_news() -> None:
    """A new estimate of the end waits for the percent that it belongs to."""
    progress = Progress(percent=20, updated_at=NOON, estimated_finish_at=LONG_AFTER)
    assert not worth_writing(BEFORE, replace(BEFORE, progress=progress))
