"""What the exceptions of both SDKs say about their requests. What a code means may not enter here.

The API's SDK has one exception for everything, with codes that it makes up itself; COS's has one for answers and one for the rest.
Neither keeps the cause of a network failure, but the chain of contexts does.
"""

from collections.abc import Callable
from typing import Any, Final

from imageferry.clouds.faults import Fault, Refused, Unreachable, Unreadable
from imageferry.clouds.network import chain, never_connected
from imageferry.core.errors import Failure

_OK, _FORBIDDEN, _NOT_FOUND = 200, 403, 404


class AnsweredError(Exception):
    """The cloud answered with an error that its SDK did not see, or of which it lost what matters."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.code)
        self.refused = refused


class SignedLateError(Exception):
    """The request would have been signed too late for its claim, and was not sent."""


class SecondRequestError(Exception):
    """A call wanted to send another request after its first, which has left."""


def fault(error: Exception) -> Fault:
    """What an exception of an SDK says about its request; what proves nothing is Unreadable."""
    if isinstance(error, AnsweredError):
        return error.refused
    links = chain(error)
    if any(isinstance(link, SecondRequestError) for link in links):
        return Unreadable()
    if never_connected(error) or any(isinstance(link, SignedLateError) for link in links):
        return Unreachable()
    if hasattr(error, "get_status_code"):
        return _of_store(error)
    code, text = getattr(error, "code", None), getattr(error, "message", "")
    if not isinstance(code, str) or code in _OF_THE_SDK:
        return Unreadable()
    return Refused(status=_OK, code=code, text=str(text or ""), request_id=str(getattr(error, "requestId", "") or ""))


_OF_THE_SDK: Final = ("ClientNetworkError", "ServerNetworkError", "ClientError", "ClientParamsError")
"""Codes that the API's SDK makes up itself; the first hides the reason in its context and keeps a text of it."""


def _of_store(error: Any) -> Refused:  # noqa: ANN401 -- COS's own exception
    status = int(error.get_status_code())
    code = _told(error.get_error_code)
    if code in ("", "Unknown", "NoSuchResource"):  # an answer to HEAD has no body that could name a code
        code = {_NOT_FOUND: "NoSuchResource", _FORBIDDEN: "AccessDenied"}.get(status, "")
    return Refused(status=status, code=code, text=_told(error.get_error_msg), request_id=_told(error.get_request_id))


def _told(ask: Callable[[], object]) -> str:
    """What COS's exception holds; it raises KeyError where the answer lacked that."""
    try:
        return str(ask() or "")
    except KeyError:
        return ""


def unread(error: Exception) -> bool:
    """Whether an answer came of which the SDK understood nothing: another status than 200 of the API, or no readable body."""
    if isinstance(error, Failure | AnsweredError) or hasattr(error, "get_status_code"):
        return False
    return getattr(error, "code", "ServerNetworkError") == "ServerNetworkError"


def bare(status: int) -> Refused:
    """An answer of which nothing but its status is known."""
    return Refused(status=status, code="", text="", request_id="")
