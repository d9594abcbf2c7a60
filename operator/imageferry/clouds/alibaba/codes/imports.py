"""The codes of ImportImage that ExportImage does not have, or has with another meaning."""

from typing import Final

from imageferry.clouds.rows import (
    ARCHIVED,
    BAD_CALL,
    Row,
    Started,
    Table,
    blocked,
    busy,
    deferred,
    maybe,
    rejected,
    transient,
)
from imageferry.core.errors import Rejected, Scope
from imageferry.core.reasons import Reason

_NO_ROLE: Final = blocked(
    Reason.ROLE_MISSING,
    "ECS may not read the bucket: create the role (AliyunECSImageImportDefaultRole unless spec.roleName names another) "
    "with a trust policy for ecs.aliyuncs.com and attach AliyunECSImageImportRolePolicy.",
)


def _field(text: str) -> Row:
    return rejected(Reason.INVALID_SPEC, text)


IMPORT: Final = Table(
    calls=("ImportImage",),
    source="https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-importimage",
    rows={
        "MissingParameter.DiskDeviceMapping": BAD_CALL,
        "InvalidClientToken.Malformed": BAD_CALL,
        "InvalidOperation.CloudBoxImageImportUnsupported": BAD_CALL,
        "InvalidOperation.CloudBoxImageImportRoleRequired": BAD_CALL,
        "InvalidImageName.Malformed": _field("spec.image.name is none that the cloud accepts."),
        # It may be our own image that bears the name: the first copy of a request that was sent twice.
        "InvalidImageName.Duplicated": Row(
            kind=Rejected,
            reason=Reason.NAME_CONFLICT,
            text="An image of the region bears the name already: choose another spec.image.name.",
            started=Started.MAYBE,
        ),
        "InvalidDescription.Malformed": _field("spec.image.description is none that the cloud accepts."),
        "InvalidArchitecture.Malformed": _field("spec.image.architecture is none that the cloud knows."),
        "InvalidArchitecture.PlatformUnsupported": _field(
            "spec.image.architecture and spec.image.platform do not fit each other."
        ),
        "InvalidPlatform.Malformed": _field("spec.image.platform is none that the cloud knows."),
        "InvalidOSType.Malformed": _field("spec.image.osType is none that the cloud knows."),
        "InvalidBootMode.Malformed": _field("spec.image.bootMode is none that the cloud knows."),
        "InvalidBootMode.NotSupport": _field("spec.image.bootMode does not fit spec.image.architecture."),
        "InvalidLicenseType.NotSupported": _field("spec.image.licenseType is not offered for this system."),
        "InvalidLicenseType.BYOLOnly": _field("spec.image.licenseType must be BYOL for this system."),
        "InvalidParameter.DetectionStrategy": _field("spec.alibaba.detectionStrategy is none that the cloud knows."),
        "ImageCheckUnsupported.WindowsImage": _field(
            "spec.alibaba.detectionStrategy is not offered for Windows: leave it away."
        ),
        "InvalidParameter.FeaturesImdsSupport": _field("spec.alibaba.imdsSupport is none that the cloud knows."),
        "InvalidResourceGroup.NotFound": _field("spec.alibaba.resourceGroupID names no resource group."),
        "TagKey.Duplication": _field("spec.image.tags holds a key twice for the cloud."),
        "InvalidImageSize": _field("The sizeGiB of the system disk is outside of what the cloud allows."),
        "InvalidDataDiskSize": _field("The sizeGiB of a data disk is outside of what the cloud allows."),
        "InvalidImageFormat.Malformed": _field("The format of a disk is none that the cloud imports."),
        "InvalidImageFormat.RegionNotSupported": rejected(
            Reason.FORMAT_NOT_SUPPORTED_IN_REGION, "The region does not import the format of a disk: convert the file."
        ),
        "InvalidRegion.NotSupport": rejected(
            Reason.REGION_NOT_SUPPORTED, "The region does not offer image import: name another spec.region."
        ),
        "InvalidOSSBucket.NotFound": blocked(
            Reason.BUCKET_NOT_FOUND, "A disk's bucket does not exist in the region: create it, or correct its name."
        ),
        "InvalidOSSBucket.NotMatched": rejected(
            Reason.BUCKET_REGION_MISMATCH,
            "A disk's bucket is in another region: copy the file into one of spec.region.",
        ),
        "InvalidOSSBucket.EncryptUnsupported": blocked(
            Reason.BUCKET_ENCRYPTED, "A disk's bucket encrypts on the server's side: copy the file into another bucket."
        ),
        "InvalidOSSBucket.Malformed": _field("A disk's bucket is no name of a bucket."),
        "InvalidOSSObject.NotFound": blocked(
            Reason.OBJECT_NOT_FOUND, "A disk file is not in the bucket: upload it, or correct its key."
        ),
        "InvalidOSSObject.Malformed": _field("A disk's key is no name of a file."),
        "InvalidOSSObject.Size": blocked(Reason.OBJECT_INVALID, "A disk file is empty or of no allowed size."),
        "InvalidOSSObject.NeedRestore": ARCHIVED,
        "UnsupportedSuffix.OSSObject": rejected(
            Reason.OBJECT_INVALID, "The name of a disk file has an ending that the cloud does not import."
        ),
        "InvalidBlockSize.NotSupport": rejected(
            Reason.OBJECT_INVALID, "A disk file has a block size that the cloud does not import: convert it."
        ),
        "InvalidVHDImage.IncorrectSize": rejected(
            Reason.OBJECT_INVALID, "The size in the VHD's header is not that of the file: convert it again."
        ),
        "InvalidOSSBucket.FlowLimit": transient(
            Reason.THROTTLED, "The bucket is being read as fast as the cloud allows."
        ),
        "InvalidOSS.NotAuthorized": blocked(
            Reason.ROLE_PERMISSION_MISSING,
            "The role may not read the bucket: attach AliyunECSImageImportRolePolicy to it.",
        ),
        "NoSetRoletoECSServiceAcount": _NO_ROLE,
        "NoSetRoletoECSServiceAccount": _NO_ROLE,
        "InvalidAccountStatus.OSSDisabled": blocked(
            Reason.NOT_AUTHORIZED, "OSS is not enabled for the cloud account: enable it."
        ),
        "UserNotInTheWhiteList": blocked(
            Reason.NOT_WHITELISTED, "The account may not import images: open a ticket at the cloud to enable it."
        ),
        "ConcurrentQuotaExceed.ImportImage": deferred(
            Reason.CONCURRENT_QUOTA_EXCEEDED,
            "As many imports run as the cloud allows at one time.",
            scope=Scope.SLOT,
            seconds=60.0,
        ),
        "QuotaExceed.Image": deferred(
            Reason.IMAGE_QUOTA_EXCEEDED,
            "The account holds as many custom images as the region allows: delete some, or ask for more.",
            scope=Scope.LANE,
            seconds=900.0,
        ),
        "ImageIsImporting": busy("The image is being imported."),
        "ImportImageFailed": maybe(Reason.CLOUD_UNAVAILABLE, "The cloud could not start the import."),
    },
)
