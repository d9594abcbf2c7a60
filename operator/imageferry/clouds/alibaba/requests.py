"""What was pinned into the parameters of a submission: pure, and equal each time it is asked.

https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-exportimage and -importimage. What an image
shall bear as the mark of its attempt is told here as well.
"""

from typing import Any, Final

from imageferry.core.journal import Claim
from imageferry.core.resolved import ResolvedExport, ResolvedImport, SourceFile

MARK: Final = "imageferry.dev/attempt"
"""The tag that an image of ours and its snapshots bear; its value is the attempt's key."""

_LICENSES: Final = {"Auto": "Auto", "Provided": "Aliyun", "BYOL": "BYOL"}
"""spec.image.licenseType in the cloud's words; Auto is that of the older references, and still sent by their readers."""


def export_request(resolved: ResolvedExport, claim: Claim) -> dict[str, Any]:
    """The parameters of ExportImage, from what was pinned when the attempt was claimed and from nothing else."""
    return {
        "ImageId": resolved.image_id,
        "OSSBucket": resolved.bucket,
        "OSSPrefix": claim.object_prefix,
        "ImageFormat": resolved.format.lower(),
        "RoleName": resolved.role_name,
    }


def import_request(resolved: ResolvedImport, claim: Claim) -> dict[str, Any]:
    """The parameters of ImportImage, as export_request: equal each time, as the client token stands for all of them."""
    image, options = resolved.image, resolved.alibaba
    features = {"NvmeSupport": options.nvme_support.lower(), "ImdsSupport": options.imds_support.lower()}
    wished: dict[str, Any] = {
        "ImageName": image.name,
        "Description": image.description,
        "Architecture": image.architecture,
        "OSType": image.os_type.lower(),
        "Platform": image.platform,
        "BootMode": image.boot_mode,
        "LicenseType": _LICENSES.get(image.license_type, ""),
        "RoleName": resolved.role_name,
        "ResourceGroupId": options.resource_group_id,
        "DetectionStrategy": options.detection_strategy,
        "Features": {name: value for name, value in features.items() if value},
        "DiskDeviceMapping": [_disk_request(disk) for disk in resolved.disks],
        "Tag": [{"Key": key, "Value": value} for key, value in ((MARK, claim.key), *sorted(image.tags))],
        "ClientToken": claim.key,
    }
    return {name: value for name, value in wished.items() if value}


def _disk_request(disk: SourceFile) -> dict[str, Any]:
    wished = {"OSSBucket": disk.bucket, "OSSObject": disk.key, "Format": disk.format, "DiskImageSize": disk.size_gib}
    return {name: value for name, value in wished.items() if value}
