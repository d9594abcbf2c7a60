"""What the default seed grants on Tencent Cloud: the operator's role, the role of exports, and roles that are wrong in one way each.

Only seed values; what they mean is decided in models.py and policies.py.
"""

from __future__ import annotations

import json
from typing import Any

from imageferry_emulator.cam import policies
from imageferry_emulator.cam.models import CVM_POLICY, CVM_ROLE, LONGEST_SECONDS
from imageferry_emulator.cam.policies import Principal

PROVIDER = "cls-imageferry"
"""As the vendor's clusters name theirs: by the id of the cluster."""
ISSUER = "https://ap-guangzhou-oidc.tke.example/id/imageferry"
AUDIENCE = "sts.cloud.tencent.com"
"""The audience that the vendor's clusters ask for: https://www.tencentcloud.com/document/product/457."""
OPERATOR = "imageferry-operator"
OPERATOR_ACTIONS = (
    "cam:GetPolicy",
    "cam:GetRole",
    "cam:GetUserAppId",
    "cam:ListAttachedRolePolicies",
    "cos:*",
    "cvm:DeleteImages",
    "cvm:DescribeImageQuota",
    "cvm:DescribeImages",
    "cvm:DescribeImportImageOs",
    "cvm:DescribeRegions",
    "cvm:ExportImages",
    "cvm:ImportImage",
    "cvm:ModifyImageAttribute",
)


def of(account_id: str) -> dict[str, Any]:
    """Roles, policies and the identity provider of an account, as a seed writes them."""
    everyone = _operator_trust(account_id)
    return {
        "policies": [
            {"name": OPERATOR, "document": json.loads(policies.granting(OPERATOR_ACTIONS))},
            {
                "name": "look-only",
                "document": json.loads(
                    policies.granting(["cvm:Describe*", "cos:Get*", "cos:Head*", "cos:List*", "cam:Get*"])
                ),
            },
        ],
        "oidcProviders": [{"name": PROVIDER, "issuer": ISSUER, "clientIDs": [AUDIENCE]}],
        "roles": [
            CVM_ROLE,
            {
                "as": "operator",
                "name": OPERATOR,
                "trust": everyone,
                "policies": [OPERATOR],
                "maxSessionSeconds": LONGEST_SECONDS,
            },
            {"as": "lookOnly", "name": "imageferry-look-only", "trust": everyone, "policies": ["look-only"]},
            {
                "as": "exportUntrusted",
                "name": "export-untrusted",
                "trust": json.loads(policies.trusting([Principal("service", "scf.qcloud.com")])),
                "policies": [CVM_POLICY],
            },
            {"as": "exportReadOnly", "name": "export-read-only", "policies": ["QcloudCOSDataReadOnly"]},
        ],
    }


def instance(account_id: str, region: str) -> dict[str, str]:
    """The instance that the metadata service speaks for."""
    return {"account": account_id, "id": "ins-emulator1", "region": region, "zone": f"{region}-3", "role": OPERATOR}


def _operator_trust(account_id: str) -> dict[str, Any]:
    """Whom the operator's role trusts: users of the account, the cluster's service accounts, and instances."""

    def statement(action: str, principal: dict[str, list[str]], **condition: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
        return {"action": f"name/{action}", "effect": "allow", "principal": principal, **condition}

    cluster = {
        "string_equal": {"oidc:aud": [AUDIENCE], "oidc:iss": [ISSUER]},
        "string_like": {"oidc:sub": ["system:serviceaccount:*:*"]},
    }
    provider = f"qcs::cam::uin/{account_id}:oidc-provider/{PROVIDER}"
    return {
        "version": policies.VERSION,
        "statement": [
            statement(policies.ASSUME, {"qcs": [f"qcs::cam::uin/{account_id}:root"]}),
            statement(policies.ASSUME_WITH_TOKEN, {"federated": [provider]}, condition=cluster),
            statement(policies.ASSUME, {"service": list(policies.CVM_SERVICES)}),
        ],
    }
