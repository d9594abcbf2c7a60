"""Temporary keys for a role: by the cluster's service account token (RRSA), by the instance's role, or assumed with other keys.

One request to STS or to the metadata service each time, never cached here: when they are renewed is the caller's decision.
Sources: https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerole, its neighbour
AssumeRoleWithOIDC, and https://www.alibabacloud.com/help/en/ack/ack-managed-and-ack-dedicated/user-guide/use-rrsa-to-authorize-pods
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from imageferry.clouds import exchanging
from imageferry.clouds.alibaba import client, metadata, verdicts
from imageferry.clouds.alibaba.client import CENTRAL_REGION, Action, Client
from imageferry.clouds.answers import Answer
from imageferry.clouds.faults import Fault, Refused
from imageferry.clouds.provider import Exchange
from imageferry.core.account import SESSION_NAME, AssumedRole, InstanceRole, WorkloadIdentity
from imageferry.core.errors import Blocked, Failure, Transient
from imageferry.core.reasons import Reason
from imageferry.core.secret import Keys
from imageferry.logs import hide

_SESSION_SECONDS: Final = 3600
"""What STS grants unless asked for more, and the most of a role whose own limit was never raised."""


async def obtain(exchange: Exchange) -> Keys:
    """Keys for the role, with the seconds that they live. Raises Blocked with the remedy, or Transient."""
    match exchange.role:
        case WorkloadIdentity() as identity:
            return await _by_token(exchange, identity)
        case AssumedRole() as role:
            return await _assumed(exchange, role)
        case InstanceRole(name=name):
            answer = await exchanging.of_instance(exchange, name, metadata.role_keys, service="ECS")
            return _keys(answer, answer.body)


async def _by_token(exchange: Exchange, identity: WorkloadIdentity) -> Keys:
    token = await asyncio.to_thread(exchanging.token, exchange.token_file)
    hide(token)
    parameters = {
        "RoleArn": identity.role_arn,
        "OIDCProviderArn": identity.provider_arn,
        "OIDCToken": token,
        "RoleSessionName": SESSION_NAME,
        "DurationSeconds": _SESSION_SECONDS,
    }
    sts = Client(None, exchange.endpoints, CENTRAL_REGION)
    answer = await _ask(
        exchange, Action.ASSUME_ROLE_WITH_OIDC, lambda left: sts.assume_role_with_oidc(parameters, left)
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
    answer = await _ask(exchange, Action.ASSUME_ROLE, lambda left: sts.assume_role(parameters, left))
    return _keys(answer, answer.body.get("Credentials"))


async def _ask(exchange: Exchange, action: Action, call: Callable[[float], Answer]) -> Answer:
    return await exchanging.ask(exchange, action, call, region=CENTRAL_REGION, fault=client.fault, judge=_verdict)


_REFUSALS: Final = {
    "EntityNotExist.Role": "the role does not exist: correct its ARN, or create it",
    "InvalidParameter.RoleArn": "the role's ARN is malformed: correct it",
    "InvalidParameter.ExternalId": "the external id is malformed: correct it",
    "InvalidParameter.RoleSessionName": "the session name is malformed: correct it",
    "InvalidParameter.DurationSeconds": "the role allows sessions of less than an hour: raise its longest session",
    "NoPermission": "the role does not trust these credentials, or they lack sts:AssumeRole: mend the trust policy, the external "
    "id, or the policy of the credentials",
    "MissingParameter.OIDCProviderArn": "the account names no identity provider: give its ARN",
    "AuthenticationFail.NoPermission": "there is no such identity provider, or the role does not trust this service account: mend "
    "the provider's ARN or the role's trust policy",
    "AuthenticationFail.OIDCToken.Invalid": "the service account token is none: project one for the audience sts.aliyuncs.com",
    "AuthenticationFail.OIDCToken.IssuerNotMatch": "the identity provider is that of another cluster: correct its ARN",
    "AuthenticationFail.OIDCToken.InvalidSignature": "the identity provider does not know the cluster's key: renew its fingerprint",
    "AuthenticationFail.OIDCToken.AudienceNotMatch": "the token is for another audience: project one for sts.aliyuncs.com",
    "AuthenticationFail.OIDCToken.Expired": "the service account token has expired: is the projected volume still there?",
}
"""What STS answers about a role. The codes of AssumeRole and AssumeRoleWithOIDC mean other things elsewhere."""


def _verdict(action: str, fault: Fault) -> Failure:
    if isinstance(fault, Refused) and fault.code in _REFUSALS:
        text = f"The cloud gives no keys for the role: {_REFUSALS[fault.code]}. ({action} answered {fault.code}.)"
        return Blocked(Reason.CREDENTIALS_REJECTED, text, code=fault.code, request_id=fault.request_id)
    return verdicts.reading(action, fault)


def _keys(answer: Answer, given: object) -> Keys:
    """The keys in an answer; how long they live is told by the cloud's own clock."""
    match given:
        case {
            "AccessKeyId": str(key_id),
            "AccessKeySecret": str(secret),
            "SecurityToken": str(token),
            "Expiration": str(end),
        }:
            now = answer.date or datetime.now(UTC)
            life = (datetime.fromisoformat(end) - now).total_seconds()
            return Keys(key_id=key_id, secret=secret, token=token, life_seconds=max(0.0, life))
        case _:
            raise Transient(Reason.CLOUD_UNAVAILABLE, "The cloud gave no keys in its answer.")
