"""Roles and policies as CAM writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imageferry_emulator.accounts import Account
    from imageferry_emulator.cam.models import Policy, Role
    from imageferry_emulator.tencent.models import Caller

FIRST_DAY = "2026-01-01 00:00:00"
"""When everything that a seed grants was made."""


def role(of: Role) -> dict[str, Any]:
    """The answer to GetRole."""
    return {
        "RoleInfo": {
            "RoleId": of.id,
            "RoleName": of.name,
            "RoleArn": of.arn,
            "PolicyDocument": of.trust,
            "Description": of.description,
            "AddTime": FIRST_DAY,
            "UpdateTime": FIRST_DAY,
            "ConsoleLogin": 0,
            "RoleType": "user",
            "SessionDuration": of.max_session_seconds,
            "DeletionTaskId": "",
            "Tags": [],
        }
    }


def attached(of: list[Policy], total: int) -> dict[str, Any]:
    """The answer to ListAttachedRolePolicies: one page, and how many there are."""
    return {"List": [_attached(policy) for policy in of], "TotalNum": total}


def policy(of: Policy) -> dict[str, Any]:
    """The answer to GetPolicy."""
    return {
        "PolicyName": of.name,
        "Description": of.description,
        "Type": 2 if of.preset else 1,
        "AddTime": FIRST_DAY,
        "UpdateTime": FIRST_DAY,
        "PolicyDocument": of.document,
        "PresetAlias": "",
        "IsServiceLinkedRolePolicy": 0,
        "Tags": [],
    }


def app_id(account: Account, caller: Caller) -> dict[str, Any]:
    """The answer to GetUserAppId."""
    return {"Uin": caller.uin, "OwnerUin": account.id, "AppId": int(account.app_id)}


def _attached(policy: Policy) -> dict[str, Any]:
    return {
        "PolicyId": policy.id,
        "PolicyName": policy.name,
        "PolicyType": "QCS" if policy.preset else "User",
        "AddTime": FIRST_DAY,
        "CreateMode": 2,
        "Deactived": 0,
        "DeactivedDetail": [],
        "Description": policy.description,
    }
