"""Slots: never more than the limit, fair between namespaces, and none is ever lost or left behind."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imageferry.core.errors import Deferred, Scope
from imageferry.core.job import Job, Kind
from imageferry.core.journal import Journal
from imageferry.core.memory import Memory
from imageferry.core.reasons import Reason
from imageferry.engine.lanes import LaneKey, Lanes
from imageferry.engine.store import JobRecord
from imageferry.kube.objects import IMAGE_EXPORTS
from tests.builders import NOON, OWNER, a_job, a_journal, claimed, exported, failed, resolved, running

LANE = LaneKey("Alibaba", OWNER, "cn-hangzhou", Kind.EXPORT)


def a_record(job: Job, journal: Journal) -> JobRecord:
    """What the store holds of a job."""
    return JobRecord(IMAGE_EXPORTS, job, journal, "1", (), Memory())


def holding(
    uid: str, *, image: str | None = None, namespace: str = "images", journal: Journal | None = None
) -> JobRecord:
    """A job with an open claim, or in the state given."""
    state = replace(journal or claimed(), resolved=resolved(image_id=image or f"m-{uid}"))
    return a_record(a_job(uid=uid, namespace=namespace), state)


class Harbour:
    """Lanes, and who was told that it may be their turn."""

    def __init__(self, *, limit: int | None = 1) -> None:
        self.woken: list[str] = []
        self.lanes = Lanes(self.woken.append, lambda _account: "Alibaba")
        self.lanes.set_limit(LANE, limit)

    def ask(self, uid: str, *, image: str | None = None, **changes: object) -> Reason | None:
        """Why it is not the turn of this job; each job has an image of its own unless it says otherwise."""
        refusal = self.lanes.turn(uid, a_job(uid=uid, **changes), LANE, image or f"m-{uid}")
        return refusal.reason if refusal else None

    def hold(self, *uids: str, **changes: Any) -> None:  # noqa: ANN401 -- passed on to `holding`
        """These jobs have a claim."""
        for uid in uids:
            self.lanes.note(uid, holding(uid, **changes))

    def end(self, uid: str) -> None:
        """The job is finished."""
        self.lanes.note(uid, holding(uid, journal=exported()))

    @property
    def used(self) -> int:
        """Slots taken."""
        return self.lanes.lanes[LANE].used


def minutes(count: int) -> datetime:
    """So long after noon."""
    return NOON + timedelta(minutes=count)


@pytest.mark.parametrize(
    ("journal", "slots"),
    [
        pytest.param(a_journal(resolved=resolved()), 0, id="a waiting job holds none"),
        pytest.param(claimed(), 1, id="an open claim holds one"),
        pytest.param(running(), 1, id="a task holds one"),
        pytest.param(exported(), 0, id="a finished job holds none"),
        pytest.param(failed(), 0, id="nor does a failed one"),
    ],
)
def test_whoever_may_have_a_task_holds_a_slot(journal: Journal, slots: int) -> None:
    """Slots are what the records say."""
    harbour = Harbour()
    harbour.lanes.note("a", a_record(a_job(uid="a"), journal))
    assert harbour.used == slots


def test_a_full_lane_keeps_the_next_waiting_and_calls_it_when_a_slot_is_free() -> None:
    """Nobody polls for a turn."""
    harbour = Harbour(limit=2)
    harbour.hold("a", "b")
    assert harbour.ask("c") is Reason.QUEUED
    harbour.end("a")
    assert harbour.woken == ["c"]
    assert harbour.ask("c") is None


def test_without_a_limit_everyone_goes() -> None:
    """A quota that nobody has stated is learned from the cloud."""
    harbour = Harbour(limit=None)
    harbour.hold("a", "b", "c")
    assert harbour.ask("d") is None


def test_a_raised_limit_calls_those_who_wait() -> None:
    """An edit of the account takes effect at once."""
    harbour = Harbour(limit=0)
    assert harbour.ask("a") is Reason.QUEUED
    harbour.lanes.set_limit(LANE, 1)
    assert harbour.woken == ["a"]


def test_a_slot_goes_to_the_namespace_that_holds_the_fewest() -> None:
    """One namespace with a thousand objects does not keep another from its turn."""
    harbour = Harbour(limit=3)
    harbour.hold("a1", "a2", namespace="flood")
    waiting = [harbour.ask(f"a{n}", namespace="flood", created_at=minutes(n - 60)) for n in range(3, 9)]
    assert waiting[0] is None
    assert harbour.ask("b", namespace="calm", created_at=minutes(0)) is None
    assert harbour.ask("a3", namespace="flood", created_at=minutes(-57)) is Reason.QUEUED


def test_no_namespace_waits_for_more_than_one_round() -> None:
    """Of n namespaces with enough work each one gets one of n slots."""
    harbour = Harbour(limit=3)
    for namespace in ("x", "y", "z"):
        for n in range(5):
            harbour.ask(f"{namespace}{n}", namespace=namespace, created_at=minutes(n))
    chosen = [uid for uid in (f"{x}{n}" for x in "xyz" for n in range(5)) if harbour.ask(
        uid, namespace=uid[0], created_at=minutes(int(uid[1]))) is None]  # fmt: skip
    assert chosen == ["x0", "y0", "z0"]


def test_within_a_namespace_priority_goes_before_age() -> None:
    """spec.priority orders the jobs of one namespace, and age those of one priority."""
    harbour = Harbour(limit=1)
    jobs = {"old": (0, 0), "older": (-5, 0), "urgent": (5, 10)}
    asked = {}
    for _ in range(2):
        for uid, (age, priority) in jobs.items():
            asked[uid] = harbour.ask(uid, created_at=minutes(age), priority=priority)
    assert asked == {"old": Reason.QUEUED, "older": Reason.QUEUED, "urgent": None}


def test_priority_does_not_reach_into_another_namespace() -> None:
    """A tenant with high numbers takes nothing from others."""
    harbour = Harbour(limit=2)
    harbour.hold("a1", namespace="a")
    harbour.ask("a2", namespace="a", priority=1000)
    assert harbour.ask("b1", namespace="b", priority=-1000) is None
    assert harbour.ask("a2", namespace="a", priority=1000) is Reason.QUEUED


def test_one_image_has_one_task_at_a_time() -> None:
    """The cloud refuses a second task on an image: it waits before its claim, and goes when the first has ended."""
    harbour = Harbour(limit=5)
    harbour.hold("a", image="m-same")
    assert harbour.ask("b", image="m-same") is Reason.IMAGE_BUSY
    harbour.end("a")
    assert harbour.woken == ["b"]
    assert harbour.ask("b", image="m-same") is None


def test_a_job_whose_image_is_busy_does_not_hold_up_those_behind_it() -> None:
    """The free slot goes to the next whose image is free."""
    harbour = Harbour(limit=2)
    harbour.hold("a", image="m-same")
    assert harbour.ask("first", image="m-same", created_at=minutes(-9)) is Reason.IMAGE_BUSY
    assert harbour.ask("second") is None


def test_two_jobs_of_one_image_do_not_take_up_two_free_slots() -> None:
    """Only one of them can go, and the other slot goes to the next."""
    harbour = Harbour(limit=2)
    harbour.ask("a1", image="m-same", created_at=minutes(-9))
    harbour.ask("a2", image="m-same", created_at=minutes(-8))
    assert harbour.ask("b") is None


def test_an_image_that_the_cloud_calls_busy_holds_up_nobody_else() -> None:
    """A person's own export of the image is waited for by those of that image alone."""
    harbour = Harbour(limit=1)
    busy = Deferred(Reason.IMAGE_BUSY, "Busy.", scope=Scope.IMAGE, retry_after_seconds=3600)
    until = harbour.lanes.defer(LANE, "m-same", busy)
    refusal = harbour.lanes.turn("a", a_job(uid="a", created_at=minutes(-9)), LANE, "m-same")
    assert refusal
    assert (refusal.reason, refusal.retry_at) == (Reason.IMAGE_BUSY, until)
    assert harbour.ask("b") is None


@pytest.mark.parametrize(
    "journal",
    [
        pytest.param(a_record(a_job(uid="a", suspend=True), a_journal()), id="suspended"),
        pytest.param(a_record(a_job(uid="a", deleting=True), a_journal()), id="being deleted"),
        pytest.param(a_record(a_job(uid="a"), failed()), id="finished"),
        pytest.param(None, id="gone"),
    ],
)
def test_whoever_does_not_want_its_turn_any_more_gives_it_on(journal: JobRecord | None) -> None:
    """The first in the queue that leaves it does not leave a free slot unused: the next is called."""
    harbour = Harbour(limit=1)
    harbour.ask("a", created_at=minutes(-9))
    assert harbour.ask("b") is Reason.QUEUED
    harbour.lanes.note("a", journal)
    assert harbour.woken == ["b"]
    assert harbour.ask("b") is None


def test_whoever_is_held_gives_its_turn_on() -> None:
    """A job that lost its grant, or whose image has gone, stands in nobody's way."""
    harbour = Harbour(limit=1)
    harbour.ask("a", created_at=minutes(-9))
    assert harbour.ask("b") is Reason.QUEUED
    harbour.lanes.leave("a")
    assert harbour.woken == ["b"]
    assert harbour.ask("b") is None


def test_a_job_that_moves_to_another_lane_waits_in_one() -> None:
    """After an edit of its region a job does not stand in the old lane's way."""
    harbour, other = Harbour(limit=1), LANE._replace(region="cn-beijing")
    harbour.ask("a", created_at=minutes(-9))
    harbour.lanes.turn("a", a_job(uid="a", region="cn-beijing"), other, "m-a")
    assert harbour.ask("b") is None
    assert set(harbour.lanes.lanes[LANE].waiting) == {"b"}


def test_a_reservation_holds_a_slot_until_the_claim_is_there() -> None:
    """Between the decision to claim and the answer to its write nobody else takes the slot or the image."""
    harbour = Harbour(limit=2)
    harbour.lanes.reserve("a", a_job(uid="a"), LANE, "m-same")
    assert harbour.used == 1
    assert harbour.ask("b", image="m-same") is Reason.IMAGE_BUSY
    harbour.hold("a", image="m-same")
    harbour.lanes.release("a", LANE)
    assert harbour.used == 1


def test_a_claim_that_was_not_written_frees_its_slot() -> None:
    """The next is called."""
    harbour = Harbour(limit=1)
    harbour.lanes.reserve("a", a_job(uid="a"), LANE, "m-a")
    assert harbour.ask("b") is Reason.QUEUED
    harbour.lanes.release("a", LANE)
    assert (harbour.used, harbour.woken) == (0, ["b"])


def test_orphans_hold_slots() -> None:
    """A task whose object has gone still counts at the cloud; once it has ended the next is called."""
    harbour = Harbour(limit=2)
    harbour.lanes.set_orphans(Counter({LANE: 2}))
    assert harbour.ask("a") is Reason.QUEUED
    harbour.lanes.set_orphans(Counter({LANE: 1}))
    assert harbour.woken == ["a"]
    assert harbour.ask("a") is None
    harbour.lanes.set_orphans(Counter())
    assert harbour.used == 0


@pytest.mark.parametrize(
    ("reason", "scope", "reopens"),
    [(Reason.CONCURRENT_QUOTA_EXCEEDED, Scope.SLOT, True), (Reason.WEEKLY_QUOTA_EXCEEDED, Scope.LANE, False)],
)
def test_a_closed_lane_opens_when_a_slot_is_freed_or_at_its_time(
    reason: Reason, scope: Scope, *, reopens: bool
) -> None:
    """A concurrent quota is worth a try as soon as a task ends; a weekly one only at its time."""
    harbour = Harbour(limit=None)
    harbour.hold("a")
    refused = Deferred(reason, "No.", scope=scope, retry_after_seconds=3600)
    until = harbour.lanes.defer(LANE, "m-b", refused)
    refusal = harbour.lanes.turn("b", a_job(uid="b"), LANE, "m-b")
    assert refusal
    assert (refusal.reason, refusal.retry_at) == (reason, until)
    harbour.end("a")
    assert harbour.ask("b") is (None if reopens else reason)


def test_a_lane_whose_time_has_passed_is_open() -> None:
    """A closed lane never needs a hand to open it."""
    harbour = Harbour(limit=None)
    over = Deferred(Reason.WEEKLY_QUOTA_EXCEEDED, "No.", scope=Scope.LANE, retry_after_seconds=0)
    harbour.lanes.defer(LANE, "m-a", over)
    assert harbour.ask("a") is None


def test_the_lanes_in_use_of_an_account_are_shown() -> None:
    """Lanes of other owners, and those in which nothing happens, are not."""
    harbour = Harbour()
    assert list(harbour.lanes.of_account("Alibaba", OWNER)) == []
    harbour.hold("a")
    assert [key for key, _ in harbour.lanes.of_account("Alibaba", OWNER)] == [LANE]
    assert list(harbour.lanes.of_account("Tencent", OWNER)) == []


_UIDS = [f"j{n}" for n in range(5)]


class Crew(Harbour):
    """Jobs that keep to their turn, doing anything else in any order. Each act takes a job's uid and an image."""

    def __init__(self, *, limit: int) -> None:
        super().__init__(limit=limit)
        self.lane = self.lanes.lanes[LANE]

    def job(self, uid: str, **changes: object) -> Job:
        """A job in one of two namespaces."""
        return a_job(uid=uid, namespace=f"ns-{int(uid[1]) % 2}", **changes)

    def may_act(self, uid: str) -> bool:
        """The job has no claim and is about none."""
        return uid not in self.lane.holders and uid not in self.lane.reserved

    def reserve(self, uid: str, image: str) -> None:
        """Ask, and decide to claim if it is its turn; a refusal is remembered as having been answered."""
        if self.may_act(uid) and self.lanes.turn(uid, self.job(uid), LANE, image) is None:
            self.lanes.reserve(uid, self.job(uid), LANE, image)
        self.woken[:] = [each for each in self.woken if each != uid]

    def claim(self, uid: str, image: str) -> None:
        """The claim of a reservation is written, or one is asked for first."""
        self.reserve(uid, image)
        if slot := self.lane.reserved.get(uid):
            self.lanes.note(uid, holding(uid, image=slot.mutex, namespace=slot.namespace))
            self.lanes.release(uid, LANE)

    def give_up(self, uid: str, _image: str) -> None:
        """The claim was not written."""
        self.lanes.release(uid, LANE)

    def close(self, uid: str, _image: str) -> None:
        """The attempt is over, the job goes on."""
        self.lanes.note(uid, a_record(self.job(uid), a_journal()))

    def finish(self, uid: str, _image: str) -> None:
        """The job is over."""
        if uid not in self.lane.reserved:
            self.lanes.note(uid, a_record(self.job(uid), exported()))

    def suspend(self, uid: str, _image: str) -> None:
        """The user suspends a job that has no task."""
        if self.may_act(uid):
            self.lanes.note(uid, a_record(self.job(uid, suspend=True), a_journal()))

    def go(self, uid: str, _image: str) -> None:
        """The object is gone."""
        if uid not in self.lane.reserved:
            self.lanes.note(uid, None)

    def leave(self, uid: str, _image: str) -> None:
        """The job is held."""
        if self.may_act(uid):
            self.lanes.leave(uid)

    def find_busy(self, _uid: str, image: str) -> None:
        """The cloud calls the image busy for a moment."""
        self.lanes.defer(LANE, image, Deferred(Reason.IMAGE_BUSY, "", scope=Scope.IMAGE, retry_after_seconds=0))


_ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                Crew.reserve, Crew.claim, Crew.give_up, Crew.close, Crew.finish, Crew.suspend, Crew.go, Crew.leave,
                Crew.find_busy,
            ]
        ),
        st.sampled_from(_UIDS),
        st.sampled_from(["m-1", "m-2", "m-3"]),
    ),
    max_size=30,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(_ACTS, st.integers(1, 3))
def test_no_order_of_events_leaks_a_slot_or_leaves_one_idle(acts: list[Any], limit: int) -> None:
    """The limit holds, an image has one task, a free slot is somebody's who was called, and at the end nothing is held."""
    crew = Crew(limit=limit)
    for act, uid, image in acts:
        act(crew, uid, image)
        images = [slot.mutex for slot in (crew.lane.holders | crew.lane.reserved).values()]
        assert crew.used <= limit
        assert len(images) == len(set(images))
        free = {entry.uid for entry in crew.lane.waiting.values() if entry.mutex not in images}
        assert crew.used == limit or not free or free & set(crew.woken)
    for uid in _UIDS:
        crew.lanes.release(uid, LANE)
        crew.lanes.note(uid, None)
    assert (crew.used, crew.lane.holders, crew.lane.reserved, crew.lane.waiting) == (0, {}, {}, {})
