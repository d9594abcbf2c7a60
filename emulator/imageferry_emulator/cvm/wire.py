"""Images, regions and operating systems as the compute service writes them; the named switches of form apply here. No rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imageferry_emulator.cvm.models import IMPORTING, SYSTEM

if TYPE_CHECKING:
    from imageferry_emulator.cvm.models import Disk, Image
    from imageferry_emulator.cvm.systems import System
    from imageferry_emulator.settings import Values
    from imageferry_emulator.tasks import Task
    from imageferry_emulator.tencent.regions import Region

ZONE = 3
"""The one zone that a region is shown to have, the instance's of the default seed."""


def region(of: Region) -> dict[str, str]:
    """One entry of DescribeRegions."""
    return {"Region": of.id, "RegionName": of.name, "RegionState": "AVAILABLE"}


def zone(of: Region, number: int) -> dict[str, str]:
    """One entry of DescribeZones; `number` tells regions apart."""
    shown = {"Zone": f"{of.id}-{ZONE}", "ZoneName": f"{of.name} Zone {ZONE}"}
    return {**shown, "ZoneId": f"{number}0000{ZONE}", "ZoneState": "AVAILABLE"}


def image_state(of: Image, task: Task | None, values: Values, *, exporting: bool) -> str:
    """The state of an image; `task` is the one that imports it, if one does."""
    unknown = task.effects.get("unknownImageState") if task else None
    if task and unknown is not None and task.resource_reads <= unknown.get("reads", 3):
        return str(unknown.get("state", "REPAIRING"))
    return values.cvm_exporting_state if exporting else of.state


def image(of: Image, state: str, percent: int | None, account_id: str) -> dict[str, Any]:
    """One entry of DescribeImages; what an import makes has no snapshots before it is there."""
    shown = of.disks if of.state != IMPORTING else ()
    return {
        "ImageId": of.id,
        "OsName": of.os_name,
        "ImageType": of.type_to(account_id),
        "CreatedTime": of.created,
        "ImageName": of.name,
        "ImageDescription": of.description,
        "ImageSize": sum(disk.size_gib for disk in shown if disk.usage == SYSTEM),
        "Architecture": of.architecture,
        "ImageState": state,
        "Platform": of.platform,
        "ImageCreator": of.account_id,
        "ImageSource": of.source,
        "SyncPercent": percent,
        "IsSupportCloudinit": True,
        "SnapshotSet": [_snapshot(disk) for disk in shown],
        "Tags": [{"Key": key, "Value": value} for key, value in of.tags],
        "LicenseType": of.license_type,
        "ImageFamily": of.family or None,
        "ImageDeprecated": of.deprecated,
        "CdcCacheStatus": None,
    }


def systems(linux: tuple[System, ...], windows: tuple[System, ...]) -> dict[str, Any]:
    """The answer to DescribeImportImageOs."""
    return {
        "ImportImageOsListSupported": {
            "Linux": [system.name for system in linux],
            "Windows": [system.name for system in windows],
        },
        "ImportImageOsVersionSet": [
            {
                "OsName": system.name,
                "OsVersions": list(system.versions),
                "Architecture": list(system.architectures),
            }
            for system in (*linux, *windows)
        ],
    }


def _snapshot(of: Disk) -> dict[str, Any]:
    return {"SnapshotId": of.snapshot_id, "DiskUsage": of.usage, "DiskSize": of.size_gib}
