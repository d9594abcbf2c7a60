"""Answers of the token service as they are on the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from imageferry_emulator.accounts import DATE

if TYPE_CHECKING:
    from imageferry_emulator.accounts import AccessKey, Session
    from imageferry_emulator.oidc import Token
    from imageferry_emulator.ram.models import Role
    from imageferry_emulator.rpc.models import Caller


def user_identity(caller: Caller) -> dict[str, Any]:
    """The answer to GetCallerIdentity for a key of a RAM user, or of the account itself."""
    account, user = caller.account.id, caller.key.user
    user_id = caller.key.id[-16:] if user else account
    return {
        "AccountId": account,
        "UserId": user_id,
        "PrincipalId": user_id,
        "IdentityType": "RAMUser" if user else "Account",
        "Arn": f"acs:ram::{account}:user/{user}" if user else f"acs:ram::{account}:root",
    }


def role_identity(caller: Caller, session: Session, role_id: str) -> dict[str, Any]:
    """The answer to GetCallerIdentity for a key of a role's session."""
    account = caller.account.id
    return {
        "AccountId": account,
        "RoleId": role_id,
        "PrincipalId": f"{role_id}:{session.name}",
        "IdentityType": "AssumedRoleUser",
        "Arn": f"acs:ram::{account}:assumed-role/{session.role}/{session.name}",
    }


def assumed(role: Role, key: AccessKey, session: Session) -> dict[str, Any]:
    """The answer to AssumeRole: who one has become, and the key of it."""
    return {
        "AssumedRoleUser": {
            "Arn": f"{role.arn}/{session.name}",
            "AssumedRoleId": f"{role.id}:{session.name}",
        },
        "Credentials": credentials(key),
    }


def credentials(key: AccessKey) -> dict[str, str]:
    """A temporary key."""
    return {
        "AccessKeyId": key.id,
        "AccessKeySecret": key.secret,
        "SecurityToken": key.token or "",
        "Expiration": key.expires.strftime(DATE) if key.expires else "",
    }


def token(of: Token) -> dict[str, Any]:
    """The part that AssumeRoleWithOIDC adds to the answer of AssumeRole."""
    return {
        "OIDCTokenInfo": {
            "Issuer": of.issuer,
            "Subject": of.subject,
            "ClientIds": ",".join(of.audiences),
            "IssuanceTime": "" if of.issued is None else datetime.fromtimestamp(of.issued, tz=UTC).strftime(DATE),
            "ExpirationTime": datetime.fromtimestamp(of.expires, tz=UTC).strftime(DATE),
            "VerificationInfo": "Success",
        }
    }
