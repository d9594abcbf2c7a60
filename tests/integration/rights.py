"""The operator's rights one by one, as deploy/rbac.yaml grants them, and taken away one by one on a real server."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from controlplane import ControlPlane
from tests.apitap import ApiTap, Request
from tests.integration.processes import until

FILE: Final = Path(__file__).parents[2] / "deploy" / "rbac.yaml"
OPERATOR: Final = "system:serviceaccount:imageferry-system:imageferry"
_VERBS: Final = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_FORBIDDEN: Final = 403


class Right(NamedTuple):
    """One verb on one resource (with its subresource) of one group."""

    group: str
    resource: str
    verb: str

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}"

    @property
    def refusal(self) -> str:
        """How an API server says that this right is missing."""
        return f'cannot {self.verb} resource "{self.resource}"'


def granted() -> list[Right]:
    """Every right of the shipped file, once."""
    rights = [right for role in _documents() for rule in role.get("rules", []) for right in _rights(rule)]
    return list(dict.fromkeys(rights))


def used(tap: ApiTap) -> set[Right]:
    """The rights by which the requests so far were let through; none may have been refused."""
    asked = {(_right(request), status) for request, status in list(tap.requests)}
    assert not {right for right, status in asked if status == _FORBIDDEN}
    return {right for right, _ in asked if right}


@contextmanager
def without(plane: ControlPlane, *missing: Right) -> Iterator[None]:
    """The roles on the server lack these rights meanwhile; both changes have taken effect when they are waited for."""
    try:
        leave_without(plane, *missing)
        yield
    finally:
        leave_without(plane)


def leave_without(plane: ControlPlane, *missing: Right) -> None:
    """The roles on the server lack these rights and no others from now on."""
    for role in _documents():
        if "rules" in role:
            role["rules"] = [part for rule in role["rules"] for part in _parts(rule, missing)]
            plane.kubectl_run("apply", "--server-side", "--force-conflicts", "-f", "-", input=json.dumps(role))
    assert until(lambda: _effective(plane) == set(granted()) - set(missing))


def _rights(rule: dict[str, Any]) -> Iterator[Right]:
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            yield from (Right(group, resource, verb) for verb in rule["verbs"])


def _documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(FILE.read_text()))


def _parts(rule: dict[str, Any], missing: tuple[Right, ...]) -> Iterator[dict[str, Any]]:
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            verbs = [verb for verb in rule["verbs"] if Right(group, resource, verb) not in missing]
            if verbs:
                yield rule | {"apiGroups": [group], "resources": [resource], "verbs": verbs}


def _effective(plane: ControlPlane) -> set[Right]:
    """Those of the shipped rights that the server grants to the operator in its own namespace now."""
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview"}
    asked = json.dumps(review | {"spec": {"namespace": "imageferry-system"}})
    options = ("--validate=false", "-o", "json", f"--as={OPERATOR}")  # its validation would read definitions
    told = json.loads(plane.kubectl_run("create", "-f", "-", *options, input=asked))
    rights = {right for rule in told["status"]["resourceRules"] for right in _rights(rule)}
    return rights & set(granted())


def _right(request: Request) -> Right | None:
    """The right that a request takes; None for what every client may read (discovery)."""
    parts = request.path.strip("/").split("/")
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1] if len(parts) > 1 else "", parts[3:])
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        rest = rest[2:]
    if not rest:
        return None
    resource, named = "/".join(rest[:1] + rest[2:]), len(rest) > 1
    reads = "get" if named else "watch" if request.watches else "list"
    return Right(group, resource, _VERBS.get(request.method, reads))
