"""Whether a read sees a task or an image: the lag after it was accepted, the retention after it ended, and what hides it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imageferry_emulator.tasks import Status

if TYPE_CHECKING:
    from imageferry_emulator.ecs.models import Image
    from imageferry_emulator.tasks import Task
    from imageferry_emulator.world import World


def visible(task: Task, world: World) -> Task | None:
    """The task as this read sees it, or None if it does not see it. Counts as one read of the task."""
    values, now = world.settings.values, world.clock.real_seconds()
    if now < task.created + values.read_lag_seconds:
        return None
    if values.retention_seconds is not None and task.ended is not None and now > task.ended + values.retention_seconds:
        return None
    task = world.tasks.look(task)
    hidden = task.effects.get("taskInvisible")
    if hidden is not None and task.reads <= hidden.get("reads", 1):
        return None
    lost = task.effects.get("taskVanishes")
    if lost is not None and task.reads > lost.get("afterReads", 0):
        if task.running and not lost.get("works", False):
            world.tasks.end(task, Status.DELETED)
        return None
    return task


def image_visible(image: Image, task: Task | None, world: World) -> bool:
    """Whether this read of images sees one; `task` is the one that imports it. Counts as one read of the image."""
    if world.clock.real_seconds() < image.accepted + world.settings.values.image_read_lag_seconds:
        return False
    if task is None:
        return True
    task = world.tasks.look_at_resource(task)
    hidden = task.effects.get("imageInvisible")
    return hidden is None or task.resource_reads > hidden.get("reads", 1)
