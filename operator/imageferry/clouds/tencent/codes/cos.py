"""The codes of COS, where one call answers like another."""

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

NO_BUCKET: Final = "NoSuchBucket"
NO_FILE: Final = "NoSuchKey"
NOTHING: Final = "NoSuchResource"
"""What the SDK makes of a HEAD's 404, which names no code: the file or its bucket is not there."""

_NO_FILE: Final = transient(Reason.OBJECT_NOT_FOUND, "The file is not in the bucket.")
_DENIED: Final = blocked(
    Reason.NOT_AUTHORIZED,
    "The bucket belongs to another account, or the credentials lack a permission on it: attach the policy of the "
    "provider's page.",
)

COS: Final = Table(
    calls=("GetService", "HeadBucket", "GetBucket", "ListMultipartUploads", "HeadObject", "GetObject", "DeleteObject"),
    source="https://www.tencentcloud.com/document/product/436/7730",
    rows={
        NO_BUCKET: blocked(Reason.BUCKET_NOT_FOUND, "The bucket does not exist: create it, or correct its name."),
        NO_FILE: _NO_FILE,
        NOTHING: _NO_FILE,
        "NoSuchUpload": _NO_FILE,
        "InvalidBucketName": rejected(Reason.INVALID_SPEC, "What the spec names as a bucket is no name of one."),
        "AccessDenied": _DENIED,
        "InvalidAccessKeyId": NO_KEY,
        "SignatureDoesNotMatch": NO_KEY,
        "InvalidSecurity": BAD_CALL,
        "ExpiredToken": NO_TOKEN,
        "InvalidToken": NO_TOKEN,
        "RequestTimeTooSkewed": SKEW,
        "UserInDebt": NO_MONEY,
        "UserNetworkTooSlow": UNAVAILABLE,
        "RequestTimeout": UNAVAILABLE,
        "InvalidObjectState": ARCHIVED,
        "InvalidArgument": BAD_CALL,
        "InvalidRange": BAD_CALL,
        "InvalidURI": BAD_CALL,
        "KeyTooLong": rejected(Reason.INVALID_SPEC, "The name of a file is longer than COS allows."),
        "SlowDown": transient(Reason.THROTTLED, "The object store asks for fewer requests."),
        "InternalError": UNAVAILABLE,
        "ServiceUnavailable": UNAVAILABLE,
    },
)
