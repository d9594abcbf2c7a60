"""The actions on images and snapshots: looking for them, and deleting one. What may be exported is in exports.py.

https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-describeimages, -deleteimage, -describesnapshots,
-deletesnapshot
"""

from __future__ import annotations

import fnmatch
import json
from typing import TYPE_CHECKING, Any

from imageferry_emulator.ecs import errors, tags, wire
from imageferry_emulator.ecs.reads import image_visible
from imageferry_emulator.rpc.errors import RefusedError
from imageferry_emulator.tasks import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from imageferry_emulator.ecs.models import Image, Snapshot
    from imageferry_emulator.rpc.actions import Request
    from imageferry_emulator.tasks import Task
    from imageferry_emulator.world import World

PAGE = 10
PAGE_MOST = 100
IMAGE_FILTERS: dict[str, Callable[[Image, str], bool]] = {
    "ImageName": lambda image, value: fnmatch.fnmatchcase(image.name, value),
    "ImageFamily": lambda image, value: image.family == value,
    "ImageOwnerId": lambda image, value: image.account_id == value,
    "OSType": lambda image, value: image.os_type == value,
    "Architecture": lambda image, value: image.architecture == value,
    "SnapshotId": lambda image, value: value in [disk.snapshot_id for disk in image.disks],
    "Usage": lambda image, value: ("instance" if image.used_by_instances else "none") == value,
    "ResourceGroupId": lambda image, value: image.resource_group == value,
}
SNAPSHOT_FILTERS: dict[str, Callable[[Snapshot, str], bool]] = {
    "SnapshotIds": lambda snapshot, value: snapshot.disk.snapshot_id in _listed(value),
    "SourceDiskType": lambda snapshot, value: snapshot.disk.kind == value.lower(),
    "Encrypted": lambda snapshot, value: str(snapshot.disk.encrypted).lower() == value.lower(),
    "Usage": lambda snapshot, value: wire.snapshot_usage(snapshot) == value,
}


def describe_images(request: Request, world: World) -> dict[str, Any]:
    """DescribeImages: by default only Available ones; what is not found is left out, never an error."""
    region_id = request.need("RegionId")
    if world.compute.region(region_id) is None:
        raise RefusedError(errors.REGION_NOT_FOUND_404)
    number, size = page_asked_for(request)
    look = _look(request, world)
    found = _found(request, world, look, region_id)
    if request.flag("DryRun"):
        raise RefusedError(errors.DRY_RUN)
    page = found[(number - 1) * size : number * size]
    return {
        "RegionId": region_id,
        "PageNumber": number,
        "PageSize": size,
        "TotalCount": len(found),
        "Images": {"Image": [wire.image(image, task, look) for image, task in page]},
    }


def delete_image(request: Request, world: World) -> dict[str, Any]:
    """DeleteImage: not while a task works on it or others share it; with instances made from it only by Force."""
    region_id, image_id = request.need("RegionId"), request.need("ImageId")
    if world.compute.region(region_id) is None:
        raise RefusedError(errors.REGION_NOT_FOUND_404)
    image = world.compute.image(image_id)
    if image is None or image.region != region_id or image.account_id != request.caller.account.id:
        if world.settings.values.delete_unknown_image == "ignored":
            return {}
        raise RefusedError(errors.IMAGE_NOT_FOUND)
    busy = {task.action for task in world.tasks.running() if task.resource_id == image.id}
    if wire.EXPORT in busy:
        raise RefusedError(errors.IMAGE_EXPORTING_CANCEL_FIRST)
    if wire.IMPORT in busy:
        raise RefusedError(errors.IMAGE_IMPORTING)
    if image.shared_with:
        raise RefusedError(errors.IMAGE_SHARED)
    if image.used_by_instances and not request.flag("Force"):
        raise RefusedError(errors.IMAGE_IN_USE)
    if request.flag("DryRun"):
        raise RefusedError(errors.DRY_RUN)
    world.compute.delete_image(image.id)
    return {}


def describe_snapshots(request: Request, world: World) -> dict[str, Any]:
    """DescribeSnapshots: those of the caller's images, which outlive these."""
    region_id = request.need("RegionId")
    if world.compute.region(region_id) is None:
        raise RefusedError(errors.REGION_NOT_FOUND_404)
    number, size = page_asked_for(request)
    look, imports = _look(request, world), _imports(world)
    wanted = request.text("Status", "all")
    found = [
        (snapshot, *_state(snapshot, imports.get(snapshot.image.id), look))
        for snapshot in world.compute.snapshots()
        if _own(snapshot, request) and snapshot.region == region_id and _meets(snapshot, request)
    ]
    found = [row for row in found if wanted in ("all", row[1])]
    page = found[(number - 1) * size : number * size]
    return {
        "RegionId": region_id,
        "PageNumber": number,
        "PageSize": size,
        "TotalCount": len(found),
        "Snapshots": {"Snapshot": [wire.snapshot(*row) for row in page]},
    }


def delete_snapshot(request: Request, world: World) -> dict[str, Any]:
    """DeleteSnapshot: not one of an image. Force is for disks that were made of it, of which there are none here."""
    snapshot_id = request.need("SnapshotId")
    own = (snapshot for snapshot in world.compute.snapshots() if _own(snapshot, request))
    snapshot = next((each for each in own if each.disk.snapshot_id == snapshot_id), None)
    if snapshot is None:
        if world.settings.values.delete_unknown_snapshot == "ignored":
            return {}
        raise RefusedError(errors.SNAPSHOT_NOT_FOUND)
    if not snapshot.kept:
        raise RefusedError(errors.SNAPSHOT_IN_USE)
    world.compute.delete_snapshot(snapshot)
    return {}


def page_asked_for(request: Request) -> tuple[int, int]:
    """Number and size of the page that a list is asked for. Raises RefusedError."""
    number = request.number("PageNumber", default=1, most=1_000_000)
    return number, request.number("PageSize", default=PAGE, most=PAGE_MOST)


def _found(request: Request, world: World, look: wire.Look, region_id: str) -> list[tuple[Image, Task | None]]:
    """The images that this read is for and sees, each with the task that imports it or did. Counts as a read of each."""
    states, imports = request.text("Status", "Available").split(","), _imports(world)
    found: list[tuple[Image, Task | None]] = []
    for image in _named(request, world):
        if (
            image.region == region_id
            and _asked_for(image, request)
            and image_visible(image, imports.get(image.id), world)
        ):
            task = imports.get(image.id)
            if "ALL" in states or wire.image_status(image, task, look) in states:
                found.append((image, task))
    return found


def _named(request: Request, world: World) -> list[Image]:
    ids = request.text("ImageId")
    if not ids:
        return list(world.compute.images())
    return [image for image in map(world.compute.image, dict.fromkeys(ids.split(","))) if image is not None]


def _look(request: Request, world: World) -> wire.Look:
    values = world.settings.values
    return wire.Look(request.caller.account.id, world.clock.task_seconds(), world.clock.speed, values)


def _imports(world: World) -> dict[str, Task]:
    """The tasks that import or imported images, by the image."""
    return {task.resource_id: task for task in world.tasks.all() if task.action == wire.IMPORT}


def _state(snapshot: Snapshot, task: Task | None, look: wire.Look) -> tuple[str, str]:
    """Status and progress. Until its import has ended the console shows a snapshot as failed, the older guide to imports says."""
    image = snapshot.image
    percent = wire.disk_progress(image, image.disks.index(snapshot.disk), task, look)
    if task is None or task.outcome is Status.FINISHED:
        return "accomplished", "100%"
    return (look.values.importing_snapshot_status if task.running else "failed"), f"{percent}%"


def _asked_for(image: Image, request: Request) -> bool:
    alias = image.alias_to(request.caller.account.id)
    return (
        bool(alias)
        and request.text("ImageOwnerAlias", alias) == alias
        and all(meets(image, request.text(name)) for name, meets in IMAGE_FILTERS.items() if request.text(name))
        and _tagged(image, request)
    )


def _tagged(of: Image | Snapshot, request: Request) -> bool:
    keys = request.numbered_keys("Tag")
    return tags.bears(of.tags, {key: request.text(f"Tag.{number}.Value") for number, key in enumerate(keys, start=1)})


def _own(snapshot: Snapshot, request: Request) -> bool:
    return snapshot.account_id == request.caller.account.id


def _meets(snapshot: Snapshot, request: Request) -> bool:
    filtered = ((meets, request.text(name)) for name, meets in SNAPSHOT_FILTERS.items() if request.text(name))
    return all(meets(snapshot, value) for meets, value in filtered) and _tagged(snapshot, request)


def _listed(value: str) -> list[str]:
    """The ids of parameter SnapshotIds, which is a JSON array. Raises RefusedError."""
    try:
        ids = json.loads(value)
    except json.JSONDecodeError:
        raise RefusedError(errors.SNAPSHOT_IDS) from None
    if not isinstance(ids, list) or len(ids) > PAGE_MOST:
        raise RefusedError(errors.SNAPSHOT_IDS)
    return ids
