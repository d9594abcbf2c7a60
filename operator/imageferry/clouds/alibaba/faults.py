"""The table of errors: what a code means, what follows from it, and whether the task may have started all the same.

Sources: the error tables of ExportImage, DescribeTasks, DescribeTaskAttribute, CancelTask and DescribeImages
(https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-exportimage and its neighbours), the codes
common to all ECS calls, and https://www.alibabacloud.com/help/en/oss/developer-reference/error-responses for OSS.
No SDK type and no request may enter here; the texts below are what users read.
"""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from imageferry.core.errors import (
    Blocked,
    Deferred,
    Failure,
    Rejected,
    Scope,
    Transient,
)
from imageferry.core.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An answer that is an error, as the cloud wrote it. `retry_after_seconds` is the cloud's own figure, or None."""

    status: int
    code: str
    text: str
    request_id: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No connection came about: the request provably never left."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The request may have arrived, but no answer came that can be understood."""


Fault = Refused | Unreachable | Unreadable


@unique
class Started(StrEnum):
    """Whether a task may run although its submission was answered with this code."""

    NO = "No"
    MAYBE = "Maybe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A code's row. `seconds` is how long a deferral lasts; `quotes` adds the cloud's words, which hold its figures."""

    kind: type[Failure]
    reason: Reason
    text: str
    started: Started = Started.NO
    scope: Scope = Scope.SLOT
    seconds: float = 0.0
    quotes: bool = False


def _row(kind: type[Failure], reason: Reason, text: str, *, quotes: bool = False) -> Row:
    return Row(kind=kind, reason=reason, text=text, quotes=quotes)


def _maybe(reason: Reason, text: str) -> Row:
    return Row(kind=Transient, reason=reason, text=text, started=Started.MAYBE)


_NO_KEY: Final = _row(
    Blocked, Reason.CREDENTIALS_REJECTED, "The cloud does not accept the key: renew it in the Secret, or enable it."
)
_NO_TOKEN: Final = _row(
    Blocked, Reason.CREDENTIALS_REJECTED, "The cloud does not accept the security token: renew it in the Secret."
)
_NO_RIGHT: Final = _row(
    Blocked,
    Reason.NOT_AUTHORIZED,
    "The credentials lack a permission: attach the policy of the provider's page to them.",
)
_SKEW: Final = _row(
    Transient, Reason.CLOCK_SKEW, "The cloud found the request's time too far from its own: synchronise the clock."
)
_UNAVAILABLE: Final = _row(Transient, Reason.CLOUD_UNAVAILABLE, "The cloud answered with an error of its own.")
_BAD_CALL: Final = _row(Transient, Reason.INTERNAL_ERROR, "The cloud did not understand a request of the operator.")
_NO_ROLE: Final = _row(
    Blocked,
    Reason.ROLE_MISSING,
    "ECS may not write to the bucket: create the role (AliyunECSImageExportDefaultRole unless spec.roleName names another) "
    "with a trust policy for ecs.aliyuncs.com and attach AliyunECSImageExportRolePolicy.",
)
_NO_MONEY: Final = _row(Blocked, Reason.NOT_AUTHORIZED, "The cloud account is in arrears: settle its bill.")
_BUSY: Final = Row(
    kind=Deferred,
    reason=Reason.IMAGE_BUSY,
    text="Another task works on the image.",
    started=Started.MAYBE,
    scope=Scope.IMAGE,
    seconds=30.0,
)
_ENCRYPTED: Final = _row(
    Rejected, Reason.ENCRYPTED_SNAPSHOT, "The image holds encrypted snapshots, which cannot be exported."
)
_MARKETPLACE: Final = _row(
    Rejected, Reason.IMAGE_NOT_SUPPORTED, "The image comes from the marketplace, whose images cannot be exported."
)

ROWS: Final[dict[str, Row]] = {
    # ExportImage
    "MissingParameter": _BAD_CALL,
    "InvalidImageName.Malformed": _row(Rejected, Reason.INVALID_SPEC, "The cloud does not accept the image's name."),
    "InvalidOSSPrefix.Malformed": _row(
        Rejected, Reason.INVALID_SPEC, "spec.destination.prefix must be letters and digits only."
    ),
    "InvalidRegionId.NotFound": _row(
        Rejected, Reason.REGION_NOT_FOUND, "The cloud has no such region: correct spec.region."
    ),
    "InvalidRegion.NotSupport": _row(
        Rejected,
        Reason.REGION_NOT_SUPPORTED,
        "The region does not offer image export: copy the image to another region.",
    ),
    "IncorrectImageStatus": _row(
        Blocked, Reason.IMAGE_NOT_READY, "The image is not available: wait until its creation has ended."
    ),
    "InvalidImageFormat.Malformed": _row(Rejected, Reason.INVALID_SPEC, "spec.format is none that the cloud knows."),
    "InvalidImageFormat.RegionNotSupported": _row(
        Rejected, Reason.FORMAT_NOT_SUPPORTED_IN_REGION, "The region does not offer spec.format: use RAW."
    ),
    "InvalidOSSBucket.NotFound": _row(
        Blocked,
        Reason.BUCKET_NOT_FOUND,
        "The bucket does not exist in the image's region: create it, or correct its name.",
    ),
    "InvalidOSSBucket.NotMatched": _row(
        Rejected, Reason.BUCKET_REGION_MISMATCH, "The bucket does not fit the image: name one of the image's region."
    ),
    "InvalidOSSObject.NeedRestore": _row(
        Blocked, Reason.OBJECT_INVALID, "An archived file must be restored in the bucket first."
    ),
    "OperationDenied": _row(Rejected, Reason.IMAGE_NOT_SUPPORTED, "The cloud does not export this image.", quotes=True),
    "InvalidImage.DiskAmountOrSize": _row(
        Rejected,
        Reason.TOO_MANY_DISKS,
        "The image holds more than 4 data disks, or one of more than 500 GiB.",
        quotes=True,
    ),
    "ImageNotSupported": _MARKETPLACE,
    "InvalidImageLicense.NotSupported": _row(
        Rejected, Reason.LICENSE_NOT_EXPORTABLE, "The licence of the image's system forbids its export."
    ),
    "InvalidImageCategory.NotSupported": _row(
        Rejected, Reason.IMAGE_NOT_SUPPORTED, "The cloud exports custom images only."
    ),
    "UserNotInTheWhiteList": _row(
        Blocked, Reason.NOT_WHITELISTED, "The account may not export images: open a ticket at the cloud to enable it."
    ),
    "ImageIsExporting": _BUSY,
    "ImageIsImporting": _BUSY,
    # The documents spell it with one c in the tables and with two in prose.
    "NoSetRoletoECSServiceAcount": _NO_ROLE,
    "NoSetRoletoECSServiceAccount": _NO_ROLE,
    "InvalidOSS.NotAuthorized": _row(
        Blocked,
        Reason.ROLE_PERMISSION_MISSING,
        "The role may not write to the bucket: attach AliyunECSImageExportRolePolicy to it.",
    ),
    "InvalidOSSBucket.EncryptUnsupported": _row(
        Blocked,
        Reason.BUCKET_ENCRYPTED,
        "The bucket encrypts on the server's side, which export does not support: name another bucket.",
    ),
    "ConcurrentQuotaExceed.ExportImage": Row(
        kind=Deferred,
        reason=Reason.CONCURRENT_QUOTA_EXCEEDED,
        text="As many exports run as the cloud allows at one time.",
        scope=Scope.SLOT,
        seconds=60.0,
        quotes=True,
    ),
    "WeeklyQuotaExceed.ExportImage": Row(
        kind=Deferred,
        reason=Reason.WEEKLY_QUOTA_EXCEEDED,
        text="As many images were exported this week as the cloud allows.",
        scope=Scope.LANE,
        seconds=3600.0,
        quotes=True,
    ),
    "ExportImageFailed": _maybe(Reason.CLOUD_UNAVAILABLE, "The cloud could not start the export."),
    "ImportImageFailed": _maybe(Reason.CLOUD_UNAVAILABLE, "The cloud could not start the import."),
    "InvalidImageName.Duplicated": _maybe(Reason.NAME_CONFLICT, "An image bears the name already."),
    "InvalidImageId.NotFound": _row(
        Rejected, Reason.IMAGE_NOT_FOUND, "The image does not exist in this account and region."
    ),
    "DryRunOperation": _BAD_CALL,
    "DRYRUN.SUCCESS": _BAD_CALL,
    # DescribeTasks, DescribeTaskAttribute, CancelTask
    "InvalidTaskId.NotFound": _row(Transient, Reason.TASK_LOST, "The cloud does not know the task."),
    "InvalidTaskId.IncorrectTaskStatus": _row(
        Transient, Reason.CLOUD_UNAVAILABLE, "The task cannot be cancelled any more."
    ),
    "InvalidTaskId.TaskActionNotSupport": _row(
        Transient, Reason.CLOUD_UNAVAILABLE, "The cloud does not cancel this task."
    ),
    "CancelTaskFailed": _row(Transient, Reason.CLOUD_UNAVAILABLE, "The cloud could not cancel the task."),
    # common to all calls
    "SignatureNonceUsed": _maybe(Reason.CLOUD_UNAVAILABLE, "The cloud has seen this request before."),
    "LastTokenProcessing": _maybe(Reason.CLOUD_UNAVAILABLE, "The cloud is still at work on this request."),
    "IdempotentParameterMismatch": _maybe(Reason.CLOUD_UNAVAILABLE, "The cloud has seen this client token before."),
    "IncompleteSignature": _NO_KEY,
    "SignatureDoesNotMatch": _NO_KEY,
    "InvalidAccessKeyId": _NO_KEY,
    "InvalidAccessKeyId.NotFound": _NO_KEY,
    "InvalidAccessKeyId.Inactive": _NO_KEY,
    "Forbidden.AccessKeyDisabled": _NO_KEY,
    "InvalidCredentials": _NO_KEY,
    "InvalidSecurityToken": _NO_TOKEN,
    "InvalidSecurityToken.Expired": _NO_TOKEN,
    "InvalidSecurityToken.Malformed": _NO_TOKEN,
    "InvalidSecurityToken.MismatchWithAccessKey": _NO_TOKEN,
    "SecurityTokenExpired": _NO_TOKEN,
    "InvalidTimeStamp.Expired": _SKEW,
    "InvalidTimeStamp.Format": _BAD_CALL,
    "RequestTimeTooSkewed": _SKEW,
    "Forbidden": _NO_RIGHT,
    "Forbidden.RAM": _NO_RIGHT,
    "Forbidden.Unauthorized": _NO_RIGHT,
    "Forbidden.SubUser": _NO_RIGHT,
    "NoPermission": _NO_RIGHT,
    "Forbidden.RiskControl": _row(
        Blocked, Reason.NOT_AUTHORIZED, "The cloud's risk control holds the account back: ask the cloud."
    ),
    "InsufficientBalance": _NO_MONEY,
    "Account.Arrearage": _NO_MONEY,
    "InvalidParameter": _BAD_CALL,
    "UnsupportedParameter": _BAD_CALL,
    "InvalidAction": _BAD_CALL,
    "InvalidAction.NotFound": _BAD_CALL,
    "OperationConflict": _UNAVAILABLE,
    "InternalError": _UNAVAILABLE,
    "ServiceUnavailable": _UNAVAILABLE,
    "ServiceUnavailable.RegionMaintaining": _row(
        Transient, Reason.CLOUD_UNAVAILABLE, "The region is under maintenance."
    ),
    # OSS
    "NoSuchBucket": _row(
        Blocked, Reason.BUCKET_NOT_FOUND, "The bucket does not exist: create it, or correct its name."
    ),
    "NoSuchKey": _row(Transient, Reason.OBJECT_NOT_FOUND, "The file is not in the bucket."),
    "InvalidBucketName": _row(Rejected, Reason.INVALID_SPEC, "spec.destination.bucket is no name of a bucket."),
    "AccessDenied": _row(
        Blocked,
        Reason.NOT_AUTHORIZED,
        "The bucket belongs to another account, or the credentials lack a permission on it: attach the policy of the "
        "provider's page.",
    ),
    "UserDisable": _NO_MONEY,
    "FileImmutable": _row(Blocked, Reason.NOT_AUTHORIZED, "The bucket's retention policy forbids to delete the file."),
    "InvalidArgument": _BAD_CALL,
    "InvalidRange": _BAD_CALL,
    "InvalidObjectState": _row(
        Blocked, Reason.OBJECT_INVALID, "An archived file must be restored in the bucket first."
    ),
    "RequestTimeout": _UNAVAILABLE,
    "BadErrorResponse": _UNAVAILABLE,
}
"""Every documented code of the calls in use. `_row` means: the task has not started."""

ROWS_BY_STATUS: Final[dict[tuple[str, int], Row]] = {
    # One code, two causes, told apart by the status in the error table of ExportImage.
    ("ImageNotSupported", 400): _ENCRYPTED,
    ("ImageNotSupported", 403): _MARKETPLACE,
}

_WRONG_ENDPOINT: Final = "must be addressed using the specified endpoint"
_OTHER_REGION: Final = _row(
    Rejected, Reason.BUCKET_REGION_MISMATCH, "The bucket is in another region: name one of the image's region."
)


def row(refused: Refused) -> Row:
    """The row of a code; what the table does not name is an error of the cloud's own."""
    if refused.code == "AccessDenied" and _WRONG_ENDPOINT in refused.text:
        return _OTHER_REGION
    return ROWS_BY_STATUS.get((refused.code, refused.status)) or ROWS.get(refused.code, _UNAVAILABLE)
