"""The two signatures of RPC calls as they are on the wire: ACS3-HMAC-SHA256 in a header, version 1.0 among the parameters.

What comes out is what a call claims and how to test it against a secret; whether that is believed is decided in `models.py`.
https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature (ACS3) and
https://www.alibabacloud.com/help/en/sdk/product-overview/rpc-mechanism (version 1.0)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from imageferry_emulator.rpc import errors
from imageferry_emulator.rpc.errors import RefusedError
from imageferry_emulator.rpc.wire import ACS3, Call, authorization

if TYPE_CHECKING:
    from collections.abc import Iterable

MUST_BE_SIGNED = (
    "host",
    "x-acs-action",
    "x-acs-version",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-content-sha256",
)
"""Without these in SignedHeaders the signature would not cover what the call does, when, or that it is sent once."""
V1_PARAMETERS = ("AccessKeyId", "Signature", "SignatureNonce", "Timestamp", "SignatureMethod", "SignatureVersion")
V1_DIGESTS = {"HMAC-SHA1": "sha1", "HMAC-SHA256": "sha256"}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a signed call claims: by which key, when and as which one of its kind; `text` is what must have been signed."""

    access_key_id: str
    token: str
    date: str
    nonce: str
    text: str
    signature: str
    digest: str
    key_suffix: str
    binary: bool

    def holds(self, secret: str) -> bool:
        """Whether the signature was made with this secret."""
        made = hmac.new((secret + self.key_suffix).encode(), self.text.encode(), self.digest)
        right = base64.b64encode(made.digest()).decode() if self.binary else made.hexdigest()
        return hmac.compare_digest(right.encode(), self.signature.encode())


def claim(call: Call) -> Claim:
    """What a call claims. Raises RefusedError where a part of its signature is missing."""
    if "authorization" not in call.headers and "Signature" in call.params:
        return _v1(call)
    return _acs3(call)


def _acs3(call: Call) -> Claim:
    parts = authorization(call.headers.get("authorization", ""))
    missing = [name for name in ("Credential", "SignedHeaders", "Signature") if not parts.get(name)]
    if missing:
        raise RefusedError(errors.INCOMPLETE_SIGNATURE, f"Authorization lacks {', '.join(missing)}")
    signed = parts["SignedHeaders"].lower().split(";")
    unsigned = [name for name in MUST_BE_SIGNED if name not in signed or name not in call.headers]
    if unsigned:
        raise RefusedError(errors.INCOMPLETE_SIGNATURE, f"{', '.join(unsigned)} must be sent and signed")
    headers = "".join(f"{name}:{call.headers.get(name, '')}\n" for name in signed)
    body_hash = hashlib.sha256(call.body).hexdigest()
    canonical = "\n".join((call.method, call.path, _query(call.query), headers, ";".join(signed), body_hash))
    return Claim(
        access_key_id=parts["Credential"],
        token=call.headers.get("x-acs-security-token", ""),
        date=call.headers["x-acs-date"],
        nonce=call.headers["x-acs-signature-nonce"],
        text=f"{ACS3}\n{hashlib.sha256(canonical.encode()).hexdigest()}",
        # A body hash that is not the body's own is no signature of this call, whatever else fits.
        signature=parts["Signature"] if body_hash == call.headers["x-acs-content-sha256"].lower() else "",
        digest="sha256",
        key_suffix="",
        binary=False,
    )


def _v1(call: Call) -> Claim:
    missing = [name for name in V1_PARAMETERS if not call.params.get(name)]
    if missing:
        raise RefusedError(errors.INCOMPLETE_SIGNATURE, f"the parameters lack {', '.join(missing)}")
    digest = V1_DIGESTS.get(call.params["SignatureMethod"])
    if digest is None:
        raise RefusedError(errors.INVALID_PARAMETER, "SignatureMethod")
    query = _query((name, value) for name, value in call.params.items() if name != "Signature")
    return Claim(
        access_key_id=call.params["AccessKeyId"],
        token=call.params.get("SecurityToken", ""),
        date=call.params["Timestamp"],
        nonce=call.params["SignatureNonce"],
        text=f"{call.method}&%2F&{_encode(query)}",
        signature=call.params["Signature"],
        digest=digest,
        key_suffix="&",
        binary=True,
    )


def _query(pairs: Iterable[tuple[str, str]]) -> str:
    """Parameters in canonical form: they arrive encoded in several ways and are encoded anew by RFC 3986, in order."""
    return "&".join(f"{_encode(name)}={_encode(value)}" for name, value in sorted(pairs))


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")
