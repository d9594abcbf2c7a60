"""Every move that a state allows: what happens by itself, what a person wishes, and what goes wrong."""

from collections.abc import Iterator
from dataclasses import dataclass

from imageferry.core import step as steps
from tests.explore import cloud, replica
from tests.explore.acts import perform
from tests.explore.begin import STRANGER
from tests.explore.model import LEASE, LIFE, CloudTask, Setting, TaskState, World, changed
from tests.explore.replica import Broken
from tests.explore.troubles import Fault, Kind, Wish, that_strike
from tests.explore.wishes import awake, wishes
from tests.explore.writes import guarded, land


@dataclass(frozen=True)
class Move:
    """A sentence of the story, the state it leads to, the row that decided it, and what went wrong or was wished."""

    story: str
    world: World
    kind: Kind | None = None
    row: str = ""
    broken: Broken | None = None


def moves(world: World, setting: Setting) -> Iterator[Move]:
    """All moves. A leader that has something to do does it before time passes."""
    busy = False
    for index, each in enumerate(world.processes):
        if each.paused:
            yield _resume(world, setting, index)
        elif replica.leads(world, index) and each.seen is not None and not each.idle:
            busy = True
            yield from _acts(world, setting, index)
    yield from _cloud_moves(world, setting)
    yield from _faults(world, setting)
    if world.wishes and setting.wished_in in ("", stage_of(world)):
        for wish, after in wishes(world, setting):
            yield Move(_PERSON[wish], after, wish)
    if not busy:
        yield Move("time passes", tick(world))


def _faults(world: World, setting: Setting) -> Iterator[Move]:
    """What goes wrong beside the steps."""
    if not (world.faults or setting.free):
        return
    for fault, story, after in _mishaps(world):
        if fault in setting.free:
            yield Move(story, after, fault)
        elif world.faults and fault in setting.strikes:
            yield Move(story, changed(after, faults=world.faults - 1), fault)


_PERSON = {wish: f"a person's wish: {wish}" for wish in Wish}


def stage_of(world: World) -> str:
    """What the object says of itself: "idle", "claim", "task", "finished"; "gone" where there is none."""
    journal = world.thing.journal if world.thing else None
    if journal is None:
        return "gone"
    if journal.finished:
        return "finished"
    return "task" if journal.task else "claim" if journal.claim else "idle"


def _acts(world: World, setting: Setting, index: int) -> Iterator[Move]:
    """The next step of a leader, as it should go and with each fault that can strike it."""
    started = world if world.processes[index].visiting else replica.begin(world, setting, index)
    try:
        found = replica.decided(started, setting, index)
    except Broken as broken:
        yield Move("a decision", world, broken=broken)
        return
    if found is None:
        return
    step, row = found
    story = f"{world.processes[index].name}: {_words(step)}"
    yield _done(started, setting, (index, step, row, story), None)
    spent = changed(started, faults=world.faults - 1)
    for fault in that_strike(step):
        told = (index, step, row, f"{story} -- {fault}")
        if fault in setting.free:
            yield _done(started, setting, told, fault)
        elif world.faults and fault in setting.strikes:
            yield _done(spent, setting, told, fault)


def _done(started: World, setting: Setting, what: tuple[int, steps.Step, str, str], fault: Fault | None) -> Move:
    index, step, row, story = what
    if fault is Fault.PAUSED:
        return Move(story, started.process(index, paused=True, pending=step), fault, row)
    try:
        return Move(story, perform(started, setting, index, step, fault), fault, row)
    except Broken as broken:
        return Move(story, started, fault, row, broken)


def _resume(world: World, setting: Setting, index: int) -> Move:
    """A stopped process goes on with the step it was before; then it sees whether it still leads, and ends if not."""
    each = world.processes[index]
    step = each.pending
    awake_again = world.process(index, paused=False, pending=None)
    story = f"{each.name} goes on" + (f" with {_words(step)}" if step else "")
    try:
        after = perform(awake_again, setting, index, step, None) if step and each.seen else awake_again
    except Broken as broken:
        return Move(story, world, broken=broken)
    if after.processes[index].life == each.life and not replica.leads(after, index):
        after = replica.kill(after, index)
    return Move(story, after)


def _cloud_moves(world: World, setting: Setting) -> Iterator[Move]:
    """What was begun comes to its end: tasks, late submissions, late writes."""
    for task in world.cloud.tasks:
        if task.state is TaskState.RUNNING:
            yield Move(f"task {task.id} ends well", _ended(world, task, TaskState.SUCCEEDED))
    for request in world.cloud.flying:
        rest = tuple(each for each in world.cloud.flying if each != request)
        landed = changed(world, cloud=changed(world.cloud, flying=rest))
        after, answer, _ = cloud.submit(landed, setting, request)
        yield Move(f"the late submission arrives: {answer}", after)
    for late in world.late:
        if world.thing and guarded(world.thing, late.seen):
            yield Move("the late write arrives", land(world, late))


def _mishaps(world: World) -> Iterator[tuple[Fault, str, World]]:
    """What goes wrong by itself, at any moment."""
    for task in world.cloud.tasks:
        if task.state is TaskState.RUNNING and task.uid:
            story = f"task {task.id} fails and leaves a part of its file"
            yield Fault.FAILED, story, _ended(world, task, TaskState.FAILED)
        if task.state is not TaskState.RUNNING and task.known:
            yield Fault.FORGOTTEN, f"the cloud forgets task {task.id}", awake(cloud.change(world, task, known=False))
    if all(task.uid and task.state is not TaskState.RUNNING for task in world.cloud.tasks):
        yield Fault.BUSY, "somebody else exports the same image", _joined(world)
    for index, each in enumerate(world.processes):
        if not each.deaf and not each.paused and each.seen is not None:
            story = f"from now on {each.name} reads what it read before"
            yield Fault.DEAF, story, world.process(index, deaf=True)
        if not each.paused and replica.leads(world, index):
            for jump in (_JUMP, -_JUMP):
                story = f"{each.name}'s clock jumps by {jump} ticks"
                yield Fault.JUMPED, story, world.process(index, jumped=jump, idle=False)


def _joined(world: World) -> World:
    made = world.cloud.made
    task = CloudTask(f"t{made}", "", STRANGER, world.owner, TaskState.RUNNING, world.tick, world.tick)
    return changed(world, cloud=changed(world.cloud, tasks=(*world.cloud.tasks, task), made=made + 1))


_JUMP = LIFE + 1
"""Further than a signature reaches."""


def _ended(world: World, task: CloudTask, state: TaskState) -> World:
    return awake(cloud.change(world, task, state=state, file=True, ended=world.tick))


def tick(world: World) -> World:
    """Five minutes: leases are renewed or run out, dead submissions vanish, whoever waited looks again."""
    now = world.tick + 1
    flying = tuple(each for each in world.cloud.flying if now - each.signed <= LIFE)
    world = changed(world, tick=now, cloud=changed(world.cloud, flying=flying), late=(), unfit=False)
    for index, each in enumerate(world.processes):
        if each.jumped:
            world = world.process(index, jumped=0)
        if world.lease_holder == each.identity and not each.paused and world.lease_end >= now:
            world = changed(world, lease_end=now + LEASE).process(index, lease_end=now + LEASE)
            world = _hearing(world, index)
    if world.lease_end <= now:
        world = _elected(world)
    return awake(world)


def _hearing(world: World, index: int) -> World:
    """The list of every quarter of an hour tells a leader what its watch did not."""
    return replica.observe(world.process(index, deaf=False), index) if world.processes[index].deaf else world


def _elected(world: World) -> World:
    """Whoever is there and did not hold it last takes the lease; the last holder only if nobody else is there."""
    free = [index for index, each in enumerate(world.processes) if not each.paused]
    others = [index for index in free if world.processes[index].identity != world.lease_holder]
    choice = others or free
    return replica.lead(world, choice[-1]) if choice else world


def _words(step: steps.Step) -> str:
    match step:
        case steps.Claim(number=number):
            return f"Claim({number})"
        case steps.Wait(reason=reason):
            return f"Wait({reason})"
        case steps.Hold(refusal=refusal):
            return f"Hold({refusal.reason})"
        case steps.Fail(reason=reason):
            return f"Fail({reason})"
        case steps.Adopt(found=found):
            return f"Adopt({found.task.id}, {type(found).__name__})"
        case _:
            return type(step).__name__
