"""The acts of a replica: what engine/{perform,submission}.py make of each step, on the model's cloud and API server.

Only the order of writes, calls and memories is modelled; every value comes from the core.
"""

from imageferry.core import step as steps
from imageferry.core import transition
from imageferry.core.artifacts import Artifacts
from imageferry.core.journal import Claim, LastError, LastRefusal
from imageferry.core.keys import attempt_key, marks
from imageferry.core.memory import Memory
from imageferry.core.observation import Task
from imageferry.core.reasons import Reason
from imageferry.core.step import Step
from tests.explore import cloud
from tests.explore.cloud import Answer
from tests.explore.model import (
    EPOCH,
    LIFE,
    TICK,
    WINDOW,
    Flying,
    Setting,
    TaskState,
    World,
    at,
    changed,
)
from tests.explore.replica import RESOLVED, Broken, Trouble, kill, remember, wall
from tests.explore.writes import commit, say, write_step


def perform(world: World, setting: Setting, index: int, step: Step, trouble: Trouble) -> World:
    """The world after the step, with at most one trouble on its way. Raises Broken."""
    match step:
        case steps.Wait() | steps.Hold() | steps.Rest():
            world = say(world, index)
            return remember(world, index, _waits).process(index, idle=True, visiting=False)
        case steps.Check():
            return remember(world, index, lambda m: m.check(RESOLVED, at=world.tick * 300.0))
        case steps.Look(numbers=numbers, closed=closed):
            return _look(world, setting, index, numbers, closed)
        case steps.Submit(again=again):
            return _submit(world, setting, index, trouble, again=again)
        case steps.Cancel(task=task):
            return _cancel(world, index, task.id)
        case steps.Collect(task=task):
            found = cloud.collect(world, task)
            return remember(world, index, lambda m: setattr(m, "collected", found))
        case steps.Discard(items=items):
            return _discard(world, index, {item.key for item in items})
        case _:
            return write_step(world, setting, index, step, trouble)


def _waits(memory: Memory) -> None:
    memory.deletion_tried = memory.deletion_tried or memory.deletion_seen_at is not None


def _look(world: World, setting: Setting, index: int, numbers: range, closed: range) -> World:
    process = world.processes[index]
    seen = process.seen
    if seen is None:
        return world
    if not owns(world, seen.journal.claim):
        return world.process(index, idle=True, visiting=False)
    claim = seen.journal.claim
    since = (claim.claimed_at - EPOCH) // TICK if claim else seen.born
    few = range(1, 6) if len(numbers) > 5 else numbers
    more = range(1001, 1004) if len(numbers) > 5 else range(0)
    wanted = marks(seen.uid, [*few, *more], "p")
    found = cloud.find(world, setting, wanted, closed, since)
    return remember(world, index, lambda m: m.observe(found, now=at(wall(world, process))))


def _submit(world: World, setting: Setting, index: int, trouble: Trouble, *, again: bool) -> World:
    process = world.processes[index]
    seen = process.seen
    claim = seen.journal.claim if seen else None
    if seen is None or claim is None:
        raise Broken("a submission without a claim")
    if not again and (claim.key, process.identity) not in world.claims:
        raise Broken("S5: a submission whose claim this process never had acknowledged")
    world = remember(world, index, lambda m: m.send())
    request = Flying(seen.uid, claim.key, world.owner, signed(world, claim))
    match trouble:
        case Trouble.KILLED_BEFORE:
            return kill(world, index)
        case Trouble.NOT_DONE:
            return world
        case Trouble.LATE:
            return changed(world, cloud=changed(world.cloud, flying=(*world.cloud.flying, request)))
        case Trouble.REFUSED | Trouble.LASTING:
            # No refusal of a repeat proves anything.
            return world if again else _refused(world, index, lasting=trouble is Trouble.LASTING)
        case _:
            return _sent(world, setting, index, (request, claim, trouble), again=again)


def signed(_: World, claim: Claim) -> int:
    """The time in the signature: the claim's, however late it is sent."""
    return (claim.claimed_at - EPOCH) // TICK


def unheard(world: World, _: int) -> World:
    """The answer to a submission was lost: nothing is concluded from that."""
    return world


def owns(world: World, claim: Claim | None) -> bool:
    """The gate before every call for an attempt: the credentials' owner is the attempt's."""
    return claim is None or claim.account_id == world.owner


def _sent(world: World, setting: Setting, index: int, what: tuple[Flying, Claim, Trouble], *, again: bool) -> World:
    """The cloud saw the request; what its answer proves is recorded at once."""
    request, claim, trouble = what
    seen = world.processes[index].seen
    world, answer, task = cloud.submit(world, setting, request, lag=1 if trouble is Trouble.LAGGING else 0)
    if trouble in (Trouble.KILLED_IN, Trouble.KILLED_AFTER):
        return kill(world, index)
    if answer is Answer.EXPIRED and not again:
        return _refused(world, index, lasting=False)
    if trouble is Trouble.LOST_ANSWER or task is None or seen is None:
        return unheard(world, index)
    world = remember(world, index, lambda m: m.submit())
    accepted = transition.accepted(seen.journal, _named(claim, task.id, world), at(world.tick))
    return commit(world, index, accepted, Trouble.NONE)


def _named(claim: Claim, task_id: str, world: World) -> Task:
    return Task(id=task_id, key=claim.key, object_prefix=claim.object_prefix, started_at=at(world.tick))


def _refused(world: World, index: int, *, lasting: bool) -> World:
    process = world.processes[index]
    seen = process.seen
    if seen is None:
        return world
    now = at(wall(world, process))
    error = LastError(reason=Reason.CONCURRENT_QUOTA_EXCEEDED, message="full", time=now)
    kept = LastRefusal(
        reason=Reason.NOT_WHITELISTED, failure_class="Blocked", message="no", generation=1, next_try_at=now + 3 * TICK
    )
    world = remember(world, index, lambda m: m.forget_attempt())
    return commit(world, index, transition.refused(seen.journal, kept if lasting else None, error), Trouble.NONE)


def _cancel(world: World, index: int, task_id: str | None) -> World:
    """The provider's own proof: a running task shows no files, but it is of our image and of the claim's window."""
    seen = world.processes[index].seen
    claim = seen.journal.claim if seen else None
    if claim is None or not owns(world, claim):
        return world.process(index, idle=True, visiting=False)
    since = (claim.claimed_at - EPOCH) // TICK
    for task in world.cloud.tasks:
        in_window = since - LIFE - 1 <= task.accepted <= since + WINDOW
        if task.id == task_id and task.owner == world.owner and task.state is TaskState.RUNNING and in_window:
            world = cloud.change(world, task, state=TaskState.CANCELLED)
    return remember(world, index, lambda m: m.ask_to_cancel(at=world.tick * 300.0))


def _discard(world: World, index: int, keys: set[str]) -> World:
    seen = world.processes[index].seen
    if seen is None:
        return world
    if not owns(world, seen.journal.claim):
        return world.process(index, idle=True, visiting=False)
    own = {attempt_key(seen.uid, number) for number in [*range(1, 6), *range(1001, 1004)]}
    if not keys <= own:
        raise Broken("S4: a file of somebody else was to be deleted")
    for task in world.cloud.tasks:
        if task.key in keys:
            world = cloud.change(world, task, file=False)
    if seen.journal.finished:
        items = tuple(item for item in seen.journal.artifacts if item.key in keys)
        return commit(world, index, transition.discarded(seen.journal, items), Trouble.NONE)
    return remember(world, index, lambda m: setattr(m, "collected", Artifacts((), None)))
