"""What mends a finding in this cloud: the policy for the operator's identity, and commands. Pure: nothing here is carried out.

Commands are those of the vendor's `aliyun` and `ossutil` (version 2), quoted for a shell: names come from objects. Policy grammar:
https://www.alibabacloud.com/help/en/ram/user-guide/policy-structure-and-syntax.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from shlex import quote
from typing import Any, Final

from imageferry.clouds import rows
from imageferry.clouds.alibaba import policies
from imageferry.clouds.alibaba.codes.common import COMMON
from imageferry.clouds.alibaba.inspection_ways import Uses, on_buckets, on_compute
from imageferry.clouds.roles import Duty
from imageferry.core.errors import Failure
from imageferry.core.reasons import Reason

ON_ROLES: Final = ("ram:GetRole", "ram:ListPoliciesForRole", "ram:GetPolicyVersion")
"""Not needed, but without them a role is checked by nobody before the submission itself."""

NO_RIGHT: Final = frozenset(code for code, row in COMMON.rows.items() if row is rows.NO_RIGHT) | {"AccessDenied"}
"""The codes of refusals that a policy mends."""

_POLICY: Final = "See the policy at its CloudAccount."
_TICKET: Final = (
    "Open a ticket and ask for image export, or import, to be enabled: "
    "https://smartservice.console.aliyun.com/service/create-ticket"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """What a remedy is written for: the role with its duty, the region, a bucket, and a file in it if one is meant."""

    duty: Duty
    role: str
    region: str
    bucket: str
    key: str = ""
    archived: bool = False

    @property
    def file(self) -> str:
        """The file as ossutil names it, quoted."""
        return quote(f"oss://{self.bucket}/{self.key or 'KEY'}")


def policy(uses: Uses) -> str:
    """The policy that the operator's identity needs, as a JSON document; files in no other buckets than these."""
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for name, rights in on_buckets(uses).items():
        alike[rights].append(name)
    statements = [_allow(on_compute(uses), ["*"])]
    for (of_bucket, of_files), names in alike.items():
        statements.append(_allow(of_bucket, [f"acs:oss:*:*:{name}" for name in names]))
        statements.append(_allow(of_files, [f"acs:oss:*:*:{name}/*" for name in names]))
    documents = ",\n  ".join(json.dumps(each) for each in [*statements, _allow(ON_ROLES, ["*"])])
    return f'{{"Version": "1", "Statement": [\n  {documents}\n]}}'


def create_role(name: str, duty: Duty) -> str:
    """The commands that make the role for a duty."""
    return (
        f"aliyun ram CreateRole --RoleName {quote(name)} --AssumeRolePolicyDocument {quote(_trust())}\n"
        f"{_attach(name, duty)}"
    )


def mend_role(name: str, duty: Duty) -> str:
    """The commands that let the role do its duty, and ECS take on the role."""
    return (
        f"{_attach(name, duty)}\n"
        "# only if its trust policy is what is wrong, as this replaces it:\n"
        f"aliyun ram UpdateRole --RoleName {quote(name)} --NewAssumeRolePolicyDocument {quote(_trust())}"
    )


def cancel(task: str, region: str) -> str:
    """The command that ends a task. It names the region: the tool's own profile may have another."""
    return f"aliyun ecs CancelTask --RegionId {quote(region)} --TaskId {quote(task)}"


def lacks_right(failure: Failure) -> bool:
    """Whether a policy mends it. An account in arrears, or held back by the cloud, has no right either, and no policy helps."""
    return failure.code in NO_RIGHT


def remedy(failure: Failure, spot: Spot) -> str:
    """What mends a failure; empty where no command does, and the words of its reason are all there is to say."""
    match failure.reason:
        case Reason.ROLE_MISSING:
            return create_role(spot.role, spot.duty)
        case Reason.ROLE_PERMISSION_MISSING:
            return mend_role(spot.role, spot.duty)
        case Reason.NOT_WHITELISTED:
            return _TICKET
        case Reason.NOT_AUTHORIZED:
            return _POLICY if lacks_right(failure) else failure.message
        case _:
            return _of_storage(failure.reason, spot)


def _of_storage(reason: Reason, spot: Spot) -> str:
    """What mends a bucket or a file; empty as above."""
    bucket, region = spot.bucket, quote(spot.region)
    match reason:
        case Reason.BUCKET_NOT_FOUND:
            return f"Make a bucket of your own and name it:\nossutil mb {quote(f'oss://{bucket}')} --region {region}"
        case Reason.BUCKET_REGION_MISMATCH:
            return f"Make a bucket in the image's region and name it:\nossutil mb oss://NAME --region {region}"
        case Reason.BUCKET_ENCRYPTED:
            return (
                "Name a bucket without server-side encryption, or take it off this one:\n"
                f"ossutil api delete-bucket-encryption --bucket {quote(bucket)} --region {region}"
            )
        case Reason.OBJECT_NOT_FOUND:
            return f"Correct its key, or upload it:\nossutil cp FILE {spot.file} --region {region}"
        case Reason.OBJECT_INVALID if spot.archived:
            return f"ossutil restore {spot.file} --region {region}"
        case _:
            return ""


def _allow(actions: Iterable[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resources}


def _trust() -> str:
    statement = {"Action": policies.ASSUME, "Effect": "Allow", "Principal": {"Service": [policies.SERVICE]}}
    return json.dumps({"Statement": [statement], "Version": "1"})


def _attach(name: str, duty: Duty) -> str:
    return f"aliyun ram AttachPolicyToRole --PolicyType System --PolicyName {duty.policy} --RoleName {quote(name)}"
