"""RSA keys and RS256 signatures (RFC 8017, RSASSA-PKCS1-v1_5 with SHA-256), for the tokens of an identity provider.

Plain numbers: the emulator has no library for it, and nothing real is guarded by these keys. No tokens here.
"""

from __future__ import annotations

import base64
import hashlib
import math
import secrets
from dataclasses import dataclass

BITS = 2048
EXPONENT = 65537
DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
"""What stands before a SHA-256 digest in a signature: RFC 8017, section 9.2, note 1."""
ROUNDS = 8
"""Of Miller and Rabin; the primes are random, not an adversary's."""
SIEVE = math.prod(n for n in range(3, 2000) if all(n % d for d in range(2, math.isqrt(n) + 1)))
"""All small odd primes multiplied: what shares a factor with it need not be tested further."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Modulus and exponent."""

    n: int
    e: int

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature is one of the message by this key."""
        size = (self.n.bit_length() + 7) // 8
        if len(signature) != size:
            return False
        opened = pow(int.from_bytes(signature, "big"), self.e, self.n)
        return opened.to_bytes(size, "big") == _padded(message, size)

    def jwk(self, kid: str) -> dict[str, str]:
        """The key as a JSON Web Key (RFC 7517)."""
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": _number(self.n), "e": _number(self.e)}


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A public key and the exponent that signs for it."""

    public: PublicKey
    d: int

    def sign(self, message: bytes) -> bytes:
        """A signature of the message."""
        size = (self.public.n.bit_length() + 7) // 8
        return pow(int.from_bytes(_padded(message, size), "big"), self.d, self.public.n).to_bytes(size, "big")


def generate() -> PrivateKey:
    """A new key. Takes about a second."""
    while True:
        p, q = _prime(BITS // 2), _prime(BITS // 2)
        totient = math.lcm(p - 1, q - 1)
        if p != q and math.gcd(EXPONENT, totient) == 1:
            return PrivateKey(PublicKey(p * q, EXPONENT), pow(EXPONENT, -1, totient))


def from_jwk(key: dict[str, str]) -> PublicKey:
    """The key of a JSON Web Key. Raises ValueError or KeyError if it is no RSA key."""
    if key.get("kty") != "RSA":
        raise ValueError("not an RSA key")
    return PublicKey(int.from_bytes(decoded(key["n"]), "big"), int.from_bytes(decoded(key["e"]), "big"))


def encoded(raw: bytes) -> str:
    """Base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(shown: str) -> bytes:
    """The bytes of base64url without padding. Raises ValueError."""
    return base64.b64decode(shown + "=" * (-len(shown) % 4), altchars=b"-_", validate=True)


def _number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _padded(message: bytes, size: int) -> bytes:
    digest = DIGEST_INFO + hashlib.sha256(message).digest()
    return b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest


def _prime(bits: int) -> int:
    while True:
        # The two highest bits are set, so that the product of two primes has all its bits.
        candidate = secrets.randbits(bits) | (3 << (bits - 2)) | 1
        if math.gcd(candidate, SIEVE) == 1 and _is_prime(candidate):
            return candidate


def _is_prime(candidate: int) -> bool:
    odd, halvings = candidate - 1, 0
    while odd % 2 == 0:
        odd, halvings = odd // 2, halvings + 1
    return all(_passes(candidate, odd, halvings) for _ in range(ROUNDS))


def _passes(candidate: int, odd: int, halvings: int) -> bool:
    power = pow(secrets.randbelow(candidate - 3) + 2, odd, candidate)
    if power in (1, candidate - 1):
        return True
    for _ in range(halvings - 1):
        power = pow(power, 2, candidate)
        if power == candidate - 1:
            return True
    return False
