"""What access policies allow: whom a trust policy lets assume a role, and which actions on a bucket its policies grant.

Pure. Both clouds write a list of statements with effect, action, resource and principal; names of the parts, and the notation of
resources, are the `Grammar` of each. In doubt a document allows: what is read here can only warn before the cloud itself
refuses. So a condition, a NotAction or a NotResource is taken to be met by an Allow and not to be met by a Deny.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

ASSUME: Final = "sts:AssumeRole"

Statement = Mapping[str, Any]
"""The parts of a statement by their names in lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """How a cloud writes its documents.

    `service` is the pattern of the compute service in a trust policy. A resource has `resource_parts` between colons, of which
    the last says what is meant: service, region and account are written in several ways, and are those of the bucket anyway.
    `action_prefix` may stand in front of an action.
    """

    service: str
    resource_parts: int
    action_prefix: str = ""

    def statements(self, *documents: str) -> tuple[Statement, ...] | None:
        """The statements of several documents together, or None unless every one of them is understood."""
        read = [_statements(document) for document in documents]
        return None if None in read else tuple(each for part in read if part is not None for each in part)

    def trusts(self, trust: Iterable[Statement]) -> bool:
        """Whether a trust policy lets the compute service assume the role."""
        return any(
            _effect(each) == "allow"
            and self._names(each.get("action"), ASSUME)
            and any(
                _alike(name, self.service) or _alike(self.service, name)
                for name in _texts(_service(each.get("principal")))
            )
            for each in trust
        )

    def missing(self, granted: Iterable[Statement], needs: Mapping[str, str]) -> list[str]:
        """The actions that the statements do not grant; `needs` holds for each the resource (`bucket` or `bucket/file`)."""
        known = tuple(granted)
        return [action for action, resource in needs.items() if not self._allowed(known, action, resource)]

    def _allowed(self, granted: tuple[Statement, ...], action: str, resource: str) -> bool:
        meant = [each for each in granted if self._speaks_of(each, action, resource)]
        denied = any(_effect(each) == "deny" and _plain(each) for each in meant)
        return not denied and any(_effect(each) == "allow" for each in meant)

    def _speaks_of(self, each: Statement, action: str, resource: str) -> bool:
        return ("notaction" in each or self._names(each.get("action"), action)) and (
            "notresource" in each
            or any(self._resource_fits(pattern, resource) for pattern in _texts(each.get("resource")))
        )

    def _names(self, patterns: object, action: str) -> bool:
        return any(_alike(action, pattern.removeprefix(self.action_prefix)) for pattern in _texts(patterns))

    def _resource_fits(self, pattern: str, resource: str) -> bool:
        parts = pattern.split(":", self.resource_parts - 1)
        return fnmatchcase(resource, parts[-1]) if len(parts) == self.resource_parts else pattern == "*"


def _statements(document: str) -> list[Statement] | None:
    try:
        parsed = json.loads(document)
    except ValueError:
        return None
    found = _lowered(parsed).get("statement") if isinstance(parsed, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        return None
    return [_lowered(each) for each in found]


def _lowered(part: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name).lower(): value for name, value in part.items()}


def _effect(each: Statement) -> str:
    return str(each.get("effect")).lower()


def _plain(each: Statement) -> bool:
    return not any(each.get(name) for name in ("condition", "notaction", "notresource"))


def _service(principal: object) -> object:
    return _lowered(principal).get("service") if isinstance(principal, Mapping) else principal


def _alike(name: str, pattern: str) -> bool:
    """Neither cloud tells upper from lower case in the names of actions and services."""
    return fnmatchcase(name.lower(), pattern.lower())


def _texts(value: object) -> list[str]:
    """A text, or a list of texts: both are written."""
    found = value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, str)]
