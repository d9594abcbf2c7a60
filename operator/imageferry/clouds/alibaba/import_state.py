"""An imported image and its task, seen as one: pure, from what DescribeImages and DescribeTasks show.

The image says more than the task: it is there at once, bears the attempt's key as a tag, and stays when its task is listed no
more. Whoever searches, polls, cancels or collects judges by the same words.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from imageferry.clouds.alibaba import translate, verdicts
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.alibaba.requests import MARK
from imageferry.clouds.alibaba.translate import DELETED, FAILED, FINISHED, Detail, Image, Listed
from imageferry.core.observation import Absent, Cancelled, DiskProgress, Failed, Ours, Running, Succeeded, Task

IN_THE_MAKING: Final = ("Creating", "Waiting")
BROKEN: Final = ("CreateFailed", "UnAvailable")
READY: Final = ("Available", "Deprecated")
"""The states of an image. Deprecated is one that was Available; a word that is not here means that it is in the making."""


def mark_of(tags: Mapping[str, str]) -> str:
    """The key that a resource bears; empty if it bears none."""
    return tags.get(MARK, "")


def untold(image: Image | None) -> bool:
    """Whether an image does not show its tags (yet), so that it cannot be told whose it is."""
    return image is None or not image.tags


def seen(
    known: Task, row: Listed | None, image: Image | None, *, shown: Detail | None, cloud_time: datetime
) -> Ours | Absent:
    """What is seen of an attempt whose image was asked for by its id; `shown` are the task's details if it ended badly.

    A task is taken at its word once it has ended, except that an image has to be there to be finished. An image that is
    broken has failed, although its task still runs.
    """
    current = _task(known, row, image)
    status = image.status if image else ""
    if row and row.state == DELETED:
        return Cancelled(cloud_time, current)
    if broke(row, image):
        code, text = (shown.error_code, shown.error_text) if shown else ("", "")
        said = text or f"image {current.image_id} is {status or 'gone'}"
        reason, message, retryable = verdicts.ended(Action.IMPORT_IMAGE, code, said)
        return Failed(cloud_time, current, reason, message, retryable, code)
    if image is None and row is None:
        return Absent(cloud_time)
    if (image is None or status in READY) and (row is None or row.state == FINISHED):
        return Succeeded(cloud_time, current)
    return _running(current, image, cloud_time)


def broke(row: Listed | None, image: Image | None) -> bool:
    """Whether the attempt failed, and was not cancelled."""
    if row and row.state in (DELETED, FAILED):
        return row.state == FAILED
    return image is not None and image.status in BROKEN


def _task(known: Task, row: Listed | None, image: Image | None) -> Task:
    image_id = image.id if image else (row.resource_id if row else "") or known.image_id
    if row is None:
        state, started = (image.status, image.created_at) if image else (known.state, known.started_at)
        return Task(
            id=known.id,
            key=known.key,
            object_prefix=known.object_prefix,
            state=state,
            started_at=started,
            image_id=image_id,
        )
    return translate.task(row, known.key, known.object_prefix, image_id=image_id)


def _running(current: Task, image: Image | None, cloud_time: datetime) -> Running:
    if image is None:
        return Running(cloud_time, current)
    disks = tuple(DiskProgress(disk.device, disk.percent) for disk in image.disks if disk.percent is not None)
    left = max((disk.seconds_left for disk in image.disks if disk.seconds_left is not None), default=None)
    return Running(cloud_time, current, image.percent, disks, left)
