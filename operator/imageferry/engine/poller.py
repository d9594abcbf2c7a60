"""Running tasks, asked for in batches: one loop for all tasks of one account, region and direction.

A loop lives while there are such tasks. What it sees goes into the records, and a job is queued only if what was seen can
change what is to be done or shown. The pause adapts: short after a submission, long in the middle, short near the
predicted end.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

import structlog

from imageferry.core.errors import Failure, Throttled
from imageferry.core.job import Kind
from imageferry.core.observation import Cancelled, Failed, Observation, Running, Succeeded, Task
from imageferry.core.resolved import Resolved
from imageferry.engine import clock
from imageferry.engine.accounts import Accounts, Usable
from imageferry.engine.leader import Leader
from imageferry.engine.queue import WorkQueue
from imageferry.engine.store import JobRecord, Store
from imageferry.settings import Settings

_log: Final = structlog.get_logger("imageferry.poller")

_YOUNG_PART: Final = 1 / 20
"""A task of an hour is asked for every three minutes at most: that much lateness is a twentieth of its life."""

_NEAR_PART: Final = 1 / 4
"""Of the time that is predicted to be left."""


class _Group(NamedTuple):
    account: str
    region: str
    kind: Kind


@dataclass(slots=True, kw_only=True)
class Poller:
    """All loops of one process."""

    store: Store
    queue: WorkQueue[str]
    accounts: Accounts
    leader: Leader
    settings: Settings
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    beats: dict[_Group, float] = field(default_factory=dict)

    def notice(self) -> None:
        """A task may have come that no loop asks for yet."""
        self._news.set()

    async def run(self) -> None:
        """Keep a loop for every group that has tasks, for ever; a loop that breaks ends the process."""
        loops: dict[_Group, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                await self._news.wait()
                self._news.clear()
                for key in self._groups():
                    if key not in loops or loops[key].done():
                        loops[key] = group.create_task(self._follow(key))

    def _groups(self) -> dict[_Group, dict[str, JobRecord]]:
        groups: dict[_Group, dict[str, JobRecord]] = defaultdict(dict)
        for uid, record in self.store.jobs.items():
            journal = record.journal
            if journal.task and not journal.finished and journal.resolved:
                key = _Group(record.job.account, journal.resolved.region, record.job.kind)
                groups[key][uid] = record
        return groups

    async def _follow(self, key: _Group) -> None:
        slower = 1.0
        while self.leader.is_leader and (records := self._groups().get(key)):
            self.beats[key] = clock.monotonic()
            try:
                await self._sweep(key, records)
                slower = 1.0
            except Throttled as failure:
                slower = min(slower * 2, 8.0)
                _log.info("poll throttled", account=key.account, region=key.region, code=failure.code)
            except Failure as failure:
                _log.warning(
                    "poll failed", account=key.account, region=key.region, reason=failure.reason, code=failure.code
                )
                for record in records.values():
                    record.memory.cloud_away = True
            await asyncio.sleep(self._pause(key) * slower)
        self.beats.pop(key, None)

    async def _sweep(self, key: _Group, records: dict[str, JobRecord]) -> None:
        usable = await self.accounts.usable(key.account)
        if not isinstance(usable, Usable):
            for uid in records:
                self.queue.add(uid)
            return
        tasks: dict[str, Task] = {}
        pinned: dict[str, Resolved] = {}
        for uid, record in records.items():
            claim, task = record.journal.claim, record.journal.task
            if claim and task and claim.account_id == usable.owner:
                tasks[uid] = task
                pinned |= {uid: record.journal.resolved} if record.journal.resolved else {}
            else:
                self.queue.add(uid)
        if not tasks:
            return
        seen = await usable.connection.provider(key.kind, key.region).poll(tasks, pinned)
        for uid, observation in seen.items():
            self._take(uid, observation)

    def _take(self, uid: str, seen: Observation) -> None:
        record = self.store.jobs.get(uid)
        if record is None or record.journal.task is None:
            return
        before = record.memory.observation
        record.memory.observe(seen, now=clock.now(), at=clock.monotonic())
        record.memory.cloud_away = False
        if is_news(before, seen, record):
            self.queue.add(uid)

    def _pause(self, key: _Group) -> float:
        """The shortest that any of the group's tasks asks for, within the settings' limits."""
        records = self._groups().get(key, {}).values()
        wished = min((pause(record, clock.now()) for record in records), default=self.settings.poll_min_seconds)
        return max(self.settings.poll_min_seconds, min(wished, self.settings.poll_max_seconds))


def pause(record: JobRecord, now: datetime) -> float:
    """Seconds until this task is worth asking for again."""
    task, progress = record.journal.task, record.journal.progress
    age = (now - task.started_at).total_seconds() if task and task.started_at else 0.0
    wished = age * _YOUNG_PART
    if progress and progress.estimated_finish_at:
        left = max(0.0, (progress.estimated_finish_at - now).total_seconds())
        wished = min(wished, left * _NEAR_PART)
    return wished


def is_news(before: Observation, seen: Observation, record: JobRecord) -> bool:
    """Only what can change a decision or what is shown.

    An end is news once: whoever cannot go on from there comes back with growing pauses, and no poll shortens them.
    """
    if isinstance(seen, Succeeded | Failed | Cancelled):
        return type(before) is not type(seen)
    if not isinstance(seen, Running) or not isinstance(before, Running):
        return True
    shown = record.journal.progress.percent if record.journal.progress else None
    return before.task.state != seen.task.state or record.job.deleting or seen.percent != shown
