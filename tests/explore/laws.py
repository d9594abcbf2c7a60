"""The laws that hold in every state and over every move (S1 to S6, S8); L1 and L2 are judged over the whole graph.

S6 holds by construction: moves.py lets nobody act but who leads, save for the one step before which a process was stopped;
that a call is fenced is judged where it is decided upon (replica.py).
S7 is about many objects and is proven where lanes are; S9 is about secrets, which the core never holds; L3 is judged where a
wait is decided upon (replica.py), S5 where a submission is made (acts.py).
"""

from imageferry.core.artifacts import Artifact, File
from imageferry.core.job import DeletionPolicy
from imageferry.core.reasons import Reason
from tests.explore.directions import key_of
from tests.explore.model import EPOCH, LIFE, TICK, CloudTask, TaskState, Thing, World, job_of
from tests.explore.replica import Broken

EXCUSED = {Reason.OUTCOME_UNKNOWN, Reason.TASK_LOST, Reason.OUTPUT_MISSING}
"""Ends that say themselves that something may still run or be there."""


def judge(before: World, after: World) -> None:
    """Raises Broken if the move broke a law."""
    if after.cloud is not before.cloud:
        for task in after.cloud.tasks[len(before.cloud.tasks) :]:
            _not_doubled(before, task)
        _foreign_untouched(before, after)
    if after.thing is not before.thing:
        _journal_tells_the_truth(after)
        _finished_with_evidence(before, after)
        _number_never_falls(before, after)
        _past_stays_past(before, after)
    if after.thing is not before.thing or after.cloud is not before.cloud:
        _released_with_care(before, after)


def _not_doubled(before: World, new: CloudTask) -> None:
    if not new.uid:
        return
    for old in before.cloud.tasks:
        if old.uid != new.uid:
            continue
        if old.key == new.key:
            raise Broken("S1: two tasks were started for one attempt")
        if old.state is TaskState.RUNNING and not before.allowed:
            raise Broken("S1: a second task was started while the first one runs")
        if old.state is TaskState.SUCCEEDED and not before.allowed:
            raise Broken("S1: a second task was started although the first one had ended well")


def _journal_tells_the_truth(world: World) -> None:
    """The task in the journal is the object's own, and only failures of its own tasks are counted."""
    thing = world.thing
    if thing is None:
        return
    mine = [task for task in world.cloud.tasks if task.uid == thing.uid]
    if not world.meddled and thing.journal.task and thing.journal.task.id not in {task.id for task in mine}:
        raise Broken("S4: the journal holds a task of somebody else")
    failed = sum(task.state is TaskState.FAILED for task in mine)
    if thing.journal.failures > failed and not world.allowed:
        raise Broken("an attempt was counted as failed that did not fail")


def _foreign_untouched(before: World, after: World) -> None:
    """Only the task of the object that is there may be cancelled, and only files of such tasks deleted.

    A process that was stopped just before such a step still does it when it goes on: for the object that it was about.
    """
    uids = {before.thing.uid} if before.thing else set()
    for process, then in zip(before.processes, after.processes, strict=True):
        if process.pending and process.seen and not then.paused:
            uids.add(process.seen.uid)
    for old, new in zip(before.cloud.tasks, after.cloud.tasks, strict=False):
        if old is new or old.uid in uids:
            continue
        if new.state is TaskState.CANCELLED and old.state is TaskState.RUNNING:
            raise Broken("S4: a task of somebody else was cancelled")
        if old.file and not new.file:
            raise Broken("S4: a file of somebody else was deleted")


def _finished_with_evidence(before: World, after: World) -> None:
    old, new = before.thing, after.thing
    if new is None or not new.journal.finished or after.meddled:
        return
    if old and old.uid == new.uid and old.journal.finished:
        return
    excused = EXCUSED | ({Reason.BACKOFF_LIMIT_EXCEEDED} if after.allowed else set())
    mine = [task for task in after.cloud.tasks if task.uid == new.uid]
    error = new.journal.last_error
    if error is None:
        _really_done(new, mine)
        return
    if error.reason is Reason.TASK_LOST and any(_shown(task, after) for task in mine) and not after.allowed:
        raise Broken("S3: the job finished as TaskLost while the cloud shows its task")
    if error.reason is Reason.DEADLINE_EXCEEDED and not _late(new, after):
        raise Broken("S3: the job finished as DeadlineExceeded before its deadline, by a clock that was wrong")
    if error.reason is Reason.OUTPUT_MISSING and any(_good(task) for task in mine) and not after.allowed:
        raise Broken("S3: the job finished as OutputMissing although its file was only listed late")
    if error.reason in excused:
        return
    if any(task.state is TaskState.RUNNING for task in mine):
        raise Broken(f"S3: the job finished as {error.reason} while its task runs")
    latest = max(mine, key=lambda task: task.accepted, default=None)
    if latest and latest.state is TaskState.SUCCEEDED and not after.allowed:
        raise Broken(f"S3: the job finished as {error.reason} although its task ended well")


def _really_done(thing: Thing, mine: list[CloudTask]) -> None:
    good = {task.key for task in mine if _good(task)}
    if not good:
        raise Broken("S2: the job finished well without its file")
    if not any(key_of(item) in good and _whole(item) for item in thing.journal.artifacts):
        raise Broken("S2: the job finished well without a record of its file")


def _whole(item: Artifact) -> bool:
    return not isinstance(item, File) or bool(item.size_bytes and item.crc64 and item.etag)


def _good(task: CloudTask) -> bool:
    return task.state is TaskState.SUCCEEDED and task.file


def _late(thing: Thing, world: World) -> bool:
    """The deadline passed by the cloud's clock, give or take how far apart the clocks always were."""
    start, deadline = thing.journal.start_at, thing.spec.deadline
    apart = max(abs(process.skew) for process in world.processes)
    if start is None or deadline is None:
        return False
    return world.tick - (start - EPOCH) // TICK > deadline - 2 * apart


def _shown(task: CloudTask, world: World) -> bool:
    return task.state is TaskState.RUNNING and task.visible <= world.tick and task.owner == world.owner


def _released_with_care(before: World, after: World) -> None:
    old, new = before.thing, after.thing
    if old is None or old.spec.policy is DeletionPolicy.ORPHAN or after.meddled:
        return
    mine = [task for task in after.cloud.tasks if task.uid == old.uid and task.key not in after.orphans]
    if new is None and old.spec.policy is DeletionPolicy.DELETE and any(task.file for task in mine):
        raise Broken("S8: the object is gone under Delete, its file is not, and nobody follows it")
    if not old.guarded or (new is not None and new.guarded) or excused(old):
        return
    if any(task.state is TaskState.RUNNING for task in mine):
        raise Broken("S8: the finalizer left while the object's task runs and nobody follows it")
    for request in after.cloud.flying:
        repeat = any(task.key == request.key for task in after.cloud.tasks)
        alive = after.tick - request.signed <= LIFE and not repeat
        if request.uid == old.uid and alive and request.key not in after.orphans:
            raise Broken("S8: the finalizer left while a submission may still be accepted and nobody follows it")


def excused(thing: Thing) -> bool:
    """The job ended with a word that says itself that something may still run or be there."""
    error = thing.journal.last_error
    return error is not None and error.reason in EXCUSED


def _number_never_falls(before: World, after: World) -> None:
    old, new = before.thing, after.thing
    if old is None or new is None or old.uid != new.uid:
        return
    if new.journal.attempt and new.journal.number < old.journal.number:
        raise Broken("the number of the attempt fell")
    claim = new.journal.claim
    if claim and not new.journal.task and new.journal.claim != old.journal.claim:
        if new.deleting or not new.guarded:
            raise Broken("an attempt was claimed for an object that is going, or that nothing holds")
        if old.journal.failures > job_of(old).policy.backoff_limit:
            raise Broken("an attempt was made beyond backoffLimit")


def _past_stays_past(before: World, after: World) -> None:
    """A good end is final, and an attempt that was dealt with is not taken up again."""
    old, new = before.thing, after.thing
    if old is None or new is None or old.uid != new.uid or not new.journal.attempt or after.meddled:
        return
    if old.journal.finished and not old.journal.failed and not new.journal.finished:
        raise Broken("a job that had finished well was opened again")
    claim, task = old.journal.claim, new.journal.task
    if claim and not old.journal.task and task and task.key != claim.key:
        gone = {each.key for each in after.cloud.tasks if each.state in (TaskState.FAILED, TaskState.CANCELLED)}
        if task.key in gone:
            raise Broken("a task that was dealt with was taken up again")


def settled(world: World) -> bool:
    """An end: the object is gone or finished, no submission flies, and no task of ours runs unseen."""
    thing = world.thing
    if thing is None:
        return True
    if thing.deleting:
        return False
    claim = thing.journal.claim
    if not thing.journal.finished:
        # It says so, and waits for a person: for the credentials, the grant or the spec.
        foreign = claim is not None and claim.account_id != world.owner
        return foreign or world.away or ((world.barred or thing.spec.suspend) and claim is None)
    if world.meddled or excused(thing):
        return True
    return not any(task.uid == thing.uid and task.state is TaskState.RUNNING for task in world.cloud.tasks)


def going(world: World) -> bool:
    """The object is being deleted: this must come to an end by time alone (L2)."""
    return world.thing is not None and world.thing.deleting
