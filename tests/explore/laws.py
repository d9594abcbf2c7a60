"""The laws that hold in every state and over every move (S1 to S8, L3); liveness (L1) is judged over the whole graph."""

from imageferry.core.job import DeletionPolicy, UnknownOutcome
from imageferry.core.keys import attempt_key
from imageferry.core.reasons import Reason
from tests.explore.model import LIFE, CloudTask, Setting, TaskState, World, job_of
from tests.explore.replica import Broken

EXCUSED = {Reason.OUTCOME_UNKNOWN, Reason.TASK_LOST, Reason.OUTPUT_MISSING}
"""Ends that say themselves that something may still run or be there."""


def judge(before: World, after: World, setting: Setting) -> None:
    """Raises Broken if the move broke a law."""
    for task in after.cloud.tasks[len(before.cloud.tasks) :]:
        _not_doubled(before, task, setting)
    _foreign_untouched(before, after)
    _journal_tells_the_truth(after, setting)
    _finished_with_evidence(before, after, setting)
    _released_with_care(before, after, setting)
    _number_never_falls(before, after)
    _past_stays_past(before, after)


def _not_doubled(before: World, new: CloudTask, setting: Setting) -> None:
    if not new.key:
        return
    for old in before.cloud.tasks:
        if old.uid != new.uid:
            continue
        if old.key == new.key:
            raise Broken("S1: two tasks were started for one attempt")
        if old.state is TaskState.RUNNING and setting.unknown_outcome is not UnknownOutcome.RETRY:
            raise Broken("S1: a second task was started while the first one runs")
        if (
            old.state is TaskState.SUCCEEDED
            and not before.retries
            and setting.unknown_outcome is not UnknownOutcome.RETRY
        ):
            raise Broken("S1: a second task was started although the first one had ended well")


def _journal_tells_the_truth(world: World, setting: Setting) -> None:
    """The task in the journal is the object's own, and only failures of its own tasks are counted."""
    thing = world.thing
    if thing is None:
        return
    mine = [task for task in world.cloud.tasks if task.uid == thing.uid]
    if thing.journal.task and thing.journal.task.id not in {task.id for task in mine}:
        raise Broken("S4: the journal holds a task of somebody else")
    failed = sum(task.state is TaskState.FAILED for task in mine)
    if thing.journal.failures > failed and setting.unknown_outcome is not UnknownOutcome.RETRY:
        raise Broken("an attempt was counted as failed that did not fail")
    limit = job_of(thing, setting).policy.backoff_limit
    if thing.journal.claim and not thing.journal.task and thing.journal.failures > limit:
        raise Broken("an attempt was made beyond backoffLimit")


def _foreign_untouched(before: World, after: World) -> None:
    for old, new in zip(before.cloud.tasks, after.cloud.tasks, strict=False):
        if not old.key and old.state is TaskState.RUNNING and new.state is TaskState.CANCELLED:
            raise Broken("S4: a task of somebody else was cancelled")


def _finished_with_evidence(before: World, after: World, setting: Setting) -> None:
    old, new = before.thing, after.thing
    excused = EXCUSED | ({Reason.BACKOFF_LIMIT_EXCEEDED} if setting.unknown_outcome is UnknownOutcome.RETRY else set())
    if new is None or not new.journal.finished or (old and old.uid == new.uid and old.journal.finished):
        return
    mine = [task for task in after.cloud.tasks if task.uid == new.uid]
    error = new.journal.last_error
    if error is None and not any(task.state is TaskState.SUCCEEDED and task.file for task in mine):
        raise Broken("S2: the job finished well without its file")
    if error and error.reason is Reason.TASK_LOST and any(_shown(task, after) for task in mine):
        raise Broken("S3: the job finished as TaskLost while the cloud shows its task")
    if error and error.reason not in excused and any(task.state is TaskState.RUNNING for task in mine):
        raise Broken(f"S3: the job finished as {error.reason} while its task runs")


def _shown(task: CloudTask, world: World) -> bool:
    return task.state is TaskState.RUNNING and task.visible <= world.tick and task.owner == world.owner


def _released_with_care(before: World, after: World, setting: Setting) -> None:
    old, new = before.thing, after.thing
    if old is None or setting.policy is DeletionPolicy.ORPHAN:
        return
    mine = [task for task in after.cloud.tasks if task.uid == old.uid and task.key not in after.orphans]
    if new is None and setting.policy is DeletionPolicy.DELETE and any(task.file for task in mine):
        raise Broken("S8: the object is gone under Delete, its file is not, and nobody follows it")
    if not old.guarded or (new is not None and new.guarded) or _excused(old):
        return
    if any(task.state is TaskState.RUNNING for task in mine):
        raise Broken("S8: the finalizer left while the object's task runs and nobody follows it")
    for request in after.cloud.flying:
        repeat = any(task.key == request.key for task in after.cloud.tasks)
        alive = after.tick - request.signed <= LIFE and not repeat
        if request.uid == old.uid and alive and request.key not in after.orphans:
            raise Broken("S8: the finalizer left while a submission may still be accepted and nobody follows it")


def _lost(world: World) -> bool:
    """A deletion that was let go, or another object: nobody asked this task's object to stop."""
    return world.thing is None


def _excused(thing: object) -> bool:
    error = getattr(getattr(thing, "journal", None), "last_error", None)
    return error is not None and error.reason in EXCUSED


def _number_never_falls(before: World, after: World) -> None:
    old, new = before.thing, after.thing
    if old and new and old.uid == new.uid and new.journal.attempt and new.journal.number < old.journal.number:
        raise Broken("the number of the attempt fell")


def _past_stays_past(before: World, after: World) -> None:
    """A good end is final, and an attempt that was dealt with is not taken up again."""
    old, new = before.thing, after.thing
    if old is None or new is None or old.uid != new.uid or not new.journal.attempt:
        return
    if old.journal.finished and not old.journal.failed and not new.journal.finished:
        raise Broken("a job that had finished well was opened again")
    claim, task = old.journal.claim, new.journal.task
    if claim and not old.journal.task and task and task.key != claim.key:
        ended = {each.key for each in after.cloud.tasks if each.state in (TaskState.FAILED, TaskState.CANCELLED)}
        if task.key in ended:
            raise Broken("a task that was dealt with was taken up again")


def settled(world: World) -> bool:
    """An end: the object is gone or finished, no submission flies, and no task of ours runs unseen."""
    thing = world.thing
    claim = thing.journal.claim if thing else None
    if thing and claim and not thing.journal.finished and claim.account_id != world.owner and not thing.deleting:
        return True  # it says AccountChanged, and waits for a person
    if thing is not None and (thing.deleting or not thing.journal.finished):
        return thing is not None and not thing.deleting and thing.suspend and thing.journal.claim is None
    uid = thing.uid if thing else ""
    own = {attempt_key(uid, number) for number in range(1, 6)} if thing else set()
    return not any(task.key in own and task.state is TaskState.RUNNING for task in world.cloud.tasks) or (
        thing is not None and _excused(thing)
    )
