"""A replica in the model: what it knows, what it decides on real facts, how it dies and how it takes the lease."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime

from imageferry.core import step as steps
from imageferry.core import transition
from imageferry.core.conditions import conditions, report
from imageferry.core.decide import group_of, matching_row
from imageferry.core.errors import Refusal
from imageferry.core.facts import Surroundings, facts_of
from imageferry.core.job import Job, Kind
from imageferry.core.journal import Journal
from imageferry.core.memory import Memory
from imageferry.core.reasons import Reason
from imageferry.core.resolved import Checked, Obstructed
from imageferry.core.situation import Situation
from imageferry.core.step import Step
from tests.explore import cloud
from tests.explore.directions import left, resolved
from tests.explore.model import (
    BOUNDS,
    FENCE,
    LEASE,
    Process,
    Setting,
    TaskState,
    Thing,
    World,
    at,
    changed,
    job_of,
)

_AWAY = Refusal(Reason.CREDENTIALS_MISSING, "the Secret is gone")
_BARRED = Refusal(Reason.ACCOUNT_NOT_PERMITTED, "the grant is gone")
_UNFIT = Refusal(Reason.IMAGE_NOT_FOUND, "there is no such image")
_FIELDS = tuple(field.name for field in fields(Memory))


@dataclass(frozen=True)
class Broken(Exception):  # noqa: N818 -- a law is broken, the code is not
    """A law of the protocol does not hold."""

    law: str

    def __str__(self) -> str:
        return self.law


def wall(world: World, process: Process) -> int:
    """The process's own clock, in ticks."""
    return world.tick + process.skew + process.jumped


def decided(world: World, setting: Setting, index: int) -> tuple[Step, str] | None:
    """What the process would do now, and the name of the row that says so; None if it has nothing to look at. Raises Broken (L3, S6)."""
    process = world.processes[index]
    if process.seen is None:
        return None
    job, journal, memory = job_of(process.seen), process.seen.journal, process.memory
    around = Surroundings(
        now=at(wall(world, process)),
        monotonic=world.tick * 300.0,
        identity=process.identity,
        owner="" if world.away else world.owner,
        away=_AWAY if world.away and not journal.finished else None,
        barred=_BARRED if world.barred and not world.away and not journal.finished else None,
        refused=_remembered(journal, job, at(wall(world, process))),
        checked=_checked(world, process.seen, memory),
        turn=_busy(world, process.seen),
        fenced=process.lease_end - world.tick >= FENCE,
        can_cancel=setting.can_cancel,
        has_token=setting.has_token,
        bounds=BOUNDS,
    )
    situation = Situation(job, journal, facts_of(journal, memory, around))
    row = matching_row(situation)
    step = row.then(situation)
    if isinstance(step, steps.Wait | steps.Hold):
        _awaits(step, job, journal, around)
    if isinstance(step, steps.Submit) and not around.fenced:
        raise Broken("S6: a submission that the lease does not outlive")
    return step, f"{group_of(situation).journal}: {row.facts}"


def _awaits(step: steps.Wait | steps.Hold, job: Job, journal: Journal, around: Surroundings) -> None:
    """L3: whoever waits says for what, and comes back: at a time, or by the poller, an edit or the lane."""
    said = report(job, journal, step, now=around.now, young_seconds=300)
    if not said.message or not conditions(job, journal, said, now=around.now):
        raise Broken("L3: a wait that says nothing")
    by_event = journal.task is not None or job.policy.suspend or around.turn is not None
    if step.seconds is None and not by_event:
        raise Broken("L3: a wait that nothing ends")


def _checked(world: World, seen: Thing, memory: Memory) -> Checked | None:
    """Preflight's answer, while it counts."""
    if memory.checked is None:
        return None
    if world.unfit:
        return _UNFIT
    obstacles = cloud.in_the_way(world, seen.uid) if seen.spec.kind is Kind.IMPORT else []
    return Obstructed(left(seen.spec.kind, obstacles)) if obstacles else resolved(seen.spec.kind)


def _busy(world: World, seen: Thing) -> Refusal | None:
    """Preflight looks for running tasks on the image first: somebody else's is waited for."""
    running = any(
        task.state is TaskState.RUNNING and task.owner == world.owner and task.visible <= world.tick
        for task in world.cloud.tasks
    )
    idle = seen.journal.claim is None and not seen.journal.finished
    return Refusal(Reason.IMAGE_BUSY, "busy") if running and idle else None


def _remembered(journal: Journal, job: Job, now: datetime) -> Refusal | None:
    found = transition.remembered_refusal(journal, job, now)
    return Refusal(Reason(found.reason), found.message) if found else None


def begin(world: World, setting: Setting, index: int) -> World:
    """A visit begins: what is stale is read again, looks are forgotten, the poller's news is there."""
    process = world.processes[index]
    if process.memory.stale:
        world = observe(remember(world, index, lambda m: setattr(m, "stale", False)), index)
        process = world.processes[index]
    memory, seen = _copied(process.memory), process.seen
    task = seen.journal.task if seen else None
    memory.begin_visit(has_task=task is not None)
    claim = seen.journal.claim if seen else None
    heard = claim and claim.account_id == world.owner and not world.away
    if task and heard and seen and not seen.journal.finished:
        memory.observe(cloud.poll(world, setting, task), now=at(wall(world, process)), at=world.tick * 300.0)
    return world.process(index, memory=memory, seen=seen, idle=False, visiting=True)


def _copied(memory: Memory) -> Memory:
    """As dataclasses.replace without changes, and quick."""
    new = object.__new__(Memory)
    for name in _FIELDS:
        setattr(new, name, getattr(memory, name))
    return new


def remember(world: World, index: int, act: Callable[[Memory], object]) -> World:
    """The world after something happened in a process's memory."""
    memory = _copied(world.processes[index].memory)
    act(memory)
    return world.process(index, memory=memory)


def deliver(world: World, writer: int | None = None) -> World:
    """The watch brings the news to everyone who listens."""
    for index, process in enumerate(world.processes):
        if index != writer and not process.deaf and not process.paused and process.seen != world.thing:
            world = observe(world, index)
    return world


def observe(world: World, index: int) -> World:
    """A process takes in the object as it is: another uid is another object, with a memory of its own."""
    process, thing = world.processes[index], world.thing
    same = thing is not None and process.seen is not None and process.seen.uid == thing.uid
    memory = _copied(process.memory) if same else Memory()
    if thing and not same:
        memory.wiped = not thing.journal.conditions and world.tick - thing.born >= 1
    if same and thing and process.seen:
        memory.turn_page(process.seen.journal, thing.journal)
    if thing and thing.deleting and memory.deletion_seen_at is None:
        memory.deletion_seen_at = world.tick * 300.0
    return world.process(index, seen=thing, memory=memory, idle=False, pending=None if not same else process.pending)


def kill(world: World, index: int) -> World:
    """The process dies and is started again: another identity, no memory, and the lease runs out by itself."""
    process = world.processes[index]
    return world.process(
        index,
        life=process.life + 1,
        lease_end=-1,
        paused=False,
        deaf=False,
        idle=True,
        visiting=False,
        pending=None,
        seen=None,
        memory=Memory(),
    )


def leads(world: World, index: int) -> bool:
    """The process holds the lease, and it has not run out."""
    process = world.processes[index]
    return world.lease_holder == process.identity and process.lease_end > world.tick


def lead(world: World, index: int) -> World:
    """The process takes the lease and reads everything anew; what its warm store remembers of the object stays."""
    end = world.tick + LEASE
    world = changed(world, lease_holder=world.processes[index].identity, lease_end=end)
    world = world.process(index, lease_end=end, visiting=False, idle=False)
    return world if world.processes[index].deaf else observe(world, index)
