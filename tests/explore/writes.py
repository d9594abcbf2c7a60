"""The writes of a replica: each guarded by uid and version, each with the trouble it may meet.

What is written comes from core/transition.py; the order of writes and memories is that of engine/submission.py.
"""

from dataclasses import replace

from imageferry.core import step as steps
from imageferry.core import transition
from imageferry.core.journal import Condition, Journal, LastError
from imageferry.core.memory import Memory
from imageferry.core.step import Step
from tests.explore.directions import resolved
from tests.explore.model import (
    EPOCH,
    Late,
    Process,
    Thing,
    World,
    at,
    changed,
    job_of,
)
from tests.explore.replica import deliver, kill, observe, remember, wall
from tests.explore.troubles import KILLS, Fault

SAID = (
    Condition(
        type="Ready", status="False", reason="Accepted", message="", observed_generation=1, last_transition_at=EPOCH
    ),
)
"""Stands for all conditions: that there are any is all that is ever decided on."""


def guarded(thing: Thing, seen: Thing) -> bool:
    """What the API server tests before a write: uid and version."""
    return thing.uid == seen.uid and thing.version == seen.version


def say(world: World, index: int) -> World:
    """The first visit leaves conditions; later words change nothing that is decided on."""
    process = world.processes[index]
    seen, thing = process.seen, world.thing
    if (
        seen is None
        or thing is None
        or seen.journal.conditions
        or seen.version != thing.version
        or seen.uid != thing.uid
    ):
        return world
    told = changed(thing, version=thing.version + 1, journal=replace(thing.journal, conditions=SAID))
    return deliver(changed(world, thing=told).process(index, seen=told), index)


def write_step(world: World, index: int, step: Step, fault: Fault | None) -> World:
    """A step that is one write to the API server. Which journal it writes, the core says."""
    process = world.processes[index]
    seen = process.seen
    if seen is None:
        return world
    match step:
        case steps.Guard():
            world = commit_thing(world, index, fault, guarded=True)
            return remember(world, index, lambda m: m.guard()) if done(world, index, process) else world
        case steps.Unguard():
            return commit_thing(world, index, fault, guarded=False)
        case steps.Release(orphan=orphan):
            if orphan and seen.journal.claim:
                world = changed(world, orphans=world.orphans | {seen.journal.claim.key})
            return commit_thing(world, index, fault, guarded=False)
        case steps.Claim():
            return write_claim(world, index, _journal_after(world, process, step), fault)
        case steps.Withdraw() | steps.Close():
            return close_attempt(world, index, _journal_after(world, process, step), fault)
        case steps.Reopen():
            world = remember(world, index, lambda m: m.forget_attempt())
            return commit(world, index, _journal_after(world, process, step), fault)
        case steps.Adopt(found=found):
            now = at(wall(world, process))
            world = commit(world, index, _journal_after(world, process, step), fault)
            return (
                remember(world, index, lambda m: m.observe(found, now=now, at=world.tick * 300.0))
                if done(world, index, process)
                else world
            )
        case _:
            return commit(world, index, _journal_after(world, process, step), fault)


def _journal_after(world: World, process: Process, step: Step) -> Journal:
    """What the step writes, by the core's own transitions."""
    seen, now = process.seen, at(wall(world, process))
    if seen is None:
        raise AssertionError("nothing is seen")
    job, journal = job_of(seen), seen.journal
    match step:
        case steps.Claim(number=number):
            return transition.claimed(
                journal, job, number, resolved=resolved(job.kind), account_id=world.owner, by=process.identity, at=now
            )
        case steps.Withdraw():
            return transition.closed(journal, costs_attempt=False)
        case steps.Close(costs_attempt=costs, reason=reason, message=message):
            closed = transition.closed(journal, costs_attempt=costs)
            error = LastError(reason=reason, message=message, time=now)
            return replace(closed, last_error=error) if costs else closed
        case steps.Adopt(found=found):
            adopted = transition.adopted(journal, found, account_id=world.owner, by=process.identity, now=now)
            return replace(adopted, resolved=adopted.resolved or resolved(job.kind))
        case steps.Complete():
            return transition.completed(journal, job, step, now)
        case steps.Fail():
            return transition.failed(journal, job, step, now)
        case steps.Reopen():
            return transition.reopened(journal, job)
        case _:
            raise AssertionError(step)


def lives(world: World, index: int, before: Process) -> bool:
    """The process was not killed meanwhile."""
    return world.processes[index].life == before.life


def done(world: World, index: int, before: Process) -> bool:
    """Its last write was answered with a yes."""
    return lives(world, index, before) and not world.processes[index].memory.stale


def close_attempt(world: World, index: int, journal: Journal, fault: Fault | None) -> World:
    """The attempt ends; what was remembered of it goes once that is written."""
    process = world.processes[index]
    world = commit(world, index, journal, fault)
    return remember(world, index, lambda m: m.forget_attempt()) if done(world, index, process) else world


def write_claim(world: World, index: int, journal: Journal, fault: Fault | None) -> World:
    """A claim counts only once the server is seen to hold it, whatever its first answer was."""
    process, claim, thing = world.processes[index], journal.claim, world.thing
    refused = fault is Fault.DENIED or thing is None or process.seen is None or not guarded(thing, process.seen)
    world = remember(world, index, lambda m: m.begin_claim())
    world = commit(world, index, journal, fault)
    if not lives(world, index, process) or claim is None:
        return world
    if refused and process.memory.guarded_here:
        # Never to be applied later: the finalizer still tells of no claim.
        world = remember(world, index, lambda m: m.guard())
    thing = world.thing
    if world.processes[index].memory.stale and thing and process.seen and thing.uid == process.seen.uid:
        world = observe(remember(world, index, lambda m: setattr(m, "stale", False)), index)
    held = world.processes[index].seen
    if held is None or held.journal.claim != claim:
        return world.process(index, idle=False)
    world = changed(world, claims=world.claims | {(claim.key, process.identity)})
    return remember(world, index, lambda m: m.claim(at=world.tick * 300.0))


def commit(world: World, index: int, journal: Journal, fault: Fault | None) -> World:
    """Write a journal."""
    return commit_thing(world, index, fault, journal=replace(journal, conditions=SAID))


def commit_thing(world: World, index: int, fault: Fault | None, **changes: object) -> World:
    """One guarded write: uid and version are tested; the answer becomes what the process knows."""
    if fault is Fault.KILLED_BEFORE:
        return kill(world, index)
    process, thing = world.processes[index], world.thing
    stale = remember(world, index, _unclear).process(index, idle=False, visiting=False)
    if thing is None or process.seen is None or not guarded(thing, process.seen):
        return stale
    if fault in (Fault.NOT_DONE, Fault.DENIED):
        return stale
    written: Thing | None = changed(thing, version=thing.version + 1, **changes)
    if written and written.deleting and not written.guarded:
        written = None
    if fault is Fault.LATE:
        return changed(stale, late=(*world.late, Late(process.seen, written)))
    after = changed(world, thing=written)
    if fault in KILLS:
        return kill(deliver(after, index), index)
    if fault is Fault.LOST_ANSWER:
        return deliver(changed(stale, thing=written), index)
    return deliver(after.process(index, seen=written, idle=False), index)


def _unclear(memory: Memory) -> None:
    memory.stale = True
    tried(memory)


def tried(memory: Memory) -> None:
    """At the end of each visit to an object that is being deleted."""
    memory.deletion_tried = memory.deletion_tried or memory.deletion_seen_at is not None


def land(world: World, late: Late) -> World:
    """A write arrives that nobody waits for any more: it is tested like any other."""
    rest = changed(world, late=tuple(each for each in world.late if each is not late))
    thing = world.thing
    if thing is None or not guarded(thing, late.seen):
        return rest
    written = late.written and changed(late.written, version=thing.version + 1)
    return deliver(changed(rest, thing=written))
