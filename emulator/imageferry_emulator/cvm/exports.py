"""Exports: the rules for accepting one. What an accepted one then does is in exporter.py. No HTTP here.

Rules: https://www.tencentcloud.com/document/product/213/47833 (parameters, error codes) and
https://www.tencentcloud.com/document/product/213/45279 (limits). There is no action that tells of an export's task or ends it.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from imageferry_emulator.cam import policies
from imageferry_emulator.cam.models import CVM_ROLE
from imageferry_emulator.cvm import crossings, errors, sources
from imageferry_emulator.cvm.exporter import STEPS_PER_DISK
from imageferry_emulator.cvm.models import IMPORT_FAILED, NORMAL, PRIVATE, PUBLIC
from imageferry_emulator.objects.models import BucketMissingError
from imageferry_emulator.tencent.errors import INVALID_PARAMETER_VALUE, RefusedError

if TYPE_CHECKING:
    from imageferry_emulator.cvm.models import Image
    from imageferry_emulator.tasks import Task
    from imageferry_emulator.tencent.actions import Request
    from imageferry_emulator.world import World

FORMATS = ("RAW", "QCOW2", "VHD", "VMDK")
MOST_IMAGES = 10
MOST_DATA_DISKS = 5
MOST_GIB = 500
MOST_KEY_BYTES = 850
FAILED_STATES = ("CREATEFAILED", IMPORT_FAILED)

WRITE_ACTIONS = (
    "cos:PutObject",
    "cos:InitiateMultipartUpload",
    "cos:UploadPart",
    "cos:CompleteMultipartUpload",
)
"""The documents ask for the right to write to COS; assumed: these actions are meant."""
_CVM = [policies.Principal("service", name) for name in policies.CVM_SERVICES]


def accept(request: Request, world: World) -> dict[str, Any]:
    """Check an ExportImages request by the documented rules and start its task; its answer. Raises RefusedError."""
    bucket, ids = request.need("BucketName"), _ids(request)
    prefixes, image_format = _prefixes(request, ids), _format(request)
    root_only = request.flag("OnlyExportRootDisk")
    images = [crossings.named(request, world, image_id) for image_id in ids]
    for image in images:
        _check_origin(image, request.caller.account.id)
        _check_content(image, root_only=root_only)
    _check_role(request, world)
    _check_bucket(request, world, bucket)
    dry_run = request.flag("DryRun")
    if not dry_run or world.settings.values.cvm_dry_run_sees_busy_image:
        for image in images:
            _check_idle(image, world)
    if dry_run:
        return crossings.dry_run_passed(world)
    _check_limit(request, world)
    files = [
        {"image": image.id, "disk": index, "key": key}
        for image, prefix in zip(images, prefixes, strict=True)
        for index, key in _keys(image, prefix, _extension(request, image_format, world), root_only=root_only)
    ]
    task = _start(request, world, images, {"bucket": bucket, "format": image_format.lower(), "files": files})
    slash = "/" if world.settings.values.cvm_cos_paths_slash else ""
    return {"TaskId": int(task.id), "CosPaths": [f"{slash}{file['key']}" for file in files]}


def _ids(request: Request) -> list[str]:
    ids = request.texts("ImageIds")
    if not ids:
        raise RefusedError(errors.IDS_OR_SNAPSHOTS)
    if len(ids) > MOST_IMAGES:
        raise RefusedError(errors.TOO_MANY, "ImageIds")
    if len(set(ids)) < len(ids):
        raise RefusedError(INVALID_PARAMETER_VALUE, "ImageIds")
    return ids


def _prefixes(request: Request, ids: list[str]) -> list[str]:
    prefixes = request.texts("FileNamePrefixList") or [""] * len(ids)
    if len(prefixes) != len(ids):
        raise RefusedError(errors.PREFIX_LIST)
    if any(len(prefix.encode()) > MOST_KEY_BYTES // 2 for prefix in prefixes):
        raise RefusedError(errors.TOO_LONG, "FileNamePrefixList")
    return prefixes


def _format(request: Request) -> str:
    image_format = request.text("ExportFormat", "RAW")
    if image_format not in FORMATS:
        raise RefusedError(INVALID_PARAMETER_VALUE, "ExportFormat")
    return "RAW" if "silentRawFallback" in request.effects else image_format


def _check_origin(image: Image, account_id: str) -> None:
    seen_as = image.type_to(account_id)
    if seen_as == PUBLIC:
        raise RefusedError(errors.IMAGE_PUBLIC)
    if seen_as != PRIVATE:
        raise RefusedError(errors.IMAGE_SHARED)
    if image.of_market:
        raise RefusedError(errors.IMAGE_OF_MARKET)


def _check_content(image: Image, *, root_only: bool) -> None:
    """What is wrong with disks that are not exported does not matter. Raises RefusedError."""
    exported = image.disks[:1] if root_only else image.disks
    if image.state in FAILED_STATES:
        raise RefusedError(errors.IMAGE_NOT_ALLOWED, image.id)
    if any(disk.encrypted for disk in exported):
        raise RefusedError(errors.IMAGE_ENCRYPTED)
    if image.platform == "Windows":
        raise RefusedError(errors.IMAGE_WINDOWS)
    if image.platform == "RedHat":
        raise RefusedError(errors.IMAGE_REDHAT)
    if any(disk.size_gib > MOST_GIB for disk in exported):
        raise RefusedError(errors.IMAGE_TOO_LARGE, str(MOST_GIB))
    if len(exported) > 1 + MOST_DATA_DISKS:
        raise RefusedError(errors.TOO_MANY, f"the image has more than {MOST_DATA_DISKS} data disks")


def _check_role(request: Request, world: World) -> None:
    name, directory = request.text("RoleName", CVM_ROLE), world.tencent.directory
    role = directory.role(request.caller.account.id, name)
    if role is None or not policies.trusts(role.trust, _CVM, policies.ASSUME, {}):
        raise RefusedError(errors.ROLE, name)
    attached = directory.documents(role)
    lacking = [action for action in WRITE_ACTIONS if not policies.permits(attached, action)]
    if lacking:
        raise RefusedError(errors.BUCKET_PERMISSION, f"{name} lacks {', '.join(lacking)}")


def _check_bucket(request: Request, world: World, name: str) -> None:
    if not sources.APP_ID.fullmatch(name):
        raise RefusedError(errors.APP_ID, name)
    try:
        bucket = world.tencent.objects.bucket(name)
    except BucketMissingError:
        raise RefusedError(errors.BUCKET_NOT_FOUND) from None
    if bucket.region != request.region:
        raise RefusedError(errors.BUCKET_NOT_FOUND)
    if bucket.owner != request.caller.account.id:
        raise RefusedError(errors.BUCKET_PERMISSION, "it is another account's")


def _check_idle(image: Image, world: World) -> None:
    if image.busy or image.state != NORMAL or crossings.is_exporting(image, world):
        raise RefusedError(errors.IMAGE_BUSY, image.id)


def _check_limit(request: Request, world: World) -> None:
    most = int(world.settings.values.cvm_export_tasks)
    account_id = request.caller.account.id
    own = (task for task in crossings.running(world, crossings.EXPORT) if task.account_id == account_id)
    if sum(task.region == request.region for task in own) >= most:
        raise RefusedError(errors.EXPORT_TASKS, str(most))


def _extension(request: Request, image_format: str, world: World) -> str:
    """The extension goes by what was asked for, though the fault may have the file be RAW."""
    shown = request.text("ExportFormat", image_format)
    return shown if world.settings.values.cvm_extension_case == "upper" else shown.lower()


def _keys(image: Image, prefix: str, extension: str, *, root_only: bool) -> list[tuple[int, str]]:
    stem = f"{prefix}_{image.id}" if prefix else image.id
    exported = image.disks[:1] if root_only else image.disks
    return [
        (index, f"{stem}_{'data' if index else 'system'}_{disk.snapshot_id}.{extension}")
        for index, disk in enumerate(exported)
    ]


def _start(request: Request, world: World, images: list[Image], detail: dict[str, Any]) -> Task:
    values, first = world.settings.values, images[0]
    waiting = values.waiting_seconds if first.waiting_seconds is None else first.waiting_seconds
    per_disk = values.seconds_per_disk if first.seconds_per_disk is None else first.seconds_per_disk
    return crossings.start(
        request,
        world,
        str(100_000_000 + secrets.randbelow(900_000_000)),
        action=crossings.EXPORT,
        about=first.id,
        steps=len(detail["files"]) * STEPS_PER_DISK,
        pace=crossings.Pace(waiting, per_disk / STEPS_PER_DISK),
        detail=detail | {"images": [image.id for image in images]},
    )
