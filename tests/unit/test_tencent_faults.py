"""Every documented code of Tencent Cloud has its row, and the row says what follows for the object and for the claim."""

import pytest

from imageferry.clouds.faults import Refused, Unreachable, Unreadable
from imageferry.clouds.rows import Started
from imageferry.clouds.tencent.faults import TABLES, documented, row
from imageferry.clouds.tencent.verdicts import reading, submitting
from imageferry.core.errors import (
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

_SPEC: Expected = (Rejected, Reason.INVALID_SPEC)
_OURS: Expected = (Transient, Reason.INTERNAL_ERROR)
_AGAIN: Expected = (Transient, Reason.CLOUD_UNAVAILABLE)
_NO_KEY: Expected = (Blocked, Reason.CREDENTIALS_REJECTED)
_NO_RIGHT: Expected = (Blocked, Reason.NOT_AUTHORIZED)

EXPORT_IMAGES: dict[str, Expected] = {
    "InvalidImageId.Malformed": _SPEC,
    "InvalidImageId.NotFound": (Rejected, Reason.IMAGE_NOT_FOUND),
    "InvalidParameterValue.InvalidImageId": (Rejected, Reason.IMAGE_NOT_FOUND),
    "InvalidParameter.ImageIdsSnapshotIdsMustOne": _SPEC,
    "InvalidParameterValue.InvalidFileNamePrefixList": _SPEC,
    "InvalidParameterValue.LimitExceeded": _SPEC,
    "InvalidParameterValue.TooLarge": _SPEC,
    "InvalidParameterValue.InvalidAppIdFormat": _SPEC,
    "InvalidParameterValue.InvalidImageOsName": (Rejected, Reason.IMAGE_NOT_SUPPORTED),
    "UnsupportedOperation.EncryptedImagesNotSupported": (Rejected, Reason.ENCRYPTED_SNAPSHOT),
    "UnsupportedOperation.ImageTooLargeExportUnsupported": (Rejected, Reason.DISK_TOO_LARGE),
    "UnsupportedOperation.MarketImageExportUnsupported": (Rejected, Reason.IMAGE_NOT_SUPPORTED),
    "UnsupportedOperation.PublicImageExportUnsupported": (Rejected, Reason.IMAGE_NOT_OWNED),
    "UnsupportedOperation.RedHatImageExportUnsupported": (Rejected, Reason.LICENSE_NOT_EXPORTABLE),
    "UnsupportedOperation.SharedImageExportUnsupported": (Rejected, Reason.IMAGE_NOT_OWNED),
    "UnsupportedOperation.WindowsImageExportUnsupported": (Rejected, Reason.LICENSE_NOT_EXPORTABLE),
    "InvalidParameterValue.BucketNotFound": (Blocked, Reason.BUCKET_NOT_FOUND),
    "InvalidParameterValue.InvalidBucketPermissionForExport": (Blocked, Reason.ROLE_PERMISSION_MISSING),
    "AuthFailure.CamRoleNameAuthenticateFailed": (Blocked, Reason.ROLE_MISSING),
    "InvalidParameterValue.MissingLocationCosEndpoint": (Blocked, Reason.REGION_NOT_SUPPORTED),
    "LimitExceeded.ExportImageTaskLimitExceeded": (Deferred, Reason.CONCURRENT_QUOTA_EXCEEDED),
}
"""The error table of ExportImages, but for the code that proves nothing."""

IMPORT_IMAGE: dict[str, Expected] = {
    "ImageQuotaLimitExceeded": (Deferred, Reason.IMAGE_QUOTA_EXCEEDED),
    "InvalidImageOsType.Unsupported": _SPEC,
    "InvalidImageOsVersion.Unsupported": _SPEC,
    "InvalidParameter.InvalidParameterUrlError": (Blocked, Reason.OBJECT_INVALID),
    "InvalidParameterValue.ISOMustImportByForce": _SPEC,
    "InvalidParameterValue.InvalidBootMode": _SPEC,
    "InvalidParameterValue.InvalidImageFamily": _SPEC,
    "InvalidParameterValue.InvalidLicenseType": _SPEC,
    "InvalidParameterValue.TagKeyNotFound": (Blocked, Reason.INVALID_SPEC),
    "InvalidParameterValue.TooLarge": _SPEC,
    "InvalidParameterValue.InvalidAppIdFormat": _SPEC,
    "OperationDenied.InnerUserProhibitAction": (Blocked, Reason.NOT_WHITELISTED),
    "RegionAbilityLimit.UnsupportedToImportImage": (Rejected, Reason.REGION_NOT_SUPPORTED),
}
"""The same for ImportImage."""

COMMON: dict[str, Expected] = {
    "AuthFailure.InvalidAuthorization": _OURS,
    "AuthFailure.InvalidSecretId": _NO_KEY,
    "AuthFailure.MFAFailure": _NO_KEY,
    "AuthFailure.SecretIdNotFound": _NO_KEY,
    "AuthFailure.SignatureExpire": (Transient, Reason.CLOCK_SKEW),
    "AuthFailure.SignatureFailure": _NO_KEY,
    "AuthFailure.TokenFailure": _NO_KEY,
    "AuthFailure.UnauthorizedOperation": _NO_RIGHT,
    "UnauthorizedOperation": _NO_RIGHT,
    "DryRunOperation": _OURS,
    "InvalidAction": _OURS,
    "InvalidParameter": _OURS,
    "InvalidParameterValue": _OURS,
    "MissingParameter": _OURS,
    "NoSuchVersion": _OURS,
    "UnknownParameter": _OURS,
    "UnsupportedProtocol": _OURS,
    "UnsupportedOperation": (Rejected, Reason.IMAGE_NOT_SUPPORTED),
    "UnsupportedRegion": (Rejected, Reason.REGION_NOT_FOUND),
    "LimitExceeded": (Transient, Reason.THROTTLED),
    "ResourceNotFound": _AGAIN,
    "RequestLimitExceeded": (Throttled, Reason.THROTTLED),
    "RequestLimitExceeded.UinLimitExceeded": (Throttled, Reason.THROTTLED),
    "RequestLimitExceeded.GlobalRegionUinLimitExceeded": (Throttled, Reason.THROTTLED),
    "AuthFailure.Strange": _NO_KEY,
    "UnauthorizedOperation.Strange": _NO_RIGHT,
}
"""The common codes that prove that nothing started, and those of the same families that no document names."""

OTHERS: dict[tuple[str, str], Expected] = {
    ("DeleteImages", "InvalidImageId.IncorrectState"): (Deferred, Reason.IMAGE_BUSY),
    ("DeleteImages", "InvalidImageId.InShared"): (Blocked, Reason.IMAGE_BUSY),
    ("DeleteImages", "InvalidImageId.NotFound"): (Rejected, Reason.IMAGE_NOT_FOUND),
    ("DeleteImages", "MutexOperation.TaskRunning"): _AGAIN,
    ("DescribeImages", "InvalidParameter.InvalidParameterCoexistImageIdsFilters"): _OURS,
    ("DescribeImages", "InvalidFilter"): _OURS,
    ("GetRole", "InvalidParameter.RoleNotExist"): (Blocked, Reason.ROLE_MISSING),
    ("HeadBucket", "AccessDenied"): _NO_RIGHT,
    ("GetBucket", "NoSuchBucket"): (Blocked, Reason.BUCKET_NOT_FOUND),
    ("HeadObject", "NoSuchResource"): (Transient, Reason.OBJECT_NOT_FOUND),
    ("GetObject", "NoSuchKey"): (Transient, Reason.OBJECT_NOT_FOUND),
    ("GetObject", "InvalidObjectState"): (Blocked, Reason.OBJECT_INVALID),
    ("GetBucket", "InvalidAccessKeyId"): _NO_KEY,
    ("GetBucket", "SignatureDoesNotMatch"): _NO_KEY,
    ("GetBucket", "ExpiredToken"): _NO_KEY,
    ("GetBucket", "RequestTimeTooSkewed"): (Transient, Reason.CLOCK_SKEW),
    ("GetBucket", "InternalError"): _AGAIN,
}

ALL = {
    **{("ExportImages", code): expected for code, expected in (EXPORT_IMAGES | COMMON).items()},
    **{("ImportImage", code): expected for code, expected in (IMPORT_IMAGE | COMMON).items()},
    **OTHERS,
}


def _refused(code: str, status: int = 200, text: str = "words") -> Refused:
    return Refused(status=status, code=code, text=text, request_id="R-1")


@pytest.mark.parametrize(("action", "code"), ALL, ids=[f"{action} {code}" for action, code in ALL])
def test_a_documented_code_has_its_reason(action: str, code: str) -> None:
    """As an answer to a read, with the code itself and no address in the words."""
    kind, reason = ALL[action, code]
    failure = reading(action, _refused(code))
    assert (type(failure), failure.reason, failure.code) == (kind, reason, code)


@pytest.mark.parametrize("code", EXPORT_IMAGES | COMMON)
def test_a_refused_export_proves_that_nothing_started(code: str) -> None:
    """The answer to the one and only request of a claim."""
    assert type(submitting("ExportImages", _refused(code))) is (EXPORT_IMAGES | COMMON)[code][0]


@pytest.mark.parametrize("code", IMPORT_IMAGE | COMMON)
def test_a_refused_import_proves_that_nothing_started(code: str) -> None:
    """The same for imports."""
    assert type(submitting("ImportImage", _refused(code))) is (IMPORT_IMAGE | COMMON)[code][0]


UNPROVEN = (
    "InternalError",
    "InternalError.Anything",
    "InternalServerError",
    "FailedOperation",
    "FailedOperation.Anything",
    "ResourceUnavailable",
    "ResourceUnavailable.Anything",
    "ResourceInUse",
    "MutexOperation.TaskRunning",
    "InvalidParameterValue.InvalidImageState",
    "InvalidImageName.Duplicate",
    "InvalidParameterValue.NobodyKnowsThis",
    "Strange",
    "",
)


@pytest.mark.parametrize("action", ["ExportImages", "ImportImage"])
@pytest.mark.parametrize("code", UNPROVEN)
def test_what_may_speak_of_our_own_task_proves_nothing(action: str, code: str) -> None:
    """The status is 200 whatever happened: an error of the cloud's own, or an unknown one, leaves the claim open."""
    assert isinstance(submitting(action, _refused(code)), Unconfirmed)


def test_only_a_request_that_never_left_is_unsent() -> None:
    """Silence after sending is never a proof."""
    assert isinstance(submitting("ExportImages", Unreachable()), Unsent)
    assert isinstance(submitting("ExportImages", Unreadable()), Unconfirmed)


def test_another_status_than_200_proves_nothing() -> None:
    """A gateway's error page may follow an accepted request."""
    assert isinstance(submitting("ExportImages", _refused("", 502)), Unconfirmed)


def test_a_quota_of_tasks_takes_a_slot_and_one_of_images_the_lane() -> None:
    """A task that ends makes room; an image must be deleted by somebody."""
    tasks = reading("ExportImages", _refused("LimitExceeded.ExportImageTaskLimitExceeded"))
    images = reading("ImportImage", _refused("ImageQuotaLimitExceeded"))
    assert isinstance(tasks, Deferred)
    assert isinstance(images, Deferred)
    assert (tasks.scope, images.scope) == (Scope.SLOT, Scope.LANE)


def test_every_row_is_written_for_people() -> None:
    """A sentence with its end, from a page of the vendor's."""
    rows = [(table, code, found) for table in TABLES for code, found in table.rows.items()]
    assert [code for _, code, found in rows if not found.text.endswith(".")] == []
    assert [table.calls for table in TABLES if not table.source.startswith("https://www.tencentcloud.com/")] == []
    assert all(documented(table.calls[0], code) for table, code, _ in rows)


def test_a_signature_that_is_over_is_told_from_a_missing_right() -> None:
    """COS answers both with AccessDenied and differs only in its words."""
    assert row("GetBucket", _refused("AccessDenied", 403, "Request has expired")).reason is Reason.CLOCK_SKEW
    assert row("GetBucket", _refused("AccessDenied", 403, "Access Denied.")).reason is Reason.NOT_AUTHORIZED


def test_an_unknown_code_is_worth_another_try_for_a_read() -> None:
    """And is told with its code."""
    failure = reading("DescribeImages", _refused("Strange"))
    assert (type(failure), failure.code) == (Transient, "Strange")
    assert row("DescribeImages", _refused("Strange")).started is Started.MAYBE
