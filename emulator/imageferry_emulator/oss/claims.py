"""What a signed request claims, whatever the version of its signature: who, when, and over which text. Time is judged here.

The versions themselves are in version1.py, version2.py and version4.py; whether a claim is true is found out in signature.py.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from imageferry_emulator.oss import errors
from imageferry_emulator.oss.errors import OssError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imageferry_emulator.oss.wire import Target


@dataclass(frozen=True, slots=True)
class Signed:
    """The parts of a request that a signature covers; header names in lower case."""

    method: str
    target: Target
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Wording:
    """One way to write what is signed: the string to sign, and the canonical request that it is a digest of, '' if none."""

    string: str
    canonical: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A signature taken apart: the key, the token sent with it, the region it was made for ('' where it names none).

    `wordings` are all the texts it may have been made over, the documented one first; `sign` makes it from secret and text.
    """

    key_id: str
    region: str
    token: str | None
    signature: str
    wordings: tuple[Wording, ...]
    sign: Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class Now:
    """The cloud's wall clock, and for how many seconds around a request's time it is accepted."""

    moment: datetime
    life: float


def check_sent(stamp: str, moment: datetime, now: Now) -> None:
    """Hold the time that a header names against the clock. Raises OssError if they are too far apart."""
    if abs((now.moment - moment).total_seconds()) > now.life:
        raise OssError(
            errors.TIME_SKEWED,
            ("MaxAllowedSkewMilliseconds", str(int(now.life * 1000))),
            ("RequestTime", stamp),
            ("ServerTime", now.moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")),
        )


def check_expiry(end: datetime, now: Now) -> None:
    """Refuse a presigned request whose time is over. Raises OssError."""
    if now.moment > end:
        raise OssError(
            errors.EXPIRED,
            ("ServerTime", now.moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")),
            ("Expires", end.strftime("%Y-%m-%dT%H:%M:%S.000Z")),
        )


def expiry(given: str | None) -> datetime:
    """The end of a presigned URL of version 1 or 2, in seconds since 1970. Raises OssError unless it is a number."""
    try:
        return datetime.fromtimestamp(int(given or ""), tz=UTC)
    except (ValueError, OverflowError, OSError):
        raise OssError(errors.EXPIRES_MALFORMED) from None


def sent(headers: Mapping[str, str]) -> tuple[str, datetime]:
    """The time of the request, as it stands in the string to sign and as a value. `x-oss-date` goes before `Date`."""
    stamp = headers.get("x-oss-date") or headers.get("date", "")
    return stamp, parse_moment(stamp)


def parse_moment(stamp: str) -> datetime:
    """`20260101T000000Z` or RFC 1123 text as a time. Raises OssError for anything else."""
    try:
        if stamp.endswith("Z"):
            return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return parsedate_to_datetime(stamp).astimezone(UTC)
    except (ValueError, OverflowError):
        raise OssError(errors.DATE_MISSING) from None


def later(moment: datetime, seconds: float) -> datetime:
    """So many seconds later."""
    return moment + timedelta(seconds=seconds)


def encode(text: str, *, keep: str = "") -> str:
    """Percent-encoding as RFC 3986 has it."""
    return quote(text, safe=keep + "-_.~", errors="surrogateescape")


def octets(text: str) -> bytes:
    """The bytes of a header's text as they came in, UTF-8 or not."""
    return text.encode("utf-8", "surrogateescape")


def base64_hmac(digest: str) -> Callable[[str, str], str]:
    """How versions 1 and 2 make a signature of secret and text."""

    def sign(secret: str, string: str) -> str:
        return base64.b64encode(hmac.new(secret.encode(), octets(string), digest).digest()).decode()

    return sign
