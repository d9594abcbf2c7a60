"""The two signatures of the API 3.0 as they are on the wire: TC3-HMAC-SHA256 in a header, version 1 among the parameters.

What comes out is what a call claims and how to test it against a secret; whether that is believed is decided in `models.py`.
https://www.tencentcloud.com/document/product/267/37447 (TC3, and beside it "Signature", which is version 1)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imageferry_emulator.tencent import errors
from imageferry_emulator.tencent.errors import RefusedError
from imageferry_emulator.tencent.wire import TC3, authorization

if TYPE_CHECKING:
    from collections.abc import Callable

    from imageferry_emulator.tencent.wire import Call

MUST_BE_SIGNED = ("content-type", "host")
TERMINATOR = "tc3_request"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
DIGESTS = {"HmacSHA1": "sha1", "HmacSHA256": "sha256"}
V1_PARAMETERS = ("Nonce", "SecretId", "Signature")
SCOPE_PARTS = 4


@dataclass(frozen=True, slots=True)
class Claim:
    """What a signed call claims: by which key, and on which UTC date its key was derived ('' where version 1 names none).

    `texts` are all the texts that may have been signed, the documented one first; `sign` makes the signature from secret and text.
    """

    secret_id: str
    date: str
    signature: str
    texts: tuple[str, ...]
    sign: Callable[[str, str], str]

    def holds(self, secret: str) -> bool:
        """Whether the signature was made with this secret."""
        given = self.signature.encode()
        return any(hmac.compare_digest(self.sign(secret, text).encode(), given) for text in self.texts)


def claim(call: Call) -> Claim:
    """What a call claims. Raises RefusedError where a part of its signature is missing or wrongly formed."""
    return _tc3(call) if call.headed else _v1(call)


def _tc3(call: Call) -> Claim:
    parts = authorization(call.headers.get("authorization", ""))
    missing = [name for name in ("Credential", "SignedHeaders", "Signature") if not parts.get(name)]
    if missing:
        raise RefusedError(errors.INVALID_AUTHORIZATION, f"it lacks {', '.join(missing)}")
    scope = parts["Credential"].split("/")
    if len(scope) != SCOPE_PARTS or scope[3] != TERMINATOR or not all(scope):
        raise RefusedError(errors.INVALID_AUTHORIZATION, f"Credential is SecretId/date/service/{TERMINATOR}")
    signed = parts["SignedHeaders"].lower().split(";")
    unsigned = [name for name in MUST_BE_SIGNED if name not in signed or name not in call.headers]
    if unsigned:
        raise RefusedError(errors.INVALID_AUTHORIZATION, f"{', '.join(unsigned)} must be sent and signed")
    secret_id, date, service, _ = scope

    def sign(secret: str, text: str) -> str:
        key = f"TC3{secret}".encode()
        for part in (date, service, TERMINATOR, text):
            key = hmac.new(key, part.encode(), "sha256").digest()
        return key.hex()

    named = f"{date}/{service}/{TERMINATOR}"
    texts = (f"{TC3}\n{call.timestamp}\n{named}\n{digest}" for digest in _digests(call, signed))
    return Claim(secret_id, date, parts["Signature"], tuple(dict.fromkeys(texts)), sign)


def _digests(call: Call, signed: list[str]) -> list[str]:
    """Digests of the canonical request. Values of headers are documented in lower case, and the vendor's SDKs sign them as sent."""
    payload = UNSIGNED_PAYLOAD.encode() if call.headers.get("x-tc-content-sha256") == UNSIGNED_PAYLOAD else call.body
    values = [call.headers.get(name, "") for name in signed]
    written = []
    for shown in ([value.lower() for value in values], values):
        headers = "".join(f"{name}:{value}\n" for name, value in zip(signed, shown, strict=True))
        body = hashlib.sha256(payload).hexdigest()
        canonical = "\n".join((call.method, call.path, call.query, headers, ";".join(signed), body))
        written.append(hashlib.sha256(canonical.encode()).hexdigest())
    return written


def _v1(call: Call) -> Claim:
    missing = next((name for name in V1_PARAMETERS if not call.flat.get(name)), None)
    if missing:
        raise RefusedError(errors.MISSING_PARAMETER, missing)
    digest = DIGESTS.get(call.flat.get("SignatureMethod", "") or "HmacSHA1")
    if digest is None:
        raise RefusedError(errors.INVALID_PARAMETER_VALUE, "SignatureMethod")
    shown = "&".join(f"{name}={value}" for name, value in sorted(call.flat.items()) if name != "Signature")
    host = call.headers.get("host", "")
    # An endpoint that was given with its scheme was seen to come with it in the Host header.
    hosts = dict.fromkeys((host, host.rpartition("//")[2]))

    def sign(secret: str, text: str) -> str:
        return base64.b64encode(hmac.new(secret.encode(), text.encode(), digest).digest()).decode()

    texts = tuple(f"{call.method}{each}{call.path}?{shown}" for each in hosts)
    return Claim(call.flat["SecretId"], "", call.flat["Signature"], texts, sign)
