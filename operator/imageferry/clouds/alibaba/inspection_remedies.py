"""What mends a finding in this cloud: the policy for the operator's identity, and commands. Pure: nothing here is carried out.

Commands are those of the vendor's `aliyun` and `ossutil` (version 2), quoted for a shell: names come from objects. Policy grammar:
https://www.alibabacloud.com/help/en/ram/user-guide/policy-structure-and-syntax; actions on OSS:
https://www.alibabacloud.com/help/en/oss/user-guide/ram-policy.
"""

import json
from collections.abc import Iterable
from shlex import quote
from typing import Any, Final

from imageferry.clouds.alibaba import policies
from imageferry.clouds.alibaba.codes.common import COMMON
from imageferry.clouds.alibaba.codes.rows import NO_RIGHT
from imageferry.core.errors import Failure
from imageferry.core.reasons import Reason

ON_COMPUTE: Final = (
    "ecs:DescribeRegions",
    "ecs:DescribeImages",
    "ecs:DescribeTasks",
    "ecs:DescribeTaskAttribute",
    "ecs:ExportImage",
    "ecs:CancelTask",
)
ON_BUCKET: Final = ("oss:GetBucketInfo", "oss:ListObjects")
ON_FILES: Final = ("oss:GetObject", "oss:DeleteObject")
ON_ROLES: Final = ("ram:GetRole", "ram:ListPoliciesForRole", "ram:GetPolicyVersion")
"""Not needed, but without them a role is checked by nobody before ExportImage itself."""

EXPORT_POLICY: Final = "AliyunECSImageExportRolePolicy"
"""The vendor's policy for the role that ECS takes on to export."""

_NO_RIGHT: Final = frozenset(code for code, row in COMMON.rows.items() if row is NO_RIGHT) | {"AccessDenied"}
_POLICY: Final = "See the policy at its CloudAccount."
_TICKET: Final = "Open a ticket and ask for image export to be enabled: https://smartservice.console.aliyun.com/service/create-ticket"


def policy(buckets: Iterable[str]) -> str:
    """The policy that the operator's identity needs, as a JSON document; files in no other buckets than these."""
    names = sorted(set(buckets))
    on_buckets = [
        _allow(ON_BUCKET, [f"acs:oss:*:*:{name}" for name in names]),
        _allow(ON_FILES, [f"acs:oss:*:*:{name}/*" for name in names]),
    ]
    statements = [_allow(ON_COMPUTE, ["*"]), *(on_buckets if names else ()), _allow(ON_ROLES, ["*"])]
    rows = ",\n  ".join(json.dumps(each) for each in statements)
    return f'{{"Version": "1", "Statement": [\n  {rows}\n]}}'


def create_role(name: str) -> str:
    """The commands that make the role of an export."""
    return (
        f"aliyun ram CreateRole --RoleName {quote(name)} --AssumeRolePolicyDocument {quote(_trust())}\n{_attach(name)}"
    )


def mend_role(name: str) -> str:
    """The commands that let the role write, and ECS take on the role."""
    return (
        f"{_attach(name)}\n"
        "# only if its trust policy is what is wrong, as this replaces it:\n"
        f"aliyun ram UpdateRole --RoleName {quote(name)} --NewAssumeRolePolicyDocument {quote(_trust())}"
    )


def lacks_right(failure: Failure) -> bool:
    """Whether a policy mends it. An account in arrears, or held back by the cloud, has no right either, and no policy helps."""
    return failure.code in _NO_RIGHT


def remedy(failure: Failure, *, role: str, bucket: str, region: str) -> str:
    """What mends a failure; empty where no command does, and the words of its reason are all there is to say."""
    match failure.reason:
        case Reason.ROLE_MISSING:
            return create_role(role)
        case Reason.ROLE_PERMISSION_MISSING:
            return mend_role(role)
        case Reason.BUCKET_NOT_FOUND:
            return f"Make a bucket of your own and name it:\nossutil mb {quote(f'oss://{bucket}')} --region {quote(region)}"
        case Reason.BUCKET_REGION_MISMATCH:
            return f"Make a bucket in the image's region and name it:\nossutil mb oss://NAME --region {quote(region)}"
        case Reason.BUCKET_ENCRYPTED:
            return (
                "Name a bucket without server-side encryption, or take it off this one:\n"
                f"ossutil api delete-bucket-encryption --bucket {quote(bucket)} --region {quote(region)}"
            )
        case Reason.NOT_WHITELISTED:
            return _TICKET
        case Reason.NOT_AUTHORIZED:
            return _POLICY if lacks_right(failure) else failure.message
        case _:
            return ""


def _allow(actions: Iterable[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resources}


def _trust() -> str:
    statement = {"Action": policies.ASSUME, "Effect": "Allow", "Principal": {"Service": [policies.SERVICE]}}
    return json.dumps({"Statement": [statement], "Version": "1"})


def _attach(name: str) -> str:
    return f"aliyun ram AttachPolicyToRole --PolicyType System --PolicyName {EXPORT_POLICY} --RoleName {quote(name)}"
