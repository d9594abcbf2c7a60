"""The sockets of both SDKs: one session that sees every request before it leaves, and every answer before the SDK does.

It imports `requests`, as the SDKs do, and is imported on first use like them. Four things are done here because the SDKs do not
(tencentcloud-sdk-python-common 3.1.195, cos-python-sdk-v5 1.9.44):

- a request that was signed too late for its claim is not sent: the API's SDK sets the signed time itself;
- a call sends one request, whatever redirects say: another would be a second submission;
- each call has its own time limits, where the SDKs have one for all;
- status and Date of every answer are kept, also where the SDK raises or drops them.

The proxy variables are followed as `requests` does, NO_PROXY included; the API's SDK takes that for a piece of text to look for
the address in.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

from requests import PreparedRequest, Response, Session

from imageferry.clouds.network import moment
from imageferry.clouds.tencent.exceptions import SecondRequestError, SignedLateError

CONNECT_SECONDS: Final = 5.0
"""The longest wait for a connection; a cloud that takes longer is not there."""

_SIGNED_TIME: Final = "X-TC-Timestamp"


@dataclass(slots=True, kw_only=True)
class Seen:
    """One call: how long it may take, until when it may have been signed, and what came of it."""

    seconds: float
    signed_by: datetime | None
    sent: bool = False
    status: int = 0
    date: datetime | None = None


class Wire(Session):
    """Sockets that several threads share; what each is calling is told by `call`."""

    def __init__(self) -> None:
        super().__init__()
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self._here = threading.local()

    @contextmanager
    def call(self, seconds: float, *, signed_by: datetime | None = None) -> Iterator[Seen]:
        """What is sent by this thread from here on is one call."""
        seen = Seen(seconds=seconds, signed_by=signed_by)
        self._here.seen = seen
        try:
            yield seen
        finally:
            del self._here.seen

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:  # noqa: ANN401 -- as the library's own
        """Send the one request of a call. Raises SignedLateError, SecondRequestError and whatever else the library raises."""
        seen: Seen = self._here.seen
        if seen.sent:
            raise SecondRequestError
        signed_at = int(request.headers.get(_SIGNED_TIME, 0))
        if seen.signed_by and signed_at > seen.signed_by.timestamp():
            raise SignedLateError
        seen.sent = True
        kwargs["timeout"] = (min(seen.seconds, CONNECT_SECONDS), seen.seconds)
        response = super().send(request, **kwargs)
        seen.status, seen.date = response.status_code, _date(response)
        return response


class Line:
    """What the API's SDK takes for its connection (`ApiRequest.conn`): it sends over a `Wire`."""

    request_length = 0

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def request(
        self, method: str, url: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Send one request, without following where an answer redirects to."""
        return self._wire.request(method, url, data=body, headers=dict(headers or {}), allow_redirects=False)


def _date(response: Response) -> datetime | None:
    return moment({"date": response.headers.get("Date", "")})
