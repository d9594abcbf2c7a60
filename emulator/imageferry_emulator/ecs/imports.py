"""Imports: the rules for accepting one. What an accepted one then does is in importer.py. No HTTP here.

Rules: https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-importimage (parameters, error codes).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from imageferry_emulator.ecs import crossings, errors, files, parameters, repeats
from imageferry_emulator.ecs.files import UnfitError
from imageferry_emulator.objects.models import ObjectMissingError
from imageferry_emulator.oss.models import is_frozen
from imageferry_emulator.ram import policies
from imageferry_emulator.ram.models import IMPORT_ROLE
from imageferry_emulator.rpc.errors import RefusedError

if TYPE_CHECKING:
    from imageferry_emulator.ecs.models import Image, Region
    from imageferry_emulator.ecs.parameters import DiskWish, Wish
    from imageferry_emulator.rpc.actions import Request
    from imageferry_emulator.world import World

ACTION = "ImportImage"


def accept(request: Request, world: World) -> dict[str, Any]:
    """Check an ImportImage request by the documented rules, make its image and start its task; the ids of both.

    Raises RefusedError. A request that repeats an accepted one gets the answer of that one.
    """
    region = crossings.region(request, world)
    dry_run = request.flag("DryRun")
    repeats.check_token(request)
    repeated = None if dry_run else repeats.answered(request, world)
    if repeated is not None:
        return repeated
    if not region.import_supported:
        raise RefusedError(errors.REGION_NOT_SUPPORTED)
    wish = parameters.read(request)
    if any(disk.format and disk.format not in region.import_formats for disk in wish.disks):
        raise RefusedError(errors.FORMAT_NOT_IN_REGION)
    _check_account(request, wish)
    may_read = crossings.check_role(request, world, IMPORT_ROLE, policies.IMPORT_ACTIONS)
    for disk in wish.disks:
        crossings.check_bucket(request, world, region, disk.bucket)
        _check_object(world, disk)
    _check_name(request, world, region, wish.name)
    if dry_run:
        crossings.end_dry_run(world)
    _check_quota(request, world, region)
    image = _image(request, world, region, wish)
    answer = {
        "ImageId": image.id,
        "TaskId": _start(request, world, image, wish, may_read=may_read),
        "RegionId": region.id,
    }
    repeats.keep(request, world, answer)
    return answer


def _check_account(request: Request, wish: Wish) -> None:
    account = request.caller.account
    if wish.resource_group and wish.resource_group not in account.resource_groups:
        raise RefusedError(errors.RESOURCE_GROUP)
    if account.in_arrears:
        raise RefusedError(errors.ARREARS)
    if not account.import_allowed:
        raise RefusedError(errors.NOT_ALLOW_LISTED, "importing")
    if not account.oss_enabled:
        raise RefusedError(errors.OSS_DISABLED)


def _check_object(world: World, disk: DiskWish) -> None:
    try:
        stored = world.objects.head(disk.bucket, disk.key)
    except ObjectMissingError:
        raise RefusedError(errors.OBJECT_NOT_FOUND) from None
    values = world.settings.values
    if not stored.size:
        raise RefusedError(errors.OBJECT_EMPTY)
    if not files.suffix_is_known(disk.key, values):
        raise RefusedError(errors.OBJECT_SUFFIX)
    if is_frozen(stored, world.clock.task_seconds()):
        raise RefusedError(errors.OBJECT_FROZEN)
    if values.import_content_checked == "atOnce":
        try:
            with files.disk_of(world.objects, disk, values):
                pass
        except UnfitError as unfit:
            raise RefusedError(unfit.refusal, unfit.detail) from None


def _custom(request: Request, world: World, region: Region) -> list[Image]:
    """The caller's own images in a region, in whatever state."""
    account_id = request.caller.account.id
    return [image for image in world.compute.images() if image.region == region.id and image.account_id == account_id]


def _check_name(request: Request, world: World, region: Region, name: str) -> None:
    taken = next((image for image in _custom(request, world, region) if name and image.name == name), None)
    if taken is None:
        return
    importing = any(task.resource_id == taken.id and task.action == ACTION for task in world.tasks.running())
    if importing and world.settings.values.importing_name_code == errors.NAME_BEING_IMPORTED.code:
        raise RefusedError(errors.NAME_BEING_IMPORTED)
    raise RefusedError(errors.NAME_TAKEN)


def _check_quota(request: Request, world: World, region: Region) -> None:
    quota = world.settings.quota(region.id)
    if len(_custom(request, world, region)) >= quota.images:
        raise RefusedError(errors.IMAGE_QUOTA, str(quota.images))
    if crossings.running(request, world, region, ACTION) >= quota.imports:
        raise RefusedError(errors.CONCURRENT_IMPORTS, str(quota.imports))


def _image(request: Request, world: World, region: Region, wish: Wish) -> Image:
    image_id = f"m-{crossings.random_id()}"
    shown = "tags" if world.settings.values.import_tags_shown == "atOnce" else "tagsOnceAvailable"
    return world.compute.put_image(
        {
            "id": image_id,
            "region": region.id,
            "account": request.caller.account.id,
            "name": wish.name or image_id,
            "description": wish.description,
            "status": "Creating",
            "osType": wish.os_type,
            "platform": wish.platform,
            "architecture": wish.architecture,
            "bootMode": wish.boot_mode,
            "licenseType": wish.license_type,
            "nvmeSupport": wish.nvme,
            "imdsSupport": wish.imds,
            "resourceGroup": wish.resource_group,
            shown: wish.tags,
            "accepted": world.clock.real_seconds(),
            "disks": [_disk(world, disk) for disk in wish.disks],
        }
    )


def _disk(world: World, disk: DiskWish) -> dict[str, Any]:
    """A disk as it is kept until its bytes are there; without a size of its own it has that of its file."""
    found = files.named(world.objects, disk)
    return {
        "device": disk.device,
        "sizeGiB": disk.size_gib or found.size_gib,
        "sizeAsked": disk.size_gib is not None,
        "importBucket": disk.bucket,
        "importObject": disk.key,
        "format": found.format.upper(),
    }


def _start(request: Request, world: World, image: Image, wish: Wish, *, may_read: bool) -> str:
    values = world.settings.values
    task = crossings.start(
        request,
        world,
        action=ACTION,
        where=image.region,
        image_id=image.id,
        steps=len(wish.disks),
        pace=crossings.Pace(values.waiting_seconds, values.seconds_per_disk),
        detail={"mayRead": may_read, "disks": [asdict(disk) for disk in wish.disks]},
    )
    return task.id
