"""What exports and imports share: the images that a request names, dry runs, the task that both start, and busy images.

What only one of them asks is in exports.py or imports.py. No HTTP here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imageferry_emulator.cvm import errors
from imageferry_emulator.tasks import Task
from imageferry_emulator.tencent.actions import Unchanged
from imageferry_emulator.tencent.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imageferry_emulator.cvm.models import Image
    from imageferry_emulator.tencent.actions import Request
    from imageferry_emulator.world import World

EXPORT, IMPORT = "cvm:ExportImages", "cvm:ImportImage"
"""The tasks of this service among those of all clouds."""
IMAGE_ID = re.compile(r"img-[0-9a-z]{8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a task waits and works on each of its steps, in seconds of the task clock."""

    waiting_seconds: float
    seconds_per_step: float


def named(request: Request, world: World, image_id: str) -> Image:
    """An image that the caller sees in the region asked for. Raises RefusedError."""
    if not IMAGE_ID.fullmatch(image_id):
        raise RefusedError(errors.IMAGE_ID_MALFORMED, image_id)
    image = world.tencent.compute.image(image_id)
    if image is None or image.region != request.region or not image.type_to(request.caller.account.id):
        raise RefusedError(errors.IMAGE_NOT_FOUND, image_id)
    return image


def dry_run_passed(world: World) -> Unchanged:
    """The answer to a dry run that passed: an empty one, or an error. Raises RefusedError."""
    if world.settings.values.cvm_dry_run_answer == errors.DRY_RUN.code:
        raise RefusedError(errors.DRY_RUN)
    return Unchanged()


def running(world: World, action: str) -> Iterator[Task]:
    """The tasks of an action that have not ended, of all accounts."""
    return (task for task in world.tasks.running() if task.action == action)


def is_exporting(image: Image, world: World) -> bool:
    """Whether an export holds the image: until its last object is there or, by the switch, is being uploaded."""
    early = world.settings.values.cvm_image_freed == "beforeLastObject"
    return any(
        image.id in task.detail["images"] and not (early and task.done >= task.steps - 1)
        for task in running(world, EXPORT)
    )


def start(
    request: Request,
    world: World,
    task_id: str,
    *,
    action: str,
    about: str,
    steps: int,
    pace: Pace,
    detail: dict[str, Any],
) -> Task:
    """Start the task of an accepted request; `about` is the id of its (first) image."""
    task = Task(
        id=task_id,
        action=action,
        region=request.region,
        account_id=request.caller.account.id,
        resource_id=about,
        created=world.clock.real_seconds(),
        started=world.clock.task_seconds(),
        waiting_seconds=pace.waiting_seconds,
        seconds_per_step=pace.seconds_per_step,
        steps=steps,
        detail=detail,
        effects=dict(request.effects),
    )
    world.tasks.start(task)
    return task
