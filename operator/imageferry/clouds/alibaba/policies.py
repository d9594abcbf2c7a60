"""How RAM writes its documents. Grammar: https://www.alibabacloud.com/help/en/ram/user-guide/policy-structure-and-syntax."""

from typing import Final

from imageferry.clouds import policies

ASSUME: Final = policies.ASSUME
SERVICE: Final = "ecs.aliyuncs.com"

GRAMMAR: Final = policies.Grammar(service=SERVICE, resource_parts=5)
"""A resource is acs:service:region:account:what."""

statements, trusts, missing = GRAMMAR.statements, GRAMMAR.trusts, GRAMMAR.missing
