"""The closed enum of reasons, each with what it means, what to do, and when it is looked at again.

Condition reasons, event reasons and metric labels are these words and no others; docs/reasons.md is generated from here.
"""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final


@unique
class Reason(StrEnum):
    """Why an object is in the state it is in."""

    ACCEPTED = "Accepted"
    QUEUED = "Queued"
    CONCURRENT_QUOTA_EXCEEDED = "ConcurrentQuotaExceeded"
    WEEKLY_QUOTA_EXCEEDED = "WeeklyQuotaExceeded"
    IMAGE_QUOTA_EXCEEDED = "ImageQuotaExceeded"
    IMAGE_BUSY = "ImageBusy"
    THROTTLED = "Throttled"
    CLOUD_UNAVAILABLE = "CloudUnavailable"
    SUSPENDED = "Suspended"
    CLAIMED = "Claimed"
    SUBMISSION_UNKNOWN = "SubmissionUnknown"
    SUBMITTED = "Submitted"
    WAITING = "Waiting"
    RUNNING = "Running"
    VERIFYING = "Verifying"
    EXPORTED = "Exported"
    IMPORTED = "Imported"
    CANCELLING = "Cancelling"
    CANCELLED = "Cancelled"
    TASK_FAILED = "TaskFailed"
    TASK_LOST = "TaskLost"
    OUTCOME_UNKNOWN = "OutcomeUnknown"
    OUTPUT_MISSING = "OutputMissing"
    OUTPUT_EMPTY = "OutputEmpty"
    FORMAT_MISMATCH = "FormatMismatch"
    BACKOFF_LIMIT_EXCEEDED = "BackoffLimitExceeded"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    INVALID_SPEC = "InvalidSpec"
    IMAGE_NOT_FOUND = "ImageNotFound"
    IMAGE_AMBIGUOUS = "ImageAmbiguous"
    IMAGE_NOT_READY = "ImageNotReady"
    IMAGE_NOT_OWNED = "ImageNotOwned"
    IMAGE_NOT_SUPPORTED = "ImageNotSupported"
    ENCRYPTED_SNAPSHOT = "EncryptedSnapshot"
    TOO_MANY_DISKS = "TooManyDisks"
    DISK_TOO_LARGE = "DiskTooLarge"
    LICENSE_NOT_EXPORTABLE = "LicenseNotExportable"
    FORMAT_NOT_SUPPORTED_IN_REGION = "FormatNotSupportedInRegion"
    REGION_NOT_FOUND = "RegionNotFound"
    REGION_NOT_SUPPORTED = "RegionNotSupported"
    BUCKET_NOT_FOUND = "BucketNotFound"
    BUCKET_REGION_MISMATCH = "BucketRegionMismatch"
    BUCKET_ENCRYPTED = "BucketEncrypted"
    OBJECT_NOT_FOUND = "ObjectNotFound"
    OBJECT_INVALID = "ObjectInvalid"
    OBJECT_CHANGED = "ObjectChanged"
    NAME_CONFLICT = "NameConflict"
    NOT_WHITELISTED = "NotWhitelisted"
    ROLE_MISSING = "RoleMissing"
    ROLE_PERMISSION_MISSING = "RolePermissionMissing"
    ACCOUNT_NOT_FOUND = "AccountNotFound"
    ACCOUNT_NOT_READY = "AccountNotReady"
    ACCOUNT_NOT_PERMITTED = "AccountNotPermitted"
    ACCOUNT_CHANGED = "AccountChanged"
    EXPORT_NOT_FOUND = "ExportNotFound"
    EXPORT_NOT_READY = "ExportNotReady"
    EXPORT_FAILED = "ExportFailed"
    NOT_YET_SUPPORTED = "NotYetSupported"
    REGION_NOT_PERMITTED = "RegionNotPermitted"
    BUCKET_NOT_PERMITTED = "BucketNotPermitted"
    OBJECT_NOT_PERMITTED = "ObjectNotPermitted"
    IMAGE_NOT_PERMITTED = "ImageNotPermitted"
    ROLE_NOT_PERMITTED = "RoleNotPermitted"
    CREDENTIALS_MISSING = "CredentialsMissing"
    CREDENTIALS_MALFORMED = "CredentialsMalformed"
    CREDENTIALS_REJECTED = "CredentialsRejected"
    NOT_AUTHORIZED = "NotAuthorized"
    CLOCK_SKEW = "ClockSkew"
    ORPHANED = "Orphaned"
    INTERNAL_ERROR = "InternalError"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a reason tells its reader: what it means, what to do, when it is looked at again."""

    meaning: str
    remedy: str
    again: str


_NOTHING: Final = "Nothing: it goes on by itself."
_POLL: Final = "at the lane's poll period"
_CHANGE: Final = "when the spec, the account or its Secret changes, and every 15 minutes"
_NEVER: Final = "not again, unless a retry is requested (annotation imageferry.dev/retry-requested-at)"

MEANINGS: Final[dict[Reason, Meaning]] = {
    Reason.ACCEPTED: Meaning("The object was seen and is being checked.", _NOTHING, "at once"),
    Reason.QUEUED: Meaning(
        "All slots of the lane (account, region, operation) are taken.",
        "Wait, or raise spec.limits of the CloudAccount if the cloud grants more.",
        "when a slot of the lane is free",
    ),
    Reason.CONCURRENT_QUOTA_EXCEEDED: Meaning(
        "The cloud refused the task because too many run at the same time.",
        "Wait, or ask the cloud for a higher concurrent quota.",
        "when a task of the lane ends, and at status.queue.nextTryTime",
    ),
    Reason.WEEKLY_QUOTA_EXCEEDED: Meaning(
        "The cloud refused the task because the weekly quota is used up.",
        "Wait, or ask the cloud for a higher weekly quota.",
        "at status.queue.nextTryTime, at most once an hour for the whole lane",
    ),
    Reason.IMAGE_QUOTA_EXCEEDED: Meaning(
        "The account holds as many custom images as the region allows.",
        "Delete images that are no longer needed, or ask for a higher quota.",
        "at status.queue.nextTryTime",
    ),
    Reason.IMAGE_BUSY: Meaning(
        "Another task works on the same image: one at a time is the cloud's rule.",
        _NOTHING,
        "when a task of the lane ends, and at status.queue.nextTryTime",
    ),
    Reason.THROTTLED: Meaning(
        "The cloud asks for fewer requests.", "Nothing, or lower limits.requestsPerSecond.", "after the time it named"
    ),
    Reason.CLOUD_UNAVAILABLE: Meaning(
        "The cloud's API did not answer, or answered with an error of its own.", _NOTHING, "with growing pauses"
    ),
    Reason.SUSPENDED: Meaning("spec.suspend is true: nothing new is submitted.", "Set spec.suspend to false.", "then"),
    Reason.CLAIMED: Meaning("An attempt was recorded and is about to be submitted.", _NOTHING, "at once"),
    Reason.SUBMISSION_UNKNOWN: Meaning(
        "The answer to the submission was lost; whether the cloud accepted it is being found out by looking.",
        _NOTHING,
        "every 30 seconds until no copy of the request can be accepted any more",
    ),
    Reason.SUBMITTED: Meaning("The cloud accepted the task.", _NOTHING, _POLL),
    Reason.WAITING: Meaning("The task waits inside the cloud.", _NOTHING, _POLL),
    Reason.RUNNING: Meaning("The task runs.", _NOTHING, _POLL),
    Reason.VERIFYING: Meaning("The task ended; what it left is being checked.", _NOTHING, "at once"),
    Reason.EXPORTED: Meaning("Every file is there and was checked.", "Nothing.", "not again"),
    Reason.IMPORTED: Meaning("The image is available and was checked.", "Nothing.", "not again"),
    Reason.CANCELLING: Meaning("The cloud was asked to end the task.", _NOTHING, _POLL),
    Reason.CANCELLED: Meaning("The task was cancelled.", "Request a retry if it is wanted after all.", _NEVER),
    Reason.TASK_FAILED: Meaning(
        "The cloud reported that the task failed.", "Read status.lastError; then request a retry.", _NEVER
    ),
    Reason.TASK_LOST: Meaning(
        "The cloud no longer knows the task, and no complete result is there.",
        "Check the bucket; then request a retry.",
        _NEVER,
    ),
    Reason.OUTCOME_UNKNOWN: Meaning(
        "A submission whose answer was lost can be neither found nor excluded.",
        "Look into the bucket and the console; then request a retry, or set spec.unknownOutcome to Retry.",
        _NEVER,
    ),
    Reason.OUTPUT_MISSING: Meaning(
        "The task ended well, but not all of its files are there.", "Check the bucket's rules; request a retry.", _NEVER
    ),
    Reason.OUTPUT_EMPTY: Meaning(
        "The task ended well, but a file is empty.", "Delete the file; request a retry.", _NEVER
    ),
    Reason.FORMAT_MISMATCH: Meaning(
        "A file does not have the format that was asked for.",
        "Use format RAW, or a region that offers the format; then create a new object.",
        _NEVER,
    ),
    Reason.BACKOFF_LIMIT_EXCEEDED: Meaning(
        "As many attempts failed as spec.backoffLimit allows.", "Read status.lastError; request a retry.", _NEVER
    ),
    Reason.DEADLINE_EXCEEDED: Meaning(
        "spec.activeDeadlineSeconds passed.", "Raise the deadline; request a retry.", _NEVER
    ),
    Reason.INVALID_SPEC: Meaning("The spec can never work as it is written.", "Correct the field named.", _CHANGE),
    Reason.IMAGE_NOT_FOUND: Meaning(
        "The image does not exist in this account and region.", "Correct spec.source or spec.region.", _CHANGE
    ),
    Reason.IMAGE_AMBIGUOUS: Meaning(
        "More than one image of the account bears the name.", "Name the image by its imageID.", _CHANGE
    ),
    Reason.IMAGE_NOT_READY: Meaning(
        "The image is not available yet, or its creation failed.",
        "Wait until its creation has ended; use another image if it failed.",
        "every 30 seconds",
    ),
    Reason.IMAGE_NOT_OWNED: Meaning(
        "The image is public, shared or of another account.", "Copy it into a custom image of this account.", _CHANGE
    ),
    Reason.IMAGE_NOT_SUPPORTED: Meaning(
        "The cloud does not export this kind of image, such as one made from an image of its marketplace.",
        "Use a custom image that was not made from a marketplace image.",
        _CHANGE,
    ),
    Reason.ENCRYPTED_SNAPSHOT: Meaning(
        "The image holds encrypted snapshots, which the cloud does not export.",
        "Make an image from disks that are not encrypted.",
        _CHANGE,
    ),
    Reason.TOO_MANY_DISKS: Meaning(
        "The image holds more data disks than the cloud exports.", "Make an image with fewer data disks.", _CHANGE
    ),
    Reason.DISK_TOO_LARGE: Meaning(
        "A disk of the image is larger than the cloud exports.", "Make an image with smaller disks.", _CHANGE
    ),
    Reason.LICENSE_NOT_EXPORTABLE: Meaning(
        "The licence of the image's system forbids its export.", "Use a Linux image.", _CHANGE
    ),
    Reason.FORMAT_NOT_SUPPORTED_IN_REGION: Meaning(
        "The region does not offer this format.", "Use format RAW, or a region that offers it.", _CHANGE
    ),
    Reason.REGION_NOT_FOUND: Meaning("The cloud has no such region.", "Correct spec.region.", _CHANGE),
    Reason.REGION_NOT_SUPPORTED: Meaning(
        "The region does not offer image export or import.", "Copy the image to another region.", _CHANGE
    ),
    Reason.BUCKET_NOT_FOUND: Meaning("The bucket does not exist.", "Create it, or correct its name.", _CHANGE),
    Reason.BUCKET_REGION_MISMATCH: Meaning(
        "The bucket is in another region than the image.", "Name a bucket of the image's region.", _CHANGE
    ),
    Reason.BUCKET_ENCRYPTED: Meaning(
        "The bucket encrypts on the server's side, which the cloud's export does not support.",
        "Name a bucket without server-side encryption.",
        _CHANGE,
    ),
    Reason.OBJECT_NOT_FOUND: Meaning("A disk file is not in the bucket.", "Upload it, or correct its key.", _CHANGE),
    Reason.OBJECT_INVALID: Meaning("A disk file cannot be imported.", "Upload a file in a known format.", _CHANGE),
    Reason.OBJECT_CHANGED: Meaning("A disk file changed while it was read.", "Create a new object.", _NEVER),
    Reason.NAME_CONFLICT: Meaning("An image that is not ours bears the name.", "Choose another name.", _CHANGE),
    Reason.NOT_WHITELISTED: Meaning(
        "The account may not use image export.", "Open a ticket at the cloud to enable it.", _CHANGE
    ),
    Reason.ROLE_MISSING: Meaning(
        "The role with which the cloud's compute service reads or writes the bucket does not exist.",
        "Create it, let that service assume it (trust policy), and attach the policy of the provider's page.",
        _CHANGE,
    ),
    Reason.ROLE_PERMISSION_MISSING: Meaning(
        "The role does not let the cloud's compute service assume it, or lacks a permission on the bucket.",
        "Correct its trust policy, or attach the policy of the provider's page to it.",
        _CHANGE,
    ),
    Reason.ACCOUNT_NOT_FOUND: Meaning(
        "spec.accountRef names no CloudAccount.", "Create it, or correct the name.", "when it appears"
    ),
    Reason.ACCOUNT_NOT_READY: Meaning(
        "The CloudAccount cannot be used yet.", "Read its conditions.", "when it changes, and every 30 seconds"
    ),
    Reason.ACCOUNT_NOT_PERMITTED: Meaning(
        "The CloudAccount does not admit this namespace.", "Extend its spec.allowedNamespaces.", _CHANGE
    ),
    Reason.ACCOUNT_CHANGED: Meaning(
        "The credentials belong to another cloud account than the attempt was made with.",
        "Give the CloudAccount credentials of the first owner again.",
        "when the account or its Secret changes, and every 30 seconds",
    ),
    Reason.EXPORT_NOT_FOUND: Meaning(
        "The export that exportRef names does not exist.", "Create it.", "every 30 seconds"
    ),
    Reason.EXPORT_NOT_READY: Meaning(
        "The export that exportRef names has not finished.", _NOTHING, "when that export changes"
    ),
    Reason.EXPORT_FAILED: Meaning("The export that exportRef names failed.", "Retry that export.", _CHANGE),
    Reason.NOT_YET_SUPPORTED: Meaning(
        "This release does not know what to do with the field named.", "Leave the field at its default.", _CHANGE
    ),
    Reason.REGION_NOT_PERMITTED: Meaning(
        "The CloudAccount does not allow the region.", "Extend allow.regions.", _CHANGE
    ),
    Reason.BUCKET_NOT_PERMITTED: Meaning(
        "The CloudAccount does not allow the bucket.", "Extend allow.buckets.", _CHANGE
    ),
    Reason.OBJECT_NOT_PERMITTED: Meaning(
        "The CloudAccount does not allow the file prefix.", "Extend allow.objectPrefixes.", _CHANGE
    ),
    Reason.IMAGE_NOT_PERMITTED: Meaning(
        "The CloudAccount does not allow the image.", "Extend allow.imageIDs.", _CHANGE
    ),
    Reason.ROLE_NOT_PERMITTED: Meaning("The CloudAccount does not allow the role.", "Extend allow.roleNames.", _CHANGE),
    Reason.CREDENTIALS_MISSING: Meaning(
        "The Secret that the CloudAccount names is not there, or may not be read.",
        "Create it in the operator's namespace, and name it in resourceNames of the operator's Role.",
        "every 30 seconds",
    ),
    Reason.CREDENTIALS_MALFORMED: Meaning(
        "The Secret does not hold a usable key.",
        "Write accessKeyID and accessKeySecret as plain text (stringData).",
        _CHANGE,
    ),
    Reason.CREDENTIALS_REJECTED: Meaning(
        "The cloud does not accept the credentials.", "Renew the key, or enable it.", _CHANGE
    ),
    Reason.NOT_AUTHORIZED: Meaning(
        "The credentials lack a permission for this call.", "Attach the policy of the provider's page.", _CHANGE
    ),
    Reason.CLOCK_SKEW: Meaning(
        "The clock of the operator's machine differs from the cloud's.", "Synchronise the clock.", "with growing pauses"
    ),
    Reason.ORPHANED: Meaning(
        "The object had to go before its task could be ended.",
        "Nothing: the CloudAccount lists the task in status.orphans and follows it.",
        "every minute, from the account",
    ),
    Reason.INTERNAL_ERROR: Meaning(
        "The operator met a fault of its own.", "Report it with its log line.", "with growing pauses"
    ),
}

NOT_YET: Final = frozenset(
    {
        Reason.ACCOUNT_NOT_FOUND,
        Reason.ACCOUNT_NOT_READY,
        Reason.CREDENTIALS_MISSING,
        Reason.IMAGE_NOT_READY,
        Reason.EXPORT_NOT_FOUND,
    }
)
"""What may simply not be there yet: a GitOps tool applies everything at once and gives up at the first Stalled."""

PASSING: Final = frozenset(
    {
        Reason.THROTTLED,
        Reason.CLOUD_UNAVAILABLE,
        Reason.CLOCK_SKEW,
        Reason.EXPORT_NOT_READY,
        Reason.INTERNAL_ERROR,
    }
)
"""What passes without a person's act on any object: it is tried again, and nothing is Stalled by it."""


def told(reason: Reason, message: str) -> str:
    """What is wrong, and what to do about it: the words of a condition that asks a person."""
    return f"{message} {MEANINGS[reason].remedy}"
