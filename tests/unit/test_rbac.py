"""Laws of the operator's rights, as the chart grants them and deploy/rbac.yaml shows them rendered."""

from pathlib import Path
from typing import Any

import pytest
import yaml

FILE = Path(__file__).parents[2] / "deploy" / "rbac.yaml"
NAMESPACE = "imageferry-system"
ACCOUNT = {"kind": "ServiceAccount", "name": "imageferry", "namespace": NAMESPACE}

# Group, resource, names, verbs: every right there is. A change here is a change of what the operator may do.
CLUSTER_WIDE = {
    ("imageferry.dev", "cloudaccounts", (), ("get", "list", "patch", "watch")),
    ("imageferry.dev", "imageexports", (), ("get", "list", "patch", "watch")),
    ("imageferry.dev", "imageimports", (), ("get", "list", "patch", "watch")),
    ("imageferry.dev", "cloudaccounts/status", (), ("patch",)),
    ("imageferry.dev", "imageexports/status", (), ("patch",)),
    ("imageferry.dev", "imageimports/status", (), ("patch",)),
    ("", "events", (), ("create",)),
    ("", "namespaces", (), ("get",)),
}
IN_OWN_NAMESPACE = {
    ("coordination.k8s.io", "leases", (), ("create",)),
    ("coordination.k8s.io", "leases", ("imageferry",), ("get", "update")),
    ("", "secrets", ("alibaba-demo", "tencent-demo"), ("get",)),
}
Right = tuple[str, str, tuple[str, ...], tuple[str, ...]]
DOCUMENTS: list[dict[str, Any]] = list(yaml.safe_load_all(FILE.read_text()))


def the(kind: str) -> dict[str, Any]:
    """The one document of a kind."""
    (document,) = [document for document in DOCUMENTS if document["kind"] == kind]
    return document


def rights(role: dict[str, Any]) -> list[Right]:
    """One row for each group and resource of each rule."""
    return [
        (group, resource, tuple(sorted(rule.get("resourceNames", []))), tuple(sorted(rule["verbs"])))
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    ]


ALL = [
    pytest.param(right, id=f"{right[3]} {right[1]}") for kind in ("ClusterRole", "Role") for right in rights(the(kind))
]


def test_the_rights_in_the_whole_cluster_are_exactly_these() -> None:
    """Own kinds, events, and the labels of namespaces."""
    assert sorted(rights(the("ClusterRole"))) == sorted(CLUSTER_WIDE)


def test_the_rights_in_the_own_namespace_are_exactly_these() -> None:
    """The leader's Lease and the Secrets that an administrator listed."""
    assert sorted(rights(the("Role"))) == sorted(IN_OWN_NAMESPACE)
    assert the("Role")["metadata"]["namespace"] == NAMESPACE


@pytest.mark.parametrize("right", ALL)
def test_no_right_is_a_wildcard(right: Right) -> None:
    """Groups, resources, names and verbs are spelt out."""
    group, resource, names, verbs = right
    assert "*" not in "".join((group, resource, *names, *verbs))


@pytest.mark.parametrize("right", ALL)
def test_no_right_leads_to_more_rights(right: Right) -> None:
    """Nobody who takes over the operator can grant, impersonate, mint tokens, run a pod or change an admission."""
    group, resource, _, verbs = right
    assert not {"escalate", "bind", "impersonate", "approve", "sign", "delete", "deletecollection"} & set(verbs)
    assert group in {"imageferry.dev", "coordination.k8s.io", ""}
    assert resource.split("/")[0] not in {"serviceaccounts", "pods", "nodes", "configmaps", "persistentvolumes"}


@pytest.mark.parametrize("right", ALL)
def test_a_secret_is_read_by_name_only(right: Right) -> None:
    """There is no list, watch or write of Secrets, and no get of one that is not named."""
    _, resource, names, verbs = right
    assert resource != "secrets" or (names and verbs == ("get",))


def test_no_secret_can_be_read_outside_the_own_namespace() -> None:
    """The word does not occur in what holds cluster-wide."""
    assert [right for right in rights(the("ClusterRole")) if right[1].startswith("secrets")] == []


def test_a_role_of_the_cluster_takes_no_rights_from_others() -> None:
    """What the operator may do stands in this file alone: no aggregation."""
    assert "aggregationRule" not in the("ClusterRole")


@pytest.mark.parametrize(("binding", "role"), [("ClusterRoleBinding", "ClusterRole"), ("RoleBinding", "Role")])
def test_the_rights_go_to_the_operator_alone(binding: str, role: str) -> None:
    """Each role is bound once, to the operator's service account."""
    assert the(binding)["subjects"] == [ACCOUNT]
    assert the(binding)["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": role,
        "name": the(role)["metadata"]["name"],
    }


def test_the_service_account_is_the_one_that_is_bound() -> None:
    """The bindings name an account that this file makes, in the namespace that this file makes; its token is for one pod."""
    account = the("ServiceAccount")
    assert (account["metadata"]["name"], account["metadata"]["namespace"]) == (ACCOUNT["name"], NAMESPACE)
    assert account["automountServiceAccountToken"] is False
    assert the("Namespace")["metadata"]["name"] == NAMESPACE


def test_the_file_holds_nothing_else() -> None:
    """No right comes in beside the documents that the laws above look at."""
    kinds = ["Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]
    assert [document["kind"] for document in DOCUMENTS] == kinds
