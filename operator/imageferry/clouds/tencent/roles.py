"""The CAM role with which CVM writes to a bucket: what it needs of it, and how one is read. It is judged in clouds/roles.py.

ExportImages, parameter RoleName: "before you make a request, make sure that the role exists and is configured with COS write
permission" (https://www.tencentcloud.com/document/product/213/47859). Which rights that takes is not told: only the plainest of
them is looked for, and the cloud's own refusal tells the rest. Imports use no role, but an address signed with the account's key.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog

from imageferry.clouds import roles
from imageferry.clouds.policies import Statement
from imageferry.clouds.roles import UNREAD, Duty, Role
from imageferry.clouds.tencent.calls import Calls
from imageferry.clouds.tencent.client import Action
from imageferry.clouds.tencent.codes.common import NO_ROLE
from imageferry.clouds.tencent.policies import GRAMMAR
from imageferry.clouds.threads import together
from imageferry.core.errors import Failure

log = structlog.get_logger(__name__)

_MOST_POLICIES: Final = 200
"""The largest page of ListAttachedRolePolicies; a role has far fewer."""

EXPORTING: Final = Duty(
    service="CVM",
    known_as="cvm.qcloud.com",
    role="CVM_QcsRole",
    policy="QcloudCOSFullAccess, or a policy of your own,",
    does="write to",
    on_bucket=(),
    on_files=("cos:PutObject",),
)


class Roles(roles.Roles):
    """The roles of one cloud account, read from CAM."""

    def __init__(self, calls: Calls, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(self._seek, GRAMMAR, no_role=NO_ROLE, clock=clock)
        self._calls = calls

    async def _seek(self, name: str) -> Role | None:
        try:
            shown = await self._calls.cam(Action.GET_ROLE, {"RoleName": name})
        except Failure as failure:
            if failure.code == NO_ROLE:
                return None
            log.info("role not checked", role=name, code=failure.code or failure.reason)
            return UNREAD
        info = shown.body.get("RoleInfo")
        return Role(GRAMMAR.statements(_document(info)), await self._granted(name))

    async def _granted(self, name: str) -> tuple[Statement, ...] | None:
        """All statements of the policies attached to the role; None unless every one of them was read and understood."""
        wanted = {"RoleName": name, "Page": 1, "Rp": _MOST_POLICIES}
        try:
            shown = await self._calls.cam(Action.LIST_ATTACHED_ROLE_POLICIES, wanted)
            ids = [policy.get("PolicyId") for policy in shown.body.get("List") or []]
            if len(ids) < shown.body.get("TotalNum", 0):
                return None
            found = await together(self._calls.cam(Action.GET_POLICY, {"PolicyId": policy}) for policy in ids)
        except Failure as failure:
            log.info("role's policies not checked", role=name, code=failure.code or failure.reason)
            return None
        return GRAMMAR.statements(*(_document(answer.body) for answer in found))


def _document(holder: Mapping[str, Any] | None) -> str:
    return str((holder or {}).get("PolicyDocument"))
