"""The actions of CAM: parameters in, answer out. Rules are in models.py and policies.py.

https://www.tencentcloud.com/document/product/598 (API documentation, version 2019-01-16)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imageferry_emulator.cam import errors, wire
from imageferry_emulator.tencent.actions import Action, Service
from imageferry_emulator.tencent.errors import RefusedError

if TYPE_CHECKING:
    from imageferry_emulator.cam.models import Role
    from imageferry_emulator.tencent.actions import Request
    from imageferry_emulator.world import World

PAGE, PAGE_MOST = 20, 200
KINDS = {"": (True, False), "QCS": (True,), "User": (False,)}
"""What PolicyType asks for: whether preset policies, the account's own, or both."""


def get_role(request: Request, world: World) -> dict[str, Any]:
    """GetRole: a role of the caller's account with its trust policy."""
    return wire.role(_role(request, world))


def list_attached_role_policies(request: Request, world: World) -> dict[str, Any]:
    """ListAttachedRolePolicies: what is attached to a role."""
    page = request.need_number("Page", least=1, most=10**6)
    size = request.need_number("Rp", least=1, most=PAGE_MOST)
    kind = request.text("PolicyType")
    if kind not in KINDS:
        raise RefusedError(errors.PARAMETER, "PolicyType")
    role, word = _role(request, world), request.text("Keyword")
    found = world.tencent.directory.attached(role.account_id, role.policies)
    shown = [policy for policy in found if policy.preset in KINDS[kind] and word in policy.name]
    return wire.attached(shown[(page - 1) * size : page * size], len(shown))


def get_policy(request: Request, world: World) -> dict[str, Any]:
    """GetPolicy: a policy with its document."""
    wanted = request.need_number("PolicyId", least=1, most=10**12)
    known = world.tencent.directory.policies(request.caller.account.id)
    policy = next((policy for policy in known if policy.id == wanted), None)
    if policy is None:
        raise RefusedError(errors.POLICY_NOT_FOUND, str(wanted))
    return wire.policy(policy)


def get_user_app_id(request: Request, world: World) -> dict[str, Any]:
    """GetUserAppId: the number that the names of the account's buckets end in."""
    del world  # everything asked for is known of the caller
    return wire.app_id(request.caller.account, request.caller)


def _role(request: Request, world: World) -> Role:
    role_id, name = request.text("RoleId"), request.text("RoleName")
    if not role_id and not name:
        raise RefusedError(errors.PARAMETER, "RoleName")
    for role in world.tencent.directory.roles(request.caller.account.id):
        if role.id == role_id or (not role_id and role.name == name):
            return role
    raise RefusedError(errors.ROLE_NOT_FOUND, role_id or name)


SERVICE = Service(
    name="cam",
    booked_as="cam",
    regional=False,
    denied=errors.DENIED,
    actions={
        "GetRole": Action(get_role, ("RoleId", "RoleName")),
        "ListAttachedRolePolicies": Action(
            list_attached_role_policies, ("Page", "Rp", "RoleId", "RoleName", "PolicyType", "Keyword")
        ),
        "GetPolicy": Action(get_policy, ("PolicyId",)),
        "GetUserAppId": Action(get_user_app_id, ()),
    },
)
