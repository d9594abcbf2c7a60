"""The actions on images and snapshots: looking for them, and deleting an image. What may be exported is in exports.py.

https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-describeimages, -deleteimage, -describesnapshots
"""

from __future__ import annotations

import fnmatch
import json
from typing import TYPE_CHECKING, Any

from imageferry_emulator.ecs import errors, wire
from imageferry_emulator.rpc.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from imageferry_emulator.ecs.models import Image, Snapshot
    from imageferry_emulator.rpc.actions import Request
    from imageferry_emulator.world import World

PAGE = 10
PAGE_MOST = 100
EXPORT, IMPORT = "ExportImage", "ImportImage"
IMAGE_FILTERS: dict[str, Callable[[Image, str], bool]] = {
    "ImageName": lambda image, value: fnmatch.fnmatchcase(image.name, value),
    "ImageFamily": lambda image, value: image.family == value,
    "ImageOwnerId": lambda image, value: image.account_id == value,
    "OSType": lambda image, value: image.os_type == value,
    "Architecture": lambda image, value: image.architecture == value,
    "SnapshotId": lambda image, value: value in [disk.snapshot_id for disk in image.disks],
    "Usage": lambda image, value: ("instance" if image.used_by_instances else "none") == value,
}
SNAPSHOT_FILTERS: dict[str, Callable[[Snapshot, str], bool]] = {
    "SnapshotIds": lambda snapshot, value: snapshot.disk.snapshot_id in _listed(value),
    "SourceDiskType": lambda snapshot, value: snapshot.disk.kind == value.lower(),
    "Encrypted": lambda snapshot, value: str(snapshot.disk.encrypted).lower() == value.lower(),
    "Usage": lambda snapshot, value: wire.snapshot_usage(snapshot) == value,
    "Status": lambda _, value: value in ("accomplished", "all"),
}


def describe_images(request: Request, world: World) -> dict[str, Any]:
    """DescribeImages: by default only Available ones; what is not found is left out, never an error."""
    region_id = request.need("RegionId")
    if world.compute.region(region_id) is None:
        raise RefusedError(errors.REGION_NOT_FOUND_404)
    number, size = page_asked_for(request)
    now, account_id = world.clock.task_seconds(), request.caller.account.id
    found = [image for image in _named(request, world) if image.region == region_id and _asked_for(image, request, now)]
    if request.flag("DryRun"):
        raise RefusedError(errors.DRY_RUN)
    page = found[(number - 1) * size : number * size]
    return {
        "RegionId": region_id,
        "PageNumber": number,
        "PageSize": size,
        "TotalCount": len(found),
        "Images": {"Image": [wire.image(image, now, account_id) for image in page]},
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
    if EXPORT in busy:
        raise RefusedError(errors.IMAGE_EXPORTING_CANCEL_FIRST)
    if IMPORT in busy:
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
    found = [snapshot for snapshot in world.compute.snapshots() if _own(snapshot, request, region_id)]
    page = found[(number - 1) * size : number * size]
    return {
        "RegionId": region_id,
        "PageNumber": number,
        "PageSize": size,
        "TotalCount": len(found),
        "Snapshots": {"Snapshot": [wire.snapshot(snapshot) for snapshot in page]},
    }


def page_asked_for(request: Request) -> tuple[int, int]:
    """Number and size of the page that a list is asked for. Raises RefusedError."""
    number = request.number("PageNumber", default=1, most=1_000_000)
    return number, request.number("PageSize", default=PAGE, most=PAGE_MOST)


def _named(request: Request, world: World) -> list[Image]:
    ids = request.text("ImageId")
    if not ids:
        return list(world.compute.images())
    return [image for image in map(world.compute.image, dict.fromkeys(ids.split(","))) if image is not None]


def _asked_for(image: Image, request: Request, now: float) -> bool:
    alias = image.alias_to(request.caller.account.id)
    states = request.text("Status", "Available").split(",")
    return (
        bool(alias)
        and request.text("ImageOwnerAlias", alias) == alias
        and ("ALL" in states or image.status_at(now) in states)
        and all(meets(image, request.text(name)) for name, meets in IMAGE_FILTERS.items() if request.text(name))
        and _tagged(image, request)
    )


def _tagged(image: Image, request: Request) -> bool:
    tags = dict(image.tags)
    for number, key in enumerate(request.numbered_keys("Tag"), start=1):
        value = request.text(f"Tag.{number}.Value")
        if key not in tags or (value and tags[key] != value):
            return False
    return True


def _own(snapshot: Snapshot, request: Request, region_id: str) -> bool:
    image = snapshot.image
    return (
        image.region == region_id
        and image.account_id == request.caller.account.id
        and all(meets(snapshot, request.text(name)) for name, meets in SNAPSHOT_FILTERS.items() if request.text(name))
    )


def _listed(value: str) -> list[str]:
    """The ids of parameter SnapshotIds, which is a JSON array. Raises RefusedError."""
    try:
        ids = json.loads(value)
    except json.JSONDecodeError:
        raise RefusedError(errors.SNAPSHOT_IDS) from None
    if not isinstance(ids, list) or len(ids) > PAGE_MOST:
        raise RefusedError(errors.SNAPSHOT_IDS)
    return ids
