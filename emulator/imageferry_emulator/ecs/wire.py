"""Regions, images and tasks as the compute service writes them; the named switches of form apply here. No rules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from imageferry_emulator.tasks import Status

if TYPE_CHECKING:
    from imageferry_emulator.ecs.models import Disk, Image, Region, Snapshot
    from imageferry_emulator.settings import Values
    from imageferry_emulator.tasks import Task

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


def image(of: Image, now: float, account_id: str) -> dict[str, Any]:
    """One entry of DescribeImages for an account, when the task clock shows `now`."""
    status = of.status_at(now)
    progress = "100%" if status == "Available" else "35%"
    return {
        "ImageId": of.id,
        "ImageName": of.name,
        "ImageFamily": of.family,
        "Description": of.description,
        "Status": status,
        "Progress": progress,
        "Size": max((disk.size_gib for disk in of.disks if disk.kind == "system"), default=0),
        "OSType": of.os_type,
        "OSName": f"{of.platform} 64bit",
        "OSNameEn": f"{of.platform} 64 bit",
        "Platform": of.platform,
        "Architecture": of.architecture,
        "BootMode": of.boot_mode,
        "ImageOwnerAlias": of.alias_to(account_id),
        "ImageOwnerId": int(of.account_id),
        "ImageVersion": "",
        "IsCopied": False,
        "IsSelfShared": str(bool(of.shared_with)) if of.account_id == account_id else "",
        "IsSubscribed": False,
        "IsSupportIoOptimized": True,
        "IsSupportCloudinit": True,
        "ProductCode": of.product_code,
        "ResourceGroupId": "",
        "Usage": "instance" if of.used_by_instances else "none",
        "CreationTime": of.created,
        "Tags": {"Tag": [{"TagKey": key, "TagValue": value} for key, value in of.tags]},
        "DiskDeviceMappings": {"DiskDeviceMapping": [_disk(disk, progress) for disk in of.disks]},
    }


def snapshot(of: Snapshot) -> dict[str, Any]:
    """One entry of DescribeSnapshots."""
    return {
        "SnapshotId": of.disk.snapshot_id,
        "SnapshotName": "",
        "Description": "",
        "Status": "accomplished",
        "Progress": "100%",
        "SourceDiskId": f"d-{of.disk.snapshot_id.removeprefix('s-')}",
        "SourceDiskSize": str(of.disk.size_gib),
        "SourceDiskType": of.disk.kind,
        "Encrypted": of.disk.encrypted,
        "Usage": snapshot_usage(of),
        "ProductCode": of.image.product_code,
        "CreationTime": of.image.created,
        "Tags": {"Tag": []},
    }


def snapshot_usage(of: Snapshot) -> str:
    """What a snapshot is used for."""
    return "none" if of.kept else "image"


def task_row(of: Task, now: float, values: Values) -> dict[str, Any]:
    """One entry of DescribeTasks."""
    return {
        "TaskId": of.id,
        "TaskAction": values.task_action_style if of.action == "ExportImage" else of.action,
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


def _disk(disk: Disk, progress: str) -> dict[str, Any]:
    return {
        "Device": disk.device,
        "Type": disk.kind,
        "Size": str(disk.size_gib),
        "SnapshotId": disk.snapshot_id,
        "Encrypted": disk.encrypted,
        "Format": "",
        "ImportOSSBucket": "",
        "ImportOSSObject": "",
        "Progress": progress,
    }


def _percent(of: Task, now: float) -> int:
    percent = of.percent(now)
    if "progressBackwards" in of.effects and of.running and of.reads % ALTERNATING:
        return max(0, percent - BACKWARDS_PERCENT)
    return percent


def _operations(of: Task, values: Values) -> list[dict[str, Any]]:
    if of.outcome is not Status.FINISHED and not values.related_items_while_running:
        named: list[str] = []
    else:
        named = of.detail["objects"]
    groups = [[key] for key in named] if values.progress_per_disk and named else [named]
    return [_operation(of, group) for group in groups]


def _operation(of: Task, objects: list[str]) -> dict[str, Any]:
    states = {Status.FINISHED: "Success", Status.FAILED: "Failed"}
    items = [
        {"Name": "OSSBucket", "Value": of.detail["bucket"]},
        *({"Name": "OSSObject", "Value": key} for key in objects),
        {"Name": "ImageFormat", "Value": of.detail["format"]},
    ]
    return {
        "OperationStatus": states.get(of.outcome, "Processing") if of.outcome else "Processing",
        "ErrorCode": of.error_code,
        "ErrorMsg": of.error_message,
        "RelatedItemSet": {"RelatedItem": items if objects else []},
    }


def _support_cancel(of: Task, values: Values) -> str | bool:
    supported = of.running and "notCancellable" not in of.effects
    return str(supported).lower() if values.support_cancel_style == "string" else supported


def _time(seconds: float | None, values: Values) -> str:
    if seconds is None:
        return ""
    form = "%Y-%m-%dT%H:%M:%SZ" if values.task_time_style == "seconds" else "%Y-%m-%dT%H:%MZ"
    return datetime.fromtimestamp(seconds, tz=UTC).strftime(form)
