"""Temporary keys for a role: by the cluster's service account token (OIDC on TKE), by the instance's role, or assumed.

One request to STS or to the metadata service each time, never cached here: when they are renewed is the caller's decision.
Sources: https://www.tencentcloud.com/document/product/1150/49452 (AssumeRole) and its neighbour AssumeRoleWithWebIdentity.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from imageferry.clouds import exchanging
from imageferry.clouds.answers import Answer
from imageferry.clouds.faults import Fault, Refused
from imageferry.clouds.provider import Exchange
from imageferry.clouds.tencent import exceptions, metadata, verdicts
from imageferry.clouds.tencent.client import CENTRAL_REGION, Action, Client
from imageferry.core.account import SESSION_NAME, AssumedRole, InstanceRole, WorkloadIdentity
from imageferry.core.errors import Blocked, Failure, Transient
from imageferry.core.reasons import Reason
from imageferry.core.secret import Keys
from imageferry.logs import hide

_SESSION_SECONDS: Final = 7200
"""What STS grants unless asked for more."""


async def obtain(exchange: Exchange) -> Keys:
    """Keys for the role, with the seconds that they live. Raises Blocked with the remedy, or Transient."""
    match exchange.role:
        case WorkloadIdentity() as identity:
            return await _by_token(exchange, identity)
        case AssumedRole() as role:
            return await _assumed(exchange, role)
        case InstanceRole(name=name):
            answer = await exchanging.of_instance(exchange, name, metadata.role_keys, service="CVM")
            return _keys(answer, answer.body)


async def _by_token(exchange: Exchange, identity: WorkloadIdentity) -> Keys:
    token = await asyncio.to_thread(exchanging.token, exchange.token_file)
    hide(token)
    parameters = {
        "RoleArn": identity.role_arn,
        "ProviderId": identity.provider_arn,
        "WebIdentityToken": token,
        "RoleSessionName": SESSION_NAME,
        "DurationSeconds": _SESSION_SECONDS,
    }
    sts = Client(None, exchange.endpoints, CENTRAL_REGION)
    answer = await _ask(
        exchange,
        Action.ASSUME_ROLE_WITH_WEB_IDENTITY,
        sts,
        lambda left: sts.assume_role_with_web_identity(parameters, left),
    )
    return _keys(answer, answer.body.get("Credentials"))


async def _assumed(exchange: Exchange, role: AssumedRole) -> Keys:
    parameters: dict[str, Any] = {
        "RoleArn": role.role_arn,
        "RoleSessionName": role.session_name,
        "DurationSeconds": _SESSION_SECONDS,
    }
    if role.external_id:
        parameters["ExternalId"] = role.external_id
    sts = Client(exchange.keys, exchange.endpoints, CENTRAL_REGION)
    answer = await _ask(exchange, Action.ASSUME_ROLE, sts, lambda left: sts.sts(Action.ASSUME_ROLE, parameters, left))
    return _keys(answer, answer.body.get("Credentials"))


async def _ask(exchange: Exchange, action: Action, sts: Client, call: Callable[[float], Answer]) -> Answer:
    try:
        return await exchanging.ask(
            exchange, action, call, region=CENTRAL_REGION, fault=exceptions.fault, judge=_verdict
        )
    finally:
        sts.close()


_TRUST: Final = (
    "the role does not trust these credentials, or they lack the right to assume it: mend the trust policy, the external id, or "
    "the policy of the credentials"
)
_UNTAKEN: Final = (
    "the service account token is not taken: is it projected for the provider's audience, and does the provider know the "
    "cluster's key?"
)
_REFUSALS: Final = {
    "ResourceNotFound.RoleNotFound": "the role does not exist: correct its ARN, or create it",
    "AuthFailure.RoleArnNotFound": "the role does not exist: correct its ARN, or create it",
    "InvalidParameter.ParamError": "the role's ARN, the session name, the external id or the identity provider is malformed or "
    "unknown: correct it",
    "InvalidParameter.OverTimeError": "the role allows sessions of less than two hours: raise its longest session",
    "InvalidParameter.WebIdentityTokenError": _UNTAKEN,
    "InternalError.GetRoleError": "the role cannot be read: correct its ARN",
    "UnauthorizedOperation": _TRUST,
    "AuthFailure.UnauthorizedOperation": _TRUST,
    "UnauthorizedOperation.CamNoAuth": _TRUST,
}
"""What STS answers about a role; some of the codes mean other things elsewhere."""


def _verdict(action: str, fault: Fault) -> Failure:
    if isinstance(fault, Refused) and fault.code in _REFUSALS:
        text = f"The cloud gives no keys for the role: {_REFUSALS[fault.code]}. ({action} answered {fault.code}.)"
        return Blocked(Reason.CREDENTIALS_REJECTED, text, code=fault.code, request_id=fault.request_id)
    return verdicts.reading(action, fault)


def _keys(answer: Answer, given: object) -> Keys:
    """The keys in an answer; how long they live is told by the cloud's own clock."""
    match given, answer.body:
        case (
            {"TmpSecretId": str(key_id), "TmpSecretKey": str(secret), "Token": str(token)},
            {"ExpiredTime": int(end)},
        ):
            now = answer.date or datetime.now(UTC)
            return Keys(key_id=key_id, secret=secret, token=token, life_seconds=max(0.0, end - now.timestamp()))
        case _:
            raise Transient(Reason.CLOUD_UNAVAILABLE, "The cloud gave no keys in its answer.")
