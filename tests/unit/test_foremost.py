"""Of several tasks of one job, the one to follow."""

import pytest

from imageferry.core.observation import Ours, foremost
from tests.builders import seen_cancelled, seen_failed, seen_running, seen_succeeded

OPEN = range(0)


@pytest.mark.parametrize(
    ("found", "followed"),
    [
        pytest.param([(1, seen_running(1)), (2, seen_succeeded(2))], seen_running(1), id="a living task comes first"),
        pytest.param(
            [(1, seen_succeeded(1)), (2, seen_failed(2))], seen_succeeded(1), id="a good end before a failure"
        ),
        pytest.param(
            [(1, seen_succeeded(1)), (2, seen_cancelled(2))], seen_succeeded(1), id="a good end before a cancelled one"
        ),
        pytest.param(
            [(1, seen_cancelled(1)), (2, seen_failed(2))], seen_failed(2), id="of bad ends the newest, failed"
        ),
        pytest.param(
            [(1, seen_failed(1)), (2, seen_cancelled(2))], seen_cancelled(2), id="of bad ends the newest, cancelled"
        ),
        pytest.param([(3, seen_running(3)), (2, seen_running(2))], seen_running(3), id="of living ones the newest"),
    ],
)
def test_the_task_that_matters_most_is_followed(found: list[tuple[int, Ours]], followed: Ours) -> None:
    """A living one first, then one that ended well, then the newest, in whatever order they were found."""
    assert foremost(found, OPEN) == followed
    assert foremost(reversed(found), OPEN) == followed


def test_what_was_dealt_with_is_no_news() -> None:
    """A task that ended, and whose attempt the journal has closed, is not found again."""
    assert foremost([(1, seen_failed(1))], range(1, 2)) is None
    assert foremost([(1, seen_failed(1)), (2, seen_failed(2))], range(1, 2)) == seen_failed(2)
    assert foremost([(1, seen_failed(1))], range(2, 3)) == seen_failed(1)


def test_a_closed_attempt_whose_task_lives_is_news() -> None:
    """The cloud is the proof, whatever the journal says."""
    assert foremost([(1, seen_running(1))], range(1, 2)) == seen_running(1)


def test_without_a_task_there_is_none_to_follow() -> None:
    """Nothing found is nothing followed."""
    assert foremost([], OPEN) is None
