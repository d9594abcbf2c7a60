"""What a process forgets, and when: what was seen counts for the attempt it was seen of, and no longer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from imageferry.core.artifacts import Artifacts
from imageferry.core.errors import Refusal
from imageferry.core.facts import Facts, Surroundings, facts_of
from imageferry.core.journal import Journal
from imageferry.core.memory import Memory
from imageferry.core.observation import NotLooked
from imageferry.core.reasons import Reason
from tests.builders import (
    BOUNDS,
    LONG_AFTER,
    NOON,
    a_closed_attempt,
    a_file,
    a_journal,
    absent,
    claimed,
    resolved,
    running,
    seen_running,
)

IDLE = a_journal(attempt=a_closed_attempt())
FILES = Artifacts((a_file(),), None)


def full() -> Memory:
    """A process that has seen something and tried a deletion."""
    memory = Memory(collected=FILES, deletion_tried=True)
    memory.observe(absent(), now=NOON, at=0.0)
    return memory


@pytest.mark.parametrize(
    ("before", "after", "wiped"),
    [
        pytest.param(claimed(), a_journal(), True, id="an attempt that was known is gone"),
        pytest.param(a_journal(), a_journal(), False, id="none was known"),
        pytest.param(a_journal(), claimed(), False, id="the first attempt came"),
        pytest.param(claimed(), IDLE, False, id="the attempt was closed"),
    ],
)
def test_a_status_that_loses_its_attempt_was_wiped(before: Journal, after: Journal, *, wiped: bool) -> None:
    """Whoever wiped it: from then on the cloud is asked before anything is claimed."""
    memory = Memory()
    memory.turn_page(before, after)
    assert memory.wiped is wiped


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(claimed(1), claimed(2), id="another attempt was claimed"),
        pytest.param(claimed(), running(), id="the task became known"),
        pytest.param(running(), claimed(), id="the task is gone from the status"),
        pytest.param(running(), IDLE, id="the attempt was closed"),
        pytest.param(IDLE, claimed(), id="an attempt was claimed"),
    ],
)
def test_a_new_chapter_begins_with_nothing_seen(before: Journal, after: Journal) -> None:
    """What was seen of another attempt, or before its task was known, is past; so is the try at its deletion."""
    memory = full()
    memory.turn_page(before, after)
    assert (memory.observation, memory.collected, memory.absent_since) == (NotLooked(), None, None)
    assert memory.deletion_tried is False


@pytest.mark.parametrize("journal", [claimed(), running(), IDLE, a_journal()])
def test_within_a_chapter_what_was_seen_stays(journal: Journal) -> None:
    """A condition, a percent or an edit forgets no look."""
    memory = full()
    memory.turn_page(journal, replace(journal, observed_generation=7))
    assert (memory.observation, memory.collected, memory.absent_since) == (absent(), FILES, NOON)
    assert memory.deletion_tried is True


def test_a_look_counts_for_its_visit_and_the_pollers_news_until_the_next() -> None:
    """Without a task each visit looks for itself; how long nothing was found is not forgotten by that."""
    idle, busy = Memory(), Memory()
    idle.observe(absent(), now=NOON, at=0.0)
    idle.begin_visit(has_task=False)
    busy.observe(seen_running(), now=NOON, at=0.0)
    busy.begin_visit(has_task=True)
    assert (idle.observation, idle.absent_since) == (NotLooked(), NOON)
    assert busy.observation == seen_running()


def test_a_finalizer_tells_of_no_claim_until_one_is_begun() -> None:
    """The process that put it on knows that nothing was claimed; once a claim is being written it knows no more."""
    memory = Memory()
    memory.guard()
    assert memory.guarded_here is True
    memory.begin_claim()
    assert memory.guarded_here is False


def test_a_request_handed_over_is_not_unsent() -> None:
    """From then on it may have left."""
    memory = Memory()
    memory.claim(at=7.0)
    assert (memory.unsent, memory.claimed_at) == (True, 7.0)
    memory.send(at=0.0)
    assert memory.unsent is False


def test_an_answer_of_preflight_is_remembered_with_its_time() -> None:
    """So that it can grow old."""
    memory = Memory()
    memory.check(resolved(), at=7.0)
    assert (memory.checked, memory.checked_at) == (resolved(), 7.0)


def test_every_fact_comes_from_memory_and_surroundings() -> None:
    """Nothing that was seen, remembered or told is lost on the way to the decision."""
    memory = Memory(
        wiped=True,
        observation=absent(),
        clocks_apart_seconds=3.0,
        clock_offset_seconds=LONG_AFTER.timestamp() - 1000.0,
        absent_since=NOON,
        collected=FILES,
        guarded_here=True,
        unsent=True,
        claimed_at=900.0,
        cancel_asked_at=995.0,
        cancels=1,
        deletion_seen_at=940.0,
        deletion_tried=True,
        cloud_away=True,
    )
    away, barred, refused, turn = (Refusal(Reason.QUEUED, text) for text in ("away", "barred", "refused", "turn"))
    around = Surroundings(
        now=LONG_AFTER,
        monotonic=1000.0,
        identity="another",
        owner="42",
        away=away,
        barred=barred,
        refused=refused,
        checked=resolved(),
        turn=turn,
        fenced=True,
        can_cancel=True,
        has_token=True,
        bounds=BOUNDS,
    )
    assert facts_of(claimed(), memory, around) == Facts(
        now=LONG_AFTER,
        clock_agrees=True,
        observation=absent(),
        collected=FILES,
        owner="42",
        away=away,
        barred=barred,
        refused=refused,
        checked=resolved(),
        turn=turn,
        unsent=False,
        fenced=True,
        repeat_due=True,
        claim_age_seconds=100.0,
        cancel_due=False,
        cancel_acknowledged=True,
        absent_since=NOON,
        wiped=True,
        guarded_here=True,
        deleting_seconds=60.0,
        deletion_tried=True,
        cloud_away=True,
        can_cancel=True,
        has_token=True,
        bounds=BOUNDS,
    )


def test_the_clocks_are_compared_whenever_the_cloud_shows_its_own() -> None:
    """Also by a look that found nothing."""
    memory = Memory()
    memory.observe(absent(NOON), now=NOON + timedelta(seconds=90), at=0.0)
    assert memory.clocks_apart_seconds == 90.0


def test_a_passing_refusal_is_remembered_until_a_submission_is_accepted() -> None:
    """With its time; what passed is past."""
    memory, refusal = Memory(), Refusal(Reason.THROTTLED, "Slow down.")
    memory.pause(refusal, until=7.0)
    assert (memory.paused, memory.paused_until) == (refusal, 7.0)
    memory.submit()
    assert memory.paused is None
