"""Exports: the rules for accepting one, and the work of writing an image's disks into a bucket. No HTTP here.

Rules: https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-exportimage (parameters, error codes)
and https://www.alibabacloud.com/help/en/ecs/user-guide/export-a-custom-image (limits).
"""

from __future__ import annotations

import contextlib
import itertools
import re
from typing import TYPE_CHECKING, Any

from imageferry_emulator import disks
from imageferry_emulator.ecs import crossings, errors
from imageferry_emulator.ecs.models import ImageGoneError
from imageferry_emulator.objects.models import BucketMissingError
from imageferry_emulator.ram import policies
from imageferry_emulator.ram.models import EXPORT_ROLE
from imageferry_emulator.rpc.errors import RefusedError
from imageferry_emulator.tasks import StepFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imageferry_emulator.ecs.models import Compute, Disk, Image, Region
    from imageferry_emulator.objects.store import ObjectStore
    from imageferry_emulator.rpc.actions import Request
    from imageferry_emulator.tasks import Task
    from imageferry_emulator.world import World

ACTION = "ExportImage"
MOST_DATA_DISKS = 4
MOST_GIB = 500
WEEK_SECONDS = 7 * 24 * 3600.0
PREFIX = re.compile(r"[0-9A-Za-z]{1,30}", re.ASCII)


def accept(request: Request, world: World) -> Task:
    """Check an ExportImage request by the documented rules and start its task. Raises RefusedError."""
    region = crossings.region(request, world)
    if not region.export_supported:
        raise RefusedError(errors.REGION_NOT_SUPPORTED)
    image_id, bucket = request.need("ImageId"), request.need("OSSBucket")
    prefix, image_format = _prefix(request), _format(request, region)
    image = _image(request, world, region, image_id)
    _check_category(image, request.caller.account.id)
    _check_image(image, world)
    if not request.caller.account.export_allowed:
        raise RefusedError(errors.NOT_ALLOW_LISTED, "exporting")
    may_write = crossings.check_role(request, world, EXPORT_ROLE, policies.EXPORT_ACTIONS)
    crossings.check_bucket(request, world, region, bucket)
    dry_run = request.flag("DryRun")
    if not dry_run or world.settings.values.dry_run_sees_busy_image:
        _check_idle(image, world)
    if dry_run:
        crossings.end_dry_run(world)
    _check_quota(request, world, region)
    detail = _detail(image, bucket, prefix, image_format, request.effects)
    return crossings.start(
        request,
        world,
        action=ACTION,
        where=image.region,
        image_id=image.id,
        steps=len(image.disks),
        pace=_pace(image, world),
        detail=detail | {"mayWrite": may_write},
    )


class Exporter:
    """Does the steps of export tasks: step n writes disk n of the image, in the task's format, into its bucket."""

    def __init__(self, compute: Compute, objects: ObjectStore) -> None:
        self._compute = compute
        self._objects = objects

    def write(self, task: Task, step: int) -> None:
        """Write one disk. Blocks. Raises StepFailedError if the role may not, or bucket or image have gone."""
        if not task.detail.get("mayWrite", True):  # a task of an older state does not say
            raise StepFailedError(errors.BUCKET_NOT_AUTHORIZED.code, errors.BUCKET_NOT_AUTHORIZED.text)
        if _spoilt(task, "objectMissing", step):
            return
        bucket, key = task.detail["bucket"], task.detail["objects"][step]
        try:
            with self._objects.staging() as staged:
                if _spoilt(task, "objectEmpty", step):
                    staged.touch()
                else:
                    disks.write_file(self._compute.disk_file(task.resource_id, step), task.detail["format"], staged)
                self._objects.adopt(bucket, key, staged)
        except BucketMissingError as gone:
            raise StepFailedError(errors.BUCKET_NOT_FOUND.code, errors.BUCKET_NOT_FOUND.text) from gone
        except ImageGoneError as gone:
            raise StepFailedError(errors.IMAGE_NOT_FOUND.code, errors.IMAGE_NOT_FOUND.text) from gone

    def remove(self, task: Task, step: int) -> None:
        """Take back what a step wrote, if it is still there. Blocks."""
        with contextlib.suppress(BucketMissingError):
            self._objects.delete(task.detail["bucket"], task.detail["objects"][step])

    def ended(self, _: Task) -> None:
        """Nothing: the image is as it was, and the files are there."""


def _spoilt(task: Task, effect: str, step: int) -> bool:
    return effect in task.effects and task.effects[effect].get("disk", 0) == step


def _prefix(request: Request) -> str:
    prefix = request.text("OSSPrefix")
    if prefix and not PREFIX.fullmatch(prefix):
        raise RefusedError(errors.PREFIX_MALFORMED)
    return prefix


def _format(request: Request, region: Region) -> str:
    image_format = request.text("ImageFormat", "raw").lower()
    if image_format not in disks.FORMATS:
        raise RefusedError(errors.FORMAT_MALFORMED)
    if image_format not in region.formats:
        raise RefusedError(errors.FORMAT_NOT_IN_REGION)
    return image_format


def _image(request: Request, world: World, region: Region, image_id: str) -> Image:
    image = world.compute.image(image_id)
    if image is None or image.region != region.id or not image.alias_to(request.caller.account.id):
        raise RefusedError(errors.IMAGE_NOT_FOUND)
    return image


def _check_category(image: Image, account_id: str) -> None:
    if image.product_code or image.owner_alias == "marketplace":
        raise RefusedError(errors.IMAGE_OF_MARKETPLACE)
    if image.alias_to(account_id) != "self":
        raise RefusedError(errors.IMAGE_CATEGORY)


def _check_image(image: Image, world: World) -> None:
    if image.status_at(world.clock.task_seconds()) != "Available":
        raise RefusedError(errors.IMAGE_NOT_AVAILABLE)
    if any(disk.encrypted for disk in image.disks):
        raise RefusedError(errors.IMAGE_ENCRYPTED)
    if image.os_type == "windows":
        raise RefusedError(errors.IMAGE_LICENSE, image.platform)
    if len(image.data_disks) > MOST_DATA_DISKS:
        raise RefusedError(errors.IMAGE_DISKS, f"it has more than {MOST_DATA_DISKS} data disks")
    if any(disk.size_gib > MOST_GIB for disk in image.data_disks):
        raise RefusedError(errors.IMAGE_DISKS, f"a data disk is larger than {MOST_GIB} GiB")


def _check_idle(image: Image, world: World) -> None:
    if any(task.resource_id == image.id and task.action == ACTION for task in world.tasks.running()):
        raise RefusedError(errors.IMAGE_EXPORTING)


def _check_quota(request: Request, world: World, region: Region) -> None:
    quota = world.settings.quota(region.id)
    if crossings.running(request, world, region, ACTION) >= quota.concurrent:
        raise RefusedError(errors.CONCURRENT_QUOTA, str(quota.concurrent))
    week_ago = world.clock.task_seconds() - WEEK_SECONDS
    this_week = itertools.takewhile(lambda task: task.started > week_ago, world.tasks.all())
    if sum(crossings.counts_for(request, region, task, ACTION) for task in this_week) >= quota.weekly:
        raise RefusedError(errors.WEEKLY_QUOTA, str(quota.weekly))


def _pace(image: Image, world: World) -> crossings.Pace:
    """The image's own figures before those of the settings."""
    values = world.settings.values
    return crossings.Pace(
        waiting_seconds=values.waiting_seconds if image.waiting_seconds is None else image.waiting_seconds,
        seconds_per_step=values.seconds_per_disk if image.seconds_per_disk is None else image.seconds_per_disk,
    )


def _detail(
    image: Image, bucket: str, prefix: str, image_format: str, effects: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    if "silentRawFallback" in effects:
        image_format = "raw"
    extension = disks.extension(image_format)
    stem = f"{prefix}_{image.id}" if prefix else image.id

    def key(disk: Disk) -> str:
        return f"{stem}_system.{extension}" if disk.kind == "system" else f"{stem}_data_{disk.short_device}.{extension}"

    return {"bucket": bucket, "format": image_format, "objects": [key(disk) for disk in image.disks]}
