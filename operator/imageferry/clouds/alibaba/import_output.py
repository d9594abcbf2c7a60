"""What an import left: its image, and a snapshot for each disk. Found by the attempt's key, and deleted by nothing else.

An import leaves snapshots behind which the cloud bills until they are deleted, and which outlive their image. They bear no
mark of their own until they are about to be deleted: then they are tagged while the image still tells that they are its own,
so that whoever goes on after a crash can tell them too
(https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-deleteimage).
"""

from collections.abc import Container, Mapping, Sequence
from typing import Final

import structlog

from imageferry.clouds import delivered
from imageferry.clouds.alibaba import listing
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.alibaba.import_search import OWN
from imageferry.clouds.alibaba.import_state import BROKEN, READY, mark_of
from imageferry.clouds.alibaba.requests import MARK
from imageferry.clouds.alibaba.translate import Image
from imageferry.core import artifacts
from imageferry.core.artifacts import Artifact, Artifacts, Flaw
from imageferry.core.errors import Failure
from imageferry.core.observation import Task
from imageferry.core.reasons import Reason
from imageferry.core.resolved import ResolvedImport

log = structlog.get_logger(__name__)

_NO_IMAGE: Final = "InvalidImageId.NotFound"
_NO_SNAPSHOT: Final = "InvalidSnapshotId.NotFound"


async def collect(calls: Calls, resolved: ResolvedImport, task: Task) -> Artifacts:
    """The attempt's image and snapshots as they were found, and what is wrong with them as its result."""
    image = await _image(calls, task)
    if image is None:
        # Whoever deleted it was killed before its snapshots were gone, too.
        left = await listing.unused_snapshots(calls, MARK, task.key)
        snapshots = tuple(artifacts.Snapshot(snapshot_id, "") for snapshot_id in left)
        return Artifacts(snapshots, Flaw(Reason.OUTPUT_MISSING, "No image bears the attempt's key."))
    return Artifacts(items_of(image), _state_flaw(image) or await _source_flaw(calls, resolved))


def items_of(image: Image) -> tuple[Artifact, ...]:
    """The image and its snapshots, the system disk's first as the cloud lists them."""
    snapshots = (artifacts.Snapshot(disk.snapshot_id, disk.device) for disk in image.disks if disk.snapshot_id)
    return (artifacts.Image(image.id), *snapshots)


async def discard(calls: Calls, items: Sequence[Artifact], own: Container[str]) -> None:
    """Delete those of them that bear an own key, images before the snapshots that they are made of.

    Raises Blocked while instances use an image.
    """
    wanted = [item.id for item in items if isinstance(item, artifacts.Snapshot)]
    images = await listing.images_by_id(calls, [item.id for item in items if isinstance(item, artifacts.Image)])
    snapshots = await listing.snapshots_by_id(calls, wanted)
    keys = {snapshot.id: mark_of(snapshot.tags) for snapshot in snapshots.values()}
    for image in images.rows.values() if images else ():
        if mark_of(image.tags) in own:
            keys |= await _mark_snapshots(calls, image, keys)
            await _delete(calls, Action.DELETE_IMAGE, {"ImageId": image.id}, gone=_NO_IMAGE)
        else:
            log.info("image left alone: it bears no key of the object", image_id=image.id)
    for snapshot_id, key in keys.items():
        if key in own:
            await _delete(calls, Action.DELETE_SNAPSHOT, {"SnapshotId": snapshot_id}, gone=_NO_SNAPSHOT)
        else:
            log.info("snapshot left alone: it bears no key of the object", snapshot_id=snapshot_id)


async def _mark_snapshots(calls: Calls, image: Image, keys: Mapping[str, str]) -> dict[str, str]:
    """Tag the image's snapshots among those wanted; the keys that they bear now."""
    key = mark_of(image.tags)
    unmarked = [disk.snapshot_id for disk in image.disks if keys.get(disk.snapshot_id) == ""]
    if unmarked:
        wish = {"ResourceType": "snapshot", "ResourceId": unmarked, "Tag": [{"Key": MARK, "Value": key}]}
        await calls.ecs(Action.TAG_RESOURCES, wish)
    return dict.fromkeys(unmarked, key)


async def _delete(calls: Calls, action: Action, what: Mapping[str, str], *, gone: str) -> None:
    """Delete one thing; what is gone already is as it should be."""
    try:
        answer = await calls.ecs(action, what)
    except Failure as failure:
        if failure.code != gone:
            raise
    else:
        log.info("deleted", action=action, **what, request_id=answer.body.get("RequestId"))


async def _image(calls: Calls, task: Task) -> Image | None:
    """The image that the task names, or else any, that bears the attempt's key."""
    named = {"ImageId": task.image_id} if task.image_id else {"Tag": [{"Key": MARK, "Value": task.key}]}
    found = await listing.images(calls, {**OWN, **named})
    return next((image for image in found.rows.values() if mark_of(image.tags) == task.key), None)


def _state_flaw(image: Image) -> Flaw | None:
    if image.status in READY:
        return None
    words = f"Image {image.id} is {image.status or 'in no known state'}, not Available."
    return Flaw(Reason.TASK_FAILED if image.status in BROKEN else Reason.OUTPUT_MISSING, words)


async def _source_flaw(calls: Calls, resolved: ResolvedImport) -> Flaw | None:
    return await delivered.source_flaw(resolved.disks, calls.head, gone=(listing.NO_FILE, listing.NO_BUCKET))
