"""Exports: the rules for accepting one, and the work of writing an image's disks into a bucket. No HTTP here.

Rules: https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-exportimage (parameters, error codes)
and https://www.alibabacloud.com/help/en/ecs/user-guide/export-a-custom-image (limits).
"""

from __future__ import annotations

import contextlib
import itertools
import re
import secrets
import string
from typing import TYPE_CHECKING, Any

from imageferry_emulator import disks
from imageferry_emulator.ecs import errors
from imageferry_emulator.ecs.models import ImageGoneError
from imageferry_emulator.oss.models import BucketMissingError
from imageferry_emulator.ram import policies
from imageferry_emulator.ram.models import EXPORT_ROLE
from imageferry_emulator.rpc.errors import RefusedError
from imageferry_emulator.tasks import StepFailedError, Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imageferry_emulator.ecs.models import Compute, Disk, Image, Region
    from imageferry_emulator.oss.store import ObjectStore
    from imageferry_emulator.rpc.actions import Request
    from imageferry_emulator.world import World

ACTION = "ExportImage"
MOST_DATA_DISKS = 4
MOST_GIB = 500
WEEK_SECONDS = 7 * 24 * 3600.0
PREFIX = re.compile(r"[0-9A-Za-z]{1,30}", re.ASCII)
_ECS = policies.Principal("Service", policies.ECS_SERVICE)
ID_LETTERS = string.ascii_lowercase + string.digits


def accept(request: Request, world: World) -> Task:
    """Check an ExportImage request by the documented rules and start its task. Raises RefusedError."""
    region = _region(request, world)
    image_id, bucket = request.need("ImageId"), request.need("OSSBucket")
    prefix, image_format = _prefix(request), _format(request, region)
    image = _image(request, world, region, image_id)
    _check_category(image, request.caller.account.id)
    _check_image(image, world)
    may_write = _check_grants(request, world)
    _check_bucket(request, world, region, bucket)
    dry_run = request.flag("DryRun")
    if not dry_run or world.settings.values.dry_run_sees_busy_image:
        _check_idle(image, world)
    if dry_run:
        raise RefusedError(
            errors.DRY_RUN if world.settings.values.dry_run_code == errors.DRY_RUN.code else errors.DRY_RUN_SUCCESS
        )
    _check_quota(request, world, region)
    detail = _detail(image, bucket, prefix, image_format, request.effects)
    task = _task(request, world, image, detail | {"mayWrite": may_write})
    world.tasks.start(task)
    return task


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


def _spoilt(task: Task, effect: str, step: int) -> bool:
    return effect in task.effects and task.effects[effect].get("disk", 0) == step


def _region(request: Request, world: World) -> Region:
    region = world.compute.region(request.need("RegionId"))
    if region is None:
        raise RefusedError(errors.REGION_NOT_FOUND)
    if not region.export_supported:
        raise RefusedError(errors.REGION_NOT_SUPPORTED)
    return region


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


def _check_grants(request: Request, world: World) -> bool:
    """Whether the role that ECS takes on may write into buckets. Raises RefusedError unless there is a role that trusts ECS."""
    account = request.caller.account
    if not account.export_allowed:
        raise RefusedError(errors.NOT_ALLOW_LISTED)
    values, name = world.settings.values, request.text("RoleName", EXPORT_ROLE)
    role = world.access.role(account.id, name) if name == EXPORT_ROLE or values.other_role_names else None
    if role is None or not policies.trusts(role.trust, [_ECS], {}):
        raise RefusedError(errors.ROLE_MISSING, name)
    attached = world.access.documents(role)
    if all(policies.permits(attached, action) for action in policies.EXPORT_ACTIONS):
        return True
    if values.role_without_rights == "refused":
        raise RefusedError(errors.BUCKET_NOT_AUTHORIZED)
    return False


def _check_bucket(request: Request, world: World, region: Region, name: str) -> None:
    try:
        bucket = world.objects.bucket(name)
    except BucketMissingError:
        raise RefusedError(errors.BUCKET_NOT_FOUND) from None
    if bucket.owner != request.caller.account.id:
        raise RefusedError(errors.BUCKET_NOT_FOUND)
    if bucket.region != region.id:
        raise RefusedError(errors.BUCKET_NOT_MATCHED, f"it is in {bucket.region}, the image in {region.id}")
    if bucket.sse != "None":
        raise RefusedError(errors.BUCKET_ENCRYPTED)


def _check_idle(image: Image, world: World) -> None:
    if any(task.resource_id == image.id and task.action == ACTION for task in world.tasks.running()):
        raise RefusedError(errors.IMAGE_EXPORTING)


def _check_quota(request: Request, world: World, region: Region) -> None:
    quota = world.settings.quota(region.id)
    account_id = request.caller.account.id

    def counts(task: Task) -> bool:
        return task.action == ACTION and task.region == region.id and task.account_id == account_id

    if sum(counts(task) for task in world.tasks.running()) >= quota.concurrent:
        raise RefusedError(errors.CONCURRENT_QUOTA, str(quota.concurrent))
    week_ago = world.clock.task_seconds() - WEEK_SECONDS
    this_week = itertools.takewhile(lambda task: task.started > week_ago, world.tasks.all())
    if sum(map(counts, this_week)) >= quota.weekly:
        raise RefusedError(errors.WEEKLY_QUOTA, str(quota.weekly))


def _task(request: Request, world: World, image: Image, detail: dict[str, Any]) -> Task:
    values = world.settings.values
    return Task(
        id="t-" + "".join(secrets.choice(ID_LETTERS) for _ in range(20)),
        action=ACTION,
        region=image.region,
        account_id=request.caller.account.id,
        resource_id=image.id,
        created=world.clock.real_seconds(),
        started=world.clock.task_seconds(),
        waiting_seconds=values.waiting_seconds if image.waiting_seconds is None else image.waiting_seconds,
        seconds_per_step=values.seconds_per_disk if image.seconds_per_disk is None else image.seconds_per_disk,
        steps=len(image.disks),
        detail=detail,
        effects=dict(request.effects),
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
