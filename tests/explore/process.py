"""A replica in the model: the real decision on real facts, and what engine/{perform,submission}.py make of each step.

Only the order of writes, calls and memories is modelled; every value comes from the core. `Trouble` is what a fault does to
the one write or call of a step.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from imageferry.core import step as steps
from imageferry.core import transition
from imageferry.core.artifacts import Artifacts
from imageferry.core.conditions import conditions, report
from imageferry.core.decide import Row, matching_row
from imageferry.core.errors import Refusal
from imageferry.core.facts import Surroundings, facts_of
from imageferry.core.journal import Claim, Condition, Journal, LastError, LastRefusal, Resolved
from imageferry.core.keys import attempt_key, marks
from imageferry.core.memory import Memory
from imageferry.core.observation import Task
from imageferry.core.reasons import Reason
from imageferry.core.situation import Situation
from imageferry.core.step import Step
from tests.explore import cloud
from tests.explore.cloud import Answer
from tests.explore.model import (
    BOUNDS,
    EPOCH,
    LEASE,
    LIFE,
    TICK,
    WINDOW,
    Flying,
    Process,
    Setting,
    TaskState,
    Thing,
    World,
    at,
    changed,
    job_of,
)

RESOLVED = Resolved(region="r", image_id="image", bucket="b", format="RAW")


class Trouble(StrEnum):
    """What happens to the write or the call of a step."""

    NONE = ""
    LOST_ANSWER = "its answer is lost"
    NOT_DONE = "it fails and was not done"
    LATE = "it arrives later, and nobody waits for its answer"
    REFUSED = "the quota refuses it"
    LASTING = "it is refused for a lasting reason"
    LAGGING = "the cloud's reads lag behind it"
    KILLED_BEFORE = "the process is killed before it"
    KILLED_IN = "the process is killed after it, before its answer"
    KILLED_AFTER = "the process is killed after its answer"


WRITES = (
    steps.Guard, steps.Unguard, steps.Release, steps.Claim, steps.Withdraw, steps.Close, steps.Adopt, steps.Complete,
    steps.Fail, steps.Reopen,
)  # fmt: skip
"""Steps that are one write to the API server."""

KILLS = (Trouble.KILLED_BEFORE, Trouble.KILLED_IN, Trouble.KILLED_AFTER)


@dataclass(frozen=True)
class Broken(Exception):  # noqa: N818 -- a law is broken, the code is not
    """A law of the protocol does not hold."""

    law: str

    def __str__(self) -> str:
        return self.law


def wall(world: World, process: Process) -> int:
    """The process's own clock, in ticks."""
    return world.tick + process.skew


def decided(world: World, setting: Setting, index: int) -> tuple[Step, Row] | None:
    """What the process would do now, and by which row; None if it has nothing to look at."""
    process = world.processes[index]
    if process.seen is None:
        return None
    job, journal, memory = job_of(process.seen, setting), process.seen.journal, process.memory
    around = Surroundings(
        now=at(wall(world, process)),
        monotonic=world.tick * 300.0,
        identity=process.identity,
        owner=world.owner,
        away=None,
        barred=None,
        refused=_remembered(journal, process, world, setting),
        checked=RESOLVED if memory.checked else None,
        turn=_busy(world, process.seen),
        fenced=process.lease_end - world.tick >= 1,
        can_cancel=setting.can_cancel,
        has_token=setting.has_token,
        bounds=BOUNDS,
    )
    situation = Situation(job, journal, facts_of(journal, memory, around))
    row = matching_row(situation)
    step = row.then(situation)
    conditions(job, journal, report(job, journal, step, now=around.now, young_seconds=300), now=around.now)
    return step, row


def _busy(world: World, seen: Thing) -> Refusal | None:
    """Preflight looks for running tasks on the image first: somebody else's is waited for."""
    running = any(
        task.state is TaskState.RUNNING and task.owner == world.owner and task.visible <= world.tick
        for task in world.cloud.tasks
    )
    idle = seen.journal.claim is None and not seen.journal.finished
    return Refusal(Reason.IMAGE_BUSY, "busy") if running and idle else None


def _remembered(journal: Journal, process: Process, world: World, setting: Setting) -> Refusal | None:
    if process.seen is None:
        return None
    found = transition.remembered_refusal(journal, job_of(process.seen, setting), at(wall(world, process)))
    return Refusal(Reason(found.reason), found.message) if found else None


def begin(world: World, index: int) -> World:
    """A visit begins: what is stale is read again, looks are forgotten, the poller's news is there."""
    process = world.processes[index]
    if process.memory.stale:
        world = observe(_remember(world, index, lambda m: setattr(m, "stale", False)), index)
        process = world.processes[index]
    memory, seen = replace(process.memory), process.seen
    task = seen.journal.task if seen else None
    memory.begin_visit(has_task=task is not None)
    claim = seen.journal.claim if seen else None
    if task and claim and claim.account_id == world.owner and seen and not seen.journal.finished:
        memory.observe(cloud.poll(world, task), now=at(wall(world, process)))
    return world.process(index, memory=memory, seen=seen, idle=False, visiting=True)


def perform(world: World, setting: Setting, index: int, step: Step, trouble: Trouble) -> World:
    """The world after the step, with at most one trouble on its way. Raises Broken."""
    match step:
        case steps.Wait() | steps.Hold() | steps.Rest():
            world = _say(world, index)
            return _remember(world, index, _waits).process(index, idle=True, visiting=False)
        case steps.Check():
            return _remember(world, index, lambda m: m.check(RESOLVED, at=world.tick * 300.0))
        case steps.Look(numbers=numbers, closed=closed):
            return _look(world, setting, index, numbers, closed)
        case steps.Submit(again=again):
            return _submit(world, setting, index, trouble, again=again)
        case steps.Cancel(task=task):
            return _cancel(world, index, task.id)
        case steps.Collect(task=task):
            found = cloud.collect(world, task)
            return _remember(world, index, lambda m: setattr(m, "collected", found))
        case steps.Discard(items=items):
            return _discard(world, index, {item.key for item in items})
        case _:
            return _write_step(world, setting, index, step, trouble)


def _waits(memory: Memory) -> None:
    memory.deletion_tried = memory.deletion_tried or memory.deletion_seen_at is not None


def _remember(world: World, index: int, act: object) -> World:
    memory = replace(world.processes[index].memory)
    act(memory)  # type: ignore[operator]
    return world.process(index, memory=memory)


def _say(world: World, index: int) -> World:
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
    told = changed(thing, version=thing.version + 1, journal=replace(thing.journal, conditions=_SAID))
    return deliver(changed(world, thing=told).process(index, seen=told), index)


_SAID = (
    Condition(
        type="Ready", status="False", reason="Accepted", message="", observed_generation=1, last_transition_at=EPOCH
    ),
)
"""Stands for all conditions: that there are any is all that is ever decided on."""


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
    memory = replace(process.memory) if same else Memory()
    if thing and not same:
        memory.wiped = not thing.journal.conditions and world.tick - thing.born >= 1
    if same and thing and process.seen:
        memory.turn_page(process.seen.journal, thing.journal)
    if thing and thing.deleting and memory.deletion_seen_at is None:
        memory.deletion_seen_at = world.tick * 300.0
    return world.process(index, seen=thing, memory=memory, idle=False, pending=None if not same else process.pending)


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
    return _remember(world, index, lambda m: m.observe(found, now=at(wall(world, process))))


def _submit(world: World, setting: Setting, index: int, trouble: Trouble, *, again: bool) -> World:
    process = world.processes[index]
    seen = process.seen
    claim = seen.journal.claim if seen else None
    if seen is None or claim is None:
        raise Broken("a submission without a claim")
    if not again and (claim.key, process.identity) not in world.claims:
        raise Broken("S5: a submission whose claim this process never had acknowledged")
    world = _remember(world, index, lambda m: m.send())
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


def guarded(thing: Thing, seen: Thing) -> bool:
    """What the API server tests before a write: uid and version."""
    return thing.uid == seen.uid and thing.version == seen.version


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
    world = _remember(world, index, lambda m: m.submit())
    accepted = transition.accepted(seen.journal, _named(claim, task.id, world), at(world.tick))
    return _commit(world, index, accepted, Trouble.NONE)


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
    world = _remember(world, index, lambda m: m.forget_attempt())
    return _commit(world, index, transition.refused(seen.journal, kept if lasting else None, error), Trouble.NONE)


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
    return _remember(world, index, lambda m: m.ask_to_cancel(at=world.tick * 300.0))


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
        return _commit(world, index, transition.discarded(seen.journal, items), Trouble.NONE)
    return _remember(world, index, lambda m: setattr(m, "collected", Artifacts((), None)))


def _write_step(world: World, setting: Setting, index: int, step: Step, trouble: Trouble) -> World:
    process = world.processes[index]
    seen = process.seen
    if seen is None:
        return world
    match step:
        case steps.Guard():
            world = _commit_thing(world, index, trouble, guarded=True)
            return _remember(world, index, lambda m: m.guard()) if _lives(world, index, process) else world
        case steps.Unguard():
            return _commit_thing(world, index, trouble, guarded=False)
        case steps.Release(orphan=orphan):
            if orphan and seen.journal.claim:
                world = changed(world, orphans=world.orphans | {seen.journal.claim.key})
            return _commit_thing(world, index, trouble, guarded=False)
        case steps.Claim():
            return _claim(world, index, _journal_after(world, setting, process, step), trouble)
        case steps.Withdraw() | steps.Close():
            return _close(world, index, _journal_after(world, setting, process, step), trouble)
        case steps.Reopen():
            world = _remember(world, index, lambda m: m.forget_attempt())
            return _commit(world, index, _journal_after(world, setting, process, step), trouble)
        case steps.Adopt(found=found):
            now = at(wall(world, process))
            world = _commit(world, index, _journal_after(world, setting, process, step), trouble)
            return (
                _remember(world, index, lambda m: m.observe(found, now=now)) if _lives(world, index, process) else world
            )
        case _:
            return _commit(world, index, _journal_after(world, setting, process, step), trouble)


def _journal_after(world: World, setting: Setting, process: Process, step: Step) -> Journal:
    """What the step writes, by the core's own transitions."""
    seen, now = process.seen, at(wall(world, process))
    if seen is None:
        raise AssertionError("nothing is seen")
    job, journal = job_of(seen, setting), seen.journal
    match step:
        case steps.Claim(number=number):
            return transition.claimed(
                journal, job, number, resolved=RESOLVED, account_id=world.owner, by=process.identity, at=now
            )
        case steps.Withdraw():
            return transition.closed(journal, costs_attempt=False)
        case steps.Close(costs_attempt=costs, reason=reason, message=message):
            closed = transition.closed(journal, costs_attempt=costs)
            error = LastError(reason=reason, message=message, time=now)
            return replace(closed, last_error=error) if costs else closed
        case steps.Adopt(found=found):
            adopted = transition.adopted(journal, found, account_id=world.owner, by=process.identity, now=now)
            return replace(adopted, resolved=adopted.resolved or RESOLVED)
        case steps.Complete():
            return transition.completed(journal, job, step, now)
        case steps.Fail():
            return transition.failed(journal, job, step, now)
        case steps.Reopen():
            return transition.reopened(journal, job)
        case _:
            raise AssertionError(step)


def _lives(world: World, index: int, before: Process) -> bool:
    return world.processes[index].life == before.life


def _close(world: World, index: int, journal: Journal, trouble: Trouble) -> World:
    process = world.processes[index]
    world = _commit(world, index, journal, trouble)
    if _lives(world, index, process) and not world.processes[index].memory.stale:
        world = _remember(world, index, lambda m: m.forget_attempt())
    return world


def _claim(world: World, index: int, journal: Journal, trouble: Trouble) -> World:
    process, claim = world.processes[index], journal.claim
    world = _remember(world, index, lambda m: m.begin_claim())
    world = _commit(world, index, journal, trouble)
    if not _lives(world, index, process) or claim is None:
        return world
    thing = world.thing
    if world.processes[index].memory.stale and thing and process.seen and thing.uid == process.seen.uid:
        world = observe(_remember(world, index, lambda m: setattr(m, "stale", False)), index)
    held = world.processes[index].seen
    if held is None or held.journal.claim != claim:
        return world.process(index, idle=False)
    world = changed(world, claims=world.claims | {(claim.key, process.identity)})
    return _remember(world, index, lambda m: m.claim(at=world.tick * 300.0))


def _commit(world: World, index: int, journal: Journal, trouble: Trouble) -> World:
    return _commit_thing(world, index, trouble, journal=replace(journal, conditions=_SAID))


def _commit_thing(world: World, index: int, trouble: Trouble, **changes: object) -> World:
    """One guarded write: uid and version are tested; the answer becomes what the process knows."""
    if trouble is Trouble.KILLED_BEFORE:
        return kill(world, index)
    process, thing = world.processes[index], world.thing
    stale = _remember(world, index, lambda m: setattr(m, "stale", True)).process(index, idle=False, visiting=False)
    if thing is None or process.seen is None or not guarded(thing, process.seen):
        return stale
    if trouble is Trouble.NOT_DONE:
        return stale
    written: Thing | None = changed(thing, version=thing.version + 1, **changes)
    if written and written.deleting and not written.guarded:
        written = None
    after = changed(world, thing=written)
    if trouble in (Trouble.KILLED_IN, Trouble.KILLED_AFTER):
        return kill(deliver(after, index), index)
    if trouble is Trouble.LOST_ANSWER:
        return deliver(changed(stale, thing=written), index)
    return deliver(after.process(index, seen=written, idle=False), index)


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
    """The process takes the lease and reads everything anew."""
    end = world.tick + LEASE
    world = changed(world, lease_holder=world.processes[index].identity, lease_end=end)
    return observe(world.process(index, lease_end=end, seen=None, deaf=False, visiting=False), index)
