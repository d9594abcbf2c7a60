"""Signatures of version 4 (`OSS4-HMAC-SHA256`), in the Authorization header or in the query.

https://www.alibabacloud.com/help/en/oss/developer-reference/recommend-to-use-signature-version-4 and .../add-signatures-to-urls
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from imageferry_emulator.oss import claims, errors
from imageferry_emulator.oss.claims import Claim, Now, Signed, Wording
from imageferry_emulator.oss.errors import OssError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from imageferry_emulator.oss.errors import Fault

SCHEME = "OSS4-HMAC-SHA256"
_SCOPE_PARTS = 5  # key id, date, region, product, aliyun_v4_request
_UNSIGNED = "UNSIGNED-PAYLOAD"
_LONGEST_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Scope:
    """A credential taken apart; `text` is `date/region/product/aliyun_v4_request`."""

    key_id: str
    date: str
    region: str
    text: str


def in_header(signed: Signed, now: Now) -> Claim:
    """The claim of `Authorization: OSS4-HMAC-SHA256 Credential=...[,AdditionalHeaders=a;b],Signature=...`. Raises OssError."""
    rest = signed.headers["authorization"].partition(" ")[2]
    # Some clients put a blank behind each comma.
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    scope = _scope(fields.get("Credential", ""), errors.AUTHORIZATION_MALFORMED)
    if not fields.get("Signature"):
        raise OssError(errors.AUTHORIZATION_MALFORMED)
    if signed.headers.get("x-oss-content-sha256", _UNSIGNED) != _UNSIGNED:
        raise OssError(errors.PAYLOAD_SIGNED)
    stamp, moment = claims.sent(signed.headers)
    _check_date(scope, moment)
    claims.check_sent(stamp, moment, now)
    token = signed.headers.get("x-oss-security-token")
    return _claim(signed, scope, stamp, fields.get("AdditionalHeaders", ""), (fields["Signature"], token))


def in_query(signed: Signed, now: Now) -> Claim:
    """The claim of a presigned URL. Raises OssError unless all its parts are there and good, and its time has come and is not over."""
    parameter = signed.target.parameter
    scope = _scope(parameter("x-oss-credential") or "", errors.CREDENTIAL_MALFORMED)
    signature, stamp = parameter("x-oss-signature"), parameter("x-oss-date")
    if not signature or not stamp:
        raise OssError(errors.QUERY_INCOMPLETE)
    moment = claims.parse_moment(stamp)
    _check_date(scope, moment)
    seconds = _seconds(parameter("x-oss-expires"))
    if (moment - now.moment).total_seconds() > now.life:
        raise OssError(errors.NOT_YET)
    claims.check_expiry(claims.later(moment, seconds), now)
    additional = parameter("x-oss-additional-headers") or ""
    return _claim(signed, scope, stamp, additional, (signature, parameter("x-oss-security-token")))


def _scope(credential: str, malformed: Fault) -> Scope:
    parts = credential.split("/")
    if len(parts) != _SCOPE_PARTS or not all(parts) or parts[-1] != "aliyun_v4_request":
        raise OssError(malformed)
    return Scope(key_id=parts[0], date=parts[1], region=parts[2], text="/".join(parts[1:]))


def _check_date(scope: Scope, moment: datetime) -> None:
    if scope.date != moment.strftime("%Y%m%d"):
        raise OssError(errors.SCOPE_DATE)


def _seconds(given: str | None) -> int:
    if not given:
        raise OssError(errors.EXPIRES_MISSING)
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= _LONGEST_SECONDS:
        raise OssError(errors.EXPIRES_RANGE)
    return int(given)


def _claim(signed: Signed, scope: Scope, stamp: str, additional: str, sent: tuple[str, str | None]) -> Claim:
    signature, token = sent
    names = tuple(name for name in additional.split(";") if name)
    wordings = tuple(
        Wording(f"{SCHEME}\n{stamp}\n{scope.text}\n{hashlib.sha256(claims.octets(canonical)).hexdigest()}", canonical)
        for canonical in _canonical_requests(signed, names)
    )
    return Claim(scope.key_id, scope.region, token, signature, wordings, _signer(scope.text))


def _canonical_requests(signed: Signed, additional: tuple[str, ...]) -> Iterator[str]:
    """The canonical request, the documented form first.

    Clients differ in two points and the service takes them all: an empty query value is written `prefix` or `prefix=`, and a
    key may be signed in the encoding it was sent in, which leaves such characters as parentheses bare.
    """
    headers, target = signed.headers, signed.target
    covered = "".join(
        f"{name}:{headers[name]}\n"
        for name in sorted(headers)
        if name.startswith("x-oss-") or name in {"content-type", "content-md5"} or name in additional
    )
    tail = f"{covered}\n{';'.join(additional)}\n{_UNSIGNED}"
    pairs = sorted((claims.encode(n), claims.encode(v)) for n, v in target.query if n != "x-oss-signature")
    queries = ("&".join(f"{n}={v}" if v else n for n, v in pairs), "&".join(f"{n}={v}" for n, v in pairs))
    resource = f"/{target.bucket}/{target.key}" if target.bucket else "/"
    paths = (claims.encode(resource, keep="/"), target.path)
    for path, query in dict.fromkeys(product(paths, queries)):
        yield f"{signed.method}\n{path}\n{query}\n{tail}"


def _signer(scope: str) -> Callable[[str, str], str]:
    def sign(secret: str, string: str) -> str:
        key = f"aliyun_v4{secret}".encode()
        for part in [*scope.split("/"), string]:
            key = hmac.new(key, claims.octets(part), hashlib.sha256).digest()
        return key.hex()

    return sign
