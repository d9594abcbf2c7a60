"""A CloudAccount's own visits: is it usable, whose is it, how full are its lanes; and the finalizer that it needs for that.

The status is written when it says something new; lane figures, which change with every slot, at most every so often.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

import structlog

from imageferry.core.account import ACCOUNT_FINALIZER
from imageferry.core.accountbook import Book, LaneRow, operation_of
from imageferry.core.errors import MESSAGE_LIMIT, Refusal
from imageferry.core.journal import Condition
from imageferry.core.reasons import NOT_YET, PASSING, Reason, told
from imageferry.engine import clock
from imageferry.engine.accounts import Accounts, Usable
from imageferry.engine.lanes import Lane, LaneKey, Lanes
from imageferry.engine.leader import Leader
from imageferry.engine.queue import WorkQueue
from imageferry.engine.store import AccountRecord, Store, account_key
from imageferry.engine.writer import Writer
from imageferry.kube import errors
from imageferry.settings import Settings

_log: Final = structlog.get_logger("imageferry.bookkeeper")
_READY: Final = "The account can be used."


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookkeeper:
    """Visits accounts by name."""

    store: Store
    queue: WorkQueue[str]
    accounts: Accounts
    lanes: Lanes
    leader: Leader
    writer: Writer
    settings: Settings
    _state_before: dict[str, tuple[int, str]] = field(default_factory=dict)
    _lanes_written_at: dict[str, float] = field(default_factory=dict)

    async def visit(self, name: str) -> None:
        """Bring one account's status and finalizer up to date."""
        record = self.store.accounts.get(name)
        if record is None or not self.leader.is_leader:
            return
        try:
            usable = await self.accounts.usable(name)
            self._wake_jobs(name, usable)
            record = self.store.accounts.get(name, record)
            await self.writer.commit_book(record, self._book(record, usable))
            await self._settle_finalizer(self.store.accounts.get(name, record))
        except errors.KubeFailure as failure:
            _log.warning("account not written", account=name, failure=str(failure))
            await self.writer.reread_account(name)
            self.queue.add_rate_limited(account_key(name))
            return
        self.queue.forget(account_key(name))
        self._schedule(name, usable)

    def _schedule(self, name: str, usable: Usable | Refusal) -> None:
        """An account in use or in trouble is looked at often, an idle one as often as its Secret is read again."""
        busy = isinstance(usable, Refusal) or self._needed(name) or self._lanes_in_use(name, usable)
        seconds = self.settings.look_again_seconds if busy else self.settings.secret_reread_seconds
        self.queue.add_after(account_key(name), seconds)

    def _lanes_in_use(self, name: str, usable: Usable) -> bool:
        record = self.store.accounts.get(name)
        return record is not None and any(self.lanes.of_account(record.account.provider, usable.owner))

    def _wake_jobs(self, name: str, usable: Usable | Refusal) -> None:
        """Whoever refers to the account learns when it changed: that it can be used, or what is in the way."""
        record = self.store.accounts.get(name)
        state = (record.account.generation if record else 0, usable.reason if isinstance(usable, Refusal) else "")
        if self._state_before.get(name) == state:
            return
        self._state_before[name] = state
        for uid, job in self.store.jobs_of(name):
            job.memory.checked = None
            self.lanes.note(uid, job)
            self.queue.add(uid)

    def _book(self, record: AccountRecord, usable: Usable | Refusal) -> Book:
        account_id = usable.owner if isinstance(usable, Usable) else record.book.account_id
        return replace(
            record.book,
            observed_generation=record.account.generation,
            conditions=self._conditions(record, usable),
            account_id=account_id,
            lanes=self._lane_rows(record, account_id),
        )

    def _lane_rows(self, record: AccountRecord, account_id: str) -> tuple[LaneRow, ...]:
        name, now = record.account.name, clock.monotonic()
        lanes = sorted(self.lanes.of_account(record.account.provider, account_id), key=lambda item: item[0])
        rows = tuple(_lane_row(key, lane) for key, lane in lanes)
        written_at = self._lanes_written_at.get(name)
        if rows != record.book.lanes and written_at and now - written_at < self.settings.look_again_seconds:
            return record.book.lanes
        self._lanes_written_at[name] = now
        return rows

    def _conditions(self, record: AccountRecord, usable: Usable | Refusal) -> tuple[Condition, ...]:
        if isinstance(usable, Usable):
            rows = [("Ready", "True", Reason.ACCEPTED, _READY)]
        else:
            young = clock.now() - record.created_at < timedelta(seconds=self.settings.young_object_seconds)
            passes = usable.reason in PASSING or (young and usable.reason in NOT_YET)
            kind = "Reconciling" if passes else "Stalled"
            message = told(usable.reason, usable.message)
            rows = [("Ready", "False", usable.reason, message), (kind, "True", usable.reason, message)]
        before = {condition.type: condition for condition in record.book.conditions}
        return tuple(_condition(row, before.get(row[0]), record) for row in rows)

    def _needed(self, name: str) -> bool:
        """A claim, open or being written, a task or an orphan depends on the account."""
        record = self.store.accounts.get(name)
        holds = any(job.journal.claim or self.lanes.reserved(uid) for uid, job in self.store.jobs_of(name))
        return holds or bool(record and record.book.orphans)

    async def _settle_finalizer(self, record: AccountRecord) -> None:
        account = record.account
        needed = self._needed(account.name)
        if account.deleting and needed:
            limit = timedelta(seconds=self.settings.account_finalizer_limit_seconds)
            if record.deleted_at and clock.now() - record.deleted_at > limit:
                _log.error("account let go with work left", account=account.name, orphans=len(record.book.orphans))
                needed = False
        if needed == account.guarded or (needed and account.deleting):
            return
        await self.writer.set_account_finalizer(record, ACCOUNT_FINALIZER, wanted=needed)
        if self._needed(account.name) and not needed:
            self.queue.add(account_key(account.name))  # a claim that began meanwhile found the finalizer still there


def _lane_row(key: LaneKey, lane: Lane) -> LaneRow:
    """A lane as it is now; closed are those in which the cloud's quota keeps everybody waiting."""
    now, quota = clock.now(), lane.quota
    closed = quota.until is not None and now < quota.until and not lane.granted(now)
    return LaneRow(
        region=key.region,
        operation=operation_of(key.kind),
        limit=lane.limit,
        learned_limit=quota.learned,
        running=lane.used,
        queued=len(lane.waiting),
        closed_until=quota.until if closed else None,
        closed_reason=(quota.reason or "") if closed else "",
    )


def _condition(row: tuple[str, str, Reason, str], before: Condition | None, record: AccountRecord) -> Condition:
    kind, status, reason, message = row
    return Condition(
        type=kind,
        status=status,
        reason=reason,
        message=message[:MESSAGE_LIMIT],
        observed_generation=record.account.generation,
        last_transition_at=before.last_transition_at if before and before.status == status else clock.now(),
    )
