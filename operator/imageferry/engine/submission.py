"""The exactly-once protocol, performed: claim, submit, record, and what follows from each answer.

When to do which is decided in core/decide.py. The order of the lines is the point here: nothing is sent that was not
claimed and acknowledged, and nothing comes between an accepted submission and its record in the status.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import structlog

from imageferry.core import step as steps
from imageferry.core import transition
from imageferry.core.account import ACCOUNT_FINALIZER
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
from imageferry.core.journal import Claim, Journal, LastError, LastRefusal
from imageferry.core.observation import Task
from imageferry.core.reasons import Reason
from imageferry.core.resolved import Resolved
from imageferry.engine import clock
from imageferry.engine.ask import ask
from imageferry.engine.gather import Sight
from imageferry.engine.lanes import Lanes
from imageferry.engine.leader import Leader
from imageferry.engine.queue import WorkQueue
from imageferry.engine.speaker import Speaker
from imageferry.engine.store import JobRecord, Store, account_key
from imageferry.engine.writer import Writer
from imageferry.kube import errors
from imageferry.metrics import Metrics
from imageferry.settings import Settings

_log: Final = structlog.get_logger("imageferry.submission")

_RECORD_PAUSES: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 5.0, 5.0)
"""Seconds between tries to record a task; after them the claim stays open and the task is found by looking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """Performs the protocol's steps for the jobs of one process. Each returns whether to decide again at once."""

    store: Store
    queue: WorkQueue[str]
    lanes: Lanes
    leader: Leader
    writer: Writer
    speaker: Speaker
    metrics: Metrics
    settings: Settings

    async def claim(self, sight: Sight, step: steps.Claim) -> bool:
        """One awaited, guarded write. Not acknowledged, no submission."""
        record, resolved = sight.record, _known(sight.facts.checked)
        uid, lane = record.job.uid, sight.lane
        self.lanes.reserve(uid, record.job, lane, resolved.mutex)
        try:
            await self._guard_account(record.job.account)
            journal = transition.claimed(
                record.journal,
                record.job,
                step.number,
                resolved=resolved,
                account_id=sight.account_id,
                by=self.settings.identity,
                at=clock.now(),
            )
            written_at = clock.monotonic()
            await self._write_claim(record, journal, step)
        finally:
            self.lanes.release(uid, lane)
        record.memory.claim(at=written_at)
        return True

    async def _guard_account(self, name: str) -> None:
        """An account with a claim must not vanish with its credentials."""
        record = self.store.accounts.get(name)
        if record and not record.account.guarded:
            await self.writer.set_account_finalizer(record, ACCOUNT_FINALIZER, wanted=True)
            self.queue.add(account_key(name))

    async def _write_claim(self, record: JobRecord, journal: Journal, step: steps.Claim) -> None:
        """Raises a KubeFailure unless the server holds this very claim, whatever its first answer was."""
        guarded = record.memory.guarded_here
        record.memory.begin_claim()
        try:
            await self.speaker.commit(record, journal, step)
        except errors.KubeFailure as failure:
            if guarded and not isinstance(failure, errors.Unavailable):
                # Refused, so never to be applied later: the finalizer still tells of no claim, and nothing was lost.
                record.memory.guard()
            fresh = await self.writer.refresh(record)
            if fresh is None or fresh.journal.claim != journal.claim:
                raise

    async def submit(self, sight: Sight, step: steps.Submit) -> bool:
        """Send once. Whatever the answer does not prove is found out by looking."""
        record, claim = sight.record, sight.record.journal.claim
        if claim is None:
            raise AssertionError("a submission needs a claim")
        if step.again and claim.claimed_by != self.settings.identity:
            # Whoever made the claim may be about to withdraw it: from this write on that is refused.
            await self.speaker.commit(record, transition.taken_over(record.journal, self.settings.identity), step)
            return True
        # First what preflight answered to this very process: the status may have been edited since. A repeat is built from
        # the status alone, as the client token stands for the parameters that were sent first.
        pinned = record.journal.resolved
        provider, resolved = sight.provider, _known(pinned if step.again else record.memory.checked or pinned)
        repeat = record.memory.sends + 1 if step.again else 0
        record.memory.send(at=clock.monotonic())
        try:
            task = await provider.submit(record.job, claim, resolved, repeat=repeat)
        except Unsent:
            record.memory.take_back()
            raise
        except Unconfirmed as failure:
            self._tell("submission unconfirmed", record, claim, code=failure.code, request_id=failure.request_id)
            return True
        except Failure as failure:
            if step.again:  # no refusal of a repeat proves anything about the first
                raise
            return await self._refused(sight, claim, failure)
        record.memory.submit()
        self._tell("task submitted", record, claim, task_id=task.id)
        await self._record_task(record, claim, task)
        return True

    def _tell(self, event: str, record: JobRecord, claim: Claim, **more: object) -> None:
        """Every mutating call leaves a line with uid, attempt and account."""
        number = record.journal.number
        _log.info(event, uid=record.job.uid, attempt=number, key=claim.key, account_id=claim.account_id, **more)

    async def _record_task(self, record: JobRecord, claim: Claim, task: Task) -> None:
        """At once, and again until it is there. Should that never be, the claim stays open and the task is found."""
        for pause in _RECORD_PAUSES:
            known = self.store.jobs.get(record.job.uid)
            if known is None or known.journal.claim != claim or known.journal.task or not self.leader.is_leader:
                return
            journal = transition.accepted(known.journal, task, clock.now())
            try:
                await self.speaker.commit(known, journal, steps.Submit(again=False))
            except errors.KubeFailure as failure:
                _log.warning("task not recorded yet", uid=record.job.uid, task=task.id, failure=str(failure))
                await asyncio.sleep(pause)
                await self._reread(known)
            else:
                return

    async def _reread(self, record: JobRecord) -> None:
        try:
            await self.writer.refresh(record)
        except errors.KubeFailure as failure:
            _log.warning("object not read", uid=record.job.uid, failure=str(failure))

    async def _refused(self, sight: Sight, claim: Claim, failure: Failure) -> bool:
        """The cloud's answer proves that nothing started: the claim is closed, and no attempt is spent."""
        record, now = sight.record, clock.now()
        error = LastError(
            reason=failure.reason, message=failure.message, code=failure.code, request_id=failure.request_id, time=now
        )
        remembered = self._lasting(record, failure)
        seconds = self.settings.hold_recheck_seconds if remembered else self._pause(record, failure)
        self._tell("submission refused", record, claim, reason=failure.reason, code=failure.code,
                   request_id=failure.request_id, again_seconds=round(seconds, 1))  # fmt: skip
        journal = transition.refused(record.journal, remembered, error)
        if remembered is None:
            journal = transition.waiting(journal, now, now + timedelta(seconds=seconds))
        record.memory.forget_attempt()
        shown = steps.Hold(Refusal.of(failure), seconds) if remembered else steps.Wait(failure.reason, failure.message)
        await self.speaker.commit(record, journal, shown)
        if isinstance(failure, Deferred):
            # After the write: the slot of the claim just closed is no sign that the cloud has room again.
            mutex = _known(record.journal.resolved).mutex
            self.lanes.defer(sight.lane, mutex, failure)
            self.lanes.join(record.job.uid, record.job, sight.lane, mutex)
            self.queue.add(account_key(record.job.account))  # whoever leads next shall know it too
        return remembered is not None

    def _pause(self, record: JobRecord, failure: Failure) -> float:
        """Have the job looked at again when the refusal may have passed; returns in how many seconds.

        An earlier visit, whatever it is for, submits nothing: else an event would be a way around the pause.
        """
        uid = record.job.uid
        match failure:
            case Deferred(retry_after_seconds=float(seconds)) | Throttled(retry_after_seconds=float(seconds)):
                self.queue.add_after(uid, seconds)
            case _:
                seconds = self.queue.add_rate_limited(uid)
        if not isinstance(failure, Deferred):
            again_at = clock.now() + timedelta(seconds=seconds)
            refusal = Refusal(failure.reason, failure.message, again_at)
            record.memory.pause(refusal, until=clock.monotonic() + seconds)
        return seconds

    def _lasting(self, record: JobRecord, failure: Failure) -> LastRefusal | None:
        """What must change before it is worth another try is remembered across restarts."""
        if not isinstance(failure, Blocked | Rejected):
            return None
        return LastRefusal(
            reason=failure.reason,
            failure_class=type(failure).__name__,
            message=failure.message,
            generation=record.job.generation,
            next_try_at=clock.now() + timedelta(seconds=self.settings.hold_recheck_seconds),
        )

    async def withdraw(self, sight: Sight, step: steps.Withdraw) -> bool:
        """Take back a claim whose request never left."""
        record = sight.record
        await self.speaker.commit(record, transition.closed(record.journal, costs_attempt=False), step)
        record.memory.forget_attempt()
        return True

    async def withdraw_all(self) -> None:
        """Before an orderly end: take back every claim that this process has not sent, so that nobody waits for it."""
        for record in [record for record in self.store.jobs.values() if record.memory.unsent and record.journal.claim]:
            journal = transition.closed(record.journal, costs_attempt=False)
            try:
                await self.speaker.commit(record, journal, steps.Withdraw())
            except errors.KubeFailure as failure:
                _log.warning("claim not withdrawn", uid=record.job.uid, failure=str(failure))

    async def close(self, sight: Sight, step: steps.Close) -> bool:
        """End an attempt; the job goes on."""
        record = sight.record
        journal = transition.closed(record.journal, costs_attempt=step.costs_attempt)
        if step.costs_attempt:
            error = LastError(reason=step.reason, message=step.message, time=clock.now())
            journal = replace(journal, last_error=error)
        await self.speaker.commit(record, journal, step)
        if step.costs_attempt:
            self.metrics.task_ended(record.job.kind, sight.lane.provider, step.reason)
        record.memory.forget_attempt()
        return True

    async def adopt(self, sight: Sight, step: steps.Adopt) -> bool:
        """Record a task of ours that was found again."""
        record, account_id = sight.record, sight.account_id
        journal = transition.adopted(
            record.journal, step.found, account_id=account_id, by=self.settings.identity, now=clock.now()
        )
        if journal.resolved is None:
            journal = replace(journal, resolved=await ask(record, sight.provider.resolve(sight.job)))
        await self.speaker.commit(record, journal, step)
        if journal.claim:
            self._tell("task adopted", record, journal.claim, task_id=step.found.task.id)
        self.metrics.task_adopted(record.job.kind, sight.lane.provider)
        record.memory.observe(step.found, now=clock.now(), at=clock.monotonic())
        return True


def _known(resolved: object) -> Resolved:
    """What the job means in the cloud; the tables claim and submit only where it is known."""
    if not isinstance(resolved, Resolved):
        raise Transient(Reason.INTERNAL_ERROR, "The status holds an attempt without what it was asked for.")
    return resolved
