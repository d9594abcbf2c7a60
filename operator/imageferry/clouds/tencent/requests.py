"""What was pinned into the parameters of a submission: pure, but for the addresses that an import is given.

https://www.tencentcloud.com/document/product/213/47859 (ExportImages) and 33272 (ImportImage). What an image shall bear as the
mark of its attempt is told here as well.
"""

from collections.abc import Callable
from typing import Any, Final

from imageferry.core.journal import Claim
from imageferry.core.resolved import ResolvedExport, ResolvedImport, SourceFile

MARK: Final = "imageferry.dev/attempt"
"""The tag that an image of ours bears; its value is the attempt's key."""

_LICENSES: Final = {"Provided": "TencentCloud", "BYOL": "BYOL"}
"""spec.image.licenseType in the cloud's words; Auto leaves it to the cloud."""

_BOOT_MODES: Final = {"BIOS": "Legacy BIOS", "UEFI": "UEFI"}
_ARCHITECTURES: Final = {"arm64": "arm_64", "": "x86_64"}


def export_request(resolved: ResolvedExport, object_prefix: str) -> dict[str, Any]:
    """The parameters of ExportImages, from what was pinned when the attempt was claimed and from nothing else."""
    return {
        "BucketName": resolved.bucket,
        "ImageIds": [resolved.image_id],
        "ExportFormat": resolved.format,
        "FileNamePrefixList": [object_prefix],
        "OnlyExportRootDisk": not resolved.data_disks,
        "RoleName": resolved.role_name,
    }


def import_request(resolved: ResolvedImport, claim: Claim, address: Callable[[int, SourceFile], str]) -> dict[str, Any]:
    """The parameters of ImportImage; `address` makes the one under which the cloud may read a file, given its number."""
    image = resolved.image
    system, *data = [address(number, disk) for number, disk in enumerate(resolved.disks)]
    tags = ((MARK, claim.key), *sorted(image.tags))
    wished: dict[str, Any] = {
        "ImageName": image.name,
        "ImageDescription": image.description,
        "ImageFamily": image.family,
        "Architecture": _ARCHITECTURES.get(image.architecture, image.architecture),
        "OsType": image.platform,
        "OsVersion": image.os_version,
        "BootMode": _BOOT_MODES.get(image.boot_mode, ""),
        "LicenseType": _LICENSES.get(image.license_type, ""),
        "Force": resolved.force,
        "ImageUrl": system,
        "ImportImageDataDiskList": [{"ImageUrl": each} for each in data],
        "TagSpecification": [{"ResourceType": "image", "Tags": [{"Key": key, "Value": value} for key, value in tags]}],
    }
    return {name: value for name, value in wished.items() if value}
