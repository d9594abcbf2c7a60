"""The control plane that demo and tests stand on does what theirs rely on, and leaves nothing behind."""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from controlplane import ControlPlane, ControlPlaneError, KubectlError, build
from tests.integration.processes import controlplane, runs, until

OWNER = """
import sys, time
from pathlib import Path
from controlplane import ControlPlane
plane = ControlPlane(Path(sys.argv[1]))
plane.start()
print(*plane.pids.values(), flush=True)
time.sleep(600)
"""


@pytest.fixture
def namespace(plane: ControlPlane) -> Iterator[str]:
    """A namespace of the test's own."""
    name = f"test-{os.urandom(4).hex()}"
    plane.kubectl_run("create", "namespace", name)
    yield name
    plane.kubectl_run("delete", "namespace", name, "--wait=false", "--ignore-not-found")


def test_serves_the_version_of_its_programs(plane: ControlPlane) -> None:
    """The API server answers with the version of the program that was found, which is at least the pinned minor."""
    version = json.loads(plane.kubectl_run("version", "-o", "json"))["serverVersion"]
    expected = build.version(build.APISERVER, build.ready().apiserver)
    assert expected == version["gitVersion"].removeprefix("v")
    assert [int(part) for part in build.RECIPE.pinned("k8s.io/kubernetes").split(".")[:2]] <= [
        int(version["major"]),
        int(version["minor"]),
    ]


def test_grants_a_service_account_what_its_role_says_and_no_more(
    plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    """A token from a file may read config maps after the role binding, and neither write them nor read secrets."""
    plane.kubectl_run("create", "serviceaccount", "reader", "-n", namespace)
    plane.kubectl_run("create", "role", "reader", "--verb=get,list", "--resource=configmaps", "-n", namespace)
    reader = plane.kubeconfig_for(namespace, "reader", tmp_path / "reader.kubeconfig")
    with pytest.raises(KubectlError, match=f"system:serviceaccount:{namespace}:reader.*cannot list.*configmaps"):
        plane.kubectl_run("get", "configmaps", kubeconfig=reader)
    binding = ("create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:reader")
    plane.kubectl_run(*binding, "-n", namespace)
    assert until(lambda: allowed(plane, reader, "list", "configmaps") == "yes\n")
    # The controller manager publishes the CA bundle into each namespace.
    assert until(lambda: "kube-root-ca.crt" in plane.kubectl_run("get", "configmaps", kubeconfig=reader))
    with pytest.raises(KubectlError, match="cannot create resource"):
        plane.kubectl_run("create", "configmap", "mine", kubeconfig=reader)
    with pytest.raises(KubectlError, match="cannot list resource"):
        plane.kubectl_run("get", "secrets", kubeconfig=reader)


def allowed(plane: ControlPlane, user: Path, verb: str, resource: str) -> str:
    """Ask whether a user may; the answer is "yes" or "no" and a line feed."""
    try:
        return plane.kubectl_run("auth", "can-i", verb, resource, kubeconfig=user)
    except KubectlError:
        return "no\n"


def test_refuses_a_token_life_below_ten_minutes(plane: ControlPlane, namespace: str, tmp_path: Path) -> None:
    """The API server's minimum is not hidden: the caller is told."""
    plane.kubectl_run("create", "serviceaccount", "brief", "-n", namespace)
    with pytest.raises(KubectlError, match="10 minutes"):
        plane.kubeconfig_for(namespace, "brief", tmp_path / "brief.kubeconfig", token_seconds=599)


def test_keeps_secrets_readable_by_their_owner_only(plane: ControlPlane, namespace: str, tmp_path: Path) -> None:
    """Kubeconfigs, tokens and private keys have mode 0600."""
    plane.kubectl_run("create", "serviceaccount", "shy", "-n", namespace)
    plane.kubeconfig_for(namespace, "shy", tmp_path / "shy")
    secrets = [tmp_path / "shy", tmp_path / "shy.token", plane.admin_kubeconfig, *(plane.data / "pki").glob("*.key")]
    assert {0o600} == {path.stat().st_mode & 0o777 for path in secrets}


def test_empties_and_removes_a_deleted_namespace(plane: ControlPlane, namespace: str) -> None:
    """A namespace goes with what is in it: the controller manager works."""
    plane.kubectl_run("create", "configmap", "inside", "-n", namespace)
    plane.kubectl_run("delete", "namespace", namespace, "--timeout=60s")
    with pytest.raises(KubectlError, match="NotFound"):
        plane.kubectl_run("get", "namespace", namespace)


def test_collects_what_a_deleted_owner_leaves(plane: ControlPlane, namespace: str) -> None:
    """An object goes after its owner: garbage collection works."""
    plane.kubectl_run("create", "configmap", "owner", "-n", namespace)
    uid = plane.kubectl_run("get", "configmap", "owner", "-n", namespace, "-o", "jsonpath={.metadata.uid}")
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    owned = {"metadata": {"name": "owned", "namespace": namespace, "ownerReferences": [owner]}}
    plane.kubectl_run("create", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "ConfigMap", **owned}))
    plane.kubectl_run("delete", "configmap", "owner", "-n", namespace)
    plane.kubectl_run("wait", "--for=delete", "configmap/owned", "-n", namespace, "--timeout=60s")
    with pytest.raises(KubectlError, match="NotFound"):
        plane.kubectl_run("get", "configmap", "owned", "-n", namespace)


def test_enforces_pod_security(plane: ControlPlane, namespace: str) -> None:
    """A namespace labelled restricted refuses a pod that is not."""
    plane.kubectl_run("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    with pytest.raises(KubectlError, match='violates PodSecurity "restricted'):
        plane.kubectl_run("run", "rootly", "--image=example/none", "-n", namespace, "--dry-run=server")


def test_keeps_its_url_and_data_over_restart_and_kill(tmp_path: Path) -> None:
    """After an orderly restart and after SIGKILL of all servers, the same kubeconfig finds the same objects."""
    with ControlPlane(tmp_path / "plane") as plane:
        server, etcd = plane.server, plane.pids["etcd"]
        plane.kubectl_run("create", "configmap", "kept")
        plane.restart_apiserver()
        assert (server, etcd) == (plane.server, plane.pids["etcd"])
        plane.kubectl_run("get", "configmap", "kept")
        plane.kill()
        assert plane.pids == {}
        plane.start()
        assert server == plane.server
        plane.kubectl_run("get", "configmap", "kept")


def test_runs_beside_another_and_stops_without_a_trace(plane: ControlPlane, tmp_path: Path) -> None:
    """Two planes have different objects, neither opens to the other's administrator, and a stopped one is all gone."""
    with ControlPlane(tmp_path / "other") as other:
        pids = other.pids
        other.kubectl_run("create", "namespace", "only-here")
        with pytest.raises(KubectlError, match="NotFound"):
            plane.kubectl_run("get", "namespace", "only-here")
        with pytest.raises(KubectlError, match=r"certificate|Unauthorized|logged in"):
            plane.kubectl_run("--server", other.server, "get", "namespaces")
    assert len(pids) == 3
    assert [pid for pid in pids.values() if runs(pid)] == []
    assert not (tmp_path / "other").exists()


def test_leaves_no_process_when_its_owner_is_killed(tmp_path: Path) -> None:
    """SIGKILL of the process that started a plane ends all its servers."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, tmp_path / "plane"], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pids = [int(pid) for pid in owner.stdout.readline().split()]
        assert len([pid for pid in pids if runs(pid)]) == 3
        owner.send_signal(signal.SIGKILL)
    assert until(lambda: not any(runs(pid) for pid in pids))
    # The leashes, too: each holds a lock as long as it lives.
    locks = list((tmp_path / "plane" / "run").glob("*.lock"))
    assert len(locks) == 3
    assert until(lambda: not any(runs(int(lock.read_text())) for lock in locks))


def test_stays_when_detached_until_told_to_stop(tmp_path: Path) -> None:
    """`start` leaves a plane that serves, and the command it prints ends it and removes its folder."""
    data = tmp_path / "plane"
    started, _ = controlplane("start", data).communicate()
    locks = [int(lock.read_text()) for lock in (data / "run").glob("*.lock")]
    kubectl: list[str | Path] = [build.ready().kubectl, "--kubeconfig", data / "admin.kubeconfig"]
    subprocess.run([*kubectl, "get", "--raw", "/readyz"], check=True, capture_output=True)
    stop = started.splitlines()[-1].removeprefix("stop it with: ")
    subprocess.run(shlex.split(stop), check=True)
    assert len(locks) == 3
    assert [pid for pid in locks if runs(pid)] == []
    assert not data.exists()


def test_never_removes_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    """Neither start nor stop touches a folder with other people's files."""
    (tmp_path / "precious").write_text("mine")
    plane = ControlPlane(tmp_path)
    with pytest.raises(ControlPlaneError, match="not empty"):
        plane.start()
    plane.stop()
    stopping = controlplane("stop", tmp_path)
    said, _ = stopping.communicate()
    assert (1, f"there is no control plane in {tmp_path}\n") == (stopping.returncode, said)
    assert (tmp_path / "precious").read_text() == "mine"


def test_shows_a_servers_last_words_when_it_does_not_come_up(tmp_path: Path) -> None:
    """A flag that the API server refuses is named in the error, and nothing is left."""
    with pytest.raises(ControlPlaneError, match="unknown flag: --no-such-flag"):
        ControlPlane(tmp_path / "plane", extra_apiserver_args=["--no-such-flag"]).start()
    assert not (tmp_path / "plane").exists()
