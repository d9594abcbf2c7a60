"""Who signed an RPC call: the checks of signature, key, token, time window and nonce.

The verdict is a Caller or a refusal. What the caller may then do is each service's own business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imageferry_emulator.accounts import DATE, KeyRefusedError, Problem
from imageferry_emulator.rpc import errors, signature
from imageferry_emulator.rpc.errors import RefusedError

if TYPE_CHECKING:
    from imageferry_emulator.accounts import AccessKey, Account
    from imageferry_emulator.rpc.signature import Claim
    from imageferry_emulator.rpc.wire import Call
    from imageferry_emulator.world import World

_REFUSALS = {
    Problem.UNKNOWN: errors.KEY_NOT_FOUND,
    Problem.DISABLED: errors.KEY_DISABLED,
    Problem.TOKEN_MISSING: errors.TOKEN_MISSING,
    Problem.TOKEN_UNASKED: errors.TOKEN_MISMATCH,
    Problem.TOKEN_WRONG: errors.TOKEN_MISMATCH,
    Problem.TOKEN_EXPIRED: errors.TOKEN_EXPIRED,
}


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
    try:
        return world.accounts.resolve(claim.access_key_id, claim.token)
    except KeyRefusedError as refused:
        raise RefusedError(_REFUSALS[refused.problem]) from None


def _date(shown: str, world: World) -> datetime:
    try:
        date = datetime.strptime(shown, DATE).replace(tzinfo=UTC)
    except ValueError:
        raise RefusedError(errors.DATE_FORMAT) from None
    if abs((world.clock.real_now() - date).total_seconds()) > world.settings.signature_life:
        raise RefusedError(errors.DATE_EXPIRED)
    return date
