"""Answers of the token service as they are on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imageferry_emulator.accounts import DATE

if TYPE_CHECKING:
    from imageferry_emulator.accounts import AccessKey, Session
    from imageferry_emulator.tencent.models import Caller


def user_identity(caller: Caller) -> dict[str, Any]:
    """The answer to GetCallerIdentity for a key of the account itself or of a user below it."""
    return {
        "Arn": f"qcs::cam::uin/{caller.account.id}:uin/{caller.uin}",
        "AccountId": caller.account.id,
        "UserId": caller.uin,
        "PrincipalId": caller.uin,
        "Type": "CAMUser",
    }


def role_identity(caller: Caller, session: Session, role_id: str) -> dict[str, Any]:
    """The answer to GetCallerIdentity for a key of a role's session."""
    return {
        "Arn": f"qcs::sts:{caller.account.id}:assumed-role/{role_id}",
        "AccountId": caller.account.id,
        "UserId": f"{role_id}:{session.name}",
        "PrincipalId": caller.account.id,
        "Type": "CAMRole",
    }


def assumed(key: AccessKey) -> dict[str, Any]:
    """The answer to AssumeRole and AssumeRoleWithWebIdentity: a temporary key and the end of its life, twice."""
    named = {"Token": key.token, "TmpSecretId": key.id, "TmpSecretKey": key.secret}
    return {"Credentials": named, **life(key)}


def life(key: AccessKey) -> dict[str, Any]:
    """When a temporary key ends: in seconds since 1970, and as a date."""
    if key.expires is None:
        return {}
    return {"ExpiredTime": int(key.expires.timestamp()), "Expiration": key.expires.strftime(DATE)}
