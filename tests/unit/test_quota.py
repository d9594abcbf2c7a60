"""What refusals teach about a lane: one submission at a time finds out more, and a restart forgets nothing."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pytest

from imageferry.core.errors import Deferred, Scope
from imageferry.core.job import Kind
from imageferry.core.journal import Journal
from imageferry.core.memory import Memory
from imageferry.core.reasons import Reason
from imageferry.engine.lanes import LaneKey, Lanes
from imageferry.engine.quota import ALL, Quota
from imageferry.engine.store import JobRecord
from imageferry.kube.objects import IMAGE_EXPORTS
from tests.builders import NOON, OWNER, a_job, a_journal, claimed, exported, resolved, running

LANE: Final = LaneKey("Alibaba", OWNER, "cn-hangzhou", Kind.EXPORT)
HOUR: Final = 3600.0


def weekly(seconds: float = HOUR) -> Deferred:
    """The week is used up."""
    return Deferred(Reason.WEEKLY_QUOTA_EXCEEDED, "No.", scope=Scope.LANE, retry_after_seconds=seconds)


def concurrent(seconds: float = 60.0) -> Deferred:
    """As many run as may."""
    return Deferred(Reason.CONCURRENT_QUOTA_EXCEEDED, "No.", scope=Scope.SLOT, retry_after_seconds=seconds)


def after(seconds: float) -> datetime:
    """So long after noon."""
    return NOON + timedelta(seconds=seconds)


def test_nothing_is_limited_before_the_cloud_refuses() -> None:
    """A quota that nobody has seen holds nobody back."""
    assert Quota().allows(used=500, trying=True, now=NOON) == ALL


def test_a_used_up_quota_is_tried_with_one_submission_at_its_time() -> None:
    """Nothing before the time, then one, and while its outcome is awaited no other; a refusal closes the lane again."""
    quota = Quota()
    assert quota.refused(weekly(), used=3, now=NOON) == after(HOUR)
    assert quota.allows(used=0, trying=False, now=after(HOUR - 1)) == 0
    assert quota.allows(used=0, trying=False, now=after(HOUR)) == 1
    assert quota.allows(used=1, trying=True, now=after(HOUR)) == 0
    quota.refused(weekly(), used=0, now=after(HOUR))
    assert quota.allows(used=0, trying=False, now=after(HOUR + 1)) == 0
    quota.accepted(used=1, now=after(2 * HOUR))
    assert quota.allows(used=1, trying=False, now=after(2 * HOUR)) == ALL


def test_a_task_that_was_accepted_before_the_refusal_opens_nothing() -> None:
    """Its record may come later than the refusal of another."""
    quota = Quota()
    quota.refused(weekly(), used=1, now=NOON)
    quota.accepted(used=1, now=after(1))
    assert quota.allows(used=1, trying=False, now=after(2)) == 0


def test_a_concurrent_quota_is_learned_and_tried_upward_by_one() -> None:
    """What ran at the refusal may run again at once; one more is tried after the pause, and learned if it is accepted."""
    quota = Quota()
    quota.refused(concurrent(), used=3, now=NOON)
    assert [quota.allows(used=used, trying=False, now=after(1)) for used in (0, 2, 3, 4)] == [3, 1, 0, 0]
    assert quota.allows(used=3, trying=False, now=after(60)) == 1
    assert quota.allows(used=4, trying=True, now=after(60)) == 0
    quota.accepted(used=4, now=after(61))
    assert quota.learned == 4
    assert [quota.allows(used=4, trying=False, now=after(seconds)) for seconds in (62, 121)] == [0, 1]


def test_a_restart_is_no_reason_to_try_a_quota() -> None:
    """What was written down holds until its time, an hour at the most; nonsense and what is past are left out."""
    quota = Quota()
    quota.recall("WeeklyQuotaExceeded", after(9 * HOUR), None, now=NOON)
    assert quota.until == after(HOUR)
    assert quota.allows(used=0, trying=False, now=after(1)) == 0
    for reason, until in (("Nonsense", after(HOUR)), ("WeeklyQuotaExceeded", after(-1))):
        fresh = Quota()
        fresh.recall(reason, until, None, now=NOON)
        assert fresh.allows(used=0, trying=False, now=NOON) == ALL


# The same in a lane, by the acts of its jobs


def a_record(uid: str, journal: Journal) -> JobRecord:
    """A job in the lane, on an image of its own."""
    state = replace(journal, resolved=resolved(image_id=f"m-{uid}"))
    return JobRecord(IMAGE_EXPORTS, a_job(uid=uid), state, "1", (), Memory())


@pytest.fixture
def woken() -> list[str]:
    """Who was told that it may be its turn."""
    return []


@pytest.fixture
def lanes(woken: list[str]) -> Lanes:
    """A lane without a limit of the account's own."""
    return Lanes(woken.append, lambda _account: "Alibaba")


def turn(lanes: Lanes, uid: str) -> Reason | None:
    """Why it is not the job's turn."""
    refusal = lanes.turn(uid, a_job(uid=uid), LANE, f"m-{uid}")
    return refusal.reason if refusal else None


def test_of_all_who_wait_one_tries_and_the_rest_follow_if_it_is_accepted(lanes: Lanes, woken: list[str]) -> None:
    """A lane whose time has come is not stormed."""
    lanes.defer(LANE, "m-a", weekly(0))
    assert turn(lanes, "a") is None
    lanes.reserve("a", a_job(uid="a"), LANE, "m-a")
    assert [turn(lanes, uid) for uid in ("b", "c")] == [Reason.WEEKLY_QUOTA_EXCEEDED] * 2
    lanes.note("a", a_record("a", claimed()))
    assert [turn(lanes, uid) for uid in ("b", "c")] == [Reason.WEEKLY_QUOTA_EXCEEDED] * 2
    lanes.note("a", a_record("a", running()))
    assert {"b", "c"} <= set(woken)
    assert [turn(lanes, uid) for uid in ("b", "c")] == [None, None]


def test_whoever_tried_and_went_is_followed_by_another(lanes: Lanes, woken: list[str]) -> None:
    """A claim that was withdrawn tells nothing: the next is called."""
    lanes.defer(LANE, "m-a", weekly(0))
    assert turn(lanes, "a") is None
    lanes.note("a", a_record("a", claimed()))
    assert turn(lanes, "b") is Reason.WEEKLY_QUOTA_EXCEEDED
    woken.clear()
    lanes.note("a", a_record("a", a_journal()))
    assert woken == ["b"]
    assert turn(lanes, "b") is None


def test_a_freed_slot_is_filled_once(lanes: Lanes, woken: list[str]) -> None:
    """Where the cloud allows fewer than the account, one end is followed by one submission and not by all who wait."""
    for uid in ("a", "b"):
        lanes.note(uid, a_record(uid, running()))
    lanes.defer(LANE, "m-c", concurrent())
    assert [turn(lanes, uid) for uid in ("c", "d", "e")] == [Reason.CONCURRENT_QUOTA_EXCEEDED] * 3
    lanes.note("a", a_record("a", exported()))
    assert woken == ["c"]
    assert [turn(lanes, uid) for uid in ("c", "d", "e")] == [None, Reason.QUEUED, Reason.QUEUED]


def test_a_closed_lane_is_shown_even_if_nobody_waits(lanes: Lanes) -> None:
    """The account's row is what the next leader recalls."""
    lanes.defer(LANE, "m-a", weekly())
    assert [key for key, _ in lanes.of_account("Alibaba", OWNER)] == [LANE]
    next_leader = Lanes(lambda _uid: None, lambda _account: "Alibaba")
    until = lanes.lanes[LANE].quota.until
    assert until
    next_leader.recall(LANE, "WeeklyQuotaExceeded", until, None)
    assert turn(next_leader, "b") is Reason.WEEKLY_QUOTA_EXCEEDED
