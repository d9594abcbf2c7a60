"""Refusals of the token service: https://www.tencentcloud.com/document/product/1150/49458."""

from __future__ import annotations

from imageferry_emulator.tencent.errors import Refusal

PARAMETER = Refusal("InvalidParameter.ParamError", "The parameter %s is not valid.")
DURATION = Refusal("InvalidParameter.OverTimeError", "DurationSeconds must be from 1 to %s for this role.")
POLICY = Refusal("InvalidParameter.StrategyFormatError", "The parameter Policy is no policy: %s.")
POLICY_SIZE = Refusal("InvalidParameter.PolicyTooLong", "The parameter Policy is too long.")
ROLE_NOT_FOUND = Refusal("ResourceNotFound.RoleNotFound", "The role does not exist: %s.")
WEB_IDENTITY = Refusal("InvalidParameter.WebIdentityTokenError", "The WebIdentityToken is not valid: %s.")
