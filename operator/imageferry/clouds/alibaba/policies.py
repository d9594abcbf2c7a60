"""What RAM documents allow: whom a trust policy lets assume a role, and which actions on a bucket its policies grant.

Pure. Grammar: https://www.alibabacloud.com/help/en/ram/user-guide/policy-structure-and-syntax. In doubt a document allows: what
is read here can only warn before the cloud itself refuses. So a condition, a NotAction or a NotResource is taken to be met
by an Allow and not to be met by a Deny.
"""

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

ASSUME: Final = "sts:AssumeRole"
SERVICE: Final = "ecs.aliyuncs.com"

_RESOURCE_PARTS: Final = 5
"""acs:service:region:account:what; region and account are written in several ways, and are those of the bucket anyway."""

Statement = Mapping[str, Any]


def statements(*documents: str) -> tuple[Statement, ...] | None:
    """The statements of several documents together, or None unless every one of them is understood."""
    read = [_statements(document) for document in documents]
    return None if None in read else tuple(each for part in read if part is not None for each in part)


def _statements(document: str) -> list[Statement] | None:
    try:
        parsed = json.loads(document)
    except ValueError:
        return None
    found = parsed.get("Statement") if isinstance(parsed, Mapping) else None
    return found if isinstance(found, list) and all(isinstance(each, Mapping) for each in found) else None


def trusts(trust: Iterable[Statement]) -> bool:
    """Whether a trust policy lets ECS assume the role."""
    return any(
        each.get("Effect") == "Allow"
        and _fits(each.get("Action"), ASSUME)
        and _fits(_service(each.get("Principal")), SERVICE)
        for each in trust
    )


def missing(granted: Iterable[Statement], needs: Mapping[str, str]) -> list[str]:
    """The actions that the statements do not grant; `needs` holds for each the resource (`bucket` or `bucket/file`)."""
    known = tuple(granted)
    return [action for action, resource in needs.items() if not _allowed(known, action, resource)]


def _allowed(granted: tuple[Statement, ...], action: str, resource: str) -> bool:
    meant = [each for each in granted if _speaks_of(each, action, resource)]
    denied = any(each.get("Effect") == "Deny" and _plain(each) for each in meant)
    return not denied and any(each.get("Effect") == "Allow" for each in meant)


def _plain(each: Statement) -> bool:
    return not any(each.get(name) for name in ("Condition", "NotAction", "NotResource"))


def _speaks_of(each: Statement, action: str, resource: str) -> bool:
    return ("NotAction" in each or _fits(each.get("Action"), action)) and (
        "NotResource" in each or any(_resource_fits(pattern, resource) for pattern in _texts(each.get("Resource")))
    )


def _resource_fits(pattern: str, resource: str) -> bool:
    parts = pattern.split(":", _RESOURCE_PARTS - 1)
    return fnmatchcase(resource, parts[-1]) if len(parts) == _RESOURCE_PARTS else pattern == "*"


def _service(principal: object) -> object:
    return principal.get("Service") if isinstance(principal, Mapping) else principal


def _fits(patterns: object, name: str) -> bool:
    """RAM does not tell upper from lower case in the names of actions and services."""
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in _texts(patterns))


def _texts(value: object) -> list[str]:
    """A text, or a list of texts: both are written."""
    found = value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, str)]
