"""The RAM role with which ECS writes to the bucket: is it there, does it trust ECS, may it write?

A warning ahead of the cloud's own refusal, and no more: where RAM cannot be read (the operator's key need not be allowed to,
and a private network may not reach it), nothing is held against the role, and ExportImage itself tells. Rights that a
bucket's own policy gives the role are not seen: the documents ask for them in policies of the role. What ECS needs:
https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-exportimage.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from imageferry.clouds.alibaba import policies
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.alibaba.policies import Statement
from imageferry.clouds.sharing import Shared
from imageferry.clouds.threads import together
from imageferry.core.errors import Blocked, Failure
from imageferry.core.reasons import Reason

log = structlog.get_logger(__name__)

DEFAULT: Final = "AliyunECSImageExportDefaultRole"
NO_ROLE: Final = "EntityNotExist.Role"

ON_BUCKET: Final = ("oss:GetBucketLocation", "oss:GetBucketInfo", "oss:ListMultipartUploads")
ON_FILES: Final = ("oss:GetObject", "oss:PutObject", "oss:DeleteObject", "oss:AbortMultipartUpload", "oss:ListParts")
"""The actions of AliyunECSImageExportRolePolicy."""

KNOWN_SECONDS: Final = 300.0
"""How long a role in good order, or one that cannot be read, is taken for granted; what lacks something is read each time."""


@dataclass(frozen=True, slots=True)
class Role:
    """What RAM shows of a role; None for what it did not show."""

    trust: tuple[Statement, ...] | None
    granted: tuple[Statement, ...] | None


_UNREAD: Final = Role(None, None)


class Roles:
    """The roles of one cloud account. `clock` is monotonic, in seconds."""

    def __init__(self, calls: Calls, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._calls, self._clock = calls, clock
        self._shared = Shared(self._ask, most=1)
        self._known: dict[str, tuple[Role, float]] = {}

    async def check(self, name: str, bucket: str, file: str) -> None:
        """Whether ECS may write `file`, such as the export would be called, to the bucket with this role.

        Raises Blocked: RoleMissing, or RolePermissionMissing naming what is missing.
        """
        role = await self._role(name)
        try:
            _check(name, role, bucket, file)
        except Blocked:
            self._known.pop(name, None)
            raise

    async def aclose(self) -> None:
        """Give up what is under way."""
        await self._shared.aclose()

    async def _role(self, name: str) -> Role:
        role, until = self._known.get(name, (_UNREAD, 0.0))
        if self._clock() < until:
            return role
        found = await self._shared.get(name)
        if found is None:
            raise Blocked(
                Reason.ROLE_MISSING,
                f"The cloud account has no role {name}, with which ECS ({policies.SERVICE}) would write to the bucket.",
                code=NO_ROLE,
            )
        self._known[name] = (found, self._clock() + KNOWN_SECONDS)
        return found

    async def _ask(self, names: tuple[str, ...]) -> Mapping[str, Role]:
        (name,) = names
        try:
            shown = await self._calls.ram(Action.GET_ROLE, {"RoleName": name})
        except Failure as failure:
            if failure.code == NO_ROLE:
                return {}
            log.info("role not checked", role=name, code=failure.code or failure.reason)
            return {name: _UNREAD}
        trust = policies.statements(_text(shown.body, "Role", "AssumeRolePolicyDocument"))
        return {name: Role(trust, await self._granted(name))}

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


def _check(name: str, role: Role, bucket: str, file: str) -> None:
    if role.trust is not None and not policies.trusts(role.trust):
        raise Blocked(
            Reason.ROLE_PERMISSION_MISSING,
            f"The trust policy of role {name} does not allow {policies.ASSUME} to the service {policies.SERVICE}.",
        )
    needs = dict.fromkeys(ON_BUCKET, bucket) | dict.fromkeys(ON_FILES, f"{bucket}/{file}")
    if role.granted is not None and (lacks := policies.missing(role.granted, needs)):
        raise Blocked(
            Reason.ROLE_PERMISSION_MISSING,
            f"Role {name} lacks {', '.join(sorted(lacks))} on bucket {bucket} (AliyunECSImageExportRolePolicy grants them).",
        )
