"""A stand-in for the identity provider of a cluster: it signs the tokens that tests ask the admin API for.

Its key is made when it is first needed, kept in the journal, and counts for every OIDC provider of the world. Whether a token
is any good is decided in `oidc.py`.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from imageferry_emulator import rsa

if TYPE_CHECKING:
    from imageferry_emulator.clock import Clock
    from imageferry_emulator.state import Journal

KID = "imageferry-emulator"
AUDIENCE = "sts.aliyuncs.com"
"""The audience that clusters of the vendor ask for: https://www.alibabacloud.com/help/en/ack/ack-managed-and-ack-dedicated/user-guide/use-rrsa-to-authorize-pods-to-access-different-cloud-services."""
SECONDS = 3600


class Issuer:
    """Signs tokens; the key survives restarts."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._key: rsa.PrivateKey | None = None

    def key(self) -> rsa.PrivateKey:
        """The signing key. Takes about a second the first time."""
        if self._key is None:
            stored = self._journal.table("issuer").get("key")
            if stored is None:
                fresh = rsa.generate()
                stored = {"n": hex(fresh.public.n), "d": hex(fresh.d)}
                self._journal.put("issuer", "key", stored)
            public = rsa.PublicKey(int(stored["n"], 16), rsa.EXPONENT)
            self._key = rsa.PrivateKey(public, int(stored["d"], 16))
        return self._key

    def jwk(self) -> dict[str, str]:
        """The public key as a JSON Web Key."""
        return self.key().public.jwk(KID)

    def token(self, *, issuer: str, subject: str, audience: str, seconds: float) -> str:
        """A token as a cluster signs them for its service accounts; `seconds` may be negative: it has expired then."""
        now = int(self._clock.real_seconds())
        claims = {
            "iss": issuer,
            "sub": subject,
            "aud": [audience],
            "iat": now,
            "nbf": min(now, now + int(seconds)),
            "exp": now + int(seconds),
            "jti": secrets.token_hex(8),
        }
        return self.signed({"alg": "RS256", "typ": "JWT", "kid": KID}, claims)

    def signed(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """Header and claims with a signature of this issuer, whatever the header says."""
        text = ".".join(rsa.encoded(json.dumps(part).encode()) for part in (header, claims))
        return f"{text}.{rsa.encoded(self.key().sign(text.encode()))}"
