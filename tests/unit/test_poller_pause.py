"""How soon a running task is asked for again: often when young, rarely in the middle, often near its end. And what is news."""

from datetime import timedelta

import pytest

from imageferry.core.journal import Journal, Progress
from imageferry.core.memory import Memory
from imageferry.core.observation import NotLooked, Observation
from imageferry.engine.poller import is_news, pause
from imageferry.engine.store import JobRecord
from imageferry.kube.objects import IMAGE_EXPORTS
from tests.builders import (
    NOON,
    a_job,
    a_task,
    absent,
    claimed,
    running,
    seen_cancelled,
    seen_failed,
    seen_running,
    seen_succeeded,
)


def seconds_at(age_seconds: float, journal: Journal) -> float:
    """The pause for this journal so long after the task began at noon."""
    record = JobRecord(IMAGE_EXPORTS, a_job(), journal, "1", (), Memory())
    return pause(record, NOON + timedelta(seconds=age_seconds))


def ending(at_seconds: float) -> Journal:
    """A task whose end is predicted for then."""
    end = NOON + timedelta(seconds=at_seconds)
    return running(progress=Progress(percent=50, updated_at=NOON, estimated_finish_at=end))


@pytest.mark.parametrize(
    ("age", "journal", "seconds"),
    [
        pytest.param(0, running(), 0, id="at once after the submission"),
        pytest.param(20, running(), 1, id="every second at twenty seconds"),
        pytest.param(1200, running(), 60, id="every minute after twenty minutes"),
        pytest.param(3600, running(), 180, id="every three minutes after an hour, before the settings' limits"),
        pytest.param(3600, ending(7200), 180, id="a far end changes nothing"),
        pytest.param(3600, ending(3640), 10, id="a quarter of what is left near the predicted end"),
        pytest.param(3600, ending(3500), 0, id="at once when the predicted end is past"),
        pytest.param(3600, running(task=a_task(started_at=None)), 0, id="at once where the start is not known"),
        pytest.param(3600, claimed(), 0, id="at once where the task is gone meanwhile"),
    ],
)
def test_the_pause_follows_the_tasks_age_and_its_predicted_end(age: float, journal: Journal, seconds: float) -> None:
    """An end is noticed soon after it comes, and the cloud is not asked more than that takes."""
    assert seconds_at(age, journal) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("before", "seen", "news"),
    [
        pytest.param(NotLooked(), seen_running(), True, id="the first sight of a task"),
        pytest.param(seen_running(percent=10), seen_running(percent=10), True, id="a percent that is not shown yet"),
        pytest.param(seen_running(), seen_running(), False, id="a task as it was"),
        pytest.param(seen_running(), seen_succeeded(), True, id="an end"),
        pytest.param(seen_succeeded(), seen_succeeded(), False, id="the same good end again"),
        pytest.param(seen_failed(), seen_failed(), False, id="the same bad end again"),
        pytest.param(seen_cancelled(), seen_cancelled(), False, id="the same cancellation again"),
        pytest.param(seen_failed(), seen_cancelled(), True, id="another end"),
        pytest.param(absent(), absent(), True, id="absence, which is judged by how long it lasts"),
    ],
)
def test_an_end_is_news_once(before: Observation, seen: Observation, *, news: bool) -> None:
    """A step that fails after it comes again with growing pauses: a poll a second later is no reason to try at once."""
    record = JobRecord(IMAGE_EXPORTS, a_job(), running(), "1", (), Memory())
    assert is_news(before, seen, record) is news
