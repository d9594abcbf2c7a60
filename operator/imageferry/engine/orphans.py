"""Tasks whose objects had to go: recorded on their account before the finalizer leaves, then followed until nothing is left.

The record lives in CloudAccount.status.orphans. It still counts in its lane, is cancelled while it runs, and under Delete
its files are removed. Retain keeps whole files; Orphan is never recorded.
"""

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

import structlog

from imageferry.clouds.provider import ImageProvider, Origin, Search
from imageferry.core.accountbook import MOST_ORPHANS, Orphan, orphan_of
from imageferry.core.errors import Blocked, Failure
from imageferry.core.job import DeletionPolicy, Kind
from imageferry.core.keys import Mark
from imageferry.core.observation import Absent, Cancelled, Failed, NotLooked, Observation, Running, Succeeded, Task
from imageferry.core.reasons import Reason
from imageferry.engine import clock
from imageferry.engine.accounts import Accounts, Usable
from imageferry.engine.lanes import LaneKey, Lanes
from imageferry.engine.leader import Leader
from imageferry.engine.store import JobRecord, Store
from imageferry.engine.writer import Writer
from imageferry.kube import errors
from imageferry.metrics import Metrics
from imageferry.settings import Settings

_log: Final = structlog.get_logger("imageferry.orphans")
_TRIES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphans:
    """The orphans of all accounts."""

    store: Store
    writer: Writer
    accounts: Accounts
    lanes: Lanes
    leader: Leader
    metrics: Metrics
    settings: Settings
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One row is added at a time: dozens at once would conflict with each other."""

    async def record(self, record: JobRecord) -> None:
        """Write the record of what the job leaves behind; returns only once the account's status holds it.

        An account that is gone can hold nothing: then the log line and the metric are all that is left.
        Raises a KubeFailure where the write gets no answer, and Blocked where the account's list is full.
        """
        job, claim = record.job, record.journal.claim
        account = self.store.accounts.get(job.account)
        provider = account.account.provider if account else ""
        if claim and account:
            async with self._turn:
                await self._append(job.account, orphan_of(job, record.journal, claim, clock.now()))
        _log.warning("task orphaned", uid=job.uid, namespace=job.namespace, name=job.name, account=job.account,
                     key=claim.key if claim else "", task=record.journal.task.id if record.journal.task else "")  # fmt: skip
        self.metrics.task_orphaned(job.kind, provider)
        self.count()

    async def _append(self, account: str, orphan: Orphan) -> None:
        for _ in range(_TRIES):
            record = self.store.accounts.get(account)
            if record is None:
                return
            others = [each for each in record.book.orphans if each.key != orphan.key]
            if len(others) >= MOST_ORPHANS:
                # Letting go of an older task would lose it: the object stays until there is room.
                raise Blocked(Reason.ORPHANED, f"CloudAccount {account} already follows {MOST_ORPHANS} orphaned tasks.")
            book = replace(record.book, orphans=(*others, orphan))
            try:
                await self.writer.commit_book(record, book)
            except errors.Conflict:
                await self.writer.refresh_account(account)
            else:
                return
        raise errors.Conflict("the account's status changes too fast")

    def count(self) -> None:
        """Tell the lanes how many slots orphans hold."""
        counts: Counter[LaneKey] = Counter()
        for record in self.store.accounts.values():
            for orphan in record.book.orphans:
                counts[_lane(record.account.provider, orphan)] += 1
        self.lanes.set_orphans(counts)

    async def run(self) -> None:
        """Follow all orphans, for ever."""
        while True:
            await asyncio.sleep(self.settings.look_again_seconds)
            if self.leader.is_leader:
                for name in [name for name, record in self.store.accounts.items() if record.book.orphans]:
                    await self._follow(name)

    async def _follow(self, name: str) -> None:
        usable = await self.accounts.usable(name)
        record = self.store.accounts.get(name)
        if not isinstance(usable, Usable) or record is None:
            return
        groups: dict[tuple[Kind, str], list[Orphan]] = defaultdict(list)
        for orphan in record.book.orphans:
            if orphan.account_id == usable.owner:
                groups[orphan.kind, orphan.region].append(orphan)
        for (kind, region), group in groups.items():
            await self._follow_group(name, usable.connection.provider(kind, region), group)

    async def _follow_group(self, name: str, provider: ImageProvider, group: list[Orphan]) -> None:
        """All whose task is known are asked for at once, as those of living objects are."""
        try:
            tasks = {orphan.key: orphan.task for orphan in group if orphan.task_id}
            known = await provider.poll(tasks, {orphan.key: orphan.resolved for orphan in group})
        except Failure as failure:
            _log.warning("orphans not seen", account=name, reason=failure.reason, code=failure.code)
            return
        for orphan in group:
            names = {"uid": orphan.uid, "key": orphan.key, "account": orphan.account_id}
            try:
                with structlog.contextvars.bound_contextvars(**names):
                    seen = known.get(orphan.key, NotLooked()) if orphan.task_id else await self._find(provider, orphan)
                    settled = await self._settle(provider, orphan, seen)
            except Failure as failure:
                _log.warning(
                    "orphan not settled", account=name, key=orphan.key, reason=failure.reason, code=failure.code
                )
                continue
            if settled:
                await self._remove(name, orphan)

    async def _settle(self, provider: ImageProvider, orphan: Orphan, seen: Observation) -> bool:
        """One step towards nothing being left; whether that is reached."""
        match seen:
            case Running(task=task):
                if provider.capabilities.cancel:
                    await provider.cancel(task, self._origin(orphan))
                return False
            case Succeeded(task=task) | Failed(task=task) | Cancelled(task=task):
                await self._clear(provider, orphan, task)
                return True
            case Absent(cloud_time=cloud_time):
                window = timedelta(seconds=self.settings.window_seconds + self.settings.read_lag_seconds)
                over = cloud_time > orphan.claimed_at + window
                if over:
                    await self._clear(provider, orphan, orphan.task)
                return over
            case _:
                return False

    async def _find(self, provider: ImageProvider, orphan: Orphan) -> Observation:
        return await provider.find(
            Search(
                marks=(Mark(1, orphan.key, orphan.object_prefix),),
                closed=range(0),
                region=orphan.region,
                image_id=orphan.image_id,
                image_name=orphan.image_name,
                bucket=orphan.bucket,
                since=orphan.claimed_at,
                until=orphan.claimed_at + timedelta(seconds=self.settings.window_seconds),
            )
        )

    def _origin(self, orphan: Orphan) -> Origin:
        window = timedelta(seconds=self.settings.window_seconds)
        return Origin(image_id=orphan.image_id, since=orphan.claimed_at, until=orphan.claimed_at + window)

    async def _clear(self, provider: ImageProvider, orphan: Orphan, task: Task) -> None:
        if orphan.deletion_policy is not DeletionPolicy.DELETE:
            return
        left = await provider.collect(orphan.resolved, task)
        await provider.discard(left.items, {orphan.key})

    async def _remove(self, name: str, orphan: Orphan) -> None:
        record = self.store.accounts.get(name)
        if record is None:
            return
        rest = tuple(each for each in record.book.orphans if each.key != orphan.key)
        try:
            await self.writer.commit_book(record, replace(record.book, orphans=rest))
        except errors.KubeFailure as failure:
            _log.warning("orphan not struck off", account=name, key=orphan.key, failure=str(failure))
            await self.writer.reread_account(name)
            return
        _log.info("orphan settled", account=name, key=orphan.key, task=orphan.task_id)
        self.count()


def _lane(provider: str, orphan: Orphan) -> LaneKey:
    return LaneKey(provider, orphan.account_id, orphan.region, orphan.kind)
