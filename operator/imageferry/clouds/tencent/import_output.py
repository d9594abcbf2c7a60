"""What an import left: its image, and a snapshot for each disk. Found by the attempt's key, and deleted by nothing else.

The snapshots are billed until they are deleted, and go with their image (DeleteImages, parameter DeleteBindedSnap,
https://www.tencentcloud.com/document/product/213/33276). They bear no mark of their own: once their image is gone nothing proves
whose they were, and they are left alone.
"""

from collections.abc import Container, Sequence
from typing import Final

import structlog

from imageferry.clouds import delivered
from imageferry.clouds.tencent import listing
from imageferry.clouds.tencent.calls import Calls
from imageferry.clouds.tencent.client import Action
from imageferry.clouds.tencent.codes.cos import NO_BUCKET, NO_FILE, NOTHING
from imageferry.clouds.tencent.import_state import mark_of
from imageferry.clouds.tencent.listing import OWN
from imageferry.clouds.tencent.requests import MARK
from imageferry.clouds.tencent.translate import FAILED, NORMAL, Image
from imageferry.core import artifacts
from imageferry.core.artifacts import Artifact, Artifacts, Flaw
from imageferry.core.errors import Failure
from imageferry.core.observation import Task
from imageferry.core.reasons import Reason
from imageferry.core.resolved import ResolvedImport

log = structlog.get_logger(__name__)

_NO_IMAGE: Final = "InvalidImageId.NotFound"


async def collect(calls: Calls, resolved: ResolvedImport, task: Task) -> Artifacts:
    """The attempt's image and snapshots as they were found, and what is wrong with them as its result."""
    found = await listing.images(calls, OWN, (f"tag:{MARK}", [task.key]))
    image = next((image for image in found.rows.values() if mark_of(image.tags) == task.key), None)
    if image is None:
        return Artifacts((), Flaw(Reason.OUTPUT_MISSING, "No image bears the attempt's key."))
    return Artifacts(items_of(image), _state_flaw(image) or await _source_flaw(calls, resolved))


def items_of(image: Image) -> tuple[Artifact, ...]:
    """The image and its snapshots, the system disk's first as the cloud lists them."""
    snapshots = (artifacts.Snapshot(disk.snapshot_id, "") for disk in image.disks if disk.snapshot_id)
    return (artifacts.Image(image.id), *snapshots)


async def discard(calls: Calls, items: Sequence[Artifact], own: Container[str]) -> None:
    """Delete those images among them that bear an own key, each with its snapshots.

    Raises Deferred while one is in the making, Blocked while it is shared.
    """
    wanted = [item.id for item in items if isinstance(item, artifacts.Image)]
    found = await listing.images_by_id(calls, wanted)
    for image in found.rows.values() if found else ():
        if mark_of(image.tags) in own:
            await _delete(calls, image)
        else:
            log.info("image left alone: it bears no key of the object", image_id=image.id)


async def _delete(calls: Calls, image: Image) -> None:
    """Delete one image; what is gone already is as it should be."""
    try:
        answer = await calls.cvm(Action.DELETE_IMAGES, {"ImageIds": [image.id], "DeleteBindedSnap": True})
    except Failure as failure:
        if failure.code != _NO_IMAGE:
            raise
    else:
        log.info("image deleted", image_id=image.id, request_id=answer.body.get("RequestId"))


def _state_flaw(image: Image) -> Flaw | None:
    if image.state == NORMAL:
        return None
    words = f"Image {image.id} is {image.state or 'in no known state'}, not {NORMAL}."
    return Flaw(Reason.TASK_FAILED if image.state in FAILED else Reason.OUTPUT_MISSING, words)


async def _source_flaw(calls: Calls, resolved: ResolvedImport) -> Flaw | None:
    return await delivered.source_flaw(resolved.disks, calls.head, gone=(NOTHING, NO_FILE, NO_BUCKET))
