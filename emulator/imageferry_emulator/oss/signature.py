"""Who sent a request to OSS: header signatures of version 4, recomputed from what arrived on the wire.

The string to sign: https://www.alibabacloud.com/help/en/oss/developer-reference/recommend-to-use-signature-version-4.
What the caller may do is not this room's business.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import product
from typing import TYPE_CHECKING
from urllib.parse import quote

from imageferry_emulator.oss import errors
from imageferry_emulator.oss.errors import OssError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from imageferry_emulator.accounts import AccessKey
    from imageferry_emulator.oss.wire import Target
    from imageferry_emulator.world import World

ALGORITHM = "OSS4-HMAC-SHA256"
_SCOPE_PARTS = 5  # key id, date, region, product, aliyun_v4_request


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose signature it is, and the region it was made for."""

    key: AccessKey
    region: str


@dataclass(frozen=True, slots=True)
class Authorization:
    """The header taken apart; `scope` is `date/region/product/aliyun_v4_request`."""

    key_id: str
    date: str
    region: str
    product: str
    scope: str
    additional: tuple[str, ...]
    signature: str


@dataclass(frozen=True, slots=True)
class Signed:
    """The parts of a request that a signature covers; header names in lower case."""

    method: str
    target: Target
    headers: Mapping[str, str]


def caller(signed: Signed, world: World) -> Caller:
    """Who made the request. Raises OssError unless its signature, its time and its key are good."""
    given = signed.headers.get("authorization")
    if given is None:
        raise OssError(errors.ANONYMOUS)
    authorization = _parse(given)
    stamp, moment = _moment(signed.headers)
    if authorization.date != moment.strftime("%Y%m%d"):
        raise OssError(errors.SCOPE_DATE)
    now = world.clock.real_now()
    if abs((now - moment).total_seconds()) > world.settings.signature_life:
        raise OssError(
            errors.TIME_SKEWED, ("RequestTime", stamp), ("ServerTime", now.strftime("%Y-%m-%dT%H:%M:%S.000Z"))
        )
    key = world.accounts.by_key(authorization.key_id)
    if key is None or not key.enabled:
        fault = errors.KEY_UNKNOWN if key is None else errors.KEY_DISABLED
        raise OssError(fault, ("OSSAccessKeyId", authorization.key_id))
    _check_token(key, signed.headers.get("x-oss-security-token"), now)
    _check_signature(signed, authorization, key.secret, stamp)
    return Caller(key=key, region=authorization.region)


def _parse(header: str) -> Authorization:
    algorithm, _, rest = header.partition(" ")
    if algorithm != ALGORITHM:
        raise OssError(errors.AUTHORIZATION_UNKNOWN)
    # Some clients put a blank behind each comma.
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    credential = fields.get("Credential", "").split("/")
    if len(credential) != _SCOPE_PARTS or credential[-1] != "aliyun_v4_request" or not fields.get("Signature"):
        raise OssError(errors.AUTHORIZATION_MALFORMED)
    return Authorization(
        key_id=credential[0],
        date=credential[1],
        region=credential[2],
        product=credential[3],
        scope="/".join(credential[1:]),
        additional=tuple(name for name in fields.get("AdditionalHeaders", "").split(";") if name),
        signature=fields["Signature"],
    )


def _moment(headers: Mapping[str, str]) -> tuple[str, datetime]:
    """The time of the request, as it stands in the string to sign and as a value. `x-oss-date` goes before `Date`."""
    stamp = headers.get("x-oss-date") or headers.get("date", "")
    try:
        if stamp.endswith("Z"):
            return stamp, datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return stamp, parsedate_to_datetime(stamp).astimezone(UTC)
    except ValueError:
        raise OssError(errors.DATE_MISSING) from None


def _check_token(key: AccessKey, token: str | None, now: datetime) -> None:
    if token is not None and key.token is None:
        # A token makes it a request with temporary keys, among which this one is not (EC 0002-00000002).
        raise OssError(errors.KEY_UNKNOWN, ("OSSAccessKeyId", key.id))
    if key.token is not None and token is None:
        raise OssError(errors.KEY_UNKNOWN, ("OSSAccessKeyId", key.id))
    if token != key.token:
        raise OssError(errors.TOKEN_INVALID)
    if key.expires is not None and now >= key.expires:
        raise OssError(errors.TOKEN_EXPIRED)


def _check_signature(signed: Signed, authorization: Authorization, secret: str, stamp: str) -> None:
    signing_key = f"aliyun_v4{secret}".encode()
    for part in authorization.scope.split("/"):
        signing_key = _hmac(signing_key, part)
    shown = ("", "")
    for canonical in reversed(list(_canonical_requests(signed, authorization.additional))):
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        string = f"{ALGORITHM}\n{stamp}\n{authorization.scope}\n{digest}"
        if hmac.compare_digest(_hmac(signing_key, string).hex().encode(), authorization.signature.encode()):
            return
        shown = (string, canonical)
    raise OssError(
        errors.SIGNATURE_WRONG,
        ("OSSAccessKeyId", authorization.key_id),
        ("SignatureProvided", authorization.signature),
        ("StringToSign", shown[0]),
        ("CanonicalRequest", shown[1]),
    )


def _canonical_requests(signed: Signed, additional: tuple[str, ...]) -> Iterator[str]:
    """The canonical request, the documented form first.

    Clients differ in two points and the service takes them all: an empty query value is written `prefix` or `prefix=`, and a
    key may be signed in the encoding it was sent in, which leaves such characters as parentheses bare.
    """
    headers = signed.headers
    canonical_headers = "".join(
        f"{name}:{headers[name]}\n"
        for name in sorted(headers)
        if name.startswith("x-oss-") or name in {"content-type", "content-md5"} or name in additional
    )
    payload = headers.get("x-oss-content-sha256", "UNSIGNED-PAYLOAD")
    tail = f"{canonical_headers}\n{';'.join(additional)}\n{payload}"
    pairs = sorted((_encode(name), _encode(value)) for name, value in signed.target.query)
    queries = ("&".join(f"{n}={v}" if v else n for n, v in pairs), "&".join(f"{n}={v}" for n, v in pairs))
    target = signed.target
    encoded = f"/{target.bucket}/{target.key}" if target.bucket else "/"
    paths = (_encode(encoded, keep="/"), target.path)
    for path, query in dict.fromkeys(product(paths, queries)):
        yield f"{signed.method}\n{path}\n{query}\n{tail}"


def _encode(text: str, *, keep: str = "") -> str:
    return quote(text, safe=keep + "-_.~")


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
