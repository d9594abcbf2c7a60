"""The codes of ExportImages, from its error table."""

from typing import Final

from imageferry.clouds.rows import Table, blocked, busy, deferred, rejected
from imageferry.core.errors import Scope
from imageferry.core.reasons import Reason

_NO_IMAGE: Final = rejected(Reason.IMAGE_NOT_FOUND, "The image does not exist in this account and region.")

EXPORT: Final = Table(
    calls=("ExportImages",),
    source="https://www.tencentcloud.com/document/product/213/47859",
    rows={
        "InvalidImageId.Malformed": rejected(Reason.INVALID_SPEC, "spec.source.imageID is no id of an image."),
        "InvalidImageId.NotFound": _NO_IMAGE,
        "InvalidParameterValue.InvalidImageId": _NO_IMAGE,
        "InvalidParameter.ImageIdsSnapshotIdsMustOne": rejected(
            Reason.INVALID_SPEC, "The cloud takes one image at a time."
        ),
        "InvalidParameterValue.InvalidFileNamePrefixList": rejected(
            Reason.INVALID_SPEC, "spec.destination.prefix is none that the cloud accepts."
        ),
        "InvalidParameterValue.InvalidAppIdFormat": rejected(
            Reason.INVALID_SPEC, "spec.destination.bucket must end in the account's number, as in images-1250000000."
        ),
        "InvalidParameterValue.InvalidImageOsName": rejected(
            Reason.IMAGE_NOT_SUPPORTED, "The image's system is none that the cloud exports."
        ),
        "InvalidParameterValue.LimitExceeded": rejected(
            Reason.INVALID_SPEC, "A parameter is beyond what the cloud allows.", quotes=True
        ),
        "InvalidParameterValue.TooLarge": rejected(
            Reason.INVALID_SPEC, "A parameter is longer than the cloud allows.", quotes=True
        ),
        "InvalidParameterValue.BucketNotFound": blocked(
            Reason.BUCKET_NOT_FOUND,
            "The bucket does not exist in the image's region: create it, or correct its name.",
        ),
        "InvalidParameterValue.InvalidBucketPermissionForExport": blocked(
            Reason.ROLE_PERMISSION_MISSING, "The role may not write to the bucket: attach a policy that grants it."
        ),
        "AuthFailure.CamRoleNameAuthenticateFailed": blocked(
            Reason.ROLE_MISSING,
            "CVM may not take on the role: create it (CVM_QcsRole unless spec.roleName names another) with a trust policy for "
            "the service CVM and the right to write to COS.",
        ),
        "InvalidParameterValue.MissingLocationCosEndpoint": blocked(
            Reason.REGION_NOT_SUPPORTED,
            "The region has no object store that CVM can export to: copy the image elsewhere.",
        ),
        "InvalidParameterValue.InvalidImageState": busy("Another task works on the image."),
        "LimitExceeded.ExportImageTaskLimitExceeded": deferred(
            Reason.CONCURRENT_QUOTA_EXCEEDED,
            "As many exports run as the cloud allows at one time.",
            scope=Scope.SLOT,
            seconds=60.0,
        ),
        "UnsupportedOperation.EncryptedImagesNotSupported": rejected(
            Reason.ENCRYPTED_SNAPSHOT, "The image is encrypted and cannot be exported."
        ),
        "UnsupportedOperation.ImageTooLargeExportUnsupported": rejected(
            Reason.DISK_TOO_LARGE, "A disk of the image is larger than the cloud exports (500 GB)."
        ),
        "UnsupportedOperation.MarketImageExportUnsupported": rejected(
            Reason.IMAGE_NOT_SUPPORTED, "The image comes from the marketplace, whose images cannot be exported."
        ),
        "UnsupportedOperation.PublicImageExportUnsupported": rejected(
            Reason.IMAGE_NOT_OWNED, "The image is public: only custom images can be exported."
        ),
        "UnsupportedOperation.RedHatImageExportUnsupported": rejected(
            Reason.LICENSE_NOT_EXPORTABLE, "The image holds Red Hat, whose licence forbids its export."
        ),
        "UnsupportedOperation.SharedImageExportUnsupported": rejected(
            Reason.IMAGE_NOT_OWNED, "The image is shared with the account: only its owner can export it."
        ),
        "UnsupportedOperation.WindowsImageExportUnsupported": rejected(
            Reason.LICENSE_NOT_EXPORTABLE, "The image holds Windows, whose licence forbids its export."
        ),
    },
)
