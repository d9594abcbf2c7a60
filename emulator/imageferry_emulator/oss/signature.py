"""Who sent a request to OSS: finds its signature, recomputes it from what arrived on the wire, and checks key and token.

How each version writes down what is signed is told in version1.py, version2.py and version4.py. What the caller may do is not
this room's business.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imageferry_emulator.oss import claims, errors, version1, version2, version4
from imageferry_emulator.oss.claims import Claim, Now, Signed
from imageferry_emulator.oss.errors import OssError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from imageferry_emulator.accounts import AccessKey
    from imageferry_emulator.world import World

_HEADERS = {version.SCHEME: version.in_header for version in (version1, version2, version4)}
_QUERIES = {version.SCHEME: version.in_query for version in (version2, version4)}


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose signature it is, and the region it was made for, '' where its version names none."""

    key: AccessKey
    region: str


def caller(signed: Signed, world: World) -> Caller | None:
    """Who made the request, None if it is not signed. Raises OssError unless signature, time, key and token are good."""
    now = Now(world.clock.real_now(), world.settings.signature_life)
    read = _reader(signed)
    if read is None:
        return None
    claim = read(signed, now)
    key = world.accounts.by_key(claim.key_id)
    if key is None or not key.enabled:
        fault = errors.KEY_UNKNOWN if key is None else errors.KEY_DISABLED
        raise OssError(fault, ("OSSAccessKeyId", claim.key_id))
    _check_token(key, claim.token, now.moment)
    _check_signature(claim, key.secret)
    return Caller(key=key, region=claim.region)


def _reader(signed: Signed) -> Callable[[Signed, Now], Claim] | None:
    header = signed.headers.get("authorization")
    version = signed.target.parameter("x-oss-signature-version")
    in_query = version is not None or any(signed.target.parameter(name) for name in ("OSSAccessKeyId", "Signature"))
    if header is not None and in_query:
        raise OssError(errors.SIGNED_TWICE)
    if header is not None:
        return _known(_HEADERS, header.partition(" ")[0], errors.AUTHORIZATION_UNKNOWN)
    if version is not None:
        return _known(_QUERIES, version, errors.QUERY_VERSION)
    return version1.in_query if in_query else None


def _known(
    readers: dict[str, Callable[[Signed, Now], Claim]], scheme: str, unknown: errors.Fault
) -> Callable[[Signed, Now], Claim]:
    try:
        return readers[scheme]
    except KeyError:
        raise OssError(unknown) from None


def _check_token(key: AccessKey, token: str | None, now: datetime) -> None:
    if (token is None) != (key.token is None):
        # A token makes it a request with temporary keys, among which this one is not, and the other way round.
        raise OssError(errors.KEY_UNKNOWN, ("OSSAccessKeyId", key.id))
    if token != key.token:
        raise OssError(errors.TOKEN_INVALID)
    if key.expires is not None and now >= key.expires:
        raise OssError(errors.TOKEN_EXPIRED)


def _check_signature(claim: Claim, secret: str) -> None:
    given = claims.octets(claim.signature)
    if any(hmac.compare_digest(claim.sign(secret, wording.string).encode(), given) for wording in claim.wordings):
        return
    shown = claim.wordings[0]
    raise OssError(
        errors.SIGNATURE_WRONG,
        ("OSSAccessKeyId", claim.key_id),
        ("SignatureProvided", claim.signature),
        ("StringToSign", shown.string),
        *([("CanonicalRequest", shown.canonical)] if shown.canonical else []),
    )
