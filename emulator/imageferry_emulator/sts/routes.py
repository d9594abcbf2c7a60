"""The actions of the token service: who signed, and keys for those whom a role trusts.

https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerole and -assumerolewithoidc
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from imageferry_emulator import oidc
from imageferry_emulator.accounts import Session
from imageferry_emulator.ram import policies
from imageferry_emulator.ram.policies import Principal
from imageferry_emulator.rpc.actions import Action, OpenAction, Service
from imageferry_emulator.rpc.errors import NO_PERMISSION, RefusedError
from imageferry_emulator.shapes import ShapeError
from imageferry_emulator.sts import errors, wire

if TYPE_CHECKING:
    from imageferry_emulator.ram.models import Provider, Role
    from imageferry_emulator.rpc.actions import Asked, Request
    from imageferry_emulator.rpc.models import Caller
    from imageferry_emulator.world import World

ROLE_ARN = re.compile(r"acs:ram::([0-9]+):role/([A-Za-z0-9.\-_]{1,64})")
PROVIDER_ARN = re.compile(r"acs:ram::([0-9]+):oidc-provider/(.+)")
SESSION_NAME = re.compile(r"[A-Za-z0-9.@\-_]{2,64}")
EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
POLICY_BYTES = 2048
SHORTEST_SECONDS, USUAL_SECONDS = 900, 3600
UNNAMED_SESSION = "oidc-session"
"""The session of AssumeRoleWithOIDC without RoleSessionName, which is optional there."""

_TOKEN_REFUSALS = {
    oidc.Problem.FORM: errors.TOKEN_INVALID,
    oidc.Problem.ISSUER: errors.TOKEN_ISSUER,
    oidc.Problem.SIGNATURE: errors.TOKEN_SIGNATURE,
    oidc.Problem.AUDIENCE: errors.TOKEN_AUDIENCE,
    oidc.Problem.LIFE: errors.TOKEN_EXPIRED,
}


def get_caller_identity(request: Request, world: World) -> dict[str, Any]:
    """GetCallerIdentity: who signed this."""
    key = request.caller.key
    session = key.session or (Session("emulated", "session", None) if key.token else None)
    if session is None:
        return wire.user_identity(request.caller)
    role = world.access.role(key.account_id, session.role)
    return wire.role_identity(request.caller, session, role.id if role else key.id[-16:])


def assume_role(request: Request, world: World) -> dict[str, Any]:
    """AssumeRole: a temporary key of a role that trusts the caller."""
    role_arn, name = request.need("RoleArn"), request.need("RoleSessionName")
    external_id = request.text("ExternalId")
    if external_id and not EXTERNAL_ID.fullmatch(external_id):
        raise RefusedError(errors.EXTERNAL_ID)
    session_of = _session(request, name)
    principals = _principals(request.caller)
    role = _role(role_arn, world)
    if not policies.trusts(role.trust, principals, {"sts:ExternalId": external_id}):
        raise RefusedError(errors.NOT_TRUSTED)
    return _assume(request, role, session_of, world)


def assume_role_with_oidc(request: Asked, world: World) -> dict[str, Any]:
    """AssumeRoleWithOIDC: a temporary key of a role that trusts the bearer of an identity provider's token. Not signed."""
    role_arn, provider_arn = request.text("RoleArn"), request.text("OIDCProviderArn")
    if not role_arn:
        raise RefusedError(errors.MISSING_ROLE_ARN)
    if not provider_arn:
        raise RefusedError(errors.MISSING_PROVIDER_ARN)
    session_of = _session(request, request.text("RoleSessionName", UNNAMED_SESSION))
    named = PROVIDER_ARN.fullmatch(provider_arn)
    provider = world.access.provider(named[1], named[2]) if named else None
    if provider is None:
        raise RefusedError(errors.NO_PROVIDER)
    token = _token(request.text("OIDCToken"), provider, world)
    role = _role(role_arn, world)
    context = {"oidc:iss": token.issuer, "oidc:sub": token.subject, "oidc:aud": token.audience(provider.client_ids)}
    if not policies.trusts(role.trust, [Principal("Federated", provider.arn)], context):
        raise RefusedError(errors.NOT_TRUSTED_BY_ROLE)
    return {**_assume(request, role, session_of, world), **wire.token(token)}


def _session(request: Asked, name: str) -> tuple[str, str | None]:
    """The session's name and policy, both checked."""
    if not SESSION_NAME.fullmatch(name):
        raise RefusedError(errors.SESSION_NAME)
    policy = request.text("Policy")
    if not policy:
        return name, None
    if len(policy.encode()) > POLICY_BYTES:
        raise RefusedError(errors.POLICY_SIZE)
    try:
        policies.check(policy)
    except ShapeError:
        raise RefusedError(errors.POLICY_GRAMMAR) from None
    return name, policy


def _principals(caller: Caller) -> list[Principal]:
    """The names by which a trust policy may mean the caller. Raises RefusedError for the account itself."""
    account, key = caller.account.id, caller.key
    if key.session is None and not key.user:
        raise RefusedError(errors.NOT_BY_ROOT)
    if key.session is not None:
        own = f"acs:ram::{account}:role/{key.session.role}"
    else:
        own = f"acs:ram::{account}:user/{key.user}"
    return [Principal("RAM", own), Principal("RAM", f"acs:ram::{account}:root")]


def _role(arn: str, world: World) -> Role:
    named = ROLE_ARN.fullmatch(arn)
    if named is None:
        raise RefusedError(errors.ROLE_ARN)
    role = world.access.role(named[1], named[2])
    if role is None:
        raise RefusedError(errors.ROLE_NOT_FOUND, arn)
    return role


def _token(shown: str, provider: Provider, world: World) -> oidc.Token:
    try:
        return oidc.verify(shown, provider, world)
    except oidc.TokenError as wrong:
        raise RefusedError(_TOKEN_REFUSALS[wrong.problem], wrong.detail) from None


def _assume(request: Asked, role: Role, named: tuple[str, str | None], world: World) -> dict[str, Any]:
    seconds = _seconds(request, role)
    short = world.settings.values.token_life_seconds
    session = Session(role.name, *named)
    key = world.accounts.issue(role.account_id, session, seconds if short is None else short)
    return wire.assumed(role, key, session)


def _seconds(request: Asked, role: Role) -> int:
    shown = request.text("DurationSeconds", str(USUAL_SECONDS))
    if not shown.isdecimal() or not SHORTEST_SECONDS <= int(shown) <= role.max_session_seconds:
        raise RefusedError(errors.DURATION, str(role.max_session_seconds))
    return int(shown)


SERVICE = Service(
    name="sts",
    denied=NO_PERMISSION,
    actions={
        "GetCallerIdentity": Action(get_caller_identity, needs_right=False),
        "AssumeRole": Action(assume_role),
        "AssumeRoleWithOIDC": OpenAction(assume_role_with_oidc),
    },
)
