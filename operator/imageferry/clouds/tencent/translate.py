"""Answers into values: pure. Fields that are missing or of an unexpected type are as if they were empty.

Source: https://www.tencentcloud.com/document/product/213/15753#Image (data types of CVM 2017-03-12).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from imageferry.clouds.values import parse_time

NORMAL: Final = "NORMAL"
IMPORTING: Final = ("CREATING", "IMPORTING")
FAILED: Final = ("CREATEFAILED", "IMPORTFAILED")
"""The states of an image that mean something here; every other word means that something works on it."""

SYSTEM_DISK: Final = "SYSTEM_DISK"

_ALL_PERCENT: Final = 100


@dataclass(frozen=True, slots=True)
class Disk:
    """The snapshot behind a disk of an image; `size_gib` is that of the disk."""

    snapshot_id: str
    usage: str
    size_gib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image as DescribeImages shows it; sizes are in GiB, `percent` (of its import) is None where it is not told."""

    id: str
    name: str
    state: str
    kind: str
    platform: str
    os_name: str
    architecture: str
    family: str
    deprecated: bool
    size_gib: int
    created_at: datetime | None
    percent: int | None = None
    disks: tuple[Disk, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def data_disks(self) -> tuple[Disk, ...]:
        """All disks but the system's."""
        return tuple(disk for disk in self.disks if disk.usage != SYSTEM_DISK)


@dataclass(frozen=True, slots=True)
class System:
    """A system that can be imported: its name, its versions, and for which architectures (none told: for any)."""

    name: str
    versions: tuple[str, ...]
    architectures: tuple[str, ...]


def images(body: Mapping[str, Any]) -> tuple[Image, ...]:
    """The images of a DescribeImages answer; rows without an id are left out."""
    return tuple(_image(row) for row in rows(body, "ImageSet") if text(row, "ImageId"))


def total(body: Mapping[str, Any]) -> int:
    """How many rows all pages hold together, as far as the answer says."""
    return number(body.get("TotalCount"))


def regions(body: Mapping[str, Any]) -> frozenset[str]:
    """The region ids of a DescribeRegions answer."""
    return frozenset(text(row, "Region") for row in rows(body, "RegionSet"))


def systems(body: Mapping[str, Any]) -> tuple[System, ...]:
    """The systems of a DescribeImportImageOs answer."""
    return tuple(
        System(text(row, "OsName"), _texts(row, "OsVersions"), _texts(row, "Architecture"))
        for row in rows(body, "ImportImageOsVersionSet")
        if text(row, "OsName")
    )


def _image(row: Mapping[str, Any]) -> Image:
    return Image(
        id=text(row, "ImageId"),
        name=text(row, "ImageName"),
        state=text(row, "ImageState"),
        kind=text(row, "ImageType"),
        platform=text(row, "Platform"),
        os_name=text(row, "OsName"),
        architecture=text(row, "Architecture"),
        family=text(row, "ImageFamily"),
        deprecated=row.get("ImageDeprecated") is True,
        size_gib=number(row.get("ImageSize")),
        created_at=parse_time(row.get("CreatedTime")),
        percent=_percent(row.get("SyncPercent")),
        disks=tuple(
            Disk(text(disk, "SnapshotId"), text(disk, "DiskUsage"), number(disk.get("DiskSize")))
            for disk in rows(row, "SnapshotSet")
        ),
        tags={text(tag, "Key"): text(tag, "Value") for tag in rows(row, "Tags") if text(tag, "Key")},
    )


def rows(value: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The structures of a list; null is written for an empty one."""
    found = value.get(name)
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []


def text(row: Mapping[str, Any], name: str) -> str:
    """A text; null is written for an empty one."""
    value = row.get(name)
    return value if isinstance(value, str) else ""


def number(value: object) -> int:
    """A whole number, 0 where there is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _percent(value: object) -> int | None:
    return min(value, _ALL_PERCENT) if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _texts(row: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = row.get(name)
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()
