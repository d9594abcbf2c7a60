"""The actions of the token service: who signed, and keys for those whom a role trusts.

https://www.tencentcloud.com/document/product/1150/49454 (AssumeRoleWithWebIdentity, and its neighbours)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from imageferry_emulator import oidc
from imageferry_emulator.accounts import Session
from imageferry_emulator.cam import policies
from imageferry_emulator.cam.policies import Principal
from imageferry_emulator.shapes import ShapeError
from imageferry_emulator.tencent.actions import Action, OpenAction, Service
from imageferry_emulator.tencent.errors import UNAUTHORIZED, RefusedError
from imageferry_emulator.tencent.sts import errors, wire

if TYPE_CHECKING:
    from imageferry_emulator.cam.models import Role
    from imageferry_emulator.tencent.actions import Asked, Request
    from imageferry_emulator.tencent.models import Caller
    from imageferry_emulator.world import World

ROLE_ARN = re.compile(r"qcs::cam::uin/([0-9]+):roleName/([\w+=,.@-]{1,128})", re.ASCII)
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,128}", re.ASCII)
EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,128}", re.ASCII)
POLICY_BYTES = 4096
USUAL_SECONDS = 7200


def get_caller_identity(request: Request, world: World) -> dict[str, Any]:
    """GetCallerIdentity: who signed this."""
    key = request.caller.key
    if key.session is None:
        return wire.user_identity(request.caller)
    role = world.tencent.directory.role(key.account_id, key.session.role)
    return wire.role_identity(request.caller, key.session, role.id if role else "0")


def assume_role(request: Request, world: World) -> dict[str, Any]:
    """AssumeRole: a temporary key of a role that trusts the caller."""
    role_arn, name = request.need("RoleArn"), request.need("RoleSessionName")
    external_id = request.text("ExternalId")
    if external_id and not EXTERNAL_ID.fullmatch(external_id):
        raise RefusedError(errors.PARAMETER, "ExternalId")
    policy, role = _policy(request), _role(role_arn, world)
    context = {"sts:external_id": external_id}
    if not policies.trusts(role.trust, _principals(request.caller), policies.ASSUME, context):
        raise RefusedError(UNAUTHORIZED, policies.ASSUME)
    return _assume(request, role, _session(role, name, policy), world)


def assume_role_with_web_identity(request: Asked, world: World) -> dict[str, Any]:
    """AssumeRoleWithWebIdentity: a temporary key of a role that trusts the bearer of an identity provider's token. Not signed."""
    provider_id, shown = request.need("ProviderId"), request.need("WebIdentityToken")
    role_arn, name = request.need("RoleArn"), request.need("RoleSessionName")
    # The request names no account but in the role.
    role = _role(role_arn, world)
    provider = world.tencent.directory.provider(role.account_id, provider_id)
    if provider is None:
        raise RefusedError(errors.PARAMETER, "ProviderId")
    try:
        token = oidc.verify(shown, provider, world)
    except oidc.TokenError as wrong:
        raise RefusedError(errors.WEB_IDENTITY, str(wrong)) from None
    context = {
        "oidc:iss": token.issuer,
        "oidc:sub": token.subject,
        "oidc:aud": token.audience(provider.client_ids),
    }
    federated = [Principal("federated", provider.arn)]
    if not policies.trusts(role.trust, federated, policies.ASSUME_WITH_TOKEN, context):
        raise RefusedError(UNAUTHORIZED, policies.ASSUME_WITH_TOKEN)
    return _assume(request, role, _session(role, name, None), world)


def _policy(request: Asked) -> str | None:
    """The policy that is to narrow the session, which is sent percent-encoded, or None."""
    policy = unquote(request.text("Policy"))
    if len(policy.encode()) > POLICY_BYTES:
        raise RefusedError(errors.POLICY_SIZE)
    try:
        if policy:
            policies.check(policy)
    except ShapeError as wrong:
        raise RefusedError(errors.POLICY, str(wrong)) from None
    return policy or None


def _session(role: Role, name: str, policy: str | None) -> Session:
    if not SESSION_NAME.fullmatch(name):
        raise RefusedError(errors.PARAMETER, "RoleSessionName")
    return Session(role.name, name, policy)


def _principals(caller: Caller) -> list[Principal]:
    """The names by which a trust policy may mean the caller."""
    account, key = caller.account.id, caller.key
    own = f"roleName/{key.session.role}" if key.session else f"uin/{caller.uin}"
    return [Principal("qcs", f"qcs::cam::uin/{account}:{name}") for name in (own, "root")]


def _role(arn: str, world: World) -> Role:
    named = ROLE_ARN.fullmatch(arn)
    if named is None:
        raise RefusedError(errors.PARAMETER, "RoleArn")
    role = world.tencent.directory.role(named[1], named[2])
    if role is None:
        raise RefusedError(errors.ROLE_NOT_FOUND, arn)
    return role


def _assume(request: Asked, role: Role, session: Session, world: World) -> dict[str, Any]:
    longest = role.max_session_seconds
    given = request.number("DurationSeconds", default=min(USUAL_SECONDS, longest), least=0, most=10**9)
    if not 1 <= given <= longest:
        raise RefusedError(errors.DURATION, str(longest))
    short = world.settings.values.token_life_seconds
    return wire.assumed(world.tencent.accounts.issue(role.account_id, session, given if short is None else short))


SERVICE = Service(
    name="sts",
    booked_as="tencent-sts",
    regional=True,
    denied=UNAUTHORIZED,
    actions={
        "GetCallerIdentity": Action(get_caller_identity, (), needs_right=False),
        "AssumeRole": Action(assume_role, ("RoleArn", "RoleSessionName", "DurationSeconds", "Policy", "ExternalId")),
        "AssumeRoleWithWebIdentity": OpenAction(
            assume_role_with_web_identity,
            ("ProviderId", "WebIdentityToken", "RoleArn", "RoleSessionName", "DurationSeconds"),
        ),
    },
)
