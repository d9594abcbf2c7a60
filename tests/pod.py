"""A container of a rendered pod as a process: what a kubelet would give it, and nothing that a machine has beside.

The process sees a file system that it cannot write to, the service account's files where a pod has them, an environment of
the image's, the container's and the kubelet's variables, and a uid that no passwd file knows. Left out are the network of its
own and the limits: it shares the loopback with the API server.
"""

import shutil
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from controlplane import ControlPlane
from tests.image import stages
from tests.operator_process import OperatorProcess
from tests.release import Manifest, container

UID: Final = 65532
SERVICE_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
# In user and mount namespaces of its own: as nobody on this machine, with the right to arrange what it alone sees. A mount
# keeps the options that it has, or the kernel would refuse to make it read-only; one below the new /var/run is out of sight.
ARRANGE: Final = f"""
set -e
mount -t tmpfs none "$(readlink -f /var/run)"
mkdir -p {SERVICE_ACCOUNT}
mount --bind "$1" {SERVICE_ACCOUNT}
cut -d' ' -f5,6 /proc/self/mountinfo | while read -r point options; do
  [ -e "$point" ] || continue
  case "$point,$options" in
    /proc,*|/proc/*|/sys,*|/sys/*|/dev,*|/dev/*) ;;
    *,rw*) mount -o "remount,bind,ro${{options#rw}}" "$point" ;;
  esac
done
shift
exec "$@"
"""


def run(plane: ControlPlane, pod: Manifest, folder: Path) -> OperatorProcess:
    """Start the one container of a pod that the API server has admitted; it is up once it serves.

    The image's program is looked for beside the interpreter that runs the tests.
    """
    process = OperatorProcess(folder / "unused", folder / "pod.log")
    process.command = [*_as_nobody(_projected(plane, pod, folder)), *_environment(plane, pod), *_program(pod)]
    return process.start()


def is_read_only(process: OperatorProcess) -> bool:
    """Whether every file system that the process sees is, but for those of the kernel."""
    rows = [line.split() for line in Path(f"/proc/{process.pid}/mountinfo").read_text().splitlines()]
    topmost = {point: options.split(",")[0] for _, _, _, _, point, options, *_ in rows}
    seen = [point for point, access in topmost.items() if access == "rw" and _sees(process, point)]
    return not [point for point in seen if not point.startswith(("/proc", "/sys", "/dev"))]


def _sees(process: OperatorProcess, point: str) -> bool:
    return Path(f"/proc/{process.pid}/root{point}").exists()


def _program(pod: Manifest) -> list[str]:
    *_, image = stages()
    program, *words = image.entrypoint
    found = Path(sys.executable).with_name(program)
    return [str(found), *words, *container({"spec": {"template": pod}})["args"]]


def _environment(plane: ControlPlane, pod: Manifest) -> list[str]:
    *_, image = stages()
    server = urlsplit(plane.server)
    fields = {"metadata.name": pod["metadata"]["name"], "metadata.namespace": pod["metadata"]["namespace"]}
    own = {each["name"]: _value(each, fields) for each in container({"spec": {"template": pod}})["env"]}
    kubelets = {"KUBERNETES_SERVICE_HOST": str(server.hostname), "KUBERNETES_SERVICE_PORT": str(server.port)}
    everything = image.environment | {"HOSTNAME": pod["metadata"]["name"]} | kubelets | own
    return [str(shutil.which("env")), "-i", *(f"{name}={value}" for name, value in everything.items())]


def _value(variable: dict[str, Any], fields: dict[str, str]) -> str:
    return str(variable["value"]) if "value" in variable else fields[variable["valueFrom"]["fieldRef"]["fieldPath"]]


def _projected(plane: ControlPlane, pod: Manifest, folder: Path) -> Path:
    """The files of the kubelet's volume for the service account: a token, the API server's authority, the namespace."""
    namespace, account = pod["metadata"]["namespace"], pod["spec"]["serviceAccountName"]
    volume = folder / "serviceaccount"
    volume.mkdir()
    (volume / "token").write_text(plane.kubectl_run("create", "token", account, "--namespace", namespace).strip())
    shutil.copy(plane.ca_file, volume / "ca.crt")
    (volume / "namespace").write_text(namespace)
    return volume


def _as_nobody(volume: Path) -> list[str]:
    unshare, shell = str(shutil.which("unshare")), str(shutil.which("sh"))
    arranged = [unshare, "--user", "--map-root-user", "--mount", shell, "-c", ARRANGE, "arrange", str(volume)]
    return [*arranged, unshare, "--user", f"--map-user={UID}", f"--map-group={UID}"]
