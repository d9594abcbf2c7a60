"""An image in the making and what became of it: pure, from what DescribeImages shows.

An import has no task of its own: its image is there at once, bears the attempt's key as a tag, and stays, whatever becomes of it.
Why one failed is told to the account's message centre and not by the API
(https://www.tencentcloud.com/document/product/213/4945).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from imageferry.clouds.tencent.requests import MARK
from imageferry.clouds.tencent.translate import FAILED, NORMAL, Image
from imageferry.core.observation import Failed, Ours, Running, Succeeded, Task
from imageferry.core.reasons import Reason

_WHERE: Final = (
    "The cloud could not import the disk and does not tell why by its API: the reason is in the account's message centre "
    "(console.cloud.tencent.com/message). Most of them are about the file: its size, partitions, virtio drivers or cloud-init."
)


def mark_of(tags: Mapping[str, str]) -> str:
    """The key that an image bears; empty if it bears none."""
    return tags.get(MARK, "")


def untold(image: Image | None) -> bool:
    """Whether an image does not show its tags (yet), so that it cannot be told whose it is."""
    return image is None or not image.tags


def seen(known: Task, image: Image, cloud_time: datetime) -> Ours:
    """What is seen of an attempt by its image. A word that is not known means that it is in the making.

    A failure is not worth another try: it is that of the file, or nobody can tell that it is not.
    """
    task = Task(
        id=None,
        key=known.key,
        object_prefix=known.object_prefix,
        state=image.state,
        cancellable=False,
        started_at=image.created_at or known.started_at,
        image_id=image.id,
    )
    if image.state == NORMAL:
        return Succeeded(cloud_time, task)
    if image.state in FAILED:
        return Failed(
            cloud_time, task, Reason.TASK_FAILED, f"{_WHERE} Image {image.id} is {image.state}.", retryable=False
        )
    return Running(cloud_time, task, image.percent)
