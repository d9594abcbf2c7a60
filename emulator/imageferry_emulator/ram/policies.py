"""What a policy document says: which actions it allows, and whom a trust policy lets assume a role. Pure; no state here.

Grammar: https://www.alibabacloud.com/help/en/ram/policy-structure-and-syntax. Of a statement Effect, Action, Principal and the
conditions StringEquals and StringLike are read, and Resource where the question names one.
"""

from __future__ import annotations

import fnmatch
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imageferry_emulator.shapes import ShapeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ECS_SERVICE = "ecs.aliyuncs.com"
ASSUME = "sts:AssumeRole"
EXPORT_POLICY = "AliyunECSImageExportRolePolicy"
IMPORT_POLICY = "AliyunECSImageImportRolePolicy"
EXPORT_ACTIONS = (
    "oss:GetObject",
    "oss:PutObject",
    "oss:DeleteObject",
    "oss:GetBucketLocation",
    "oss:GetBucketInfo",
    "oss:AbortMultipartUpload",
    "oss:ListMultipartUploads",
    "oss:ListParts",
)
"""What ECS needs to export: https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-exportimage."""
IMPORT_ACTIONS = ("oss:GetObject", "oss:GetBucketLocation", "oss:GetBucketInfo")
"""What it needs to import: https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-importimage."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who wants to assume a role: `Service`, `RAM` or `Federated`, and the name it goes by there."""

    kind: str
    name: str


def document(statements: list[dict[str, Any]]) -> str:
    """A policy document as text."""
    return json.dumps({"Statement": statements, "Version": "1"})


def granting(actions: Iterable[str]) -> str:
    """The document of a policy that allows these actions on everything."""
    return document([{"Effect": "Allow", "Action": list(actions), "Resource": "*"}])


def trusting(principal: Principal, condition: dict[str, Any] | None = None) -> str:
    """The document of a trust policy that lets one principal assume the role."""
    statement = {"Action": ASSUME, "Effect": "Allow", "Principal": {principal.kind: [principal.name]}}
    return document([statement | ({"Condition": condition} if condition else {})])


SYSTEM = {
    "AdministratorAccess": granting(["*"]),
    "AliyunSTSAssumeRoleAccess": granting([ASSUME]),
    EXPORT_POLICY: granting(EXPORT_ACTIONS),
    IMPORT_POLICY: granting(IMPORT_ACTIONS),
}
"""The system policies that every account has, by name."""


def check(shown: str) -> None:
    """Raises ShapeError unless the text is a policy document."""
    try:
        parsed = json.loads(shown)
        statements = parsed["Statement"]
        if parsed["Version"] != "1" or not isinstance(statements, list):
            raise ShapeError("a policy document is of Version 1 and has a list of Statement")
        for statement in statements:
            if statement["Effect"] not in ("Allow", "Deny") or not _texts(statement["Action"]):
                raise ShapeError("a statement has an Effect (Allow, Deny) and an Action")
    except (json.JSONDecodeError, TypeError, KeyError) as wrong:
        raise ShapeError(f"not a policy document: {wrong}") from wrong


def permits(documents: Iterable[str], action: str, resource: str | None = None) -> bool:
    """Whether the policies together allow an action (`oss:PutObject`); a Deny in any of them wins.

    `resource` is what it is done to (`acs:oss:REGION:ACCOUNT:bucket/key`); None asks for the right on anything at all.
    """
    allowed = False
    for statement in (statement for shown in documents for statement in json.loads(shown)["Statement"]):
        if _covers(statement["Action"], action) and _concerns(statement, resource):
            if statement["Effect"] == "Deny":
                return False
            allowed = True
    return allowed


def trusts(shown: str, principals: Iterable[Principal], context: Mapping[str, str]) -> bool:
    """Whether a trust policy lets someone who goes by any of these names assume the role, given the condition keys."""
    names = list(principals)
    allowed = False
    for statement in json.loads(shown)["Statement"]:
        if _covers(statement["Action"], ASSUME) and _meant(statement, names) and _met(statement, context):
            if statement["Effect"] == "Deny":
                return False
            allowed = True
    return allowed


def _concerns(statement: dict[str, Any], resource: str | None) -> bool:
    """Names of objects are told apart by case, and have brackets that are no pattern."""
    patterns = _texts(statement.get("Resource", []))
    return resource is None or any(_alike(pattern, resource) for pattern in patterns)


def _alike(pattern: str, name: str) -> bool:
    wild = {"*": ".*", "?": "."}
    return re.fullmatch("".join(wild.get(each, re.escape(each)) for each in pattern), name, re.DOTALL) is not None


def _meant(statement: dict[str, Any], names: list[Principal]) -> bool:
    trusted = statement.get("Principal", {})
    return any(_covers(trusted.get(principal.kind, []), principal.name) for principal in names)


def _met(statement: dict[str, Any], context: Mapping[str, str]) -> bool:
    for operator, wanted in statement.get("Condition", {}).items():
        for key, values in wanted.items():
            given = context.get(key, "")
            alike = fnmatch.fnmatchcase if operator == "StringLike" else str.__eq__
            if not any(alike(given, value) for value in _texts(values)):
                return False
    return True


def _covers(patterns: Any, name: str) -> bool:  # noqa: ANN401 (a text or a list of texts, as people write it)
    return any(fnmatch.fnmatchcase(name.lower(), pattern.lower()) for pattern in _texts(patterns))


def _texts(value: Any) -> list[str]:  # noqa: ANN401 (a text or a list of texts, as people write it)
    return [value] if isinstance(value, str) else list(value)
