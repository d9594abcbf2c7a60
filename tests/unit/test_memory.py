"""What a process remembers of a job beside its status, and the facts that come of it."""

from datetime import datetime, timedelta

import pytest

from imageferry.core.artifacts import Artifacts
from imageferry.core.decide import decide
from imageferry.core.facts import Facts, Surroundings, facts_of
from imageferry.core.journal import Journal
from imageferry.core.memory import Memory
from imageferry.core.observation import NotLooked, Observation
from imageferry.core.reasons import Reason
from imageferry.core.step import Fail
from tests.builders import (
    BOUNDS,
    LONG_AFTER,
    ME,
    NOON,
    OWNER,
    a_claim,
    a_job,
    absent,
    an_attempt,
    claimed,
    resolved,
    running,
    seen_cancelled,
    seen_failed,
    seen_running,
    unprovable,
)


def facts_at(memory: Memory, journal: Journal, *, now: datetime = NOON, monotonic: float = 1000.0) -> Facts:
    """The facts at this moment of the process `me`, in ordinary surroundings."""
    around = Surroundings(
        now=now,
        monotonic=monotonic,
        identity=ME,
        owner=OWNER,
        away=None,
        barred=None,
        refused=None,
        checked=None,
        turn=None,
        fenced=True,
        can_cancel=True,
        has_token=False,
        bounds=BOUNDS,
    )
    return facts_of(journal, memory, around)


def test_absence_counts_from_the_first_of_the_looks_that_found_nothing() -> None:
    """The cloud's clock at the first empty look stays until something is seen."""
    memory = Memory()
    memory.observe(absent(), now=NOON, at=0.0)
    memory.observe(unprovable(LONG_AFTER), now=LONG_AFTER, at=0.0)
    assert memory.absent_since == NOON
    memory.observe(seen_running(), now=LONG_AFTER, at=0.0)
    assert memory.absent_since is None


def test_a_claim_is_unsent_only_for_the_process_that_made_it() -> None:
    """Whoever takes over never sends another's claim."""
    memory = Memory()
    memory.claim(at=900.0)
    mine, theirs = claimed(), claimed(attempt=an_attempt())
    assert facts_at(memory, mine).unsent
    assert facts_at(memory, mine).claim_age_seconds == 100.0
    assert theirs.attempt
    stranger = claimed(attempt=type(theirs.attempt)(number=1, failures=0, claim=a_claim(claimed_by="another")))
    assert not facts_at(memory, stranger).unsent
    memory.send(at=0.0)
    assert not facts_at(memory, mine).unsent
    memory.take_back()
    assert facts_at(memory, mine).unsent


def test_a_claim_that_was_not_acknowledged_is_not_sent_for_an_earlier_one() -> None:
    """A withdrawal got no answer, and the next claim comes late: what was unsent then says nothing of this one."""
    memory = Memory()
    memory.claim(at=0.0)
    memory.begin_claim()
    assert not facts_at(memory, claimed(2)).unsent


def test_a_repeat_that_never_left_says_nothing_about_the_first_request() -> None:
    """That one may have been accepted: the claim stays open, whoever sent it."""
    memory, mine = Memory(), claimed()
    memory.claim(at=0.0)
    memory.send(at=0.0)
    memory.send(at=10.0)
    memory.take_back()
    assert not facts_at(memory, mine).unsent
    after_takeover = Memory()
    after_takeover.send(at=10.0)
    after_takeover.take_back()
    assert not facts_at(after_takeover, mine).unsent


def test_a_claim_begins_with_nothing_seen() -> None:
    """What was seen before a claim says nothing about it."""
    memory = Memory(collected=Artifacts((), None))
    memory.observe(absent(), now=NOON, at=0.0)
    memory.claim(at=0.0)
    assert (memory.observation, memory.collected, memory.absent_since) == (NotLooked(), None, None)


@pytest.mark.parametrize(
    ("cancels", "seconds", "due"),
    [
        pytest.param(1, 9, False, id="ten seconds after the first"),
        pytest.param(1, 10, True, id="then again"),
        pytest.param(3, 39, False, id="twice as long after each"),
        pytest.param(3, 40, True, id="and again"),
        pytest.param(100, 60, True, id="at least once a minute"),
    ],
)
def test_a_cancel_is_asked_for_again_ever_more_rarely(cancels: int, seconds: float, *, due: bool) -> None:
    """A cloud may lose a request; none is flooded with them."""
    memory = Memory()
    assert facts_at(memory, running()).cancel_due
    for _ in range(cancels):
        memory.ask_to_cancel(at=1000.0)
    known = facts_at(memory, running(), monotonic=1000.0 + seconds)
    assert known.cancel_due is due
    assert known.cancel_acknowledged


@pytest.mark.parametrize(("apart", "agrees"), [(0, True), (59, True), (-59, True), (60, False), (-3600, False)])
def test_the_clocks_agree_within_a_minute(apart: int, *, agrees: bool) -> None:
    """A deadline fires only by a clock that the cloud has confirmed."""
    memory = Memory()
    assert not facts_at(memory, running()).clock_agrees
    shown = NOON + timedelta(seconds=apart)
    memory.observe(absent(), now=shown, at=1000.0)
    assert facts_at(memory, running(), now=shown).clock_agrees is agrees
    memory.begin_visit(has_task=False)
    assert facts_at(memory, running(), now=shown).clock_agrees is agrees


@pytest.mark.parametrize(("jump", "agrees"), [(0, True), (59, True), (-59, True), (60, False), (-86400, False)])
def test_a_clock_that_jumped_since_the_cloud_was_seen_agrees_with_nobody(jump: int, *, agrees: bool) -> None:
    """An hour passed by the monotonic clock; the local one shows that hour and the jump."""
    memory = Memory()
    memory.observe(absent(), now=NOON, at=1000.0)
    shown = NOON + timedelta(seconds=3600 + jump)
    assert facts_at(memory, running(), now=shown, monotonic=4600.0).clock_agrees is agrees


@pytest.mark.parametrize("ended", [seen_failed(), seen_cancelled()])
def test_a_bad_end_counts_like_an_absence(ended: Observation) -> None:
    """A later attempt may be on its way: the looks that showed nothing better go on being counted."""
    memory = Memory()
    memory.observe(ended, now=NOON, at=0.0)
    memory.observe(absent(LONG_AFTER), now=LONG_AFTER, at=0.0)
    assert memory.absent_since == NOON


def test_a_failed_task_that_the_cloud_forgets_after_its_files_were_removed_is_no_success() -> None:
    """An empty list after a discard proves nothing good: the job does not end well without a file."""
    memory = Memory()
    memory.observe(absent(), now=NOON, at=0.0)
    memory.discard()
    memory.observe(absent(LONG_AFTER), now=LONG_AFTER, at=0.0)
    step = decide(a_job(), running(), facts_at(memory, running()))
    assert isinstance(step, Fail)
    assert step.reason is Reason.TASK_LOST


def test_a_deletion_is_timed_from_its_first_sight() -> None:
    """The bound of a deletion runs on the clock of the process that acts."""
    assert facts_at(Memory(), running()).deleting_seconds == 0.0
    assert facts_at(Memory(deletion_seen_at=940.0), running()).deleting_seconds == 60.0


def test_a_closed_attempt_leaves_nothing_behind() -> None:
    """The next attempt is not cancelled, sent or judged by what was remembered of the one before."""
    memory = Memory(checked=resolved())
    memory.claim(at=5.0)
    memory.ask_to_cancel(at=6.0)
    memory.observe(absent(), now=NOON, at=0.0)
    memory.forget_attempt()
    known = facts_at(memory, claimed())
    assert (known.unsent, known.cancel_due, known.cancel_acknowledged) == (False, True, False)
    assert (known.observation, memory.checked, known.absent_since) == (NotLooked(), None, None)
