"""Slots: who may have a task now. A lane is everything that shares one quota (provider, account id, region, operation).

Slots are computed from the records, never acquired and leaked: a claim or a task in a journal holds one, and so does a
reservation between the decision to claim and the answer to its write. Order of the queue: fair between namespaces, then
priority within the namespace, then age.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from imageferry.core.errors import Deferred, Refusal, Scope
from imageferry.core.job import Job, Kind
from imageferry.core.reasons import Reason
from imageferry.engine import clock
from imageferry.engine.quota import ALL, Quota
from imageferry.engine.store import JobRecord


class LaneKey(NamedTuple):
    """What shares one quota."""

    provider: str
    account_id: str
    region: str
    kind: Kind


class _Waiting(NamedTuple):
    namespace: str
    priority: int
    created_at: datetime
    uid: str
    mutex: str


class _Slot(NamedTuple):
    namespace: str
    mutex: str
    has_task: bool = False


@dataclass(slots=True)
class Lane:
    """One lane: who holds a slot, who waits (both by uid), and what the cloud's refusals have taught about it."""

    holders: dict[str, _Slot] = field(default_factory=dict)
    reserved: dict[str, _Slot] = field(default_factory=dict)
    waiting: dict[str, _Waiting] = field(default_factory=dict)
    orphans: int = 0
    limit: int | None = None
    quota: Quota = field(default_factory=Quota)
    busy: dict[str, datetime] = field(default_factory=dict)

    @property
    def used(self) -> int:
        """Slots taken: tasks, open claims, reservations and orphans."""
        return len(self.holders.keys() | self.reserved.keys()) + self.orphans

    def free(self, now: datetime) -> int:
        """Slots left, by the account's limit and by the cloud's quota."""
        limited = ALL if self.limit is None else max(0, self.limit - self.used)
        return min(limited, self.granted(now))

    def granted(self, now: datetime) -> int:
        """Slots left by the cloud's quota alone."""
        trying = bool(self.reserved) or any(not slot.has_task for slot in self.holders.values())
        return self.quota.allows(used=self.used, trying=trying, now=now)

    def in_use(self, now: datetime) -> set[str]:
        """What a task of ours works on, by its mutex, or that the cloud called busy: one task at a time is its rule."""
        called_busy = {mutex for mutex, until in self.busy.items() if now < until}
        return called_busy.union(slot.mutex for slot in (self.holders | self.reserved).values())


class Lanes:
    """All lanes. `wake` is told the uid of every job whose turn it may have become; `provider_of` names an account's cloud."""

    def __init__(self, wake: Callable[[str], None], provider_of: Callable[[str], str]) -> None:
        self.lanes: dict[LaneKey, Lane] = defaultdict(Lane)
        self._lane_of: dict[str, LaneKey] = {}
        self._queued_in: dict[str, LaneKey] = {}
        self._wake = wake
        self._provider_of = provider_of

    def note(self, uid: str, record: JobRecord | None) -> None:
        """Keep the holders in step with a record that changed or went (None)."""
        key = self._lane_held(record) if record else None
        before = self._lane_of.pop(uid, None)
        if before and before != key:
            lane = self.lanes[before]
            lane.holders.pop(uid, None)
            self.wake_next(before)
        if record is None or record.journal.finished or record.job.deleting or record.job.policy.suspend:
            self.leave(uid)
        elif record.journal.claim:
            self._strike_off(uid)
        if key and record:
            self._lane_of[uid] = key
            self._hold(uid, record, key)

    def _hold(self, uid: str, record: JobRecord, key: LaneKey) -> None:
        """A claim or a task holds a slot; a claim that became a task tells what the cloud allows."""
        lane, resolved, has_task = self.lanes[key], record.journal.resolved, record.journal.task is not None
        known = lane.holders.get(uid)
        lane.holders[uid] = _Slot(record.job.namespace, resolved.mutex if resolved else "", has_task)
        lane.reserved.pop(uid, None)
        if known and has_task and not known.has_task:
            lane.quota.accepted(used=lane.used, now=clock.now())
            self.wake_next(key)

    def turn(self, uid: str, job: Job, key: LaneKey, mutex: str) -> Refusal | None:
        """Why it is not this job's turn, or None if it is. A job that is refused waits in the lane from then on."""
        self.join(uid, job, key, mutex)
        lane, now = self.lanes[key], clock.now()
        if not lane.granted(now):
            return lane.quota.refusal(now)
        if mutex in lane.in_use(now):
            busy_until = lane.busy.get(mutex)
            return Refusal(Reason.IMAGE_BUSY, "Another task works on the same image.", busy_until)
        if lane.free(now) < len(lane.waiting) and uid not in (entry.uid for entry in self._next(lane)):
            return Refusal(Reason.QUEUED, f"All slots of the lane are taken (limit: {lane.limit}).")
        return None

    def join(self, uid: str, job: Job, key: LaneKey, mutex: str) -> None:
        """The job waits in the lane: it is woken when a slot may be its own."""
        if self._queued_in.get(uid) not in (None, key):
            self.leave(uid)
        self._queued_in[uid] = key
        self.lanes[key].waiting[uid] = _Waiting(job.namespace, job.policy.priority, job.created_at, uid, mutex)

    def leave(self, uid: str) -> None:
        """A job that wants its turn no more, or cannot take it, stands in nobody's way."""
        key = self._strike_off(uid)
        if key:
            self.wake_next(key)

    def reserve(self, uid: str, job: Job, key: LaneKey, mutex: str) -> None:
        """Hold a slot until the claim is in the record, or `release` is called."""
        self.lanes[key].reserved[uid] = _Slot(job.namespace, mutex)
        self._strike_off(uid)

    def release(self, uid: str, key: LaneKey) -> None:
        """The claim was not written."""
        self.lanes[key].reserved.pop(uid, None)
        self.wake_next(key)

    def defer(self, key: LaneKey, mutex: str, deferred: Deferred) -> datetime:
        """The cloud refused for a quota or a busy image; returns when it is worth another try."""
        lane, now = self.lanes[key], clock.now()
        if deferred.scope is not Scope.IMAGE:
            return lane.quota.refused(deferred, used=lane.used, now=now)
        until = now + timedelta(seconds=deferred.retry_after_seconds)
        still_busy = {image: end for image, end in lane.busy.items() if now < end}
        lane.busy = still_busy | {mutex: until}
        return until

    def recall(self, key: LaneKey, reason: str, until: datetime, learned: int | None) -> None:
        """What an earlier process learned of a lane's quota: a restart is no reason to try it."""
        self.lanes[key].quota.recall(reason, until, learned, now=clock.now())

    def reserved(self, uid: str) -> bool:
        """The job's claim is being written."""
        return any(uid in lane.reserved for lane in self.lanes.values())

    def set_limit(self, key: LaneKey, limit: int | None) -> None:
        """What the account's spec allows in this lane."""
        lane = self.lanes[key]
        if lane.limit != limit:
            lane.limit = limit
            self.wake_next(key)

    def set_orphans(self, counts: Counter[LaneKey]) -> None:
        """How many orphans hold slots in each lane."""
        for key in self.lanes.keys() | counts.keys():
            lane = self.lanes[key]
            fewer, lane.orphans = counts[key] < lane.orphans, counts[key]
            if fewer:
                self.wake_next(key)

    def of_account(self, provider: str, account_id: str) -> Iterator[tuple[LaneKey, Lane]]:
        """The lanes in use of one owner."""
        return (
            (key, lane)
            for key, lane in self.lanes.items()
            if (key.provider, key.account_id) == (provider, account_id)
            and (lane.used or lane.waiting or not lane.granted(clock.now()))
        )

    def wake_next(self, key: LaneKey) -> None:
        """Have those looked at whose turn it may be."""
        for entry in self._next(self.lanes[key]):
            self._wake(entry.uid)

    def _lane_held(self, record: JobRecord) -> LaneKey | None:
        claim, resolved = record.journal.claim, record.journal.resolved
        if claim is None or resolved is None or record.journal.finished:
            return None
        return LaneKey(self._provider_of(record.job.account), claim.account_id, resolved.region, record.job.kind)

    def _strike_off(self, uid: str) -> LaneKey | None:
        key = self._queued_in.pop(uid, None)
        if key:
            self.lanes[key].waiting.pop(uid, None)
        return key

    def _next(self, lane: Lane) -> list[_Waiting]:
        """Who may take the free slots: the namespace with the fewest slots first, then priority, then age.

        Whoever's image is in use is passed over: a free slot goes to the next.
        """
        now = clock.now()
        free = lane.free(now)
        if not lane.waiting or not free:
            return []
        images = lane.in_use(now)
        queues: dict[str, deque[_Waiting]] = defaultdict(deque)
        for entry in sorted(lane.waiting.values(), key=lambda each: (-each.priority, each.created_at, each.uid)):
            if entry.mutex not in images:
                queues[entry.namespace].append(entry)
        taken = Counter(slot.namespace for slot in (lane.holders | lane.reserved).values())
        chosen: list[_Waiting] = []
        while len(chosen) < free and queues:
            namespace = min(queues, key=lambda each: (taken[each], queues[each][0].created_at, each))
            entry = queues[namespace].popleft()
            if not queues[namespace]:
                del queues[namespace]
            if entry.mutex not in images:
                chosen.append(entry)
                images.add(entry.mutex)
                taken[namespace] += 1
        return chosen
