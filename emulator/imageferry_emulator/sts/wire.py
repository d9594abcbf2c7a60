"""Answers of the token service as they are on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imageferry_emulator.rpc.models import Caller


def identity(caller: Caller) -> dict[str, Any]:
    """The answer to GetCallerIdentity: a key with a token is an assumed role, one without a RAM user."""
    account = caller.account.id
    assumed = caller.key.token is not None
    user_id = caller.key.id[-16:]
    return {
        "AccountId": account,
        "UserId": user_id,
        "PrincipalId": f"{user_id}:session" if assumed else user_id,
        "IdentityType": "AssumedRoleUser" if assumed else "RAMUser",
        "Arn": f"acs:ram::{account}:assumed-role/emulated/session" if assumed else f"acs:ram::{account}:user/emulated",
    }
