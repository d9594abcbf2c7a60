"""One visit to one job: gather the facts, decide, perform, until nothing is left to do now. The one place for failures."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from imageferry.core.decide import decide
from imageferry.core.errors import (
    Blocked,
    Deferred,
    Failure,
    Refusal,
    Rejected,
    Throttled,
    Transient,
    Unconfirmed,
    Unsent,
)
from imageferry.core.reasons import Reason
from imageferry.core.step import Hold, Step, Wait
from imageferry.core.transition import waiting
from imageferry.engine import clock
from imageferry.engine.gather import Gatherer
from imageferry.engine.leader import Leader
from imageferry.engine.perform import Performer
from imageferry.engine.queue import WorkQueue
from imageferry.engine.speaker import Speaker
from imageferry.engine.store import JobRecord, Store
from imageferry.engine.writer import Writer
from imageferry.kube import errors
from imageferry.settings import Settings

_log: Final = structlog.get_logger("imageferry.reconciler")

_MOST_STEPS: Final = 24
"""Steps in one visit: a whole life takes fewer; more means that a step does not change what it was decided on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Visits jobs by uid; never two visits to one uid at a time (engine/queue.py)."""

    store: Store
    queue: WorkQueue[str]
    leader: Leader
    gatherer: Gatherer
    performer: Performer
    speaker: Speaker
    writer: Writer
    settings: Settings

    async def visit(self, uid: str) -> None:
        """Bring one job as far as it goes now. Raises nothing but what ends the process."""
        try:
            record = await self._current(uid)
            if record:
                record.memory.begin_visit(has_task=record.journal.task is not None)
                failures = self.queue.failures(uid)
                await self._walk(uid)
                if self.queue.failures(uid) == failures and record.memory.paused is None:
                    self.queue.forget(uid)
        except errors.KubeFailure as failure:
            self._kube_failed(uid, failure)
        except Exception:  # noqa: BLE001 -- the one place where a fault of our own is met: loud, and never the end of the process
            await self._broke(uid)
        finally:
            self._tried(uid)

    async def _current(self, uid: str) -> JobRecord | None:
        record = self.store.jobs.get(uid)
        return await self.writer.refresh(record) if record and record.memory.stale else record

    async def _walk(self, uid: str) -> None:
        for _ in range(_MOST_STEPS):
            record = self.store.jobs.get(uid)
            if record is None or not self.leader.is_leader:
                return
            with structlog.contextvars.bound_contextvars(**_names(record)):
                if not await self._step(uid, record):
                    return
        _log.error("visit does not end", uid=uid)
        self.queue.add_rate_limited(uid)

    async def _step(self, uid: str, record: JobRecord) -> bool:
        """One step; whether the next is to be decided at once."""
        try:
            sight = await self.gatherer.gather(record)
            if self.store.jobs.get(uid) is not record:
                return True
            return await self.performer.perform(sight, decide(record.job, record.journal, sight.facts))
        except Failure as failure:
            await self._failed(self.store.jobs.get(uid), failure)
            return False

    def _tried(self, uid: str) -> None:
        record = self.store.jobs.get(uid)
        if record and record.job.deleting:
            record.memory.deletion_tried = True

    async def _failed(self, record: JobRecord | None, failure: Failure) -> None:
        """What follows from each kind of failure: what is shown, and when it is looked at again."""
        if record is None:
            return
        uid, journal = record.job.uid, record.journal
        _log.warning("cloud call failed", uid=uid, failure=type(failure).__name__, reason=failure.reason,
                     message=failure.message, code=failure.code, request_id=failure.request_id)  # fmt: skip
        shown: Step = Wait(failure.reason, failure.message)
        match failure:
            case Throttled(retry_after_seconds=float(seconds)):
                self.queue.add_after(uid, seconds)
            case Deferred():
                now = clock.now()
                journal = waiting(journal, now, now + timedelta(seconds=failure.retry_after_seconds))
                self.queue.add_after(uid, failure.retry_after_seconds)
            case Blocked() | Rejected():
                shown = Hold(Refusal.of(failure), self._patience(record))
                self.queue.add_after(uid, self._patience(record))
            case Transient() | Unsent() | Unconfirmed():
                self.queue.add_rate_limited(uid)
            case _:
                raise failure
        if record.job.deleting:
            self.queue.add_after(uid, self.settings.look_again_seconds)
        await self.speaker.say(record, journal, shown)

    def _patience(self, record: JobRecord) -> float:
        """What concerns a claim or a task is looked at more often than what concerns a wish."""
        return self.settings.look_again_seconds if record.journal.claim else self.settings.hold_recheck_seconds

    def _kube_failed(self, uid: str, failure: errors.KubeFailure) -> None:
        record = self.store.jobs.get(uid)
        if record:
            record.memory.stale = True
        match failure:
            case errors.Conflict():
                self.queue.add_after(uid, self.settings.retry_min_seconds / 10)
            case errors.TooManyRequests():
                self.queue.add_after(uid, failure.retry_after_seconds)
            case errors.NotFound():
                self.queue.add(uid)
            case _:
                seconds = self.queue.add_rate_limited(uid)
                _log.warning(
                    "API server refused or silent", uid=uid, failure=str(failure), again_seconds=round(seconds, 1)
                )

    async def _broke(self, uid: str) -> None:
        """A fault of our own: loud in the log, plain in the status, tried again."""
        _log.exception("visit broke", uid=uid)
        self.queue.add_rate_limited(uid)
        record = self.store.jobs.get(uid)
        if record is None:
            return
        record.memory.stale = True
        fault = Wait(Reason.INTERNAL_ERROR, "The operator met a fault of its own; its log has the details.")
        try:
            await self.speaker.say(record, record.journal, fault)
        except errors.KubeFailure as failure:
            _log.warning("fault not shown", uid=uid, failure=str(failure))


def _names(record: JobRecord) -> dict[str, object]:
    """What every log line of a step names, a cloud's own lines included."""
    claim = record.journal.claim
    attempt = {"attempt": record.journal.number, "account": claim.account_id} if claim else {}
    return {"uid": record.job.uid} | attempt
