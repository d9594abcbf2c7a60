"""Refusals of an RPC service, and those that all of them share (the vendor's "common error codes").

A refusal is a value of HTTP status, code and text; services list their own in their own `errors.py`. No decision here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error code with its HTTP status and text; `%s` in the text is filled by the one who refuses."""

    status: int
    code: str
    text: str


class RefusedError(Exception):
    """A request is answered with a refusal; `more` are further fields of the answer."""

    def __init__(self, refusal: Refusal, detail: str = "", *, more: dict[str, Any] | None = None) -> None:
        message = refusal.text % detail if "%s" in refusal.text else refusal.text
        super().__init__(message)
        self.refusal = refusal
        self.message = message
        self.more = more or {}


# Codes and statuses of the gateway: https://help.aliyun.com/document_detail/48054.html and the ECS list of common errors.
MISSING_PARAMETER = Refusal(400, "MissingParameter", 'The mandatory parameter "%s" is not supplied.')
INVALID_PARAMETER = Refusal(400, "InvalidParameter", 'The parameter "%s" is not valid.')
INCOMPLETE_SIGNATURE = Refusal(400, "IncompleteSignature", "The signature is incomplete: %s.")
SIGNATURE_DOES_NOT_MATCH = Refusal(
    400, "SignatureDoesNotMatch", "The signature does not match. The string to sign is: %s"
)
SIGNATURE_NONCE_USED = Refusal(400, "SignatureNonceUsed", "The signature nonce was used already.")
KEY_NOT_FOUND = Refusal(404, "InvalidAccessKeyId.NotFound", "The access key is not found.")
KEY_DISABLED = Refusal(403, "Forbidden.AccessKeyDisabled", "The access key is disabled.")
TOKEN_MISSING = Refusal(400, "MissingSecurityToken", "This access key needs its security token.")
TOKEN_MISMATCH = Refusal(
    400, "InvalidSecurityToken.MismatchWithAccessKey", "The security token is not that of the access key."
)
TOKEN_EXPIRED = Refusal(400, "InvalidSecurityToken.Expired", "The security token is expired.")
DATE_FORMAT = Refusal(400, "InvalidTimeStamp.Format", "The time of the request is not ISO 8601 in UTC.")
DATE_EXPIRED = Refusal(400, "InvalidTimeStamp.Expired", "The time of the request is outside of the accepted window.")
NO_SUCH_ACTION = Refusal(404, "InvalidAction.NotFound", "The action is not found; check its name and the version.")
NO_SUCH_VERSION = Refusal(400, "NoSuchVersion", "The version does not exist.")
UNSUPPORTED_METHOD = Refusal(405, "UnsupportedHTTPMethod", "The HTTP method must be GET or POST.")
FORBIDDEN = Refusal(403, "Forbidden.RAM", "The user is not authorized to operate on the specified resource.")
NO_PERMISSION = Refusal(
    403, "NoPermission", "You are not authorized to do this action. You should be authorized by RAM."
)
INTERNAL_ERROR = Refusal(500, "InternalError", "The request failed because of an unknown error.")
