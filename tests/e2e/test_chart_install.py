"""A first installation, on a real API server: installed and upgraded by Helm, admitted under the restricted standard, at work.

There is no kubelet here: the pod that the API server has admitted is started as a process, see `tests.pod`.
"""

import json
import shutil
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from charttools.generated import ARGO_CD, CHART, KINDS
from charttools.programs import helm
from controlplane import ControlPlane, KubectlError
from tests import pod
from tests.operator_process import QUICK, OperatorProcess
from tests.release import FULL, Manifest, container, render, run_helm, the
from tests.stage import ACCOUNT, SECRET, Stage, condition

NAMES = [f"{name.removesuffix('.yaml')}.imageferry.dev" for name in KINDS.values()]
LATER = "activeDeadlineSeconds"
"""A field of exports that the older chart does not have yet."""


class Release:
    """A release in a namespace of its own, which enforces the restricted standard."""

    def __init__(self, plane: ControlPlane, **values: Any) -> None:  # noqa: ANN401 -- values of the chart
        self.plane = plane
        self.name = f"ferry-{uuid.uuid4().hex[:6]}"
        self.full_name = f"{self.name}-imageferry"
        settings = {name: yaml.safe_load(text) for name, text in QUICK.items()}
        loopback = {"http_host": "127.0.0.1", "http_port": free_port()}
        self.values = {"secretNames": [SECRET], "settings": settings | loopback} | values
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name, "labels": labels}})

    def apply(self, *documents: Manifest, **options: str) -> None:
        """As kubectl apply --server-side."""
        words = [f"--{name}={value}" for name, value in options.items()]
        given = yaml.safe_dump_all(documents)
        self.plane.kubectl_run(
            "apply", "--server-side", "--force-conflicts", "--validate=strict", *words, "-f", "-", input=given
        )

    def bring(self, verb: str, chart: Path, *words: str) -> None:
        """Install or upgrade it with its values."""
        run_helm(verb, self.name, chart, *words, *self._where(), **self.values)

    def state(self) -> str:
        """What Helm says of it."""
        return str(json.loads(helm("status", self.name, "--output=json", *self._where()))["info"]["status"])

    def uninstall(self) -> None:
        """Have Helm remove it, if it is there."""
        helm("uninstall", self.name, "--ignore-not-found", "--wait", *self._where())

    def _where(self) -> tuple[str, str]:
        return f"--namespace={self.name}", f"--kubeconfig={self.plane.admin_kubeconfig}"

    def get(self, kind: str, name: str) -> Manifest:
        """An object in the release's namespace, or of the cluster."""
        found: Manifest = json.loads(self.plane.kubectl_run("get", kind, name, "-n", self.name, "-o", "json"))
        return found

    def admitted(self, deployment: Manifest) -> Manifest:
        """A pod made of the Deployment's template, as the API server has taken it. It raises KubectlError otherwise."""
        name = f"{self.full_name}-{uuid.uuid4().hex[:5]}"
        template = deployment["spec"]["template"]
        metadata = template["metadata"] | {"name": name, "namespace": self.name}
        manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        self.plane.kubectl_run("create", "--validate=strict", "-f", "-", input=json.dumps(manifest))
        return self.get("pod", name)

    def remove(self) -> None:
        """Everything but the kinds."""
        self.plane.kubectl_run("delete", "namespace", self.name, "--wait=false")


@pytest.fixture(scope="module")
def stage(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A cloud, and a tenant's namespace that its account admits by label."""
    with Stage(plane, tmp_path_factory.mktemp("stage"), "--speed", "300") as stage:
        label = {"kubernetes.io/metadata.name": stage.namespace}
        stage.write_account(allowedNamespaces={"from": "Selector", "selector": {"matchLabels": label}})
        yield stage


@pytest.fixture(scope="module")
def installed(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """A release of an older chart, upgraded to this one. The kinds were there before, applied by hand."""
    release = Release(stage.plane)
    release.bring("install", older_chart(tmp_path_factory.mktemp("older")), "--take-ownership")
    assert LATER not in fields_of_exports(release)
    release.bring("upgrade", CHART)
    yield release
    release.uninstall()
    release.remove()


@pytest.fixture
def narrow(stage: Stage) -> Iterator[Release]:
    """A release that serves the tenant's namespace alone, rendered and applied as a GitOps tool does it."""
    release = Release(stage.plane, watchNamespaces=[stage.namespace], crds={"install": False})
    release.apply(*render(release.name, release.name, **release.values))
    yield release
    clusterwide = ("clusterrole,clusterrolebinding", "-l", f"app.kubernetes.io/instance={release.name}")
    release.plane.kubectl_run("delete", *clusterwide)
    release.remove()


def free_port() -> int:
    """A port of the loopback that nobody has now."""
    with socket.socket() as candidate:
        candidate.bind(("127.0.0.1", 0))
        return int(candidate.getsockname()[1])


def older_chart(folder: Path) -> Path:
    """This chart as it might have been before: its exports lack a field."""
    chart = folder / "imageferry"
    shutil.copytree(CHART, chart)
    file = chart / "files" / "crds" / KINDS["ImageExport"]
    crd = yaml.safe_load(file.read_text(encoding="utf-8"))
    properties = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    del properties["spec"]["properties"][LATER]
    file.write_text(yaml.safe_dump(crd, sort_keys=False), encoding="utf-8")
    return chart


def fields_of_exports(release: Release) -> set[str]:
    """What the spec of an export may hold, as served."""
    (version,) = release.get("crd", "imageexports.imageferry.dev")["spec"]["versions"]
    return set(version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"])


def sees_its_secret(stage: Stage, release: Release) -> None:
    """The account's Secret lies in the release's namespace too."""
    info = stage.emulator.info
    data = {"accessKeyID": info["accessKeyID"], "accessKeySecret": info["accessKeySecret"]}
    metadata = {"name": SECRET, "namespace": release.name}
    release.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data})


def started(stage: Stage, release: Release, folder: Path) -> tuple[Manifest, OperatorProcess]:
    """A pod of the release that was admitted, and its process."""
    sees_its_secret(stage, release)
    admitted = release.admitted(release.get("deployment", release.full_name))
    process = pod.run(stage.plane, admitted, folder)
    stage.operators.append(process)
    return admitted, process


def probed(admitted: Manifest, process: OperatorProcess) -> list[str]:
    """What the process answers to the pod's probes."""
    spec = container({"spec": {"template": admitted}})
    ports = {each["name"]: each["containerPort"] for each in spec["ports"]}
    probes = [spec[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")]
    assert {ports[probe["port"]] for probe in probes} == {process.port}
    return [process.get(probe["path"]) for probe in probes]


def test_an_upgrade_brings_the_kinds_of_its_chart(installed: Release) -> None:
    """Helm upgrades the kinds with the release, and takes over those that were applied by hand."""
    assert LATER in fields_of_exports(installed)
    assert installed.state() == "deployed"


def test_an_installed_pod_does_an_export(stage: Stage, installed: Release, tmp_path: Path) -> None:
    """Without a name, a home or a place to write, it is elected, answers its probes, exports, and ends in good order."""
    admitted, process = started(stage, installed, tmp_path)
    assert pod.is_read_only(process)
    assert Path(f"/proc/{process.pid}/uid_map").read_text().split()[0] == str(pod.UID)
    stage.export("web")
    stage.until_succeeded("web")
    assert probed(admitted, process) == ["ok\n"] * 3
    lease = installed.get("lease", installed.full_name)
    assert lease["spec"]["holderIdentity"].startswith(f"{admitted['metadata']['name']}-")
    assert (process.stop(), "forbidden" in process.log()) == (0, False)


def test_rights_in_one_namespace_are_enough_for_its_exports(stage: Stage, narrow: Release, tmp_path: Path) -> None:
    """With Roles alone, and CloudAccounts in the cluster, nothing is refused; a grant by a namespace's label is read too."""
    _, process = started(stage, narrow, tmp_path)
    stage.export("narrow", image="plain2")
    stage.until_succeeded("narrow")
    assert condition(stage.account(), "Ready") == "True"
    assert (process.stop(), "forbidden" in process.log()) == (0, False)


@pytest.mark.parametrize("values", [pytest.param({}, id="none"), pytest.param(FULL, id="all")])
def test_the_api_server_takes_every_document(installed: Release, values: Manifest) -> None:
    """Each is of a kind that is served, without an unknown field; the ServiceMonitor's kind is the Prometheus operator's."""
    documents = render("dry", installed.name, **values)
    served = [document for document in documents if document["kind"] != "ServiceMonitor"]
    assert len(served) >= 10
    installed.apply(*served, dry_run="server")


@pytest.mark.parametrize("values", [pytest.param({}, id="none"), pytest.param(FULL, id="all")])
def test_the_restricted_standard_admits_the_pod(installed: Release, values: Manifest) -> None:
    """The namespace enforces it: a pod that may gain privileges is refused there, this one is not."""
    account = {"create": False, "name": installed.full_name}
    deployment = the(render("dry", installed.name, **values | {"serviceAccount": account}), "Deployment")
    taken = installed.admitted(deployment)
    assert taken["spec"]["serviceAccountName"] == installed.full_name
    deployment["spec"]["template"]["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    with pytest.raises(KubectlError, match="violates PodSecurity"):
        installed.admitted(deployment)


def test_who_may_edit_a_namespace_may_export_from_it_and_import_into_it(installed: Release) -> None:
    """The cluster's own roles edit and view take the rights in; accounts are not among them."""
    role = installed.get("clusterrole", f"{installed.full_name}-edit")
    assert role["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-edit"] == "true"
    subject = {"kind": "User", "name": "ann", "apiGroup": "rbac.authorization.k8s.io"}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "ann", "namespace": installed.name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
        "subjects": [subject],
    }
    installed.apply(binding)
    for resource in ("imageexports", "imageimports"):
        assert may(installed, "create", resource, installed.name)
        assert not may(installed, "patch", f"{resource}/status", installed.name)
        assert not may(installed, "create", resource, "default")
    assert not may(installed, "get", "cloudaccounts", "")


def may(release: Release, verb: str, resource: str, namespace: str) -> bool:
    """Whether ann may."""
    resource, _, subresource = resource.partition("/")
    asked = {
        "verb": verb,
        "group": "imageferry.dev",
        "resource": resource,
        "subresource": subresource,
        "namespace": namespace,
    }
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
    given = json.dumps(review | {"spec": {"user": "ann", "resourceAttributes": asked}})
    return bool(
        json.loads(release.plane.kubectl_run("create", "-f", "-", "-o", "json", input=given))["status"]["allowed"]
    )


def test_the_patch_for_argo_cd_leaves_the_rest_of_its_configuration(installed: Release) -> None:
    """What the administrator had set stays; the health scripts come in beside it."""
    before = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm", "namespace": installed.name}}
    installed.apply(before | {"data": {"url": "https://argocd.example.com"}})
    patch = ("patch", "configmap", "argocd-cm", "-n", installed.name, "--type=merge")
    installed.plane.kubectl_run(*patch, f"--patch-file={ARGO_CD / 'argocd-cm.patch.yaml'}")
    data = installed.get("configmap", "argocd-cm")["data"]
    script = (ARGO_CD / "health.lua").read_text(encoding="utf-8")
    assert data["url"] == "https://argocd.example.com"
    assert {data[f"resource.customizations.health.imageferry.dev_{kind}"] for kind in KINDS} == {script}


def test_removal_leaves_the_kinds_and_their_objects(stage: Stage, installed: Release) -> None:
    """The last test here: with a kind every object would go, and with it the memory of a running task."""
    installed.uninstall()
    left = [each["metadata"] for each in (stage.account(), *(installed.get("crd", name) for name in NAMES))]
    assert [each["name"] for each in left if "deletionTimestamp" not in each] == [ACCOUNT, *NAMES]
    theirs = "deployment,service,networkpolicy,role"
    gone = installed.plane.kubectl_run("get", theirs, "-n", installed.name, "-o", "name")
    assert gone == ""
