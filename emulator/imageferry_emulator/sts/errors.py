"""Refusals of the token service.

https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerole (its error table), for AssumeRoleWithOIDC
https://help.aliyun.com/zh/ram/developer-reference/api-sts-2015-04-01-errorcodes and the troubleshooting table of
https://www.alibabacloud.com/help/en/ack/ack-managed-and-ack-dedicated/user-guide/use-rrsa-to-authorize-pods-to-access-different-cloud-services
"""

from __future__ import annotations

from imageferry_emulator.rpc.errors import Refusal

ROLE_ARN = Refusal(400, "InvalidParameter.RoleArn", "The parameter RoleArn is wrongly formed.")
SESSION_NAME = Refusal(400, "InvalidParameter.RoleSessionName", "The parameter RoleSessionName is wrongly formed.")
DURATION = Refusal(
    400, "InvalidParameter.DurationSeconds", "DurationSeconds must be from 900 to the role's MaxSessionDuration, %s."
)
EXTERNAL_ID = Refusal(400, "InvalidParameter.ExternalId", "The parameter ExternalId is wrongly formed.")
POLICY_GRAMMAR = Refusal(
    400, "InvalidParameter.PolicyGrammar", "The parameter Policy has not passed the grammar check."
)
POLICY_SIZE = Refusal(400, "InvalidParameter.PolicySize", "The size of Policy must be at most 2048 bytes.")
ROLE_NOT_FOUND = Refusal(404, "EntityNotExist.Role", "The role not exists: %s.")
NOT_BY_ROOT = Refusal(403, "NoPermission", "Roles may not be assumed by root accounts.")
NOT_TRUSTED = Refusal(
    403,
    "NoPermission",
    "No permission to perform sts:AssumeRole on this role: you are not authorized to, or the role does not trust you.",
)

MISSING_ROLE_ARN = Refusal(400, "MissingParameter.RoleArn", "Parameter RoleArn is required.")
MISSING_PROVIDER_ARN = Refusal(400, "MissingParameter.OIDCProviderArn", "Parameter OIDCProviderArn is required.")
NO_PROVIDER = Refusal(401, "AuthenticationFail.NoPermission", "No such OIDC Provider registered.")
NOT_TRUSTED_BY_ROLE = Refusal(401, "AuthenticationFail.NoPermission", "There is no permission.")
TOKEN_INVALID = Refusal(401, "AuthenticationFail.OIDCToken.Invalid", "The OIDCToken is not valid: %s.")
TOKEN_ISSUER = Refusal(
    401, "AuthenticationFail.OIDCToken.IssuerNotMatch", "The issuer of the OIDCToken is not that of the OIDC Provider."
)
TOKEN_SIGNATURE = Refusal(401, "AuthenticationFail.OIDCToken.InvalidSignature", "The OIDCToken has no valid signature.")
TOKEN_AUDIENCE = Refusal(401, "AuthenticationFail.OIDCToken.AudienceNotMatch", "Invalid audience.")
TOKEN_EXPIRED = Refusal(401, "AuthenticationFail.OIDCToken.Expired", "This JsonWebToken is expired.")
