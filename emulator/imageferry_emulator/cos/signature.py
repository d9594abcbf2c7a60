"""Who sent a request to COS: reads its signature (q-sign-algorithm=sha1), in the header or in a URL, and recomputes it.

What the sender may do is not this room's business. https://www.tencentcloud.com/document/product/436/7778
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, unquote_to_bytes

from imageferry_emulator.accounts import KeyRefusedError, Problem
from imageferry_emulator.cos import errors
from imageferry_emulator.cos.errors import CosError, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imageferry_emulator.accounts import AccessKey, Account
    from imageferry_emulator.cos.wire import Target
    from imageferry_emulator.world import World

ALGORITHM = "q-sign-algorithm"
PARTS = (ALGORITHM, "q-ak", "q-sign-time", "q-key-time", "q-header-list", "q-url-param-list", "q-signature")
TOKEN = "x-cos-security-token"  # noqa: S105 (the name of a header)
_SPAN = re.compile(r"(\d{1,12});(\d{1,12})")
_REFUSALS = {Problem.TOKEN_EXPIRED: errors.TOKEN_EXPIRED, Problem.TOKEN_WRONG: errors.SIGNATURE_MALFORMED}
"""A temporary key is known only together with its token; any other problem is that of an unknown key."""


@dataclass(frozen=True, slots=True)
class Signed:
    """The parts of a request that a signature covers; header names in lower case."""

    method: str
    target: Target
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Caller:
    """The account that a request acts for, and the key that signed it."""

    account: Account
    key: AccessKey


def caller(signed: Signed, world: World) -> Caller | None:
    """Who made the request, None if it is not signed. The order is: form, time, key and token, signature. Raises CosError."""
    header = signed.headers.get("authorization", "")
    if not header and signed.target.parameter(ALGORITHM) is None:
        return None
    claimed = _in_header(header) if header else {name: signed.target.parameter(name) or "" for name in PARTS}
    if claimed.get(ALGORITHM) != "sha1" or any(name not in claimed for name in PARTS):
        raise CosError(errors.SIGNATURE_MALFORMED)
    for name in ("q-sign-time", "q-key-time"):
        _check_time(claimed[name], world)
    token = signed.headers.get(TOKEN) or signed.target.parameter(TOKEN) or ""
    try:
        key = world.tencent.accounts.resolve(claimed["q-ak"], token)
    except KeyRefusedError as refused:
        raise CosError(_REFUSALS.get(refused.problem, errors.KEY_UNKNOWN)) from None
    account = world.tencent.accounts.account(key.account_id)
    if account is None:
        raise CosError(errors.KEY_UNKNOWN)
    given = claimed["q-signature"].encode()
    if not any(hmac.compare_digest(_sign(key.secret, claimed, text), given) for text in _texts(signed, claimed)):
        raise CosError(errors.SIGNATURE_WRONG)
    return Caller(account=account, key=key)


def _in_header(header: str) -> dict[str, str]:
    parts = (part.partition("=") for part in header.split("&"))
    return {name.strip(): unquote(value) if name == "q-ak" else value for name, _, value in parts}


def _check_time(span: str, world: World) -> None:
    """A signature is good from its first second to its last, both chosen by the one who signs."""
    found = _SPAN.fullmatch(span)
    if found is None:
        raise CosError(errors.SIGNATURE_MALFORMED)
    now = world.clock.real_seconds()
    fault: Fault | None = None
    if now > int(found[2]):
        fault = errors.EXPIRED
    elif now < int(found[1]):
        fault = errors.TIME_SKEWED
    if fault is not None:
        raise CosError(fault)


def _sign(secret: str, claimed: Mapping[str, str], text: str) -> bytes:
    digest = hashlib.sha1(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()
    to_sign = f"sha1\n{claimed['q-sign-time']}\n{digest}\n"
    sign_key = hmac.new(secret.encode(), claimed["q-key-time"].encode(), "sha1").hexdigest()
    return hmac.new(sign_key.encode(), to_sign.encode(), "sha1").hexdigest().encode()


def _texts(signed: Signed, claimed: Mapping[str, str]) -> tuple[str, ...]:
    """The texts that may have been signed, the documented one first.

    The path is documented to stand in it decoded, and some clients leave it as they send it. The service is at no port that a
    Host header would name, and some clients sign the name of a host without its port.
    """
    query = {name.lower(): value for name, value in signed.target.query}
    params = _pairs(claimed["q-url-param-list"], query)
    host = signed.headers.get("host", "")
    hosts = dict.fromkeys((host, re.sub(r":\d+$", "", host)))
    headers = [_pairs(claimed["q-header-list"], {**signed.headers, "host": each}) for each in hosts]
    decoded = unquote_to_bytes(signed.target.path).decode("utf-8", "surrogateescape")
    paths = dict.fromkeys((decoded, signed.target.path))
    return tuple(f"{signed.method.lower()}\n{path}\n{params}\n{each}\n" for path in paths for each in headers)


def _pairs(listed: str, given: Mapping[str, str]) -> str:
    names = [unquote(name).lower() for name in listed.split(";") if name]
    return "&".join(f"{_encode(name)}={_encode(given.get(name, ''))}" for name in names)


def _encode(text: str) -> str:
    return quote(text, safe="-_.~", errors="surrogateescape")
