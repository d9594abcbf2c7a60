"""The codes of the calls about images that exist, and about what can be imported."""

from typing import Final

from imageferry.clouds.rows import BAD_CALL, Table, blocked, busy, rejected
from imageferry.core.reasons import Reason

IMAGES: Final = Table(
    calls=("DescribeImages", "DescribeRegions", "DescribeImageQuota", "DescribeImportImageOs", "DeleteImages"),
    source="https://www.tencentcloud.com/document/product/213/33276",
    rows={
        "InvalidImageId.Malformed": rejected(Reason.INVALID_SPEC, "spec.source.imageID is no id of an image."),
        "InvalidImageId.NotFound": rejected(
            Reason.IMAGE_NOT_FOUND, "The image does not exist in this account and region."
        ),
        "InvalidImageId.IncorrectState": busy("The image is in the making."),
        "InvalidImageId.InShared": blocked(
            Reason.IMAGE_BUSY, "The image is shared: end the sharing, or set spec.deletionPolicy to Retain."
        ),
        "InvalidImageId.TooLarge": BAD_CALL,
        "InvalidFilter": BAD_CALL,
        "InvalidFilterValue.LimitExceeded": BAD_CALL,
        "InvalidParameter.InvalidParameterCoexistImageIdsFilters": BAD_CALL,
        "InvalidParameterValue.LimitExceeded": BAD_CALL,
    },
)
