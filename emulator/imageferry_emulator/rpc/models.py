"""Who signed an RPC call: the checks of signature, key, token, time window and nonce.

The verdict is a Caller or a refusal. What the caller may then do is each service's own business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imageferry_emulator.rpc import errors, signature
from imageferry_emulator.rpc.errors import RefusedError

if TYPE_CHECKING:
    from imageferry_emulator.accounts import AccessKey, Account
    from imageferry_emulator.rpc.signature import Claim
    from imageferry_emulator.rpc.wire import Call
    from imageferry_emulator.world import World

DATE = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Caller:
    """The account that a verified call acts for, and the key that signed it."""

    account: Account
    key: AccessKey


def authenticate(call: Call, world: World) -> Caller:
    """Verify a call's signature and use its nonce up. Raises RefusedError."""
    claim = signature.claim(call)
    key = _key(claim, world)
    date = _date(claim.date, world)
    if not claim.holds(key.secret):
        raise RefusedError(errors.SIGNATURE_DOES_NOT_MATCH, claim.text)
    account = world.accounts.account(key.account_id)
    if account is None:
        raise RefusedError(errors.KEY_NOT_FOUND)
    if not world.nonces.use(key.id, claim.nonce, until=date.timestamp() + 2 * world.settings.signature_life):
        raise RefusedError(errors.SIGNATURE_NONCE_USED)
    return Caller(account=account, key=key)


def _key(claim: Claim, world: World) -> AccessKey:
    key = world.accounts.by_key(claim.access_key_id)
    if key is None:
        raise RefusedError(errors.KEY_NOT_FOUND)
    if not key.enabled:
        raise RefusedError(errors.KEY_DISABLED)
    if key.token is not None and not claim.token:
        raise RefusedError(errors.TOKEN_MISSING)
    if claim.token != (key.token or ""):
        raise RefusedError(errors.TOKEN_MISMATCH)
    if key.expires is not None and world.clock.real_now() >= key.expires:
        raise RefusedError(errors.TOKEN_EXPIRED)
    return key


def _date(shown: str, world: World) -> datetime:
    try:
        date = datetime.strptime(shown, DATE).replace(tzinfo=UTC)
    except ValueError:
        raise RefusedError(errors.DATE_FORMAT) from None
    if abs((world.clock.real_now() - date).total_seconds()) > world.settings.signature_life:
        raise RefusedError(errors.DATE_EXPIRED)
    return date
