"""The codes common to all calls of the API (CVM, STS, CAM), and those of the latter two's own."""

from typing import Final

from imageferry.clouds.rows import (
    BAD_CALL,
    NO_KEY,
    NO_MONEY,
    NO_RIGHT,
    NO_TOKEN,
    SKEW,
    Row,
    Table,
    blocked,
    maybe,
    rejected,
    transient,
)
from imageferry.core.reasons import Reason

UNCLEAR: Final = maybe(Reason.CLOUD_UNAVAILABLE, "The cloud answered with an error of its own.")
"""What proves nothing about a submission: an error of the cloud's own, and every code that no document names."""

_THROTTLED: Final = transient(Reason.THROTTLED, "The cloud asks for fewer requests.")
_IN_USE: Final = maybe(Reason.CLOUD_UNAVAILABLE, "The cloud is at work on what the request is about.")

NO_REGION: Final = rejected(Reason.REGION_NOT_FOUND, "The cloud has no such region: correct spec.region.")

NO_ROLE: Final = "InvalidParameter.RoleNotExist"

COMMON: Final = Table(
    calls=("every call of CVM, STS and CAM",),
    source="https://www.tencentcloud.com/document/product/213/33281",
    rows={
        "AuthFailure": NO_KEY,
        "AuthFailure.InvalidAuthorization": BAD_CALL,
        "AuthFailure.InvalidSecretId": NO_KEY,
        "AuthFailure.MFAFailure": blocked(
            Reason.CREDENTIALS_REJECTED, "The cloud asks for a second factor: use a key that needs none."
        ),
        "AuthFailure.SecretIdNotFound": NO_KEY,
        "AuthFailure.SignatureExpire": SKEW,
        "AuthFailure.SignatureFailure": NO_KEY,
        "AuthFailure.TokenFailure": NO_TOKEN,
        "AuthFailure.UnauthorizedOperation": NO_RIGHT,
        "UnauthorizedOperation": NO_RIGHT,
        "UnauthorizedOperation.CamNoAuth": NO_RIGHT,
        "UnauthorizedOperation.MFAExpired": NO_RIGHT,
        "UnauthorizedOperation.MFANotFound": NO_RIGHT,
        "UnauthorizedOperation.NotHavePayment": NO_MONEY,
        "DryRunOperation": BAD_CALL,
        "FailedOperation": UNCLEAR,
        "InternalError": UNCLEAR,
        "InternalServerError": UNCLEAR,
        "ResourceUnavailable": UNCLEAR,
        "ResourceInUse": _IN_USE,
        "MutexOperation.TaskRunning": _IN_USE,
        "InvalidAction": BAD_CALL,
        "InvalidParameter": BAD_CALL,
        "InvalidParameterValue": BAD_CALL,
        "InvalidParameterCoexist": BAD_CALL,
        "MissingParameter": BAD_CALL,
        "UnknownParameter": BAD_CALL,
        "NoSuchVersion": BAD_CALL,
        "UnsupportedProtocol": BAD_CALL,
        "UnsupportedOperation": rejected(
            Reason.IMAGE_NOT_SUPPORTED, "The cloud does not do this with the image.", quotes=True
        ),
        "UnsupportedRegion": NO_REGION,
        "InvalidRegion.NotFound": NO_REGION,
        "LimitExceeded": transient(Reason.THROTTLED, "A limit of the cloud is reached."),
        "ResourceNotFound": transient(Reason.CLOUD_UNAVAILABLE, "What the request is about is not there."),
        "RequestLimitExceeded": _THROTTLED,
        "RequestLimitExceeded.UinLimitExceeded": _THROTTLED,
        "RequestLimitExceeded.GlobalRegionUinLimitExceeded": _THROTTLED,
    },
)

FAMILIES: Final[dict[str, Row]] = {
    "AuthFailure": NO_KEY,
    "UnauthorizedOperation": NO_RIGHT,
    "RequestLimitExceeded": _THROTTLED,
    "FailedOperation": UNCLEAR,
    "InternalError": UNCLEAR,
    "ResourceUnavailable": UNCLEAR,
}
"""What a code means that no table names, by its first word, where every code of that word means the same."""

CAM: Final = Table(
    calls=("GetRole", "ListAttachedRolePolicies", "GetPolicy"),
    source="https://www.tencentcloud.com/document/product/598/33561",
    rows={
        NO_ROLE: blocked(
            Reason.ROLE_MISSING, "The role does not exist in the cloud account: create it, or correct spec.roleName."
        ),
        "InvalidParameter.ParamError": BAD_CALL,
        "ResourceNotFound.PolicyIdNotFound": transient(
            Reason.ROLE_PERMISSION_MISSING, "A policy of the role went away while it was read."
        ),
    },
)
