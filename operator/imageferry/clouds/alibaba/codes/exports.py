"""The codes of ExportImage: its error table, and those that only its prose or the table of ImportImage names."""

from typing import Final

from imageferry.clouds.rows import (
    ARCHIVED,
    BAD_CALL,
    Table,
    blocked,
    busy,
    deferred,
    maybe,
    rejected,
)
from imageferry.core.errors import Scope
from imageferry.core.reasons import Reason

_NO_ROLE: Final = blocked(
    Reason.ROLE_MISSING,
    "ECS may not write to the bucket: create the role (AliyunECSImageExportDefaultRole unless spec.roleName names another) "
    "with a trust policy for ecs.aliyuncs.com and attach AliyunECSImageExportRolePolicy.",
)
_ENCRYPTED: Final = rejected(
    Reason.ENCRYPTED_SNAPSHOT, "The image holds encrypted snapshots, which cannot be exported."
)
_MARKETPLACE: Final = rejected(
    Reason.IMAGE_NOT_SUPPORTED, "The image comes from the marketplace, whose images cannot be exported."
)

EXPORT: Final = Table(
    calls=("ExportImage",),
    source="https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-exportimage",
    rows={
        "MissingParameter": BAD_CALL,
        "InvalidImageName.Malformed": rejected(Reason.INVALID_SPEC, "The cloud does not accept the image's name."),
        "InvalidOSSPrefix.Malformed": rejected(
            Reason.INVALID_SPEC, "spec.destination.prefix must be letters and digits only."
        ),
        "InvalidRegionId.NotFound": rejected(
            Reason.REGION_NOT_FOUND, "The cloud has no such region: correct spec.region."
        ),
        "InvalidRegion.NotSupport": rejected(
            Reason.REGION_NOT_SUPPORTED, "The region does not offer image export: copy the image to another region."
        ),
        "IncorrectImageStatus": blocked(
            Reason.IMAGE_NOT_READY, "The image is not available: wait until its creation has ended."
        ),
        "InvalidImageFormat.Malformed": rejected(Reason.INVALID_SPEC, "spec.format is none that the cloud knows."),
        "InvalidImageFormat.RegionNotSupported": rejected(
            Reason.FORMAT_NOT_SUPPORTED_IN_REGION, "The region does not offer spec.format: use RAW."
        ),
        "InvalidOSSBucket.NotFound": blocked(
            Reason.BUCKET_NOT_FOUND,
            "The bucket does not exist in the image's region: create it, or correct its name.",
        ),
        "InvalidOSSBucket.NotMatched": rejected(
            Reason.BUCKET_REGION_MISMATCH, "The bucket does not fit the image: name one of the image's region."
        ),
        "InvalidOSSObject.NeedRestore": ARCHIVED,
        "OperationDenied": rejected(Reason.IMAGE_NOT_SUPPORTED, "The cloud does not export this image.", quotes=True),
        "InvalidImage.DiskAmountOrSize": rejected(
            Reason.TOO_MANY_DISKS, "The image holds more than 4 data disks, or one of more than 500 GiB.", quotes=True
        ),
        "ImageNotSupported": _MARKETPLACE,
        "InvalidImageLicense.NotSupported": rejected(
            Reason.LICENSE_NOT_EXPORTABLE, "The licence of the image's system forbids its export."
        ),
        "InvalidImageCategory.NotSupported": rejected(
            Reason.IMAGE_NOT_SUPPORTED, "The cloud exports custom images only."
        ),
        "UserNotInTheWhiteList": blocked(
            Reason.NOT_WHITELISTED, "The account may not export images: open a ticket at the cloud to enable it."
        ),
        "ImageIsExporting": busy("The image is being exported."),
        # The documents spell it with one c in the tables and with two in prose.
        "NoSetRoletoECSServiceAcount": _NO_ROLE,
        "NoSetRoletoECSServiceAccount": _NO_ROLE,
        "InvalidOSS.NotAuthorized": blocked(
            Reason.ROLE_PERMISSION_MISSING,
            "The role may not write to the bucket: attach AliyunECSImageExportRolePolicy to it.",
        ),
        "InvalidOSSBucket.EncryptUnsupported": blocked(
            Reason.BUCKET_ENCRYPTED,
            "The bucket encrypts on the server's side, which export does not support: name another bucket.",
        ),
        "ConcurrentQuotaExceed.ExportImage": deferred(
            Reason.CONCURRENT_QUOTA_EXCEEDED,
            "As many exports run as the cloud allows at one time.",
            scope=Scope.SLOT,
            seconds=60.0,
        ),
        "WeeklyQuotaExceed.ExportImage": deferred(
            Reason.WEEKLY_QUOTA_EXCEEDED,
            "As many images were exported this week as the cloud allows.",
            scope=Scope.LANE,
            seconds=3600.0,
        ),
        "ExportImageFailed": maybe(Reason.CLOUD_UNAVAILABLE, "The cloud could not start the export."),
        "InvalidImageId.NotFound": rejected(
            Reason.IMAGE_NOT_FOUND, "The image does not exist in this account and region."
        ),
        "DryRunOperation": BAD_CALL,
        "DRYRUN.SUCCESS": BAD_CALL,
    },
    by_status={
        # One code, two causes, told apart by the status in the error table.
        ("ImageNotSupported", 400): _ENCRYPTED,
        ("ImageNotSupported", 403): _MARKETPLACE,
    },
)
