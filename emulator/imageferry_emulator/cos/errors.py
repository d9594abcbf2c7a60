"""The errors of COS: one table of what the vendor documents, and the exception that carries a row of it.

Codes and HTTP statuses are those of https://www.tencentcloud.com/document/product/436/7730. No rule is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """A row: HTTP status, code, message."""

    status: int
    code: str
    message: str


class CosError(Exception):
    """An answer that is an error; `headers` are further headers of it."""

    def __init__(self, fault: Fault, *headers: tuple[str, str]) -> None:
        super().__init__(fault.code, fault.message)
        self.fault = fault
        self.headers = headers


DENIED = Fault(403, "AccessDenied", "Access Denied.")
EXPIRED = Fault(403, "AccessDenied", "Request has expired")
TIME_SKEWED = Fault(403, "RequestTimeTooSkewed", "The request is signed for a time that has not come yet.")
SIGNATURE_MALFORMED = Fault(403, "InvalidSecurity", "The signature string is not as documented.")
SIGNATURE_WRONG = Fault(
    403, "SignatureDoesNotMatch", "The Signature you specified is invalid. Check your key and signing method."
)
KEY_UNKNOWN = Fault(403, "InvalidAccessKeyId", "The Access Key Id you provided does not exist in our records.")
TOKEN_EXPIRED = Fault(403, "ExpiredToken", "The provided token has expired.")
BUCKET_NAME = Fault(400, "InvalidBucketName", "The specified bucket is not valid.")
BUCKET_MISSING = Fault(404, "NoSuchBucket", "The specified bucket does not exist.")
BUCKET_TAKEN = Fault(409, "BucketAlreadyExists", "The requested bucket name is not available.")
BUCKET_OWNED = Fault(409, "BucketAlreadyOwnedByYou", "The bucket you tried to create already exists, and you own it.")
BUCKET_FULL = Fault(409, "BucketNotEmpty", "The bucket you tried to delete is not empty.")
BUCKET_UNENCRYPTED = Fault(
    404, "NoSuchEncryptionConfiguration", "The server side encryption configuration was not found."
)
OBJECT_MISSING = Fault(404, "NoSuchKey", "The specified key does not exist.")
OBJECT_TAKEN = Fault(409, "FileAlreadyExists", "The object exists and may not be overwritten.")
OBJECT_FROZEN = Fault(403, "InvalidObjectState", "The operation is not valid for the object's storage class")
KEY_TOO_LONG = Fault(400, "KeyTooLong", "Your key is too long.")
URI = Fault(400, "InvalidURI", "Couldn't parse the specified URI.")
ARGUMENT = Fault(400, "InvalidArgument", "An argument of the request is not valid.")
STORAGE_CLASS = Fault(400, "InvalidStorageClass", "The storage class you specified is not valid.")
DIGEST_MALFORMED = Fault(400, "InvalidDigest", "The Content-MD5 you specified is not valid.")
DIGEST_MISSING = Fault(400, "MissingContentMD5", "Missing required header for this request: Content-MD5.")
DIGEST_WRONG = Fault(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
LENGTH_MISSING = Fault(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
RANGE = Fault(416, "InvalidRange", "The requested range is not satisfiable")
NOT_MODIFIED = Fault(304, "NotModified", "")
PRECONDITION = Fault(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.")
XML_MALFORMED = Fault(400, "MalformedXML", "The XML you provided was not well-formed or did not validate.")
UPLOAD_MISSING = Fault(404, "NoSuchUpload", "The specified multipart upload does not exist.")
PART_INVALID = Fault(400, "InvalidPart", "One or more of the specified parts could not be found or has another ETag.")
PART_ORDER = Fault(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
PART_SMALL = Fault(400, "EntityTooSmall", "A part but the last is smaller than the minimum allowed size.")
RESTORING = Fault(409, "RestoreAlreadyInProgress", "Object restore is already in progress")
METHOD = Fault(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
UNSUPPORTED = Fault(501, "NotImplemented", "A parameter you provided implies functionality that is not implemented.")
