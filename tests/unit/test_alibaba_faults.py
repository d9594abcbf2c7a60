"""Every documented code has its row, and the row says what design and documents say."""

import re

import pytest

from imageferry.clouds.alibaba.faults import TABLES, documented, row
from imageferry.clouds.alibaba.verdicts import ended, reading, submitting
from imageferry.clouds.faults import Refused, Unreachable, Unreadable
from imageferry.clouds.rows import Started
from imageferry.clouds.verdicts import clean
from imageferry.core.errors import (
    MESSAGE_LIMIT,
    Blocked,
    Deferred,
    Failure,
    Rejected,
    Scope,
    Throttled,
    Transient,
    Unconfirmed,
    Unsent,
)
from imageferry.core.reasons import Reason

Expected = tuple[type[Failure], Reason]

EXPORT_IMAGE: dict[tuple[int, str], Expected] = {
    (400, "InvalidImageName.Malformed"): (Rejected, Reason.INVALID_SPEC),
    (400, "InvalidOSSPrefix.Malformed"): (Rejected, Reason.INVALID_SPEC),
    (400, "InvalidRegionId.NotFound"): (Rejected, Reason.REGION_NOT_FOUND),
    (400, "InvalidRegion.NotSupport"): (Rejected, Reason.REGION_NOT_SUPPORTED),
    (400, "IncorrectImageStatus"): (Blocked, Reason.IMAGE_NOT_READY),
    (400, "InvalidImageFormat.Malformed"): (Rejected, Reason.INVALID_SPEC),
    (400, "InvalidOSSBucket.NotFound"): (Blocked, Reason.BUCKET_NOT_FOUND),
    (400, "OperationDenied"): (Rejected, Reason.IMAGE_NOT_SUPPORTED),
    (400, "InvalidImage.DiskAmountOrSize"): (Rejected, Reason.TOO_MANY_DISKS),
    (400, "ImageNotSupported"): (Rejected, Reason.ENCRYPTED_SNAPSHOT),
    (400, "InvalidOSSBucket.NotMatched"): (Rejected, Reason.BUCKET_REGION_MISMATCH),
    (403, "ImageNotSupported"): (Rejected, Reason.IMAGE_NOT_SUPPORTED),
    (403, "ImageIsExporting"): (Deferred, Reason.IMAGE_BUSY),
    (403, "ExportImageFailed"): (Transient, Reason.CLOUD_UNAVAILABLE),
    (403, "UserNotInTheWhiteList"): (Blocked, Reason.NOT_WHITELISTED),
    (403, "NoSetRoletoECSServiceAcount"): (Blocked, Reason.ROLE_MISSING),
    (403, "ConcurrentQuotaExceed.ExportImage"): (Deferred, Reason.CONCURRENT_QUOTA_EXCEEDED),
    (403, "WeeklyQuotaExceed.ExportImage"): (Deferred, Reason.WEEKLY_QUOTA_EXCEEDED),
    (403, "InvalidImageLicense.NotSupported"): (Rejected, Reason.LICENSE_NOT_EXPORTABLE),
    (403, "InvalidOSSBucket.EncryptUnsupported"): (Blocked, Reason.BUCKET_ENCRYPTED),
    (404, "InvalidImageId.NotFound"): (Rejected, Reason.IMAGE_NOT_FOUND),
    # what newer versions of the page and its prose name besides
    (400, "MissingParameter"): (Transient, Reason.INTERNAL_ERROR),
    (400, "InvalidImageFormat.RegionNotSupported"): (Rejected, Reason.FORMAT_NOT_SUPPORTED_IN_REGION),
    (400, "InvalidOSSObject.NeedRestore"): (Blocked, Reason.OBJECT_INVALID),
    (400, "DryRunOperation"): (Transient, Reason.INTERNAL_ERROR),
    (400, "DRYRUN.SUCCESS"): (Transient, Reason.INTERNAL_ERROR),
    (403, "NoSetRoletoECSServiceAccount"): (Blocked, Reason.ROLE_MISSING),
    (403, "InvalidOSS.NotAuthorized"): (Blocked, Reason.ROLE_PERMISSION_MISSING),
    (403, "InvalidImageCategory.NotSupported"): (Rejected, Reason.IMAGE_NOT_SUPPORTED),
}
"""The error table of ExportImage, status and code, and what each means."""

_FIELD: Expected = (Rejected, Reason.INVALID_SPEC)
_FILE: Expected = (Rejected, Reason.OBJECT_INVALID)

IMPORT_IMAGE: dict[tuple[int, str], Expected] = {
    (400, "InvalidImageName.Malformed"): _FIELD,
    (400, "InvalidImageName.Duplicated"): (Rejected, Reason.NAME_CONFLICT),
    (400, "InvalidDescription.Malformed"): _FIELD,
    (400, "InvalidArchitecture.Malformed"): _FIELD,
    (400, "InvalidPlatform.Malformed"): _FIELD,
    (400, "InvalidOSType.Malformed"): _FIELD,
    (400, "InvalidBootMode.Malformed"): _FIELD,
    (400, "InvalidBootMode.NotSupport"): _FIELD,
    (400, "InvalidLicenseType.NotSupported"): _FIELD,
    (400, "InvalidLicenseType.BYOLOnly"): _FIELD,
    (400, "InvalidParameter.DetectionStrategy"): _FIELD,
    (400, "InvalidParameter.FeaturesImdsSupport"): _FIELD,
    (400, "InvalidClientToken.Malformed"): (Transient, Reason.INTERNAL_ERROR),
    (400, "InvalidImageSize"): _FIELD,
    (400, "InvalidDataDiskSize"): _FIELD,
    (400, "InvalidOSSObject.NotFound"): (Blocked, Reason.OBJECT_NOT_FOUND),
    (400, "InvalidOSSObject.Malformed"): _FIELD,
    (400, "InvalidOSSObject.Size"): (Blocked, Reason.OBJECT_INVALID),
    (400, "InvalidOSSObject.NeedRestore"): (Blocked, Reason.OBJECT_INVALID),
    (400, "UnsupportedSuffix.OSSObject"): _FILE,
    (400, "InvalidOSSBucket.Malformed"): _FIELD,
    (400, "InvalidOSSBucket.FlowLimit"): (Transient, Reason.THROTTLED),
    (400, "InvalidOSSBucket.NotFound"): (Blocked, Reason.BUCKET_NOT_FOUND),
    (400, "InvalidOSSBucket.NotMatched"): (Rejected, Reason.BUCKET_REGION_MISMATCH),
    (400, "InvalidImageFormat.Malformed"): _FIELD,
    (400, "InvalidRegion.NotSupport"): (Rejected, Reason.REGION_NOT_SUPPORTED),
    (400, "DRYRUN.SUCCESS"): (Transient, Reason.INTERNAL_ERROR),
    (400, "Account.Arrearage"): (Blocked, Reason.NOT_AUTHORIZED),
    (403, "ImageIsImporting"): (Deferred, Reason.IMAGE_BUSY),
    (403, "QuotaExceed.Image"): (Deferred, Reason.IMAGE_QUOTA_EXCEEDED),
    (403, "ImportImageFailed"): (Transient, Reason.CLOUD_UNAVAILABLE),
    (403, "UserNotInTheWhiteList"): (Blocked, Reason.NOT_WHITELISTED),
    (403, "MissingParameter.DiskDeviceMapping"): (Transient, Reason.INTERNAL_ERROR),
    (403, "InvalidBlockSize.NotSupport"): _FILE,
    (403, "InvalidVHDImage.IncorrectSize"): _FILE,
    (403, "ImageCheckUnsupported.WindowsImage"): _FIELD,
    (403, "InvalidArchitecture.PlatformUnsupported"): _FIELD,
    (403, "InvalidAccountStatus.OSSDisabled"): (Blocked, Reason.NOT_AUTHORIZED),
    (403, "TagKey.Duplication"): _FIELD,
    (403, "NoSetRoletoECSServiceAcount"): (Blocked, Reason.ROLE_MISSING),
    (403, "InvalidOSS.NotAuthorized"): (Blocked, Reason.ROLE_PERMISSION_MISSING),
    (403, "InvalidOSSBucket.EncryptUnsupported"): (Blocked, Reason.BUCKET_ENCRYPTED),
    (404, "InvalidResourceGroup.NotFound"): _FIELD,
    # what newer versions of the page and its prose name besides
    (400, "InvalidImageFormat.RegionNotSupported"): (Rejected, Reason.FORMAT_NOT_SUPPORTED_IN_REGION),
    (403, "ConcurrentQuotaExceed.ImportImage"): (Deferred, Reason.CONCURRENT_QUOTA_EXCEEDED),
    (403, "InvalidOperation.CloudBoxImageImportUnsupported"): (Transient, Reason.INTERNAL_ERROR),
    (403, "InvalidOperation.CloudBoxImageImportRoleRequired"): (Transient, Reason.INTERNAL_ERROR),
}
"""The same for ImportImage."""

_AGAIN: Expected = (Transient, Reason.CLOUD_UNAVAILABLE)
_OURS: Expected = (Transient, Reason.INTERNAL_ERROR)
_NO_KEY: Expected = (Blocked, Reason.CREDENTIALS_REJECTED)
_NO_RIGHT: Expected = (Blocked, Reason.NOT_AUTHORIZED)

OTHERS: dict[tuple[str, str], Expected] = {
    ("DescribeTasks", "MissingParameter"): _OURS,
    ("DescribeTasks", "InvalidRegionId.NotFound"): (Rejected, Reason.REGION_NOT_FOUND),
    ("DescribeTaskAttribute", "InvalidTaskId.NotFound"): (Transient, Reason.TASK_LOST),
    ("CancelTask", "InvalidTaskId.TaskActionNotSupport"): _AGAIN,
    ("CancelTask", "InvalidTaskId.IncorrectTaskStatus"): _AGAIN,
    ("CancelTask", "CancelTaskFailed"): _AGAIN,
    ("DescribeImages", "InvalidRegionId.NotFound"): (Rejected, Reason.REGION_NOT_FOUND),
    ("DeleteImage", "ImageUsingByInstance"): (Blocked, Reason.IMAGE_BUSY),
    ("DeleteImage", "ImageUseShared"): (Blocked, Reason.IMAGE_BUSY),
    ("DeleteImage", "ImageIsImporting"): (Deferred, Reason.IMAGE_BUSY),
    ("DeleteImage", "ImageIsExporting"): (Deferred, Reason.IMAGE_BUSY),
    ("DeleteImage", "OperationDenied.ImageCopying"): (Deferred, Reason.IMAGE_BUSY),
    ("DeleteSnapshot", "SnapshotCreatedImage"): (Blocked, Reason.IMAGE_BUSY),
    ("DeleteSnapshot", "SnapshotCreatedDisk"): (Blocked, Reason.IMAGE_BUSY),
    ("DeleteSnapshot", "InvalidSnapshotId.NotFound"): (Transient, Reason.OUTPUT_MISSING),
    ("DescribeSnapshots", "InvalidSnapshotIds.Malformed"): _OURS,
    ("TagResources", "InvalidResourceId.NotFound"): (Transient, Reason.OUTPUT_MISSING),
    ("TagResources", "OperationDenied.QuotaExceed"): (Blocked, Reason.IMAGE_BUSY),
    ("TagResources", "InvalidResourceType.NotFound"): _OURS,
    ("TagResources", "InvalidTagKey.Malformed"): _OURS,
    ("TagResources", "InvalidTagValue.Malformed"): _OURS,
    ("GetRole", "EntityNotExist.Role"): (Blocked, Reason.ROLE_MISSING),
    ("GetRole", "NoPermission"): _NO_RIGHT,
    ("GetBucketInfo", "NoSuchBucket"): (Blocked, Reason.BUCKET_NOT_FOUND),
    ("GetBucketInfo", "AccessDenied"): _NO_RIGHT,
    ("HeadObject", "NoSuchKey"): (Transient, Reason.OBJECT_NOT_FOUND),
    ("HeadObject", "PermanentRedirect"): (Rejected, Reason.BUCKET_REGION_MISMATCH),
    ("ListObjects", "BucketNotBelongTo"): _NO_RIGHT,
    ("ListObjects", "BucketDisable"): _NO_RIGHT,
    ("ListObjects", "AbnormalBucketOwnerStatus"): _NO_RIGHT,
    ("GetObject", "UserDisable"): _NO_RIGHT,
    ("GetObject", "InDebt"): _NO_RIGHT,
    ("GetObject", "InDebtOverdue"): _NO_RIGHT,
    ("GetObject", "InvalidObjectState"): (Blocked, Reason.OBJECT_INVALID),
    ("DeleteObject", "FileImmutable"): _NO_RIGHT,
    ("GetObject", "AccessKeyIdAndSecurityTokenNotMatch"): _NO_KEY,
    ("GetObject", "SecurityTokenNotSupported"): _NO_KEY,
    ("GetObject", "InvalidAccessKeyId"): _NO_KEY,
    ("GetObject", "SecurityTokenExpired"): _NO_KEY,
    ("GetObject", "RequestTimeTooSkewed"): (Transient, Reason.CLOCK_SKEW),
    ("every call", "IncompleteSignature"): _NO_KEY,
    ("every call", "InvalidAccessKeyId.NotFound"): _NO_KEY,
    ("every call", "SignatureNonceUsed"): _AGAIN,
    ("every call", "IdempotentParameterMismatch"): _AGAIN,
    ("every call", "InsufficientBalance"): _NO_RIGHT,
    ("every call", "MissingParameter"): _OURS,
    ("every call", "InvalidParameter"): _OURS,
    ("every call", "UnsupportedParameter"): _OURS,
    ("every call", "Forbidden.RAM"): _NO_RIGHT,
    ("every call", "Forbidden.Unauthorized"): _NO_RIGHT,
    ("every call", "Forbidden.SubUser"): _NO_RIGHT,
    ("every call", "Forbidden.AccessKeyDisabled"): _NO_KEY,
    ("every call", "Forbidden.RiskControl"): _NO_RIGHT,
    ("every call", "InvalidAction"): _OURS,
    ("every call", "LastTokenProcessing"): _AGAIN,
    ("every call", "InvalidRegionId.NotFound"): (Rejected, Reason.REGION_NOT_FOUND),
    ("every call", "OperationConflict"): _AGAIN,
    ("every call", "InternalError"): _AGAIN,
    ("every call", "ServiceUnavailable"): _AGAIN,
    ("every call", "ServiceUnavailable.RegionMaintaining"): _AGAIN,
    ("every call", "SignatureDoesNotMatch"): _NO_KEY,
    ("every call", "InvalidSecurityToken.Expired"): _NO_KEY,
    ("every call", "InvalidTimeStamp.Expired"): (Transient, Reason.CLOCK_SKEW),
}
"""The codes of the other calls, and those common to all."""

PROVES_NOTHING = [
    "SignatureNonceUsed",
    "LastTokenProcessing",
    "IdempotentParameterMismatch",
    "InvalidImageName.Duplicated",
    "ImageIsExporting",
    "ImageIsImporting",
    "OperationDenied.ImageCopying",
    "ExportImageFailed",
    "ImportImageFailed",
]
"""Refusals that may speak of our own request: never a proof that no task started."""

EVERY = sorted({(table.calls[0], code) for table in TABLES for code in table.rows})
"""Each row of each table, by a call that is answered with it."""


def _refused(code: str, status: int = 403, text: str = "said", retry: float | None = None) -> Refused:
    return Refused(status=status, code=code, text=text, request_id="R-1", retry_after_seconds=retry)


def _named(cases: dict[tuple[int, str], Expected]) -> list[str]:
    return [f"{code} {status}" for status, code in cases]


@pytest.mark.parametrize(("answer", "expected"), EXPORT_IMAGE.items(), ids=_named(EXPORT_IMAGE))
def test_a_code_of_an_export_becomes_the_failure_it_means(answer: tuple[int, str], expected: Expected) -> None:
    """The failure's class decides what the engine does, its reason what the user reads."""
    status, code = answer
    failure = reading("ExportImage", _refused(code, status))
    assert (type(failure), failure.reason) == expected


@pytest.mark.parametrize(("answer", "expected"), IMPORT_IMAGE.items(), ids=_named(IMPORT_IMAGE))
def test_a_code_of_an_import_becomes_the_failure_it_means(answer: tuple[int, str], expected: Expected) -> None:
    """The same, with the fields of an import in its words."""
    status, code = answer
    failure = reading("ImportImage", _refused(code, status))
    assert (type(failure), failure.reason) == expected
    assert "export" not in failure.message.lower()


@pytest.mark.parametrize(("answer", "expected"), OTHERS.items(), ids=[" ".join(answer) for answer in OTHERS])
def test_a_code_of_another_call_becomes_the_failure_it_means(answer: tuple[str, str], expected: Expected) -> None:
    """No documented code falls into the default."""
    action, code = answer
    assert documented(action, code) is not None
    failure = reading(action, _refused(code))
    assert (type(failure), failure.reason) == expected


@pytest.mark.parametrize(("action", "code"), EVERY)
def test_only_the_listed_codes_leave_a_submission_open(action: str, code: str) -> None:
    """A refusal below 500 proves that nothing started, unless it may speak of our own request."""
    failure = submitting(action, _refused(code))
    assert isinstance(failure, Unconfirmed) == (code in PROVES_NOTHING)
    assert (row(action, _refused(code)).started is Started.MAYBE) == (code in PROVES_NOTHING)


@pytest.mark.parametrize(("action", "code"), EVERY)
def test_no_error_of_the_server_proves_anything(action: str, code: str) -> None:
    """From 500 on a task may have started, whatever the code."""
    assert isinstance(submitting(action, _refused(code, 500)), Unconfirmed)


@pytest.mark.parametrize(("action", "code"), EVERY)
def test_every_failure_names_its_code_and_ends_as_a_sentence(action: str, code: str) -> None:
    """Users read a whole sentence, the log and lastError get the code, and nothing changes from try to try."""
    failure = reading(action, _refused(code))
    assert (failure.code, failure.request_id) == (code, "R-1")
    assert "R-1" not in failure.message
    assert failure.message == reading(action, _refused(code)).message
    assert re.search(r"\.\)?( The cloud said: said)?$", failure.message)
    assert len(failure.message) < MESSAGE_LIMIT


def test_an_unknown_code_of_a_read_is_worth_another_try() -> None:
    """What no document names is no verdict on the spec."""
    failure = reading("DescribeImages", _refused("Something.New", 400))
    assert (type(failure), failure.reason) == (Transient, Reason.CLOUD_UNAVAILABLE)


def test_an_unknown_refusal_of_a_submission_proves_that_nothing_started() -> None:
    """An answer below 500 that names a code is the cloud's own no, whatever the code."""
    failure = submitting("ExportImage", _refused("Something.New", 400))
    assert (type(failure), failure.reason) == (Transient, Reason.CLOUD_UNAVAILABLE)


def test_a_call_is_answered_from_its_own_table_first() -> None:
    """One code, two calls, two remedies."""
    told = {
        action: reading(action, _refused("NoSetRoletoECSServiceAcount")).message
        for action in ("ExportImage", "ImportImage")
    }
    assert "AliyunECSImageExportRolePolicy" in told["ExportImage"]
    assert "AliyunECSImageImportRolePolicy" in told["ImportImage"]


DEFERRED = {
    "ConcurrentQuotaExceed.ExportImage": (Scope.SLOT, 60),
    "WeeklyQuotaExceed.ExportImage": (Scope.LANE, 3600),
    "ImageIsExporting": (Scope.IMAGE, 30),
    "QuotaExceed.Image": (Scope.LANE, 900),
    "ConcurrentQuotaExceed.ImportImage": (Scope.SLOT, 60),
}


@pytest.mark.parametrize(("code", "expected"), DEFERRED.items(), ids=DEFERRED)
def test_a_deferral_says_what_it_holds_back_and_for_how_long(code: str, expected: tuple[Scope, float]) -> None:
    """A quota holds back a slot or the lane, a busy image only itself."""
    failure = reading("ExportImage", _refused(code))
    assert isinstance(failure, Deferred)
    assert (failure.scope, failure.retry_after_seconds) == expected


def test_a_quota_is_told_in_the_clouds_words() -> None:
    """Only the cloud knows its figures: they stand in its text alone."""
    failure = reading("ExportImage", _refused("WeeklyQuotaExceed.ExportImage", text="At most 30 images a week."))
    assert failure.message.endswith("The cloud said: At most 30 images a week.")


def test_throttling_keeps_the_clouds_own_figure() -> None:
    """With the header or without it, throttling is throttling."""
    with_figure = reading("DescribeTasks", _refused("Anything", 429, retry=1.5))
    without = reading("DescribeTasks", _refused("Throttling.Api", 400))
    assert isinstance(with_figure, Throttled)
    assert isinstance(without, Throttled)
    assert (with_figure.retry_after_seconds, without.retry_after_seconds) == (1.5, None)


def test_a_refusal_without_a_code_proves_nothing() -> None:
    """An error page of something between us and the cloud is no answer of the cloud."""
    assert isinstance(submitting("ExportImage", _refused("", 400)), Unconfirmed)


def test_only_a_request_that_never_left_is_unsent() -> None:
    """Silence after sending is never a proof."""
    assert isinstance(submitting("ExportImage", Unreachable()), Unsent)
    assert isinstance(submitting("ExportImage", Unreadable()), Unconfirmed)
    assert type(reading("DescribeTasks", Unreachable())) is Transient
    assert type(reading("DescribeTasks", Unreadable())) is Transient


def test_a_bucket_of_another_region_is_told_from_a_missing_right() -> None:
    """OSS answers both with AccessDenied and differs only in its words."""
    text = "The bucket you are attempting to access must be addressed using the specified endpoint."
    assert row("GetBucketInfo", _refused("AccessDenied", text=text)).reason is Reason.BUCKET_REGION_MISMATCH
    assert row("GetBucketInfo", _refused("AccessDenied")).reason is Reason.NOT_AUTHORIZED


TASK_ENDS = {
    "an unknown code": ("Strange", (Reason.TASK_FAILED, True)),
    "no code": ("", (Reason.TASK_FAILED, True)),
    "an error of the cloud": ("InternalError", (Reason.TASK_FAILED, True)),
    "a bucket that went away": ("InvalidOSSBucket.NotFound", (Reason.BUCKET_NOT_FOUND, True)),
    "an image that went away": ("InvalidImageId.NotFound", (Reason.IMAGE_NOT_FOUND, False)),
    "a licence": ("InvalidImageLicense.NotSupported", (Reason.LICENSE_NOT_EXPORTABLE, False)),
}


@pytest.mark.parametrize(("code", "expected"), TASK_ENDS.values(), ids=TASK_ENDS)
def test_a_failed_task_is_tried_again_unless_it_can_never_work(code: str, expected: tuple[Reason, bool]) -> None:
    """What another attempt cannot mend is not attempted again."""
    reason, message, retryable = ended("ExportImage", code, "words")
    assert (reason, retryable) == expected
    assert message.endswith("words")


LEAKS = {
    "a signed address": "see https://b.oss.example/k?OSSAccessKeyId=LTAIabc&Signature=xyz now",
    "a signed path": "Max retries exceeded with url: /?Action=AssumeRole&Signature=xyz&SignatureNonce=1",
    "a token": 'refused: {"SecurityToken": "abc"} and token=def',
    "a key id": "key LTAI5tABCDEF is disabled; STS.NabcDEF too",
    "a request id": "failed, request 473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E",
    "a time": "expired at 2026-11-21T09:12:56Z",
    "control characters": "one\n\x1b[31mtwo\u202e",
}


@pytest.mark.parametrize("text", LEAKS.values(), ids=LEAKS)
def test_the_clouds_words_are_shown_without_what_must_not_be(text: str) -> None:
    """Addresses, ids, times and anything like a secret are left out, on one line."""
    shown = clean(text)
    hidden = r"://|Signature|xyz|abc\b|def\b|LTAI|STS\.|473469C7|2026-|[\x00-\x1f\u202e]"
    assert re.search(hidden, shown) is None
    assert shown


def test_long_words_are_cut() -> None:
    """A megabyte of text does not end up in a condition."""
    assert len(clean("word " * 1_000_000)) == 300
