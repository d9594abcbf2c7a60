"""The steps, performed: one method each, at most one act in the cloud and one status write. What to do is decided in core.

Each method returns whether the job is to be decided upon again at once.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from imageferry.clouds.provider import Origin, Search
from imageferry.core import step as steps
from imageferry.core import transition
from imageferry.core.errors import Blocked, Failure, Refusal, Rejected, Transient
from imageferry.core.job import TASK_FINALIZER, ExportJob, ImportJob
from imageferry.core.keys import OwnKeys, marks
from imageferry.core.observation import Task
from imageferry.core.reasons import Reason
from imageferry.core.resolved import Checked, ResolvedExport
from imageferry.core.step import Step
from imageferry.engine import clock
from imageferry.engine.ask import ask
from imageferry.engine.gather import Sight
from imageferry.engine.orphans import Orphans
from imageferry.engine.queue import WorkQueue
from imageferry.engine.speaker import Speaker
from imageferry.engine.store import JobRecord, Store
from imageferry.engine.submission import Submission
from imageferry.engine.writer import Writer
from imageferry.metrics import Metrics
from imageferry.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Performer:
    """Performs steps for the jobs of one process."""

    submission: Submission
    store: Store
    queue: WorkQueue[str]
    writer: Writer
    speaker: Speaker
    orphans: Orphans
    metrics: Metrics
    settings: Settings

    async def perform(self, sight: Sight, step: Step) -> bool:
        """Do it. Raises a Failure of the cloud or a KubeFailure; the reconciler says what follows from one."""
        return await _ACTS[type(step)](self, sight, step)

    # Waiting

    async def rest(self, sight: Sight, step: Step) -> bool:
        """A finished object only has to show that a later edit of its spec was seen."""
        record = sight.record
        if record.journal.observed_generation != record.job.generation:
            await self.speaker.say(record, record.journal, step)
        return False

    async def wait(self, sight: Sight, step: steps.Wait) -> bool:
        """Show what is waited for, and come back."""
        record, now = sight.record, clock.now()
        journal = record.journal
        if step.running:
            journal = transition.observed(journal, step.running, now)
        if sight.facts.turn is not None:
            journal = transition.waiting(journal, now, step.retry_at)
        elif journal.queued:
            journal = replace(journal, queued=None)
        if step.reason is Reason.VERIFYING:
            record.memory.collected = None
        await self.speaker.say(record, journal, step)
        seconds = (step.retry_at - now).total_seconds() if step.retry_at else step.seconds
        self._revisit(record, seconds)
        return False

    async def hold(self, sight: Sight, step: steps.Hold) -> bool:
        """Show what has to change, and come back all the same."""
        await self.speaker.say(sight.record, replace(sight.record.journal, queued=None), step)
        self._revisit(sight.record, step.seconds)
        return False

    def _revisit(self, record: JobRecord, seconds: float | None) -> None:
        """An object that is being deleted is looked at often enough to keep its bound, one with a deadline when it passes.

        A deadline that has passed while the clocks disagree is looked at again.
        """
        again = self.settings.look_again_seconds
        wishes = [] if seconds is None else [seconds]
        if record.job.deleting:
            wishes.append(again)
        deadline = record.journal.deadline(record.job.policy.active_deadline_seconds)
        if deadline:
            left = (deadline - clock.now()).total_seconds()
            wishes.append(left if left > 0 else again)
        if wishes:
            self.queue.add_after(record.job.uid, max(min(wishes), 0.05))

    # The finalizer

    async def guard(self, sight: Sight, _: steps.Guard) -> bool:
        """Put the finalizer on."""
        await self.writer.set_finalizer(sight.record, TASK_FINALIZER, wanted=True)
        sight.record.memory.guard()
        return True

    async def unguard(self, sight: Sight, _: steps.Unguard) -> bool:
        """Take the finalizer off."""
        await self.writer.set_finalizer(sight.record, TASK_FINALIZER, wanted=False)
        return True

    async def release(self, sight: Sight, step: steps.Release) -> bool:
        """Let a deleted object go, once what it leaves behind is recorded."""
        record = sight.record
        if step.orphan:
            await self.orphans.record(record)
            self.speaker.announce_orphan(record)
        if record.job.guarded:
            await self.writer.set_finalizer(record, TASK_FINALIZER, wanted=False)
        return False

    # Asking the cloud

    async def check(self, sight: Sight, _: steps.Check) -> bool:
        """Ask the cloud what the job means there."""
        record = sight.record
        checked: Checked
        try:
            checked = await ask(record, sight.provider.preflight(sight.job))
        except (Blocked, Rejected) as failure:
            checked = Refusal.of(failure)
        except Failure:
            self.submission.lanes.leave(record.job.uid)
            raise
        record.memory.check(checked, at=clock.monotonic())
        return True

    async def look(self, sight: Sight, step: steps.Look) -> bool:
        """Search the cloud for a task of ours."""
        record = sight.record
        seen = await ask(record, sight.provider.find(self._search(record, step)))
        record.memory.observe(seen, now=clock.now(), at=clock.monotonic())
        return True

    def _search(self, record: JobRecord, step: steps.Look) -> Search:
        job, journal = record.job, record.journal
        resolved, claim = journal.resolved, journal.claim
        window = timedelta(seconds=self.settings.window_seconds)
        return Search(
            marks=marks(job.uid, step.numbers, job.prefix),
            closed=step.closed,
            region=resolved.region if resolved else job.region,
            image_id=_exported_image(record),
            image_name=job.image.name if isinstance(job, ImportJob) else "",
            bucket=(resolved.bucket if resolved else "") or job.bucket,
            since=claim.claimed_at if claim else job.created_at,
            until=claim.claimed_at + window if claim else None,
        )

    async def cancel(self, sight: Sight, step: steps.Cancel) -> bool:
        """Ask the cloud to end the task."""
        record, memory = sight.record, sight.record.memory
        resolved, claim = record.journal.resolved, record.journal.claim
        if resolved and claim and not self._owned_elsewhere(record, step.task):
            window = timedelta(seconds=self.settings.window_seconds)
            image_id = step.task.image_id or _exported_image(record)
            origin = Origin(image_id=image_id, since=claim.claimed_at, until=claim.claimed_at + window)
            await ask(record, sight.provider.cancel(step.task, origin))
        memory.ask_to_cancel(at=clock.monotonic())
        return True

    def _owned_elsewhere(self, record: JobRecord, task: Task) -> bool:
        """Another object's journal names the task: a copied or forged status must harm nobody."""
        others = (each.journal.task for uid, each in self.store.jobs.items() if uid != record.job.uid)
        return bool(task.id) and any(other.id == task.id for other in others if other)

    async def collect(self, sight: Sight, step: steps.Collect) -> bool:
        """See what the task left."""
        record = sight.record
        resolved = record.journal.resolved
        if resolved is None:
            raise Transient(Reason.INTERNAL_ERROR, "A task stands in the status without what it was asked for.")
        record.memory.collected = await ask(record, sight.provider.collect(resolved, step.task))
        return True

    async def discard(self, sight: Sight, step: steps.Discard) -> bool:
        """Delete what an attempt left, and strike it off."""
        record = sight.record
        await ask(record, sight.provider.discard(step.items, _own_keys(record)))
        left = transition.discarded(record.journal, step.items)
        if left != record.journal:
            await self.speaker.commit(record, left, step)
        if not record.journal.finished:
            record.memory.discard()
        return True

    # Ending

    async def complete(self, sight: Sight, step: steps.Complete) -> bool:
        """Record a good end."""
        record = sight.record
        await self.speaker.commit(record, transition.completed(record.journal, record.job, step, clock.now()), step)
        self.metrics.task_ended(record.job.kind, sight.lane.provider, "Succeeded")
        return True

    async def fail(self, sight: Sight, step: steps.Fail) -> bool:
        """Record a bad end."""
        record = sight.record
        had_task = record.journal.task is not None
        await self.speaker.commit(record, transition.failed(record.journal, record.job, step, clock.now()), step)
        if had_task:
            self.metrics.task_ended(record.job.kind, sight.lane.provider, step.reason)
        return True

    async def reopen(self, sight: Sight, step: steps.Reopen) -> bool:
        """Start over."""
        record = sight.record
        record.memory.forget_attempt()
        await self.speaker.commit(record, transition.reopened(record.journal, record.job), step)
        return True


def _own_keys(record: JobRecord) -> OwnKeys:
    return OwnKeys(record.job.uid, record.journal.number)


def _exported_image(record: JobRecord) -> str:
    """The image that is exported, as far as it is known; empty for imports."""
    if isinstance(record.journal.resolved, ResolvedExport):
        return record.journal.resolved.image_id
    return record.job.source.image_id if isinstance(record.job, ExportJob) else ""


_ACTS: Final[Mapping[type, Callable[[Performer, Sight, Any], Awaitable[bool]]]] = {
    steps.Rest: Performer.rest,
    steps.Wait: Performer.wait,
    steps.Hold: Performer.hold,
    steps.Guard: Performer.guard,
    steps.Unguard: Performer.unguard,
    steps.Release: Performer.release,
    steps.Check: Performer.check,
    steps.Look: Performer.look,
    steps.Claim: lambda self, sight, step: self.submission.claim(sight, step),
    steps.Submit: lambda self, sight, step: self.submission.submit(sight, step),
    steps.Withdraw: lambda self, sight, step: self.submission.withdraw(sight, step),
    steps.Close: lambda self, sight, step: self.submission.close(sight, step),
    steps.Adopt: lambda self, sight, step: self.submission.adopt(sight, step),
    steps.Cancel: Performer.cancel,
    steps.Collect: Performer.collect,
    steps.Discard: Performer.discard,
    steps.Complete: Performer.complete,
    steps.Fail: Performer.fail,
    steps.Reopen: Performer.reopen,
}
"""Each kind of step and the method that performs it."""
