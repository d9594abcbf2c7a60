"""Regions, images and tasks as the compute service writes them; the named switches of form apply here. No rules."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from imageferry_emulator.tasks import Status

if TYPE_CHECKING:
    from imageferry_emulator.ecs.models import Image, Region, Snapshot
    from imageferry_emulator.settings import Values
    from imageferry_emulator.tasks import Task

EXPORT, IMPORT = "ExportImage", "ImportImage"
_CAPITALS = {EXPORT: "EXPORT_IMAGE", IMPORT: "IMPORT_IMAGE"}
_UNTOLD_PERCENT = 35
"""What an image of the seed shows that is being created: nothing works on it."""
ALTERNATING = 2
BACKWARDS_PERCENT = 30


def region(of: Region) -> dict[str, Any]:
    """One entry of DescribeRegions."""
    return {
        "RegionId": of.id,
        "RegionEndpoint": f"ecs.{of.id}.aliyuncs.com",
        "LocalName": of.name,
        "Status": "available",
    }


@dataclass(frozen=True, slots=True)
class Look:
    """Who looks at images and when: what the task clock shows, and how many of its seconds a real one has."""

    account_id: str
    now: float
    speed: float
    values: Values


def image_status(of: Image, task: Task | None, look: Look) -> str:
    """The status of an image; `task` is the one that imports it, if one does."""
    unknown = task.effects.get("unknownImageState") if task else None
    if task and unknown is not None and task.resource_reads < unknown.get("reads", 3):
        return str(unknown.get("state", "Repairing"))
    waits = task is not None and task.running and task.status(look.now) is Status.WAITING
    return look.values.waiting_import_status if waits else of.status_at(look.now)


def image(of: Image, task: Task | None, look: Look) -> dict[str, Any]:
    """One entry of DescribeImages."""
    status = image_status(of, task, look)
    return {
        "ImageId": of.id,
        "ImageName": of.name,
        "ImageFamily": of.family,
        "Description": of.description,
        "Status": status,
        "Progress": _image_progress(of, task, look),
        "Size": max((disk.size_gib for disk in of.disks if disk.kind == "system"), default=0),
        "OSType": of.os_type,
        "OSName": f"{of.platform} 64bit",
        "OSNameEn": f"{of.platform} 64 bit",
        "Platform": of.platform,
        "Architecture": of.architecture,
        "BootMode": of.boot_mode,
        "LicenseType": of.license_type,
        "Features": {"NvmeSupport": of.nvme, "ImdsSupport": of.imds},
        "ImageOwnerAlias": of.alias_to(look.account_id),
        "ImageOwnerId": int(of.account_id),
        "ImageVersion": "",
        "IsCopied": False,
        "IsSelfShared": str(bool(of.shared_with)) if of.account_id == look.account_id else "",
        "IsSubscribed": False,
        "IsSupportIoOptimized": True,
        "IsSupportCloudinit": True,
        "ProductCode": of.product_code,
        "ResourceGroupId": of.resource_group,
        "Usage": "instance" if of.used_by_instances else "none",
        "CreationTime": of.created,
        "Tags": {"Tag": [{"TagKey": key, "TagValue": value} for key, value in of.tags]},
        "DiskDeviceMappings": {"DiskDeviceMapping": [_disk(of, index, task, look) for index in range(len(of.disks))]},
    }


def snapshot(of: Snapshot, status: str, progress: str) -> dict[str, Any]:
    """One entry of DescribeSnapshots."""
    return {
        "SnapshotId": of.disk.snapshot_id,
        "SnapshotName": "",
        "Description": "",
        "Status": status,
        "Progress": progress,
        "SourceDiskId": "" if of.disk.import_object else f"d-{of.disk.snapshot_id.removeprefix('s-')}",
        "SourceDiskSize": str(of.disk.size_gib),
        "SourceDiskType": of.disk.kind,
        "Encrypted": of.disk.encrypted,
        "Usage": snapshot_usage(of),
        "ProductCode": of.image.product_code,
        "CreationTime": of.image.created,
        "Tags": {"Tag": [{"TagKey": key, "TagValue": value} for key, value in of.tags]},
    }


def disk_progress(of: Image, index: int, task: Task | None, look: Look) -> int:
    """Whole percent of one disk of an image."""
    if task is None or task.outcome is Status.FINISHED:
        return 100 if of.status_at(look.now) == "Available" or task else _UNTOLD_PERCENT
    return task.step_percent(index, look.now)


def snapshot_usage(of: Snapshot) -> str:
    """What a snapshot is used for."""
    return "none" if of.kept else "image"


def task_row(of: Task, now: float, values: Values) -> dict[str, Any]:
    """One entry of DescribeTasks."""
    return {
        "TaskId": of.id,
        "TaskAction": of.action if values.task_action_style == EXPORT else _CAPITALS[of.action],
        "TaskStatus": task_status(of, now),
        "SupportCancel": _support_cancel(of, values),
        "CreationTime": _time(of.created, values),
        "FinishedTime": _time(of.ended, values),
        "ResourceId": of.resource_id,
    }


def task_attribute(of: Task, now: float, values: Values) -> dict[str, Any]:
    """The answer to DescribeTaskAttribute, apart from the region."""
    counted = of.steps if values.progress_per_disk else 1
    succeeded = counted if of.outcome is Status.FINISHED else (of.done if values.progress_per_disk else 0)
    failed = counted - succeeded if of.outcome is Status.FAILED else 0
    row = task_row(of, now, values)
    del row["ResourceId"]
    return {
        **row,
        "TaskProcess": f"{_percent(of, now)}%",
        "TotalCount": counted,
        "SuccessCount": succeeded,
        "FailedCount": failed,
        "OperationProgressSet": {"OperationProgress": _operations(of, values)},
    }


def task_status(of: Task, now: float) -> str:
    """The state that clients are shown."""
    status = of.status(now)
    unknown = of.effects.get("unknownState")
    if unknown is not None and of.running and of.reads <= unknown.get("reads", 3):
        return str(unknown.get("state", "Paused"))
    return status.value


def parse_time(shown: str) -> float | None:
    """Seconds since 1970 of an ISO 8601 time in UTC, with or without seconds; None if it is none."""
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ"):
        try:
            return datetime.strptime(shown, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    return None


def _image_progress(of: Image, task: Task | None, look: Look) -> str:
    if task is None or not task.running:
        return "100%" if of.status_at(look.now) == "Available" else f"{_UNTOLD_PERCENT}%"
    return f"{_percent(task, look.now)}%"


def _disk(of: Image, index: int, task: Task | None, look: Look) -> dict[str, Any]:
    disk = of.disks[index]
    shown = {
        "Device": disk.device,
        "Type": disk.kind,
        "Size": str(disk.size_gib),
        "SnapshotId": disk.snapshot_id,
        "Encrypted": disk.encrypted,
        "Format": disk.format,
        "ImportOSSBucket": disk.import_bucket,
        "ImportOSSObject": disk.import_object,
        "Progress": f"{disk_progress(of, index, task, look)}%",
    }
    if task is None:
        return shown
    left = max(0.0, task.step_due(index) - look.now) if task.running else 0.0
    return {**shown, "RemainTime": math.ceil(left / look.speed)}


def _percent(of: Task, now: float) -> int:
    percent = of.percent(now)
    if "progressBackwards" in of.effects and of.running and of.reads % ALTERNATING:
        return max(0, percent - BACKWARDS_PERCENT)
    return percent


@dataclass(frozen=True, slots=True)
class _File:
    """A file that a task writes or reads, and in which of its steps."""

    step: int
    bucket: str
    key: str
    format: str


def _files(of: Task) -> list[_File]:
    if of.action == IMPORT:
        return [
            _File(step, disk["bucket"], disk["key"], disk["format"]) for step, disk in enumerate(of.detail["disks"])
        ]
    bucket, image_format = of.detail["bucket"], of.detail["format"]
    return [_File(step, bucket, key, image_format) for step, key in enumerate(of.detail["objects"])]


def _operations(of: Task, values: Values) -> list[dict[str, Any]]:
    told = of.outcome is Status.FINISHED or values.related_items_while_running
    files = _files(of) if told else []
    groups = [[file] for file in files] if values.progress_per_disk and files else [files]
    return [_operation(of, group) for group in groups]


def _operation(of: Task, files: list[_File]) -> dict[str, Any]:
    done = of.outcome is Status.FINISHED or (bool(files) and all(file.step < of.done for file in files))
    failed = of.outcome is Status.FAILED and not done
    return {
        "OperationStatus": "Success" if done else "Failed" if failed else "Processing",
        "ErrorCode": of.error_code if failed else "",
        "ErrorMsg": of.error_message if failed else "",
        "RelatedItemSet": {"RelatedItem": _related(files)},
    }


def _related(files: list[_File]) -> list[dict[str, str]]:
    """What the files of one operation have in common, and each of them by its name."""
    if not files:
        return []
    buckets, formats = ({getattr(file, name): None for file in files} for name in ("bucket", "format"))
    named = (("OSSBucket", buckets), ("OSSObject", [file.key for file in files]), ("ImageFormat", formats))
    return [{"Name": name, "Value": value} for name, values in named for value in values]


def _support_cancel(of: Task, values: Values) -> str | bool:
    supported = of.running and "notCancellable" not in of.effects
    return str(supported).lower() if values.support_cancel_style == "string" else supported


def _time(seconds: float | None, values: Values) -> str:
    if seconds is None:
        return ""
    form = "%Y-%m-%dT%H:%M:%SZ" if values.task_time_style == "seconds" else "%Y-%m-%dT%H:%MZ"
    return datetime.fromtimestamp(seconds, tz=UTC).strftime(form)
