"""The codes of ImportImage, from its error table."""

from typing import Final

from imageferry.clouds.rows import Row, Started, Table, blocked, deferred, rejected
from imageferry.core.errors import Rejected, Scope
from imageferry.core.reasons import Reason


def _field(text: str) -> Row:
    return rejected(Reason.INVALID_SPEC, text)


QUOTA: Final = deferred(
    Reason.IMAGE_QUOTA_EXCEEDED,
    "The account holds as many custom images as the region allows: delete some, or ask for more.",
    scope=Scope.LANE,
    seconds=900.0,
)

IMPORT: Final = Table(
    calls=("ImportImage",),
    source="https://www.tencentcloud.com/document/product/213/33272",
    rows={
        "ImageQuotaLimitExceeded": QUOTA,
        # It may be our own image that bears the name: the request may have been delivered twice on its way.
        "InvalidImageName.Duplicate": Row(
            kind=Rejected,
            reason=Reason.NAME_CONFLICT,
            text="An image of the region bears the name already: choose another spec.image.name.",
            started=Started.MAYBE,
        ),
        "InvalidImageOsType.Unsupported": _field("spec.image.platform is none that the cloud imports."),
        "InvalidImageOsVersion.Unsupported": _field("spec.image.osVersion is none that the cloud imports."),
        "InvalidParameter.InvalidParameterUrlError": blocked(
            Reason.OBJECT_INVALID, "The cloud could not read a disk file by the address made for it."
        ),
        "InvalidParameterValue.ISOMustImportByForce": _field(
            "An ISO file is imported by force only: set spec.tencent.force."
        ),
        "InvalidParameterValue.InvalidBootMode": _field("spec.image.bootMode does not fit the image."),
        "InvalidParameterValue.InvalidImageFamily": _field("spec.image.family is none that the cloud accepts."),
        "InvalidParameterValue.InvalidLicenseType": _field("spec.image.licenseType is not offered for this system."),
        "InvalidParameterValue.TagKeyNotFound": blocked(
            Reason.INVALID_SPEC,
            "The cloud knows no such tag: make the keys imageferry.dev/attempt and those of spec.image.tags in its tag "
            "service.",
        ),
        "InvalidParameterValue.TooLarge": rejected(
            Reason.INVALID_SPEC, "A field of spec.image is longer than the cloud allows.", quotes=True
        ),
        "InvalidParameterValue.InvalidAppIdFormat": _field(
            "The bucket of a disk must end in the account's number, as in images-1250000000."
        ),
        "OperationDenied.InnerUserProhibitAction": blocked(
            Reason.NOT_WHITELISTED, "The account may not import images: ask the cloud."
        ),
        "RegionAbilityLimit.UnsupportedToImportImage": rejected(
            Reason.REGION_NOT_SUPPORTED, "The region does not offer image import: name another spec.region."
        ),
    },
)
