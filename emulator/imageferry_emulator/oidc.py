"""Tokens of OIDC identity providers: taken apart and held against a provider. What they buy is decided by each token service.

Only RS256 is known; the documents name HS256 as refused.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from imageferry_emulator import rsa
from imageferry_emulator.issuer import KID

if TYPE_CHECKING:
    from imageferry_emulator.world import World

ALGORITHM = "RS256"
LENGTHS = range(4, 20_001)
PARTS = 3


class Provider(Protocol):
    """An identity provider as an account knows it."""

    @property
    def issuer(self) -> str:
        """The issuer it stands for."""

    @property
    def client_ids(self) -> tuple[str, ...]:
        """The audiences taken."""

    @property
    def keys(self) -> tuple[dict[str, Any], ...]:
        """Its public keys as JWKs."""


class Problem(StrEnum):
    """Why a token is of no use; each token service has its own documented answer for each."""

    FORM = "it is wrongly formed"
    ISSUER = "its issuer is not that of the provider"
    SIGNATURE = "it has no valid signature"
    AUDIENCE = "it is for another audience"
    LIFE = "it has expired"


class TokenError(ValueError):
    """A token is of no use; `problem` says why, `detail` what is wrong with its form ('' for other problems)."""

    def __init__(self, problem: Problem, detail: str = "") -> None:
        super().__init__(detail or problem.value)
        self.problem = problem
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Token:
    """A token that holds against its provider; times in seconds since 1970, `issued` None where it does not say."""

    issuer: str
    subject: str
    audiences: tuple[str, ...]
    issued: int | None
    expires: int

    def audience(self, known: tuple[str, ...]) -> str:
        """The first of its audiences that is one of the `known`; `verify` has seen to it that there is one."""
        return next(audience for audience in self.audiences if audience in known)


def verify(shown: str, provider: Provider, world: World) -> Token:
    """The token, if it is the provider's and good now. Raises TokenError.

    The order is: form, algorithm, content, issuer, signature, audience, life.
    """
    header, claims = _taken_apart(shown)
    token = _read(claims)
    if token.issuer != provider.issuer:
        raise TokenError(Problem.ISSUER)
    signed, _, signature = shown.rpartition(".")
    if not any(key.verifies(signed.encode(), rsa.decoded(signature)) for key in _keys(header, provider, world)):
        raise TokenError(Problem.SIGNATURE)
    if not set(token.audiences) & set(provider.client_ids):
        raise TokenError(Problem.AUDIENCE)
    if world.clock.real_seconds() >= token.expires:
        raise TokenError(Problem.LIFE)
    return token


def _taken_apart(shown: str) -> tuple[dict[str, Any], dict[str, Any]]:
    if len(shown) not in LENGTHS:
        raise TokenError(Problem.FORM, "it has 4 to 20000 characters")
    parts = shown.split(".")
    if len(parts) != PARTS:
        raise TokenError(Problem.FORM, "it has three parts with dots between them")
    try:
        raw = [rsa.decoded(part) for part in parts]
    except ValueError:
        raise TokenError(Problem.FORM, "its parts are base64url") from None
    try:
        header, claims = json.loads(raw[0]), json.loads(raw[1])
    except ValueError:
        raise TokenError(Problem.FORM, "its content is JSON") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise TokenError(Problem.FORM, "its content is two JSON objects")
    if header.get("alg") != ALGORITHM:
        raise TokenError(Problem.FORM, f"the algorithm {header.get('alg')} is unknown")
    return header, claims


def _read(claims: dict[str, Any]) -> Token:
    audiences, issued, expires = claims.get("aud"), claims.get("iat"), claims.get("exp")
    if not isinstance(claims.get("iss"), str) or not isinstance(claims.get("sub"), str):
        raise TokenError(Problem.FORM, "it names its issuer and its subject")
    if not isinstance(expires, (int, float)) or not isinstance(audiences, (str, list)):
        raise TokenError(Problem.FORM, "it names its audience and when it expires")
    return Token(
        issuer=claims["iss"],
        subject=claims["sub"],
        audiences=(audiences,) if isinstance(audiences, str) else tuple(map(str, audiences)),
        issued=int(issued) if isinstance(issued, (int, float)) else None,
        expires=int(expires),
    )


def _keys(header: dict[str, Any], provider: Provider, world: World) -> list[rsa.PublicKey]:
    kid = header.get("kid")
    if kid == KID:
        return [world.issuer.key().public]
    named = [key for key in provider.keys if kid is None or key.get("kid") == kid]
    return [rsa.from_jwk(key) for key in named if key.get("kty") == "RSA"]
