"""The RAM roles with which ECS reaches a bucket: what it needs of them, and how one is read. They are judged in clouds/roles.py.

What ECS needs: https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-exportimage and -importimage.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog

from imageferry.clouds import roles
from imageferry.clouds.alibaba import policies
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.policies import Statement
from imageferry.clouds.roles import UNREAD, Duty, Role
from imageferry.clouds.threads import together
from imageferry.core.errors import Failure

log = structlog.get_logger(__name__)

NO_ROLE: Final = "EntityNotExist.Role"

EXPORTING: Final = Duty(
    service="ECS",
    known_as=policies.SERVICE,
    role="AliyunECSImageExportDefaultRole",
    policy="AliyunECSImageExportRolePolicy",
    does="write to",
    on_bucket=("oss:GetBucketLocation", "oss:GetBucketInfo", "oss:ListMultipartUploads"),
    on_files=("oss:GetObject", "oss:PutObject", "oss:DeleteObject", "oss:AbortMultipartUpload", "oss:ListParts"),
)
IMPORTING: Final = Duty(
    service="ECS",
    known_as=policies.SERVICE,
    role="AliyunECSImageImportDefaultRole",
    policy="AliyunECSImageImportRolePolicy",
    does="read",
    on_bucket=("oss:GetBucketLocation", "oss:GetBucketInfo"),
    on_files=("oss:GetObject",),
)


class Roles(roles.Roles):
    """The roles of one cloud account, read from RAM."""

    def __init__(self, calls: Calls, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(self._seek, policies.GRAMMAR, no_role=NO_ROLE, clock=clock)
        self._calls = calls

    async def _seek(self, name: str) -> Role | None:
        try:
            shown = await self._calls.ram(Action.GET_ROLE, {"RoleName": name})
        except Failure as failure:
            if failure.code == NO_ROLE:
                return None
            log.info("role not checked", role=name, code=failure.code or failure.reason)
            return UNREAD
        trust = policies.statements(_text(shown.body, "Role", "AssumeRolePolicyDocument"))
        return Role(trust, await self._granted(name))

    async def _granted(self, name: str) -> tuple[Statement, ...] | None:
        """All statements of the policies attached to the role; None unless every one of them was read and understood."""
        try:
            shown = await self._calls.ram(Action.LIST_POLICIES_FOR_ROLE, {"RoleName": name})
            attached = (shown.body.get("Policies") or {}).get("Policy") or []
            documents = await together(self._document(policy) for policy in attached)
        except Failure as failure:
            log.info("role's policies not checked", role=name, code=failure.code or failure.reason)
            return None
        return policies.statements(*documents)

    async def _document(self, policy: Mapping[str, Any]) -> str:
        version = {
            "PolicyType": str(policy.get("PolicyType")),
            "PolicyName": str(policy.get("PolicyName")),
            "VersionId": str(policy.get("DefaultVersion")),
        }
        shown = await self._calls.ram(Action.GET_POLICY_VERSION, version)
        return _text(shown.body, "PolicyVersion", "PolicyDocument")


def _text(body: Mapping[str, Any], outer: str, inner: str) -> str:
    found = body.get(outer)
    return str(found.get(inner)) if isinstance(found, Mapping) else ""
