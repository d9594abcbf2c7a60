"""Every documented code has its row, and the row says what design and documents say."""

import re

import pytest

from imageferry.clouds.alibaba.faults import ROWS, Refused, Started, Unreachable, Unreadable, row
from imageferry.clouds.alibaba.verdicts import clean, ended, reading, submitting
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

EXPORT_IMAGE = [
    "InvalidImageName.Malformed",
    "InvalidOSSPrefix.Malformed",
    "InvalidRegionId.NotFound",
    "InvalidRegion.NotSupport",
    "IncorrectImageStatus",
    "InvalidImageFormat.Malformed",
    "InvalidImageFormat.RegionNotSupported",
    "InvalidOSSBucket.NotFound",
    "OperationDenied",
    "InvalidImage.DiskAmountOrSize",
    "ImageNotSupported",
    "InvalidOSSBucket.NotMatched",
    "InvalidOSSObject.NeedRestore",
    "ImageIsExporting",
    "ExportImageFailed",
    "UserNotInTheWhiteList",
    "NoSetRoletoECSServiceAcount",
    "NoSetRoletoECSServiceAccount",
    "InvalidOSS.NotAuthorized",
    "ConcurrentQuotaExceed.ExportImage",
    "WeeklyQuotaExceed.ExportImage",
    "InvalidImageLicense.NotSupported",
    "InvalidImageCategory.NotSupported",
    "InvalidOSSBucket.EncryptUnsupported",
    "InvalidImageId.NotFound",
    "MissingParameter",
    "DryRunOperation",
    "DRYRUN.SUCCESS",
]
"""The error table of ExportImage, with the codes that only its prose names."""

TASKS = [
    "InvalidTaskId.NotFound",
    "InvalidTaskId.TaskActionNotSupport",
    "InvalidTaskId.IncorrectTaskStatus",
    "CancelTaskFailed",
]

EVERYWHERE = [
    "IncompleteSignature",
    "InvalidAccessKeyId.NotFound",
    "SignatureNonceUsed",
    "IdempotentParameterMismatch",
    "InsufficientBalance",
    "MissingParameter",
    "InvalidParameter",
    "UnsupportedParameter",
    "Forbidden.RAM",
    "Forbidden.Unauthorized",
    "Forbidden.SubUser",
    "Forbidden.AccessKeyDisabled",
    "Forbidden.RiskControl",
    "InvalidAction",
    "LastTokenProcessing",
    "InvalidRegionId.NotFound",
    "OperationConflict",
    "InternalError",
    "ServiceUnavailable",
    "ServiceUnavailable.RegionMaintaining",
    "SignatureDoesNotMatch",
    "InvalidSecurityToken.Expired",
    "InvalidTimeStamp.Expired",
]
"""The codes common to all ECS calls."""

OSS = [
    "NoSuchBucket",
    "NoSuchKey",
    "AccessDenied",
    "InvalidAccessKeyId",
    "SecurityTokenExpired",
    "RequestTimeTooSkewed",
]

PROVES_NOTHING = [
    "SignatureNonceUsed",
    "LastTokenProcessing",
    "IdempotentParameterMismatch",
    "InvalidImageName.Duplicated",
    "ImageIsExporting",
    "ImageIsImporting",
    "ExportImageFailed",
    "ImportImageFailed",
]
"""Refusals that may speak of our own request: never a proof that no task started."""


def _refused(code: str, status: int = 403, text: str = "said", retry: float | None = None) -> Refused:
    return Refused(status=status, code=code, text=text, request_id="R-1", retry_after_seconds=retry)


@pytest.mark.parametrize("code", sorted({*EXPORT_IMAGE, *TASKS, *EVERYWHERE, *OSS, *PROVES_NOTHING}))
def test_every_documented_code_has_a_row(code: str) -> None:
    """No documented code falls into the default."""
    assert code in ROWS


@pytest.mark.parametrize("code", sorted(ROWS))
def test_only_the_listed_codes_leave_a_submission_open(code: str) -> None:
    """A refusal below 500 proves that nothing started, unless it may speak of our own request."""
    failure = submitting("ExportImage", _refused(code))
    assert isinstance(failure, Unconfirmed) == (code in PROVES_NOTHING)
    assert (ROWS[code].started is Started.MAYBE) == (code in PROVES_NOTHING)


@pytest.mark.parametrize("code", sorted(ROWS))
def test_no_error_of_the_server_proves_anything(code: str) -> None:
    """From 500 on a task may have started, whatever the code."""
    assert isinstance(submitting("ExportImage", _refused(code, 500)), Unconfirmed)


@pytest.mark.parametrize("code", sorted(ROWS))
def test_every_failure_names_its_code_and_ends_as_a_sentence(code: str) -> None:
    """Users read a whole sentence, the log and lastError get the code, and nothing changes from try to try."""
    failure = reading("ExportImage", _refused(code))
    assert (failure.code, failure.request_id) == (code, "R-1")
    assert "R-1" not in failure.message
    assert failure.message == reading("ExportImage", _refused(code)).message
    assert re.search(r"\.\)?( The cloud said: said)?$", failure.message)
    assert len(failure.message) < MESSAGE_LIMIT


EXPECTED: dict[str, tuple[str, int, type[Failure], Reason]] = {
    "an unknown code of a read": ("Something.New", 400, Transient, Reason.CLOUD_UNAVAILABLE),
    "an encrypted image": ("ImageNotSupported", 400, Rejected, Reason.ENCRYPTED_SNAPSHOT),
    "a marketplace image": ("ImageNotSupported", 403, Rejected, Reason.IMAGE_NOT_SUPPORTED),
    "an image in the making": ("IncorrectImageStatus", 400, Blocked, Reason.IMAGE_NOT_READY),
    "a disabled key": ("Forbidden.AccessKeyDisabled", 403, Blocked, Reason.CREDENTIALS_REJECTED),
    "an expired token": ("InvalidSecurityToken.Expired", 403, Blocked, Reason.CREDENTIALS_REJECTED),
    "a missing right": ("Forbidden.RAM", 403, Blocked, Reason.NOT_AUTHORIZED),
    "a missing role": ("NoSetRoletoECSServiceAcount", 403, Blocked, Reason.ROLE_MISSING),
    "no allow-listing": ("UserNotInTheWhiteList", 403, Blocked, Reason.NOT_WHITELISTED),
    "a clock that is wrong": ("InvalidTimeStamp.Expired", 400, Transient, Reason.CLOCK_SKEW),
    "throttling by user": ("Throttling.User", 400, Throttled, Reason.THROTTLED),
    "a busy image": ("ImageIsExporting", 403, Deferred, Reason.IMAGE_BUSY),
}


@pytest.mark.parametrize(("code", "status", "kind", "reason"), EXPECTED.values(), ids=EXPECTED)
def test_a_code_becomes_the_failure_it_means(code: str, status: int, kind: type[Failure], reason: Reason) -> None:
    """The failure's class decides what the engine does, its reason what the user reads."""
    failure = reading("ExportImage", _refused(code, status))
    assert (type(failure), failure.reason) == (kind, reason)


DEFERRED = {
    "ConcurrentQuotaExceed.ExportImage": (Scope.SLOT, 60),
    "WeeklyQuotaExceed.ExportImage": (Scope.LANE, 3600),
    "ImageIsExporting": (Scope.IMAGE, 30),
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
    assert row(_refused("AccessDenied", text=text)).reason is Reason.BUCKET_REGION_MISMATCH
    assert row(_refused("AccessDenied")).reason is Reason.NOT_AUTHORIZED


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
    reason, message, retryable = ended(code, "words")
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
