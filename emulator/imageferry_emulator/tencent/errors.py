"""Refusals of the API 3.0, and those that all of its services share (the vendor's "common error codes").

A refusal is a value of code and text: the HTTP status is always 200. Services list their own in their own `errors.py`.
https://www.tencentcloud.com/document/product/1150/49458 has the common ones, as the error page of every service does.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error code with its text; `%s` in the text is filled by the one who refuses."""

    code: str
    text: str


class RefusedError(Exception):
    """A request is answered with a refusal."""

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        message = refusal.text % detail if "%s" in refusal.text else refusal.text
        super().__init__(message)
        self.refusal = refusal
        self.message = message


INVALID_AUTHORIZATION = Refusal(
    "AuthFailure.InvalidAuthorization", "The Authorization of the request is not as the standard asks: %s."
)
SECRET_ID_NOT_FOUND = Refusal(
    "AuthFailure.SecretIdNotFound", "The SecretId is not found; it may be deleted or disabled."
)
SIGNATURE_EXPIRE = Refusal(
    "AuthFailure.SignatureExpire",
    "The signature has expired: timestamp and server time differ by more than %s seconds.",
)
SIGNATURE_FAILURE = Refusal(
    "AuthFailure.SignatureFailure",
    "The provided credentials could not be validated. Please check your signature is correct.",
)
TOKEN_FAILURE = Refusal("AuthFailure.TokenFailure", "The token is not valid: %s.")
UNAUTHORIZED = Refusal(
    "UnauthorizedOperation", "you are not authorized to perform operation (%s), resource (*) has no permission"
)
INVALID_ACTION = Refusal("InvalidAction", "The action %s does not exist in this version.")
NO_SUCH_VERSION = Refusal("NoSuchVersion", "The API version %s does not exist.")
INVALID_PARAMETER = Refusal("InvalidParameter", "The parameter is not valid: %s.")
INVALID_PARAMETER_VALUE = Refusal("InvalidParameterValue", "The value of the parameter `%s` is not valid.")
MISSING_PARAMETER = Refusal("MissingParameter", "The request is missing a required parameter `%s`.")
UNKNOWN_PARAMETER = Refusal("UnknownParameter", "The parameter `%s` is not recognized.")
UNSUPPORTED_PROTOCOL = Refusal("UnsupportedProtocol", "HTTP method and Content-Type do not go together: %s.")
UNSUPPORTED_REGION = Refusal("UnsupportedRegion", "The region %s is not supported.")
INTERNAL_ERROR = Refusal("InternalError", "An internal error has occurred.")
