"""The codes common to all calls of ECS, STS and RAM, and those of RAM's own."""

from typing import Final

from imageferry.clouds.rows import (
    BAD_CALL,
    NO_KEY,
    NO_MONEY,
    NO_RIGHT,
    NO_TOKEN,
    SKEW,
    UNAVAILABLE,
    Table,
    blocked,
    maybe,
    rejected,
    transient,
)
from imageferry.core.reasons import Reason

COMMON: Final = Table(
    calls=("every call of ECS, STS and RAM",),
    source="https://www.alibabacloud.com/help/en/ecs/developer-reference/common-error-codes",
    rows={
        "SignatureNonceUsed": maybe(Reason.CLOUD_UNAVAILABLE, "The cloud has seen this request before."),
        "LastTokenProcessing": maybe(Reason.CLOUD_UNAVAILABLE, "The cloud is still at work on this request."),
        "IdempotentParameterMismatch": maybe(Reason.CLOUD_UNAVAILABLE, "The cloud has seen this client token before."),
        "IncompleteSignature": NO_KEY,
        "SignatureDoesNotMatch": NO_KEY,
        "InvalidAccessKeyId": NO_KEY,
        "InvalidAccessKeyId.NotFound": NO_KEY,
        "InvalidAccessKeyId.Inactive": NO_KEY,
        "Forbidden.AccessKeyDisabled": NO_KEY,
        "InvalidCredentials": NO_KEY,
        "MissingSecurityToken": NO_TOKEN,
        "InvalidSecurityToken": NO_TOKEN,
        "InvalidSecurityToken.Expired": NO_TOKEN,
        "InvalidSecurityToken.Malformed": NO_TOKEN,
        "InvalidSecurityToken.MismatchWithAccessKey": NO_TOKEN,
        "InvalidTimeStamp.Expired": SKEW,
        "InvalidTimeStamp.Format": BAD_CALL,
        "Forbidden": NO_RIGHT,
        "Forbidden.RAM": NO_RIGHT,
        "Forbidden.Unauthorized": NO_RIGHT,
        "Forbidden.SubUser": NO_RIGHT,
        "NoPermission": NO_RIGHT,
        "Forbidden.RiskControl": blocked(
            Reason.NOT_AUTHORIZED, "The cloud's risk control holds the account back: ask the cloud."
        ),
        "InsufficientBalance": NO_MONEY,
        "Account.Arrearage": NO_MONEY,
        "MissingParameter": BAD_CALL,
        "InvalidParameter": BAD_CALL,
        "UnsupportedParameter": BAD_CALL,
        "InvalidAction": BAD_CALL,
        "InvalidAction.NotFound": BAD_CALL,
        "NoSuchVersion": BAD_CALL,
        "InvalidRegionId.NotFound": rejected(
            Reason.REGION_NOT_FOUND, "The cloud has no such region: correct spec.region."
        ),
        "OperationConflict": UNAVAILABLE,
        "InternalError": UNAVAILABLE,
        "ServiceUnavailable": UNAVAILABLE,
        "ServiceUnavailable.RegionMaintaining": transient(Reason.CLOUD_UNAVAILABLE, "The region is under maintenance."),
    },
)

RAM: Final = Table(
    calls=("GetRole", "ListPoliciesForRole", "GetPolicyVersion"),
    source="https://www.alibabacloud.com/help/en/ram/developer-reference/api-ram-2015-05-01-getrole",
    rows={
        "EntityNotExist.Role": blocked(
            Reason.ROLE_MISSING, "The role does not exist in the cloud account: create it, or correct spec.roleName."
        ),
        "EntityNotExist.Policy": transient(
            Reason.ROLE_PERMISSION_MISSING, "A policy of the role went away while it was read."
        ),
        "EntityNotExist.Policy.Version": transient(
            Reason.ROLE_PERMISSION_MISSING, "A policy of the role changed while it was read."
        ),
    },
)
