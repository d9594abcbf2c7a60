"""Who signed a call of the API 3.0: the checks of time, key, token and signature.

The verdict is a Caller or a refusal. What the caller may then do is CAM's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imageferry_emulator.accounts import KeyRefusedError, Problem
from imageferry_emulator.tencent import errors, signature
from imageferry_emulator.tencent.errors import RefusedError

if TYPE_CHECKING:
    from imageferry_emulator.accounts import AccessKey, Account
    from imageferry_emulator.tencent.wire import Call
    from imageferry_emulator.world import World

WINDOW_SECONDS = 300.0
"""Timestamp and server time may differ by five minutes; the setting `signatureLifeSeconds` can only shorten that."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The account that a verified call acts for, and the key that signed it."""

    account: Account
    key: AccessKey

    @property
    def uin(self) -> str:
        """The number of the one who signed: the account's own, or that of a user below it."""
        return self.key.user or self.account.id


def authenticate(call: Call, world: World) -> Caller:
    """Verify a call's signature. The order is: form, time, key and token, signature. Raises RefusedError."""
    claim = signature.claim(call)
    _check_time(call, claim.date, world)
    try:
        key = world.tencent.accounts.resolve(claim.secret_id, call.token)
    except KeyRefusedError as refused:
        raise _refused(refused.problem) from None
    account = world.tencent.accounts.account(key.account_id)
    if account is None:
        raise RefusedError(errors.SECRET_ID_NOT_FOUND)
    if not claim.holds(key.secret):
        raise RefusedError(errors.SIGNATURE_FAILURE)
    return Caller(account=account, key=key)


def _check_time(call: Call, date: str, world: World) -> None:
    if not call.timestamp.isascii() or not call.timestamp.isdigit():
        raise RefusedError(errors.INVALID_PARAMETER, "`Timestamp` is a whole number")
    window = min(WINDOW_SECONDS, world.settings.signature_life)
    if abs(world.clock.real_seconds() - int(call.timestamp)) > window:
        raise RefusedError(errors.SIGNATURE_EXPIRE, f"{window:g}")
    if date and date != datetime.fromtimestamp(int(call.timestamp), tz=UTC).strftime("%Y-%m-%d"):
        raise RefusedError(errors.INVALID_AUTHORIZATION, "the date of Credential is not that of X-TC-Timestamp")


def _refused(problem: Problem) -> RefusedError:
    """A temporary key is known only together with its token."""
    if problem in (Problem.UNKNOWN, Problem.DISABLED, Problem.TOKEN_MISSING):
        return RefusedError(errors.SECRET_ID_NOT_FOUND)
    return RefusedError(errors.TOKEN_FAILURE, problem.value)
