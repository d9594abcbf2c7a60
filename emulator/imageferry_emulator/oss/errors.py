"""The errors of OSS: one table of what the vendor documents, and the exception that carries a row of it.

Codes and HTTP statuses are those of https://www.alibabacloud.com/help/en/oss/developer-reference/error-responses and of the
pages per `EC` below https://www.alibabacloud.com/help/en/oss/support/. No rule is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass

_NO_PAGE = "0000-00000000"
"""Stands in where the vendor's number is not known: the header is always there, and nobody may take it for a real one."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A row: HTTP status, code, message, and the `EC` that tells causes of one code apart."""

    status: int
    code: str
    message: str
    ec: str


class OssError(Exception):
    """An answer that is an error; `details` are further XML elements (name, text), or response headers below 400."""

    def __init__(self, fault: Fault, *details: tuple[str, str]) -> None:
        super().__init__(fault.code, fault.message)
        self.fault = fault
        self.details = details


ANONYMOUS = Fault(403, "AccessDenied", "Anonymous access is forbidden for this operation.", "0003-00000001")
NOT_YOURS = Fault(
    403, "AccessDenied", "You have no right to access this object because of bucket acl.", "0003-00000001"
)
KEY_UNKNOWN = Fault(
    403, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist in our records.", "0002-00000902"
)
KEY_DISABLED = Fault(403, "InvalidAccessKeyId", "The OSS Access Key Id you provided is disabled.", _NO_PAGE)
TOKEN_INVALID = Fault(403, "InvalidSecurityToken", "The security token you provided is invalid.", "0002-00000006")
TOKEN_EXPIRED = Fault(403, "SecurityTokenExpired", "The security token you provided has expired.", "0002-00000007")
AUTHORIZATION_MALFORMED = Fault(400, "InvalidArgument", "Invalid Authorization header.", "0002-00000203")
AUTHORIZATION_UNKNOWN = Fault(400, "InvalidArgument", "Unsupported authorization type.", "0002-00000202")
DATE_MISSING = Fault(
    403, "AccessDenied", "OSS authentication requires a valid Date, and the request carries none.", "0002-00000504"
)
SCOPE_DATE = Fault(400, "InvalidArgument", "The date of the credential scope is not the date of the request.", _NO_PAGE)
TIME_SKEWED = Fault(
    403,
    "RequestTimeTooSkewed",
    "The difference between the request time and the current time is too large.",
    "0002-00000504",
)
SIGNATURE_WRONG = Fault(
    403,
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    "0002-00000040",
)
BUCKET_NAME = Fault(400, "InvalidBucketName", "The specified bucket is not valid.", _NO_PAGE)
BUCKET_MISSING = Fault(404, "NoSuchBucket", "The specified bucket does not exist.", "0015-00000101")
BUCKET_TAKEN = Fault(
    409,
    "BucketAlreadyExists",
    "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
    "Please select a different name and try again.",
    "0015-00000104",
)
BUCKET_FULL = Fault(409, "BucketNotEmpty", "The bucket has objects. Please delete them first.", "0015-00000301")
OBJECT_NAME = Fault(400, "InvalidObjectName", "The specified object is not valid.", _NO_PAGE)
OBJECT_MISSING = Fault(404, "NoSuchKey", "The specified key does not exist.", "0026-00000001")
ARGUMENT = Fault(400, "InvalidArgument", "An argument of the request is not valid.", _NO_PAGE)
DIGEST_MALFORMED = Fault(400, "InvalidDigest", "The Content-MD5 you specified is not valid.", _NO_PAGE)
DIGEST_WRONG = Fault(400, "InvalidDigest", "The Content-MD5 you specified did not match what we received.", _NO_PAGE)
LENGTH_MISSING = Fault(411, "MissingContentLength", "You must provide the Content-Length HTTP header.", _NO_PAGE)
RANGE = Fault(416, "InvalidRange", "The requested range cannot be satisfied", _NO_PAGE)
PRECONDITION = Fault(
    412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.", _NO_PAGE
)
METHOD = Fault(405, "MethodNotAllowed", "The specified method is not allowed against this resource.", _NO_PAGE)
UNSUPPORTED = Fault(
    501, "NotImplemented", "A parameter you provided implies functionality that is not implemented.", _NO_PAGE
)
