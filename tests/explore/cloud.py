"""The model of a cloud: it accepts, forgets to answer, accepts late, lags on reads, and keeps one task per image."""

from enum import StrEnum

from imageferry.core.artifacts import Artifacts, Flaw
from imageferry.core.job import Kind
from imageferry.core.keys import Mark
from imageferry.core.observation import (
    Absent,
    Cancelled,
    Candidate,
    Failed,
    NotLooked,
    Observation,
    Ours,
    Running,
    Succeeded,
    Task,
    Unprovable,
    foremost,
)
from imageferry.core.reasons import Reason
from tests.explore.directions import left
from tests.explore.model import LIFE, CloudTask, Flying, Setting, TaskState, World, at, changed


class Answer(StrEnum):
    """What the cloud makes of a submission."""

    ACCEPTED = "accepted"
    BUSY = "refused: the image is being exported"
    EXPIRED = "refused: the signature has expired"
    REPLAYED = "refused: the nonce was used"


def submit(world: World, setting: Setting, request: Flying, *, lag: int = 0) -> tuple[World, Answer, CloudTask | None]:
    """The cloud sees a submission now. A repeat is known by its client token, where there is one, or by its nonce."""
    cloud = world.cloud
    if abs(world.tick - request.signed) > LIFE:
        return world, Answer.EXPIRED, None
    known = next((task for task in cloud.tasks if task.key == request.key), None)
    if known and setting.has_token:
        return world, Answer.ACCEPTED, known
    if known and world.tick - known.accepted <= LIFE:
        return world, Answer.REPLAYED, None
    if any(task.state is TaskState.RUNNING and task.owner == request.owner for task in cloud.tasks):
        return world, Answer.BUSY, None
    task = CloudTask(
        f"t{cloud.made}", request.uid, request.key, request.owner, TaskState.RUNNING, world.tick, world.tick + lag
    )
    grown = changed(cloud, tasks=(*cloud.tasks, task), made=cloud.made + 1)
    return changed(world, cloud=grown), Answer.ACCEPTED, task


def change(world: World, task: CloudTask, **changes: object) -> World:
    """The world with one task changed."""
    tasks = tuple(changed(each, **changes) if each.id == task.id else each for each in world.cloud.tasks)
    return changed(world, cloud=changed(world.cloud, tasks=tasks))


def find(world: World, setting: Setting, marks: tuple[Mark, ...], closed: range, since: int) -> Observation:
    """The look: by the files that tasks show, which most do only after their end."""
    now, by_key = at(world.tick), {mark.key: mark for mark in marks}
    visible = [task for task in world.cloud.tasks if task.owner == world.owner and task.visible <= world.tick]
    ours: list[tuple[int, Ours]] = []
    for task in visible:
        shows = setting.items_while_running or task.state is not TaskState.RUNNING
        listed = task.lists_file(world.tick)
        whole = listed and task.state is TaskState.SUCCEEDED
        told = whole or (task.known if setting.provable else listed)
        if task.key in by_key and shows and told:
            ours.append((by_key[task.key].number, _seen(world, task, by_key[task.key])))
    news = foremost(ours, closed)
    running = [task for task in visible if task.state is TaskState.RUNNING and task.accepted >= since - LIFE - 1]
    unclear = setting.provable and bool(running) and not setting.items_while_running
    if news and not (unclear and isinstance(news, Failed | Cancelled)):
        return news
    if unclear:
        return Candidate(now, "a task runs on the image")
    if news:
        return news
    remembered = all(task.known for task in world.cloud.tasks if task.accepted >= since - LIFE - 1)
    if remembered and setting.provable:
        return Absent(now)
    return Unprovable(now, "nothing can be listed, or the cloud has forgotten what it once knew")


def poll(world: World, setting: Setting, task: Task) -> Observation:
    """The task by its id; whose it is shows in its files."""
    for each in world.cloud.tasks:
        if each.id == task.id and each.owner == world.owner and each.visible <= world.tick and each.known:
            shows = setting.items_while_running or each.state is not TaskState.RUNNING
            if shows and each.key != task.key:
                return Absent(at(world.tick))
            return _seen(world, each, Mark(0, task.key, task.object_prefix))
    return Absent(at(world.tick)) if task.id else NotLooked()


def _seen(world: World, task: CloudTask, mark: Mark) -> Ours:
    now = at(world.tick)
    shown = Task(
        id=task.id,
        key=mark.key,
        object_prefix=mark.object_prefix,
        state=task.state,
        started_at=at(task.accepted),
        finished_at=None if task.ended is None else at(task.ended),
    )
    match task.state:
        case TaskState.RUNNING:
            return Running(now, shown)
        case TaskState.SUCCEEDED:
            return Succeeded(now, shown)
        case TaskState.CANCELLED:
            return Cancelled(now, shown)
        case TaskState.FAILED:
            return Failed(now, shown, Reason.TASK_FAILED, "it failed", retryable=True)


def collect(world: World, kind: Kind, task: Task) -> Artifacts:
    """What lies under the task's key, if anything does."""
    there = [each for each in world.cloud.tasks if each.key == task.key and each.lists_file(world.tick)]
    whole = any(each.state is TaskState.SUCCEEDED for each in there)
    items = left(kind, [each.key for each in there])
    return Artifacts(items, None if whole else Flaw(Reason.OUTPUT_MISSING, "the file is missing"))


def in_the_way(world: World, uid: str) -> list[str]:
    """Keys of the failed images that earlier attempts of an import left: no other is made beside one."""
    return [
        task.key
        for task in world.cloud.tasks
        if task.uid == uid and task.state is TaskState.FAILED and task.lists_file(world.tick)
    ]
