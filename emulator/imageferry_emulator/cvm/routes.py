"""The actions of the compute service: all of them by name, and those that only tell what there is.

Those on images are in images.py, rules in exports.py and imports.py, forms in wire.py. The names of parameters are those of
https://www.tencentcloud.com/document/product/213 (API documentation, version 2017-03-12).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imageferry_emulator.cvm import exports, images, imports, parameters, systems, wire
from imageferry_emulator.tencent.actions import Action, Service
from imageferry_emulator.tencent.errors import UNAUTHORIZED

if TYPE_CHECKING:
    from imageferry_emulator.tencent.actions import Request
    from imageferry_emulator.world import World


def describe_regions(_: Request, world: World) -> dict[str, Any]:
    """DescribeRegions."""
    regions = world.tencent.regions.all()
    return {"TotalCount": len(regions), "RegionSet": [wire.region(region) for region in regions]}


def describe_zones(request: Request, world: World) -> dict[str, Any]:
    """DescribeZones: those of the region asked for."""
    regions = world.tencent.regions.all()
    zones = [wire.zone(region, n) for n, region in enumerate(regions, start=1) if region.id == request.region]
    return {"TotalCount": len(zones), "ZoneSet": zones}


def describe_image_quota(_: Request, world: World) -> dict[str, Any]:
    """DescribeImageQuota: how many custom images there can be in a region."""
    return {"ImageNumQuota": int(world.settings.values.cvm_images)}


def describe_import_image_os(_: Request, world: World) -> dict[str, Any]:
    """DescribeImportImageOs."""
    del world  # the list is the same in every world
    return wire.systems(systems.LINUX, systems.WINDOWS)


SERVICE = Service(
    name="cvm",
    booked_as="cvm",
    regional=True,
    denied=UNAUTHORIZED,
    actions={
        "DescribeRegions": Action(describe_regions, ()),
        "DescribeZones": Action(describe_zones, ()),
        "DescribeImages": Action(images.describe_images, ("ImageIds", "Filters", "Offset", "Limit")),
        "DescribeImageQuota": Action(describe_image_quota, ()),
        "DescribeImportImageOs": Action(describe_import_image_os, ()),
        "ExportImages": Action(
            exports.accept,
            (
                "BucketName",
                "ImageIds",
                "ExportFormat",
                "FileNamePrefixList",
                "OnlyExportRootDisk",
                "DryRun",
                "RoleName",
            ),
            mutates=True,
        ),
        "ImportImage": Action(imports.accept, parameters.NAMES, mutates=True),
        "DeleteImages": Action(images.delete_images, ("ImageIds", "DeleteBindedSnap", "DryRun"), mutates=True),
        "ModifyImageAttribute": Action(
            images.modify_image_attribute,
            ("ImageId", "ImageName", "ImageDescription", "ImageFamily", "ImageDeprecated"),
            mutates=True,
        ),
    },
)
