"""Roles and policies as the access service writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imageferry_emulator.ram.models import FIRST_DAY

if TYPE_CHECKING:
    from imageferry_emulator.ram.models import Policy, Role

VERSION = "v1"
"""Every policy has one version."""


def role(of: Role) -> dict[str, Any]:
    """The answer to GetRole."""
    return {
        "Role": {
            "RoleId": of.id,
            "RoleName": of.name,
            "Arn": of.arn,
            "Description": of.description,
            "AssumeRolePolicyDocument": of.trust,
            "MaxSessionDuration": of.max_session_seconds,
            "CreateDate": FIRST_DAY,
            "UpdateDate": FIRST_DAY,
        }
    }


def attached(of: list[Policy]) -> dict[str, Any]:
    """The answer to ListPoliciesForRole."""
    return {"Policies": {"Policy": [{**_policy(policy), "AttachDate": FIRST_DAY} for policy in of]}}


def policy(of: Policy, attachments: int) -> dict[str, Any]:
    """The answer to GetPolicy."""
    dates = {"CreateDate": FIRST_DAY, "UpdateDate": FIRST_DAY}
    return {
        "Policy": {**_policy(of), **dates, "AttachmentCount": attachments, "PolicyDocument": of.document},
        "DefaultPolicyVersion": _version(of),
    }


def version(of: Policy) -> dict[str, Any]:
    """The answer to GetPolicyVersion."""
    return {"PolicyVersion": _version(of)}


def _policy(of: Policy) -> dict[str, Any]:
    return {
        "PolicyName": of.name,
        "PolicyType": of.kind,
        "Description": of.description,
        "DefaultVersion": VERSION,
    }


def _version(of: Policy) -> dict[str, Any]:
    return {"VersionId": VERSION, "IsDefaultVersion": True, "CreateDate": FIRST_DAY, "PolicyDocument": of.document}
