"""The key of a cloud account, out of a Kubernetes Secret: what is there is checked and named, and never shown."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from imageferry.core.errors import Refusal
from imageferry.core.reasons import Reason

_FIELDS: Final = ("accessKeyID", "accessKeySecret", "securityToken")
_MOST_BYTES: Final = 16384
"""Far above any key or token of a cloud; a larger value is something else."""

_KEY: Final = re.compile(r"[!-~]+")
_ID: Final = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """A key. The secret parts never appear in a repr. `life_seconds` is how long the cloud takes a temporary one; else None."""

    key_id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    life_seconds: float | None = None


def parse_secret(secret: Mapping[str, Any]) -> Keys | Refusal:
    """The key in a Secret object, or a refusal that names the field and the remedy but no value.

    A trailing newline or blank (the usual slip of `echo` and editors) is left out; anything else is refused.
    """
    data = secret.get("data") or {}
    values: dict[str, str] = {}
    for name in _FIELDS:
        encoded = data.get(name)
        if encoded is None:
            continue
        text = _text(encoded)
        if text is None:
            return _malformed(f"{name} is not plain printable text")
        values[name] = text
    for name in _FIELDS[:2]:
        if not values.get(name):
            return _malformed(f"{name} is missing or empty")
    if not _ID.fullmatch(values["accessKeyID"]) or _encoded_twice(values["accessKeyID"]):
        return _malformed("accessKeyID is no key id (is it base64 inside base64?)")
    return Keys(key_id=values["accessKeyID"], secret=values["accessKeySecret"], token=values.get("securityToken", ""))


def _text(encoded: str) -> str | None:
    try:
        raw = base64.b64decode(encoded, validate=True)
        text = raw.decode("ascii").strip(" \t\r\n")
    except (binascii.Error, ValueError):
        return None
    return text if len(raw) <= _MOST_BYTES and (not text or _KEY.fullmatch(text)) else None


def _encoded_twice(key_id: str) -> bool:
    """Key ids of the clouds begin with a fixed word; one that only does so after another decoding was encoded twice."""
    try:
        inner = base64.b64decode(key_id + "=" * (-len(key_id) % 4), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return False
    return inner.strip().startswith(("LTAI", "STS.", "AKID"))


def _malformed(what: str) -> Refusal:
    return Refusal(
        Reason.CREDENTIALS_MALFORMED,
        f"The Secret cannot be used: {what}.",
    )
