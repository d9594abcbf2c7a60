"""What tells one state from others: times by their age, versions by their order, the dead past not at all.

The same situation a day later is the same state. Each part is a tuple of its own, so that a search can keep every part once
and a state as a row of small numbers.
"""

from datetime import datetime
from typing import Any

from imageferry.core.journal import Journal
from imageferry.core.memory import Memory
from imageferry.core.observation import NotLooked
from tests.explore.model import EPOCH, OLDEST, TICK, Process, TaskState, Thing, World
from tests.explore.writes import guarded

Part = tuple[Any, ...] | frozenset[Any]


def parts(world: World) -> tuple[Part, ...]:
    """The parts of a world; two worlds with the same parts have the same future."""
    age, thing = _Ages(world.tick), world.thing
    shown = age.thing(thing)
    tick, lease = world.tick, world.lease_end
    return (
        shown,
        tuple(
            (
                (t.uid, t.key, t.owner, t.state, t.file, t.known),
                age.of(t.accepted),
                t.visible > tick,
                t.visible - t.accepted if t.state is TaskState.RUNNING or t.ended == tick else 0,
                t.ended == tick and t.state is TaskState.SUCCEEDED,
            )
            for t in world.cloud.tasks
        ),
        tuple(sorted((f.uid, f.key, f.owner, age.of(f.signed)) for f in world.cloud.flying)),
        frozenset([age.thing(late.written) for late in world.late if thing and guarded(thing, late.seen)]),
        *(age.process(process, thing, shown) for process in world.processes),
        (
            (world.lease_holder, age.of(lease)),
            world.owner,
            world.faults,
            world.wishes,
            (world.away, world.barred, world.unfit, world.meddled),
            world.orphans,
            world.allowed,
            _acknowledged(world),
        ),
    )


def _acknowledged(world: World) -> tuple[bool, ...]:
    """Who was told that the claim which it believes in is written."""
    return tuple(_is_told(world, process) for process in world.processes)


def _is_told(world: World, process: Process) -> bool:
    claim = process.seen.journal.claim if process.seen else None
    return claim is not None and (claim.key, process.identity) in world.claims


class _Ages:
    """Times relative to one state."""

    def __init__(self, tick: int) -> None:
        self._tick = tick

    def of(self, tick: int) -> int:
        age = self._tick - tick
        return OLDEST if age > OLDEST else max(age, -OLDEST)

    def moment(self, moment: datetime | None) -> int | None:
        return None if moment is None else self.of((moment - EPOCH) // TICK)

    def monotonic(self, seconds: float | None) -> int | None:
        return None if seconds is None else self.of(int(seconds // 300))

    def thing(self, thing: Thing | None) -> Part:
        if thing is None:
            return ()
        return (
            thing.uid,
            self.of(thing.born) if thing.journal.attempt is None else None,
            self.journal(thing.journal),
            thing.spec,
            thing.deleting,
            thing.guarded,
            thing.cancel_request,
            thing.retry_request,
        )

    def journal(self, journal: Journal) -> Part:
        claim, attempt, task, error, refusal = (
            journal.claim,
            journal.attempt,
            journal.task,
            journal.last_error,
            journal.last_refusal,
        )
        return (
            attempt and (attempt.number, attempt.failures),
            claim and (claim.key, claim.account_id, self.moment(claim.claimed_at), claim.claimed_by),
            task and (task.id, task.key),
            journal.resolved is not None,
            self.moment(journal.start_at),
            journal.completion_at is not None,
            error and error.reason,
            refusal and (refusal.generation, self.moment(refusal.next_try_at)),
            journal.handled_retry,
            journal.handled_cancel,
            tuple([item.place for item in journal.artifacts]),
            bool(journal.conditions),
            journal.doubtful,
        )

    def process(self, process: Process, thing: Thing | None, shown: Part) -> Part:
        seen = process.seen
        return (
            process.life,
            process.jumped,
            self.of(process.lease_end),
            (process.paused, process.deaf, process.idle, process.visiting),
            process.pending,
            shown if seen is thing else self.thing(seen),
            (seen.version if seen else 0) == (thing.version if thing else 0),
            self.memory(process.memory),
        )

    def memory(self, memory: Memory) -> Part:
        seen = memory.observation
        return (
            type(seen).__name__,
            None if isinstance(seen, NotLooked) else self.moment(seen.cloud_time),
            getattr(getattr(seen, "task", None), "id", None),
            memory.clocks_apart_seconds,
            memory.clock_offset_seconds,
            self.moment(memory.absent_since),
            memory.collected is not None and (len(memory.collected.items), memory.collected.flaw is None),
            memory.checked is not None,
            memory.guarded_here,
            self.monotonic(memory.claimed_at) if memory.unsent else None,
            memory.sends and self.monotonic(memory.sent_at) == 0,
            memory.cancels,
            self.monotonic(memory.cancel_asked_at),
            self.monotonic(memory.deletion_seen_at),
            memory.deletion_tried,
            memory.stale,
            memory.wiped,
            memory.cloud_away,
        )
