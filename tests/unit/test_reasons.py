"""Every reason is explained, and none that users were promised is missing."""

import re

import pytest

from imageferry.core.reasons import MEANINGS, NOT_YET, Reason

PROMISED = [
    "Accepted",
    "Queued",
    "ConcurrentQuotaExceeded",
    "WeeklyQuotaExceeded",
    "ImageQuotaExceeded",
    "ImageBusy",
    "Throttled",
    "CloudUnavailable",
    "Suspended",
    "Claimed",
    "SubmissionUnknown",
    "Submitted",
    "Waiting",
    "Running",
    "Verifying",
    "Exported",
    "Imported",
    "Cancelling",
    "Cancelled",
    "TaskFailed",
    "TaskLost",
    "OutcomeUnknown",
    "OutputMissing",
    "OutputEmpty",
    "FormatMismatch",
    "BackoffLimitExceeded",
    "DeadlineExceeded",
    "InvalidSpec",
    "ImageNotFound",
    "ImageAmbiguous",
    "ImageNotReady",
    "ImageNotOwned",
    "ImageNotSupported",
    "EncryptedSnapshot",
    "TooManyDisks",
    "DiskTooLarge",
    "LicenseNotExportable",
    "FormatNotSupportedInRegion",
    "RegionNotFound",
    "RegionNotSupported",
    "BucketNotFound",
    "BucketRegionMismatch",
    "BucketEncrypted",
    "ObjectNotFound",
    "ObjectInvalid",
    "ObjectChanged",
    "NameConflict",
    "NotWhitelisted",
    "RoleMissing",
    "RolePermissionMissing",
    "AccountNotFound",
    "AccountNotReady",
    "AccountNotPermitted",
    "AccountChanged",
    "ExportNotFound",
    "ExportFailed",
    "NotYetSupported",
    "RegionNotPermitted",
    "BucketNotPermitted",
    "ImageNotPermitted",
    "RoleNotPermitted",
    "CredentialsMissing",
    "CredentialsMalformed",
    "CredentialsRejected",
    "NotAuthorized",
    "ClockSkew",
    "Orphaned",
    "InternalError",
]
"""The reasons of v1alpha1: alerts and scripts of users compare them, so that none may ever go."""


def test_no_promised_reason_has_gone() -> None:
    """A user's alert on a reason keeps working."""
    assert set(PROMISED) - set(Reason) == set()


def test_every_reason_is_explained() -> None:
    """Meaning, remedy and the next look: for each reason, and for nothing else."""
    assert set(MEANINGS) == set(Reason)
    assert [reason for reason, words in MEANINGS.items() if not (words.meaning and words.remedy and words.again)] == []


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_one_that_a_condition_may_bear(reason: Reason) -> None:
    """The API server takes it, and its name is its value."""
    assert re.fullmatch(r"[A-Z][A-Za-z]{1,63}", reason)
    assert reason.name == re.sub(r"(?<=[a-z])(?=[A-Z])", "_", reason.value).upper()


def test_what_may_still_come_is_known() -> None:
    """Exactly what another object of the same apply may bring is awaited."""
    assert {
        Reason.ACCOUNT_NOT_FOUND,
        Reason.ACCOUNT_NOT_READY,
        Reason.CREDENTIALS_MISSING,
        Reason.IMAGE_NOT_READY,
        Reason.EXPORT_NOT_FOUND,
    } == NOT_YET
