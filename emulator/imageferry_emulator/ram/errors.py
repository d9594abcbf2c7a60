"""Refusals of the access service: https://www.alibabacloud.com/help/en/ram/developer-reference/api-ram-2015-05-01-errorcodes."""

from __future__ import annotations

from imageferry_emulator.rpc.errors import Refusal

ROLE_NOT_FOUND = Refusal(404, "EntityNotExist.Role", "The role not exists: %s.")
POLICY_NOT_FOUND = Refusal(404, "EntityNotExist.Policy", "The policy does not exist: %s.")
POLICY_VERSION_NOT_FOUND = Refusal(404, "EntityNotExist.Policy.Version", "The policy version does not exist: %s.")
POLICY_TYPE = Refusal(400, "InvalidParameter.PolicyType", "The policy type is System or Custom, not %s.")
VERSION_FORMAT = Refusal(400, "InvalidParameter.VersionId.Format", "The version is written v1, v2, ..., not %s.")
