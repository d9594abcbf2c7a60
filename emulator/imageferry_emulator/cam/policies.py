"""What a CAM policy document says: which actions it allows, and whom a trust policy lets take on a role. Pure; no state here.

Grammar: https://www.tencentcloud.com/document/product/598/10603. Of a statement effect, action, principal and the conditions
string_equal and string_like are read; resource is taken for `*`. An action is written with `name/` in front or without.
"""

from __future__ import annotations

import fnmatch
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imageferry_emulator.shapes import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

CVM_SERVICES = ("cvm.qcloud.com", "cvm.cloud.tencent.com")
"""The compute service as a trust policy names it; assumed: both are the same one."""
ASSUME = "sts:AssumeRole"
ASSUME_WITH_TOKEN = "sts:AssumeRoleWithWebIdentity"  # noqa: S105 (the name of an action)
VERSION = "2.0"
CONDITIONS: dict[str, Callable[[str, str], bool]] = {"string_equal": str.__eq__, "string_like": fnmatch.fnmatchcase}
"""Any other condition is never met: better a refusal than a right that the cloud would not give."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who wants to take on a role: `qcs`, `service` or `federated`, and the name it goes by there."""

    kind: str
    name: str


def document(statements: list[dict[str, Any]]) -> str:
    """A policy document as text."""
    return json.dumps({"version": VERSION, "statement": statements})


def granting(actions: Iterable[str]) -> str:
    """The document of a policy that allows these actions on everything."""
    return document([{"effect": "allow", "action": [f"name/{action}" for action in actions], "resource": "*"}])


def trusting(principals: Iterable[Principal], action: str = ASSUME, condition: dict[str, Any] | None = None) -> str:
    """The document of a trust policy that lets these principals, all of one kind, take on the role."""
    found = list(principals)
    named = {found[0].kind: [principal.name for principal in found]}
    statement = {"action": f"name/{action}", "effect": "allow", "principal": named}
    return document([statement | ({"condition": condition} if condition else {})])


PRESET = {
    "AdministratorAccess": document([{"effect": "allow", "action": "*", "resource": "*"}]),
    "QcloudCOSFullAccess": granting(["cos:*"]),
    "QcloudCOSDataReadOnly": granting(
        ["cos:GetObject*", "cos:HeadObject", "cos:GetBucket*", "cos:HeadBucket", "cos:List*"]
    ),
    "QcloudCVMReadOnlyAccess": granting(["cvm:Describe*"]),
}
"""Policies that every account has, by name; what is in them is abridged."""


def check(shown: str) -> None:
    """Raises ShapeError unless the text is a policy document."""
    try:
        parsed = json.loads(shown)
        statements = parsed["statement"]
        if parsed["version"] != VERSION or not isinstance(statements, list):
            raise ShapeError(f"a policy document is of version {VERSION} and has a list of statement")
        for statement in statements:
            if statement["effect"] not in ("allow", "deny") or not _texts(statement["action"]):
                raise ShapeError("a statement has an effect (allow, deny) and an action")
    except (json.JSONDecodeError, TypeError, KeyError) as wrong:
        raise ShapeError(f"not a policy document: {wrong}") from wrong


def permits(documents: Iterable[str], action: str) -> bool:
    """Whether the policies together allow an action (`cos:PutObject`); a deny in any of them wins."""
    allowed = False
    for statement in (statement for shown in documents for statement in json.loads(shown)["statement"]):
        if _names(statement["action"], action):
            if statement["effect"] == "deny":
                return False
            allowed = True
    return allowed


def trusts(shown: str, principals: Iterable[Principal], action: str, context: Mapping[str, str]) -> bool:
    """Whether a trust policy lets someone who goes by any of these names do `action` (ASSUME, ...), given the condition keys."""
    names = list(principals)
    allowed = False
    for statement in json.loads(shown)["statement"]:
        if _names(statement["action"], action) and _meant(statement, names) and _met(statement, context):
            if statement["effect"] == "deny":
                return False
            allowed = True
    return allowed


def _meant(statement: dict[str, Any], names: list[Principal]) -> bool:
    trusted = statement.get("principal", {})
    return any(
        fnmatch.fnmatchcase(name.name, pattern) for name in names for pattern in _texts(trusted.get(name.kind, []))
    )


def _met(statement: dict[str, Any], context: Mapping[str, str]) -> bool:
    for operator, wanted in statement.get("condition", {}).items():
        alike = CONDITIONS.get(operator)
        for key, values in wanted.items():
            given = context.get(key, "")
            if alike is None or not any(alike(given, value) for value in _texts(values)):
                return False
    return True


def _names(patterns: Any, action: str) -> bool:  # noqa: ANN401 (a text or a list of texts, as people write it)
    shown = (pattern.lower().removeprefix("name/") for pattern in _texts(patterns))
    return any(fnmatch.fnmatchcase(action.lower(), pattern) for pattern in shown)


def _texts(value: Any) -> list[str]:  # noqa: ANN401 (a text or a list of texts, as people write it)
    return [value] if isinstance(value, str) else list(value)
