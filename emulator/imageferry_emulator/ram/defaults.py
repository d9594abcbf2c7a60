"""What the default seed grants: the operator's role, the roles that ECS uses, and roles that are wrong in one way each.

Only seed values; what they mean is decided in models.py and policies.py.
"""

from __future__ import annotations

import json
from typing import Any

from imageferry_emulator.issuer import AUDIENCE
from imageferry_emulator.ram import policies
from imageferry_emulator.ram.models import EXPORT_ROLE, IMPORT_ROLE

PROVIDER = "ack-rrsa-emulator"
"""As clusters of the vendor name theirs: `ack-rrsa-<cluster id>`."""
ISSUER = "https://oidc.imageferry.example/cluster"
OPERATOR = "imageferry-operator"
LONGEST_SECONDS = 43200
OPERATOR_ACTIONS = (
    "ecs:CancelTask",
    "ecs:DeleteImage",
    "ecs:DeleteSnapshot",
    "ecs:DescribeImages",
    "ecs:DescribeRegions",
    "ecs:DescribeSnapshots",
    "ecs:DescribeTaskAttribute",
    "ecs:DescribeTasks",
    "ecs:ExportImage",
    "ecs:ImportImage",
    "ecs:ListTagResources",
    "ecs:TagResources",
    "ecs:UntagResources",
    "oss:*",
    "ram:GetPolicy",
    "ram:GetPolicyVersion",
    "ram:GetRole",
    "ram:ListPoliciesForRole",
)


def of(account_id: str) -> dict[str, Any]:
    """Roles, policies and the identity provider of an account, as a seed writes them."""
    everyone = _operator_trust(account_id)
    return {
        "policies": [
            {"name": OPERATOR, "document": json.loads(policies.granting(OPERATOR_ACTIONS))},
            {
                "name": "look-only",
                "document": json.loads(policies.granting(["ecs:Describe*", "oss:Get*", "oss:List*"])),
            },
            {
                "name": "look-only-at-buckets",
                "document": json.loads(policies.granting(["oss:GetBucketInfo", "oss:GetBucketLocation"])),
            },
        ],
        "oidcProviders": [{"name": PROVIDER, "issuer": ISSUER, "clientIDs": [AUDIENCE]}],
        "roles": [
            EXPORT_ROLE,
            IMPORT_ROLE,
            {
                "as": "operator",
                "name": OPERATOR,
                "trust": everyone,
                "policies": [OPERATOR],
                "maxSessionSeconds": LONGEST_SECONDS,
            },
            {"as": "lookOnly", "name": "imageferry-look-only", "trust": everyone, "policies": ["look-only"]},
            {"as": "exportUntrusted", **_untrusted("export-untrusted", policies.EXPORT_POLICY)},
            {"as": "exportReadOnly", "name": "export-read-only", "policies": [policies.IMPORT_POLICY]},
            {"as": "importUntrusted", **_untrusted("import-untrusted", policies.IMPORT_POLICY)},
            {"as": "importPowerless", "name": "import-powerless", "policies": ["look-only-at-buckets"]},
        ],
    }


def instance(account_id: str, region: str) -> dict[str, str]:
    """The instance that the metadata service speaks for."""
    return {
        "account": account_id,
        "id": "i-bp1emulator00000001",
        "region": region,
        "zone": f"{region}-i",
        "role": OPERATOR,
    }


def _untrusted(name: str, policy: str) -> dict[str, Any]:
    """A role with the right policy that trusts another service."""
    stranger = policies.Principal("Service", "fc.aliyuncs.com")
    return {"name": name, "trust": json.loads(policies.trusting(stranger)), "policies": [policy]}


def _operator_trust(account_id: str) -> dict[str, Any]:
    """Whom the operator's role trusts: users of the account, the cluster's service accounts, and instances."""

    def statement(principal: dict[str, list[str]], **condition: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
        return {"Action": policies.ASSUME, "Effect": "Allow", "Principal": principal, **condition}

    cluster = {
        "StringEquals": {"oidc:aud": [AUDIENCE], "oidc:iss": [ISSUER]},
        "StringLike": {"oidc:sub": ["system:serviceaccount:*:*"]},
    }
    return {
        "Version": "1",
        "Statement": [
            statement({"RAM": [f"acs:ram::{account_id}:root"]}),
            statement({"Federated": [f"acs:ram::{account_id}:oidc-provider/{PROVIDER}"]}, Condition=cluster),
            statement({"Service": [policies.ECS_SERVICE]}),
        ],
    }
