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

    @property
    def page(self) -> str:
        """Where the vendor explains it, '' if no number is known."""
        return "" if self.ec == _NO_PAGE else f"https://api.alibabacloud.com/troubleshoot?q={self.ec}"


class OssError(Exception):
    """An answer that is an error; `details` are further XML elements (name, text), or response headers below 400.

    `headers` are further headers of an answer from 400 on.
    """

    def __init__(self, fault: Fault, *details: tuple[str, str], headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(fault.code, fault.message)
        self.fault = fault
        self.details = details
        self.headers = headers


ANONYMOUS = Fault(403, "AccessDenied", "Anonymous access is forbidden for this operation.", "0003-00000001")
NOT_YOURS = Fault(
    403, "AccessDenied", "You have no right to access this object because of bucket acl.", "0003-00000001"
)
NOT_ALLOWED = Fault(403, "AccessDenied", "You have no right to access this object.", _NO_PAGE)
SESSION_NOT_ALLOWED = Fault(403, "AccessDenied", "Access denied by authorizer's policy.", _NO_PAGE)
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
EXPIRED = Fault(403, "AccessDenied", "Request has expired.", "0002-00000069")
NOT_YET = Fault(403, "AccessDenied", "Request is not valid yet.", _NO_PAGE)
EXPIRES_MALFORMED = Fault(403, "AccessDenied", "Invalid date (should be seconds since epoch).", "0002-00000068")
EXPIRES_MISSING = Fault(400, "InvalidArgument", "The x-oss-expires parameter is missing or empty.", "0002-00000215")
EXPIRES_RANGE = Fault(
    400, "InvalidArgument", "x-oss-expires must be a number of seconds from 1 to 604800.", "0002-00000232"
)
CREDENTIAL_MALFORMED = Fault(400, "InvalidArgument", "Invalid x-oss-credential parameter.", "0002-00000224")
QUERY_VERSION = Fault(400, "InvalidArgument", "Unsupported x-oss-signature-version.", _NO_PAGE)
QUERY_INCOMPLETE = Fault(
    403,
    "AccessDenied",
    "Query-string authentication requires the Signature, Expires and OSSAccessKeyId parameters",
    "0002-00000067",
)
SIGNED_TWICE = Fault(
    400, "InvalidArgument", "Only one of the Authorization header and the query may carry a signature.", _NO_PAGE
)
PAYLOAD_SIGNED = Fault(400, "InvalidArgument", "x-oss-content-sha256 must be UNSIGNED-PAYLOAD.", "0002-00000214")
REGION_IN_HEADER = Fault(400, "InvalidArgument", "Invalid signing region in Authorization header.", "0002-00000228")
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
BUCKET_ELSEWHERE = Fault(
    403,
    "AccessDenied",
    "The bucket you are attempting to access must be addressed using the specified endpoint. "
    "Please send all future requests to this endpoint.",
    "0003-00001403",
)
BUCKET_NOT_IN_HOST = Fault(403, "SecondLevelDomainForbidden", "Please use virtual hosted style to access.", _NO_PAGE)
BUCKET_UNENCRYPTED = Fault(
    404, "NoSuchServerSideEncryptionRule", "The server side encryption configuration does not exist.", _NO_PAGE
)
BUCKET_FULL = Fault(409, "BucketNotEmpty", "The bucket has objects. Please delete them first.", "0015-00000301")
WORM_MISSING = Fault(404, "NoSuchWORMConfiguration", "The WORM Configuration does not exist.", _NO_PAGE)
WORM_LOCKED = Fault(403, "WORMConfigurationLocked", "The WORM Configuration is locked.", _NO_PAGE)
WORM_TAKEN = Fault(400, "InvalidWORMConfiguration", "The bucket has a WORM Configuration already.", _NO_PAGE)
OBJECT_NAME = Fault(400, "InvalidObjectName", "The specified object is not valid.", _NO_PAGE)
OBJECT_MISSING = Fault(404, "NoSuchKey", "The specified key does not exist.", "0026-00000001")
OBJECT_TAKEN = Fault(
    409, "FileAlreadyExists", "The object you specified already exists and can not be overwritten.", _NO_PAGE
)
OBJECT_IMMUTABLE = Fault(409, "FileImmutable", "The object you specified is immutable.", _NO_PAGE)
OBJECT_FROZEN = Fault(403, "InvalidObjectState", "The operation is not valid for the object's state", "0016-00000404")
ARGUMENT = Fault(400, "InvalidArgument", "An argument of the request is not valid.", _NO_PAGE)
DIGEST_MALFORMED = Fault(400, "InvalidDigest", "The Content-MD5 you specified is not valid.", _NO_PAGE)
DIGEST_WRONG = Fault(400, "InvalidDigest", "The Content-MD5 you specified did not match what we received.", _NO_PAGE)
LENGTH_MISSING = Fault(411, "MissingContentLength", "You must provide the Content-Length HTTP header.", _NO_PAGE)
RANGE = Fault(416, "InvalidRange", "The requested range cannot be satisfied", _NO_PAGE)
PRECONDITION = Fault(
    412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.", _NO_PAGE
)
HEADER_UNSUPPORTED = Fault(
    400, "NotImplemented", "A header you provided implies functionality that is not implemented.", _NO_PAGE
)
XML_MALFORMED = Fault(
    400,
    "MalformedXML",
    "The XML you provided was not well-formed or did not validate against our published schema.",
    _NO_PAGE,
)
UPLOAD_MISSING = Fault(
    404,
    "NoSuchUpload",
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    "0017-00000244",
)
PART_NUMBER = Fault(
    400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive.", "0017-00000220"
)
PART_INVALID = Fault(
    400,
    "InvalidPart",
    "One or more of the specified parts could not be found or the specified entity tag might not have matched the "
    "part's entity tag.",
    _NO_PAGE,
)
PART_ORDER = Fault(
    400,
    "InvalidPartOrder",
    "The list of parts was not in ascending order. Parts list must specified in order by part number.",
    _NO_PAGE,
)
PART_SMALL = Fault(
    400, "EntityTooSmall", "Your proposed upload smaller than the minimum allowed size.", "0042-00000213"
)
POSITION_MISSING = Fault(400, "MissingArgument", "Missing Some Required Arguments.", "0016-00000501")
POSITION_WRONG = Fault(409, "PositionNotEqualToLength", "Position is not equal to file length", "0026-00000016")
NOT_APPENDABLE = Fault(409, "ObjectNotAppendable", "The object is not appendable", "0026-00000017")
NOT_ARCHIVED = Fault(400, "OperationNotSupported", "The operation is not supported for this resource", _NO_PAGE)
NOT_COPYABLE = Fault(400, "OperationNotSupported", "The source object is appendable and cannot be copied.", _NO_PAGE)
SOURCE_ELSEWHERE = Fault(
    403, "AccessDenied", "Target object does not reside in the same data center as source object.", _NO_PAGE
)
RESTORING = Fault(409, "RestoreAlreadyInProgress", "The restore operation is in progress.", "0016-00000701")
TAGS_INVALID = Fault(400, "InvalidTag", "The tags of an object are at most ten, each key given once.", _NO_PAGE)
METHOD = Fault(405, "MethodNotAllowed", "The specified method is not allowed against this resource.", _NO_PAGE)
UNSUPPORTED = Fault(
    501, "NotImplemented", "A parameter you provided implies functionality that is not implemented.", _NO_PAGE
)
