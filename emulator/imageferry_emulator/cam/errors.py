"""Refusals of CAM, from the list of error codes of its API 2019-01-16: https://www.tencentcloud.com/document/product/598."""

from __future__ import annotations

from imageferry_emulator.tencent.errors import Refusal

DENIED = Refusal("AuthFailure.UnauthorizedOperation", "You are not authorized to perform operation (%s).")
PARAMETER = Refusal("InvalidParameter.ParamError", "The parameter %s is not valid.")
ROLE_NOT_FOUND = Refusal("InvalidParameter.RoleNotExist", "The role does not exist: %s.")
POLICY_NOT_FOUND = Refusal("ResourceNotFound.PolicyIdNotFound", "The policy does not exist: %s.")
