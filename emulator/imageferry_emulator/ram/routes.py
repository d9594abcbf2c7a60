"""The actions of the access service: parameters in, answer out. Rules are in models.py and policies.py.

https://www.alibabacloud.com/help/en/ram/developer-reference/api-ram-2015-05-01-getrole and its neighbours.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from imageferry_emulator.ram import errors, wire
from imageferry_emulator.rpc.actions import Action, Service
from imageferry_emulator.rpc.errors import NO_PERMISSION, RefusedError

if TYPE_CHECKING:
    from imageferry_emulator.ram.models import Policy, Role
    from imageferry_emulator.rpc.actions import Request
    from imageferry_emulator.world import World

POLICY_KINDS = ("System", "Custom")
VERSION = re.compile(r"v[1-9][0-9]*")


def get_role(request: Request, world: World) -> dict[str, Any]:
    """GetRole: a role of the caller's account with its trust policy."""
    return wire.role(_role(request, world))


def list_policies_for_role(request: Request, world: World) -> dict[str, Any]:
    """ListPoliciesForRole: what is attached to a role."""
    role = _role(request, world)
    found = (world.access.policy(role.account_id, name) for name in role.policies)
    return wire.attached([policy for policy in found if policy is not None])


def get_policy(request: Request, world: World) -> dict[str, Any]:
    """GetPolicy: a policy with its document."""
    policy = _policy(request, world)
    roles = world.access.roles(request.caller.account.id)
    return wire.policy(policy, sum(policy.name in role.policies for role in roles))


def get_policy_version(request: Request, world: World) -> dict[str, Any]:
    """GetPolicyVersion: every policy has one version, v1."""
    policy, shown = _policy(request, world), request.need("VersionId")
    if not VERSION.fullmatch(shown):
        raise RefusedError(errors.VERSION_FORMAT, shown)
    if shown != wire.VERSION:
        raise RefusedError(errors.POLICY_VERSION_NOT_FOUND, shown)
    return wire.version(policy)


def _role(request: Request, world: World) -> Role:
    name = request.need("RoleName")
    role = world.access.role(request.caller.account.id, name)
    if role is None:
        raise RefusedError(errors.ROLE_NOT_FOUND, name)
    return role


def _policy(request: Request, world: World) -> Policy:
    kind, name = request.need("PolicyType"), request.need("PolicyName")
    if kind not in POLICY_KINDS:
        raise RefusedError(errors.POLICY_TYPE, kind)
    policy = world.access.policy(request.caller.account.id, name)
    if policy is None or policy.kind != kind:
        raise RefusedError(errors.POLICY_NOT_FOUND, name)
    return policy


SERVICE = Service(
    name="ram",
    denied=NO_PERMISSION,
    actions={
        "GetRole": Action(get_role),
        "ListPoliciesForRole": Action(list_policies_for_role),
        "GetPolicy": Action(get_policy),
        "GetPolicyVersion": Action(get_policy_version),
    },
)
