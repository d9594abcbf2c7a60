"""The codes of OSS, where one call answers like another."""

from typing import Final

from imageferry.clouds.rows import (
    ARCHIVED,
    BAD_CALL,
    NO_KEY,
    NO_MONEY,
    NO_TOKEN,
    SKEW,
    UNAVAILABLE,
    Table,
    blocked,
    rejected,
    transient,
)
from imageferry.core.reasons import Reason

OTHER_REGION: Final = rejected(
    Reason.BUCKET_REGION_MISMATCH, "The bucket is in another region: name one of the image's region."
)
"""What AccessDenied means, too, where its text says that another endpoint must be used: only the text tells the two apart."""

_HELD_BACK: Final = blocked(Reason.NOT_AUTHORIZED, "The cloud has disabled the bucket or its owner: ask the cloud.")

OSS: Final = Table(
    calls=("GetBucketInfo", "ListObjects", "HeadObject", "GetObject", "DeleteObject"),
    source="https://www.alibabacloud.com/help/en/oss/developer-reference/error-responses",
    rows={
        "NoSuchBucket": blocked(Reason.BUCKET_NOT_FOUND, "The bucket does not exist: create it, or correct its name."),
        "NoSuchKey": transient(Reason.OBJECT_NOT_FOUND, "The file is not in the bucket."),
        "InvalidBucketName": rejected(Reason.INVALID_SPEC, "What the spec names as a bucket is no name of one."),
        "AccessDenied": blocked(
            Reason.NOT_AUTHORIZED,
            "The bucket belongs to another account, or the credentials lack a permission on it: attach the policy of the "
            "provider's page.",
        ),
        "InvalidAccessKeyId": NO_KEY,
        "SignatureDoesNotMatch": NO_KEY,
        "InvalidSecurityToken": NO_TOKEN,
        "SecurityTokenExpired": NO_TOKEN,
        "RequestTimeTooSkewed": SKEW,
        "UserDisable": NO_MONEY,
        "InDebt": NO_MONEY,
        "InDebtOverdue": NO_MONEY,
        "AccessKeyIdAndSecurityTokenNotMatch": NO_TOKEN,
        "SecurityTokenNotSupported": NO_TOKEN,
        "BucketDisable": _HELD_BACK,
        "AbnormalBucketOwnerStatus": _HELD_BACK,
        "BucketNotBelongTo": blocked(
            Reason.NOT_AUTHORIZED, "The bucket belongs to another account: name one of the credentials' own account."
        ),
        "PermanentRedirect": OTHER_REGION,
        "FileImmutable": blocked(Reason.NOT_AUTHORIZED, "The bucket's retention policy forbids to delete the file."),
        "InvalidObjectState": ARCHIVED,
        "InvalidArgument": BAD_CALL,
        "InvalidRange": BAD_CALL,
        "RequestTimeout": UNAVAILABLE,
        "InternalError": UNAVAILABLE,
        "BadErrorResponse": UNAVAILABLE,
    },
)
