"""Every move that a state allows: what happens by itself, what a person wishes, and what goes wrong."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from imageferry.core import step as steps
from imageferry.core.decide import Row
from imageferry.core.journal import Journal
from tests.explore import cloud, replica
from tests.explore.acts import perform
from tests.explore.model import LEASE, LIFE, CloudTask, Setting, TaskState, Thing, World, changed
from tests.explore.replica import KILLS, WRITES, Broken, Trouble


@dataclass(frozen=True)
class Move:
    """A sentence of the story, the state it leads to, and whether it was a fault, a wish, or neither."""

    story: str
    world: World
    kind: str = ""
    row: Row | None = None
    trouble: Trouble = Trouble.NONE
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
    if world.wishes:
        yield from _wishes(world, setting)
    if not busy:
        yield Move("time passes", tick(world))


def _acts(world: World, setting: Setting, index: int) -> Iterator[Move]:
    """The next step of a leader, as it should go and with each trouble it can meet."""
    started = world if world.processes[index].visiting else replica.begin(world, index)
    found = replica.decided(started, setting, index)
    if found is None:
        return
    step, row = found
    name = world.processes[index].name
    for trouble in _troubles(step, world):
        yield _done(world, started, setting, (index, step, row), trouble)
    if world.faults and isinstance(step, (*WRITES, steps.Submit)):
        paused = started.process(index, paused=True, pending=step)
        yield _fault(world, Move(f"{name} is stopped just before {_words(step)}", paused, "pause", row))


def _troubles(step: steps.Step, world: World) -> list[Trouble]:
    if not world.faults:
        return [Trouble.NONE]
    if isinstance(step, steps.Submit):
        return [each for each in Trouble if each is not Trouble.KILLED_AFTER]
    if isinstance(step, WRITES):
        return [Trouble.NONE, Trouble.LOST_ANSWER, Trouble.NOT_DONE, *KILLS]
    return [Trouble.NONE]


def _done(world: World, started: World, setting: Setting, what: tuple[int, steps.Step, Row], trouble: Trouble) -> Move:
    index, step, row = what
    story = f"{world.processes[index].name}: {_words(step)}" + (f" -- {trouble}" if trouble else "")
    try:
        after = perform(started, setting, index, step, trouble)
    except Broken as broken:
        return Move(story, world, "", row, trouble, broken)
    move = Move(story, after, "fault" if trouble else "", row, trouble)
    return _fault(world, move) if trouble else move


def _fault(world: World, move: Move) -> Move:
    return replace(move, world=changed(move.world, faults=world.faults - 1), kind=move.kind or "fault")


def _resume(world: World, setting: Setting, index: int) -> Move:
    """A stopped process goes on with the step it was before; then it sees whether it still leads, and ends if not."""
    each = world.processes[index]
    step = each.pending
    awake = world.process(index, paused=False, pending=None)
    story = f"{each.name} goes on" + (f" with {_words(step)}" if step else "")
    try:
        after = perform(awake, setting, index, step, Trouble.NONE) if step and each.seen else awake
    except Broken as broken:
        return Move(story, world, broken=broken)
    if after.processes[index].life == each.life and not replica.leads(after, index):
        after = replica.kill(after, index)
    return Move(story, after)


def _cloud_moves(world: World, setting: Setting) -> Iterator[Move]:
    for task in world.cloud.tasks:
        if task.state is TaskState.RUNNING:
            yield Move(f"task {task.id} ends well", _ended(world, task, TaskState.SUCCEEDED, file=True))
            if world.faults and task.key:
                failed = _ended(world, task, TaskState.FAILED, file=True)
                yield _fault(world, Move(f"task {task.id} fails and leaves a part of its file", failed))
    for request in world.cloud.flying:
        rest = tuple(each for each in world.cloud.flying if each != request)
        landed = changed(world, cloud=changed(world.cloud, flying=rest))
        after, answer, _ = cloud.submit(landed, setting, request)
        yield Move(f"the late submission arrives: {answer}", after)


def _ended(world: World, task: CloudTask, state: TaskState, *, file: bool) -> World:
    return _awake(cloud.change(world, task, state=state, file=file))


def _awake(world: World) -> World:
    """The poller's news, or the time of a recheck: the leader looks again."""
    for index in range(len(world.processes)):
        world = world.process(index, idle=False)
    return world


def _wishes(world: World, setting: Setting) -> Iterator[Move]:
    thing = world.thing
    left = changed(world, wishes=world.wishes - 1)
    if thing is None:
        if "recreate" in setting.wishes:
            new = Thing(uid=f"u{world.uids + 1}", version=1, born=world.tick, journal=Journal())
            yield Move("a person applies it again", _edited(changed(left, uids=world.uids + 1), new), "recreate")
        return
    edits = {
        "delete": changed(thing, deleting=True),
        "cancel": changed(thing, cancel_request="c1"),
        "retry": changed(thing, retry_request="r1"),
        "suspend": changed(thing, suspend=not thing.suspend),
        "wipe": changed(thing, journal=Journal()),
    }
    for wish, edited in edits.items():
        if wish not in setting.wishes or edited == thing:
            continue
        if wish == "delete" and not thing.guarded:
            yield Move("a person deletes it", _edited(left, None), wish)
        else:
            more = changed(left, retries=left.retries + (wish == "retry"))
            yield Move(f"a person's wish: {wish}", _edited(more, edited), wish)
    if "rotate" in setting.wishes:
        other = "Y" if world.owner == "X" else "X"
        yield Move(f"the credentials become those of {other}", _awake(changed(left, owner=other)), "rotate")


def _edited(world: World, thing: Thing | None) -> World:
    newer = changed(thing, version=(world.thing.version if world.thing else 0) + 1) if thing else None
    return replica.deliver(changed(world, thing=newer))


def tick(world: World) -> World:
    """Five minutes: leases are renewed or run out, dead submissions vanish, whoever waited looks again."""
    now = world.tick + 1
    flying = tuple(each for each in world.cloud.flying if now - each.signed <= LIFE)
    world = changed(world, tick=now, cloud=changed(world.cloud, flying=flying))
    for index, each in enumerate(world.processes):
        if world.lease_holder == each.identity and not each.paused and world.lease_end >= now:
            world = changed(world, lease_end=now + LEASE).process(index, lease_end=now + LEASE)
    if world.lease_end <= now:
        world = _elected(world)
    return _awake(world)


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
        case steps.Fail(reason=reason):
            return f"Fail({reason})"
        case steps.Adopt(found=found):
            return f"Adopt({found.task.id}, {type(found).__name__})"
        case _:
            return type(step).__name__
