"""The acts of a replica: what engine/{perform,submission}.py make of each step, on the model's cloud and API server.

Only the order of writes, calls and memories is modelled; every value comes from the core.
"""

from imageferry.core import step as steps
from imageferry.core import transition
from imageferry.core.artifacts import Artifacts
from imageferry.core.job import Kind
from imageferry.core.journal import Claim, LastError, LastRefusal
from imageferry.core.keys import attempt_key, marks
from imageferry.core.memory import Memory
from imageferry.core.observation import Task
from imageferry.core.reasons import Reason
from imageferry.core.step import Step
from tests.explore import cloud
from tests.explore.cloud import Answer
from tests.explore.directions import key_of, resolved
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
from tests.explore.replica import Broken, kill, remember, wall
from tests.explore.troubles import Fault
from tests.explore.writes import commit, say, tried, write_step


def perform(world: World, setting: Setting, index: int, step: Step, fault: Fault | None) -> World:
    """The world after the step, with at most one fault on its way. Raises Broken."""
    match fault:
        case Fault.ENDED:
            return _end(world, index)
        case Fault.KILLED_BEFORE:
            return kill(world, index)
        case Fault.SILENT:
            return _unanswered(remember(world, index, lambda m: setattr(m, "cloud_away", True)), index)
        case _:
            return _do(world, setting, index, step, fault)


def _do(world: World, setting: Setting, index: int, step: Step, fault: Fault | None) -> World:
    match step:
        case steps.Wait(reason=Reason.VERIFYING):
            return _unanswered(remember(say(world, index), index, lambda m: setattr(m, "collected", None)), index)
        case steps.Wait() | steps.Hold() | steps.Rest():
            return _unanswered(say(world, index), index)
        case steps.Check():
            world = remember(
                changed(world, unfit=fault is Fault.UNFIT), index, lambda m: setattr(m, "cloud_away", False)
            )
            return _check(world, index)
        case steps.Look(numbers=numbers, closed=closed):
            return _look(world, setting, index, numbers, closed)
        case steps.Submit(again=again):
            return _submit(world, setting, index, fault, again=again)
        case steps.Cancel(task=task):
            return _cancel(world, index, task.id, fault)
        case steps.Collect(task=task):
            return _collect(world, index, task)
        case steps.Discard(items=items):
            return _discard(world, index, {key_of(item) for item in items}, fault)
        case _:
            return write_step(world, index, step, fault)


def _check(world: World, index: int) -> World:
    seen = world.processes[index].seen
    if seen is None:
        return world
    found = resolved(seen.spec.kind)
    return remember(world, index, lambda m: m.check(found, at=world.tick * 300.0))


def _collect(world: World, index: int, task: Task) -> World:
    seen = world.processes[index].seen
    if seen is None:
        return world
    found = cloud.collect(world, seen.spec.kind, task)
    return remember(world, index, lambda m: _collected(m, found))


def _unanswered(world: World, index: int) -> World:
    """The visit ends; time, the poller or an edit brings the next."""
    return remember(world, index, tried).process(index, idle=True, visiting=False)


def _collected(memory: Memory, found: Artifacts) -> None:
    memory.collected, memory.cloud_away = found, False


def _end(world: World, index: int) -> World:
    """The process ends in good order: it takes back the claim it has not sent, and gives its lease away."""
    process = world.processes[index]
    if process.memory.unsent and process.seen and process.seen.journal.claim:
        world = commit(world, index, transition.closed(process.seen.journal, costs_attempt=False), None)
    return changed(kill(world, index), lease_end=world.tick)


def _look(world: World, setting: Setting, index: int, numbers: range, closed: range) -> World:
    process = world.processes[index]
    seen = process.seen
    if seen is None:
        return world
    if world.away or not owns(world, seen.journal.claim):
        return _unanswered(world, index)
    claim = seen.journal.claim
    since = (claim.claimed_at - EPOCH) // TICK if claim else seen.born
    few = range(1, 6) if len(numbers) > 5 else numbers
    more = range(1001, 1004) if len(numbers) > 5 else range(0)
    found = cloud.find(world, setting, marks(seen.uid, [*few, *more], "p"), closed, since)
    world = remember(world, index, lambda m: setattr(m, "cloud_away", False))
    return remember(world, index, lambda m: m.observe(found, now=at(wall(world, process)), at=world.tick * 300.0))


def _submit(world: World, setting: Setting, index: int, fault: Fault | None, *, again: bool) -> World:
    process = world.processes[index]
    seen = process.seen
    claim = seen.journal.claim if seen else None
    if seen is None or claim is None:
        raise Broken("a submission without a claim")
    if seen.deleting:
        raise Broken("a submission for an object that is known to be going")
    if not again and (claim.key, process.identity) not in world.claims:
        raise Broken("S5: a submission whose claim this process never had acknowledged")
    if again and claim.claimed_by != process.identity:
        return take_over(world, index, fault)
    world = remember(world, index, lambda m: m.send(at=world.tick * 300.0))
    request = Flying(seen.uid, claim.key, world.owner, signed(world, claim))
    match fault:
        case Fault.NOT_DONE:
            return world
        case Fault.UNSENT:
            return remember(world, index, lambda m: m.take_back()).process(index, visiting=False)
        case Fault.LATE:
            return changed(world, cloud=changed(world.cloud, flying=(*world.cloud.flying, request)))
        case Fault.REFUSED | Fault.LASTING:
            # No refusal of a repeat proves anything.
            return _unanswered(world, index) if again else _refused(world, index, lasting=fault is Fault.LASTING)
        case _:
            return _sent(world, setting, index, (request, claim, fault), again=again)


def take_over(world: World, index: int, fault: Fault | None) -> World:
    """Before a repeat the claim is the repeater's: nobody else can withdraw it meanwhile, and a stale view comes to light."""
    process = world.processes[index]
    if process.seen is None:
        return world
    return commit(world, index, transition.taken_over(process.seen.journal, process.identity), fault)


def signed(_: World, claim: Claim) -> int:
    """The time in the signature: the claim's, however late it is sent."""
    return (claim.claimed_at - EPOCH) // TICK


def unheard(world: World, _: int) -> World:
    """The answer to a submission was lost: nothing is concluded from that."""
    return world


def owns(world: World, claim: Claim | None) -> bool:
    """The gate before every call for an attempt: the credentials' owner is the attempt's."""
    return claim is None or claim.account_id == world.owner


def _sent(
    world: World, setting: Setting, index: int, what: tuple[Flying, Claim, Fault | None], *, again: bool
) -> World:
    """The cloud saw the request; what its answer proves is recorded at once."""
    request, claim, fault = what
    seen = world.processes[index].seen
    world, answer, task = cloud.submit(world, setting, request, lag=1 if fault is Fault.LAGGING else 0)
    if fault is Fault.KILLED_IN:
        return kill(world, index)
    if answer is Answer.EXPIRED:
        return _unanswered(world, index) if again else _refused(world, index, lasting=False)
    if fault is Fault.LOST_ANSWER or task is None or seen is None:
        return unheard(world, index)
    world = remember(world, index, lambda m: m.submit())
    accepted = transition.accepted(seen.journal, _named(claim, task.id, world), at(world.tick))
    return commit(world, index, accepted, Fault.NOT_DONE if fault is Fault.UNRECORDED else None)


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
        reason=Reason.NOT_WHITELISTED,
        failure_class="Blocked",
        message="no",
        generation=seen.spec.generation,
        next_try_at=now + 3 * TICK,
    )
    world = remember(world, index, lambda m: m.forget_attempt())
    world = commit(world, index, transition.refused(seen.journal, kept if lasting else None, error), None)
    return world if lasting else _unanswered(world, index)


def _cancel(world: World, index: int, task_id: str | None, fault: Fault | None) -> World:
    """The provider's own proof: a running task shows no files, but it is of our image and of the claim's window."""
    seen = world.processes[index].seen
    claim = seen.journal.claim if seen else None
    if claim is None or world.away or not owns(world, claim):
        return _unanswered(world, index)
    since = (claim.claimed_at - EPOCH) // TICK
    for task in world.cloud.tasks:
        in_window = since - LIFE - 1 <= task.accepted <= since + WINDOW
        if task.id == task_id and task.owner == world.owner and task.state is TaskState.RUNNING and in_window:
            world = cloud.change(world, task, state=TaskState.CANCELLED, ended=world.tick)
    if fault is Fault.KILLED_IN:
        return kill(world, index)
    if fault is Fault.LOST_ANSWER:
        return _unanswered(remember(world, index, lambda m: setattr(m, "cloud_away", True)), index)
    world = remember(world, index, lambda m: setattr(m, "cloud_away", False))
    return remember(world, index, lambda m: m.ask_to_cancel(at=world.tick * 300.0))


def _discard(world: World, index: int, keys: set[str], fault: Fault | None) -> World:
    seen = world.processes[index].seen
    if seen is None:
        return world
    if world.away or not owns(world, seen.journal.claim):
        return _unanswered(world, index)
    # A file says itself whose it is; of an image the cloud is asked first, and another's is left alone.
    if seen.spec.kind is Kind.EXPORT and not keys <= {
        attempt_key(seen.uid, number) for number in [*range(1, 6), *range(1001, 1004)]
    }:
        raise Broken("S4: a file of somebody else was to be deleted")
    for task in world.cloud.tasks:
        if task.key in keys:
            world = cloud.change(world, task, file=False)
    if fault is Fault.KILLED_IN:
        return kill(world, index)
    if fault is Fault.LOST_ANSWER:
        return _unanswered(remember(world, index, lambda m: setattr(m, "cloud_away", True)), index)
    items = tuple(item for item in seen.journal.artifacts if key_of(item) in keys)
    left = transition.discarded(seen.journal, items)
    if left != seen.journal:
        world = commit(world, index, left, None)
    return world if seen.journal.finished else remember(world, index, lambda m: m.discard())
