"""The operator's rights as a real API server's authorizer reads deploy/rbac.yaml."""

import json
from pathlib import Path
from typing import Any

import pytest

from controlplane.plane import ControlPlane

FILE = Path(__file__).parents[2] / "deploy" / "rbac.yaml"
OWN, TENANT, EVERYWHERE = "imageferry-system", "images", ""
OPERATOR = "system:serviceaccount:imageferry-system:imageferry"
GROUP = "imageferry.dev"

# Verb, group, resource with its subresource, the one name (empty: any), namespace (empty: all, or none).
Act = tuple[str, str, str, str, str]
ALLOWED: tuple[Act, ...] = (
    ("watch", GROUP, "imageexports", "", EVERYWHERE),
    ("patch", GROUP, "imageexports/status", "", TENANT),
    ("patch", GROUP, "imageexports", "", TENANT),
    ("watch", GROUP, "imageimports", "", EVERYWHERE),
    ("patch", GROUP, "imageimports/status", "", TENANT),
    ("patch", GROUP, "imageimports", "", TENANT),
    ("list", GROUP, "cloudaccounts", "", EVERYWHERE),
    ("patch", GROUP, "cloudaccounts/status", "", EVERYWHERE),
    ("create", "", "events", "", TENANT),
    ("get", "", "namespaces", "", EVERYWHERE),
    ("create", "coordination.k8s.io", "leases", "", OWN),
    ("update", "coordination.k8s.io", "leases", "imageferry", OWN),
    ("get", "", "secrets", "alibaba-demo", OWN),
    ("get", "", "secrets", "tencent-demo", OWN),
)
DENIED: tuple[Act, ...] = (
    ("get", "", "secrets", "another", OWN),
    ("get", "", "secrets", "alibaba-demo", TENANT),
    ("list", "", "secrets", "", OWN),
    ("watch", "", "secrets", "", EVERYWHERE),
    ("update", "", "secrets", "alibaba-demo", OWN),
    ("update", "coordination.k8s.io", "leases", "another", OWN),
    ("create", "coordination.k8s.io", "leases", "", TENANT),
    ("create", GROUP, "imageexports", "", TENANT),
    ("delete", GROUP, "imageexports", "", TENANT),
    ("create", GROUP, "imageimports", "", TENANT),
    ("delete", GROUP, "imageimports", "", TENANT),
    ("create", GROUP, "cloudaccounts", "", EVERYWHERE),
    ("create", "", "serviceaccounts/token", "imageferry", OWN),
    ("create", "", "pods", "", OWN),
    ("list", "", "namespaces", "", EVERYWHERE),
    ("patch", "", "namespaces", "", EVERYWHERE),
    ("update", "rbac.authorization.k8s.io", "clusterroles", "imageferry", EVERYWHERE),
    ("patch", "apiextensions.k8s.io", "customresourcedefinitions", "", EVERYWHERE),
    ("impersonate", "", "users", "", EVERYWHERE),
)


@pytest.fixture(scope="module")
def granted(plane: ControlPlane) -> ControlPlane:
    """The plane with the kinds and the rights, taken without a warning. They stay: others may use them too."""
    plane.kubectl_run("apply", "--server-side", "--force-conflicts", f"--filename={FILE.parents[1] / 'crds'}")
    for crd in ("cloudaccounts", "imageexports", "imageimports"):
        plane.kubectl_run("wait", "--for=condition=Established", f"crd/{crd}.imageferry.dev", "--timeout=60s")
    plane.kubectl_run("apply", "--server-side", "--force-conflicts", "--warnings-as-errors", f"--filename={FILE}")
    return plane


def may(plane: ControlPlane, act: Act) -> bool:
    """What the server's authorizer says about the operator's service account."""
    verb, group, resource, name, namespace = act
    resource, _, subresource = resource.partition("/")
    asked = {
        "verb": verb,
        "group": group,
        "resource": resource,
        "subresource": subresource,
        "name": name,
        "namespace": namespace,
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": OPERATOR, "resourceAttributes": asked},
    }
    answer = json.loads(plane.kubectl_run("create", "--filename=-", "--output=json", input=json.dumps(review)))
    return bool(answer["status"]["allowed"])


def named(acts: tuple[Act, ...]) -> list[Any]:
    """One parameter for each act, under a name that reads as the act."""
    return [pytest.param(act, id=f"{act[0]} {act[2]} {act[3] or 'any'} in {act[4] or 'the cluster'}") for act in acts]


@pytest.mark.parametrize("act", named(ALLOWED))
def test_the_operator_may(granted: ControlPlane, act: Act) -> None:
    """What the operator's work needs is granted."""
    assert may(granted, act)


@pytest.mark.parametrize("act", named(DENIED))
def test_the_operator_may_not(granted: ControlPlane, act: Act) -> None:
    """What would serve somebody who took the operator over is not."""
    assert not may(granted, act)
