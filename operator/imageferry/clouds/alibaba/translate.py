"""Answers into values: pure, and tolerant of every spelling the documents and samples show.

Samples show times with and without seconds, SupportCancel as text and as a boolean, TaskAction in two spellings, and
related items in one or several entries. Fields that are missing or of an unexpected type are as if they were empty.
(https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-describetaskattribute)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from imageferry.clouds.alibaba import verdicts
from imageferry.clouds.values import parse_time
from imageferry.core.keys import belongs_to
from imageferry.core.observation import Cancelled, Failed, Ours, Running, Succeeded, Task

FINISHED, FAILED, DELETED = "Finished", "Failed", "Deleted"
"""The states in which a task has ended; Deleted means cancelled. Every other word means that it runs."""

RUNNING: Final = ("Processing", "Waiting")
"""The states to list running tasks by. The documents say that only Processing filters, so Waiting may list all."""

ALL_STATUSES: Final = "Creating,Waiting,Available,UnAvailable,CreateFailed,Deprecated"
"""DescribeImages lists none but Available images unless it is told otherwise."""

_ALL_PERCENT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A task as DescribeTasks lists it. `cancellable` is None where it is not said."""

    id: str
    state: str
    resource_id: str = ""
    created_at: datetime | None = None
    finished_at: datetime | None = None
    cancellable: bool | None = None

    @property
    def ended(self) -> bool:
        """Whether the cloud says that it has ended, well or badly."""
        return self.state in (FINISHED, FAILED, DELETED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """A task as DescribeTaskAttribute shows it; `objects` are the names of its files where they are shown yet."""

    listed: Listed
    percent: int | None
    bucket: str
    objects: tuple[str, ...]
    error_code: str
    error_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A disk of an image; `percent` and `seconds_left` (of its import) are None where they are not told."""

    device: str
    snapshot_id: str
    percent: int | None
    seconds_left: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image as DescribeImages shows it; sizes are in GiB, `percent` is None where it is not told."""

    id: str
    name: str
    status: str
    owner_alias: str
    product_code: str
    platform: str
    os_type: str
    architecture: str
    size_gib: int
    created_at: datetime | None
    data_disks_gib: tuple[int, ...]
    encrypted: bool
    percent: int | None = None
    disks: tuple[Disk, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot as DescribeSnapshots shows it."""

    id: str
    tags: Mapping[str, str]


def moment(value: datetime) -> str:
    """A time as the cloud's filters want it."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def listed(body: Mapping[str, Any]) -> tuple[Listed, ...]:
    """The tasks of a DescribeTasks answer; rows without an id are left out."""
    return tuple(_listed(row) for row in _rows(body, "TaskSet", "Task") if _text(row, "TaskId"))


def total(body: Mapping[str, Any]) -> int:
    """How many rows all pages hold together, as far as the answer says."""
    count = body.get("TotalCount")
    return count if isinstance(count, int) else 0


def detail(body: Mapping[str, Any]) -> Detail:
    """A DescribeTaskAttribute answer. Several disks may share an operation or have one each: all of them are read."""
    operations = _rows(body, "OperationProgressSet", "OperationProgress")
    items = [item for operation in operations for item in _rows(operation, "RelatedItemSet", "RelatedItem")]
    names = [(_text(item, "Name"), _text(item, "Value")) for item in items]
    failed = next((each for each in operations if _text(each, "ErrorCode")), {})
    return Detail(
        listed=_listed(body),
        percent=percent(body.get("TaskProcess")),
        bucket=next((value for name, value in names if name == "OSSBucket"), ""),
        objects=tuple(dict.fromkeys(value for name, value in names if name == "OSSObject" and value)),
        error_code=_text(failed, "ErrorCode"),
        error_text=_text(failed, "ErrorMsg"),
    )


def percent(value: object) -> int | None:
    """`"35%"` as 35, or None where it is no such thing."""
    digits = str(value).strip().removesuffix("%")
    return min(int(digits), _ALL_PERCENT) if digits.isascii() and digits.isdigit() else None


def images(body: Mapping[str, Any]) -> tuple[Image, ...]:
    """The images of a DescribeImages answer."""
    return tuple(_image(row) for row in _rows(body, "Images", "Image"))


def snapshots(body: Mapping[str, Any]) -> tuple[Snapshot, ...]:
    """The snapshots of a DescribeSnapshots answer."""
    return tuple(
        Snapshot(_text(row, "SnapshotId"), _tags(row))
        for row in _rows(body, "Snapshots", "Snapshot")
        if _text(row, "SnapshotId")
    )


def regions(body: Mapping[str, Any]) -> frozenset[str]:
    """The region ids of a DescribeRegions answer."""
    return frozenset(_text(row, "RegionId") for row in _rows(body, "Regions", "Region"))


def owned(shown: Detail, object_prefix: str, bucket: str = "") -> bool | None:
    """Whether a task writes the attempt's files; None while it does not show which files it writes.

    A bucket that is given must be the task's too.
    """
    if not shown.objects:
        return None
    if bucket and shown.bucket and shown.bucket != bucket:
        return False
    return any(belongs_to(name, object_prefix) for name in shown.objects)


def task(found: Listed, key: str, object_prefix: str, *, image_id: str = "") -> Task:
    """The task of an attempt, as it stands now; `image_id` is the image that an import makes."""
    return Task(
        id=found.id,
        key=key,
        object_prefix=object_prefix,
        state=found.state,
        cancellable=False if found.ended else found.cancellable,
        started_at=found.created_at,
        finished_at=found.finished_at,
        image_id=image_id,
    )


def seen(found: Listed, known: Task, cloud_time: datetime, shown: Detail | None) -> Ours:
    """What is seen of a task of ours; `shown` are its details where they were asked for."""
    current = task(found, known.key, known.object_prefix)
    match found.state:
        case "Finished":
            return Succeeded(cloud_time, current)
        case "Deleted":
            return Cancelled(cloud_time, current)
        case "Failed":
            code, text = (shown.error_code, shown.error_text) if shown else ("", "")
            reason, message, retryable = verdicts.ended("ExportImage", code, text)
            return Failed(cloud_time, current, reason, message, retryable, code)
        case _:
            return Running(cloud_time, current, shown.percent if shown else None)


def _listed(row: Mapping[str, Any]) -> Listed:
    return Listed(
        id=_text(row, "TaskId"),
        state=_text(row, "TaskStatus"),
        resource_id=_text(row, "ResourceId"),
        created_at=parse_time(row.get("CreationTime")),
        finished_at=parse_time(row.get("FinishedTime")),
        cancellable=_flag(row.get("SupportCancel")),
    )


def _image(row: Mapping[str, Any]) -> Image:
    disks = _rows(row, "DiskDeviceMappings", "DiskDeviceMapping")
    return Image(
        id=_text(row, "ImageId"),
        name=_text(row, "ImageName"),
        status=_text(row, "Status"),
        owner_alias=_text(row, "ImageOwnerAlias"),
        product_code=_text(row, "ProductCode"),
        platform=_text(row, "Platform"),
        os_type=_text(row, "OSType"),
        architecture=_text(row, "Architecture"),
        size_gib=_number(row.get("Size")),
        created_at=parse_time(row.get("CreationTime")),
        data_disks_gib=tuple(_number(disk.get("Size")) for disk in disks if _text(disk, "Type").lower() == "data"),
        encrypted=any(_flag(disk.get("Encrypted")) for disk in disks),
        percent=percent(row.get("Progress")),
        disks=tuple(_disk(disk) for disk in disks),
        tags=_tags(row),
    )


def _disk(row: Mapping[str, Any]) -> Disk:
    left = str(row.get("RemainTime"))
    return Disk(
        device=_text(row, "Device"),
        snapshot_id=_text(row, "SnapshotId"),
        percent=percent(row.get("Progress")),
        seconds_left=int(left) if left.isascii() and left.isdigit() else None,
    )


def _tags(row: Mapping[str, Any]) -> dict[str, str]:
    """DescribeImages and DescribeSnapshots write a tag's parts as TagKey and TagValue."""
    return {_text(tag, "TagKey"): _text(tag, "TagValue") for tag in _rows(row, "Tags", "Tag") if _text(tag, "TagKey")}


def _rows(value: Mapping[str, Any], outer: str, inner: str) -> list[Mapping[str, Any]]:
    """The list that the cloud wraps into an object, or that some samples show bare."""
    wrapped = value.get(outer)
    found = wrapped.get(inner) if isinstance(wrapped, Mapping) else wrapped
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _flag(value: object) -> bool | None:
    return {"true": True, "false": False}.get(str(value).lower())


def _number(value: object) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else 0
