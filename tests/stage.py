"""A whole system on one stage: real API server, real emulator, real operator process, and a namespace to play in."""

import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import yaml

from controlplane import ControlPlane
from tests.apitap import ApiTap
from tests.emulator_process import EmulatorProcess
from tests.operator_process import OperatorProcess

ROOT = Path(__file__).parent.parent
OPERATOR_NAMESPACE = "imageferry-system"
SECRET = "alibaba-demo"
ACCOUNT = "stage"
WAIT_SECONDS = 90.0

Manifest = dict[str, Any]


class Stage:
    """Everything one scenario needs. Leaving it ends what it started and deletes what it made."""

    def __init__(self, plane: ControlPlane, folder: Path, *emulator_args: str, **settings: str) -> None:
        self.plane, self.folder = plane, folder
        self.namespace = f"stage-{uuid.uuid4().hex[:8]}"
        life = settings.get("signature_life_seconds", "15")
        self.settings = {"signature_life_seconds": life, "window_seconds": "18"} | settings
        speed = () if "--speed" in emulator_args else ("--speed", "60")
        self.emulator = EmulatorProcess(folder / "emulator", "--signature-life", life, *speed, *emulator_args)
        self.tap = ApiTap(plane.server, plane.ca_file)
        self.operators: list[OperatorProcess] = []
        self.accounts: set[str] = set()

    def __enter__(self) -> Self:
        self.emulator.start()
        self.tap.__enter__()
        for path in (*sorted((ROOT / "crds").glob("*.yaml")), ROOT / "deploy" / "rbac.yaml"):
            self.plane.kubectl_run("apply", "-f", str(path))
        self.plane.kubectl_run("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})
        self.write_secret(self.emulator.info["accessKeyID"], self.emulator.info["accessKeySecret"])
        self.write_account()
        return self

    def __exit__(self, *_: object) -> None:
        for operator in self.operators:
            operator.stop()
        try:
            self._clear()
        finally:
            self.tap.__exit__()
            self.emulator.stop()

    # The operator

    def start_operator(self, **settings: str) -> OperatorProcess:
        """A further operator process under the shipped rights, its requests going through the tap."""
        return self.new_operator(**settings).start()

    def new_operator(self, **settings: str) -> OperatorProcess:
        """The same, not started yet."""
        kubeconfig = self.plane.kubeconfig_for(OPERATOR_NAMESPACE, "imageferry", self.folder / "kubeconfig")
        config = yaml.safe_load(kubeconfig.read_text())
        config["clusters"][0]["cluster"] = {"server": self.tap.url}
        kubeconfig.write_text(yaml.safe_dump(config))
        log = self.folder / f"operator-{len(self.operators)}.log"
        operator = OperatorProcess(kubeconfig, log, **(self.settings | settings))
        self.operators.append(operator)
        return operator

    # Objects

    def apply(self, manifest: Manifest) -> None:
        """As kubectl apply."""
        self.plane.kubectl_run("apply", "-f", "-", input=json.dumps(manifest))

    def write_secret(self, key_id: str, secret: str, name: str = SECRET) -> None:
        """The Secret that the account names."""
        data = {"accessKeyID": key_id, "accessKeySecret": secret}
        metadata = {"name": name, "namespace": OPERATOR_NAMESPACE}
        self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data})

    def write_account(self, name: str = ACCOUNT, **spec: Any) -> None:  # noqa: ANN401 -- fields of the spec
        """A CloudAccount, pointing at the emulator."""
        self.accounts.add(name)
        endpoint = self.emulator.endpoint
        usual = {
            "provider": "Alibaba",
            "region": "cn-hangzhou",
            "credentials": {"secretRef": {"name": SECRET}},
            "allowedNamespaces": {"from": "All"},
            "limits": {"concurrentExports": 5},
            "endpoints": {"compute": endpoint, "objectStore": endpoint, "sts": endpoint},
        }
        kind = {"apiVersion": "imageferry.dev/v1alpha1", "kind": "CloudAccount", "metadata": {"name": name}}
        self.apply(kind | {"spec": usual | spec})

    def export(self, name: str, image: str = "plain", **spec: Any) -> str:  # noqa: ANN401 -- fields of the spec
        """Apply an ImageExport of one of the emulator's images; returns its uid."""
        info = self.emulator.info
        usual = {
            "accountRef": {"name": ACCOUNT},
            "source": {"imageID": info["images"].get(image, image)},
            "destination": {"bucket": info["buckets"]["good"], "prefix": "web"},
        }
        metadata = {"name": name, "namespace": self.namespace}
        kind = {"apiVersion": "imageferry.dev/v1alpha1", "kind": "ImageExport", "metadata": metadata}
        self.apply(kind | {"spec": usual | spec})
        return str(self.get(name)["metadata"]["uid"])

    def import_(self, name: str, key: str = "", **spec: Any) -> str:  # noqa: ANN401 -- fields of the spec
        """Apply an ImageImport of a file in the good bucket; returns its uid."""
        disk = {"bucket": self.emulator.info["buckets"]["good"], "key": key}
        usual = {"accountRef": {"name": ACCOUNT}, "source": {"disks": [disk]}, "image": {"name": name}}
        metadata = {"name": name, "namespace": self.namespace}
        kind = {"apiVersion": "imageferry.dev/v1alpha1", "kind": "ImageImport", "metadata": metadata}
        self.apply(kind | {"spec": usual | spec})
        return str(self.get(name, "imageimport")["metadata"]["uid"])

    def get(self, name: str, kind: str = "imageexport") -> Manifest:
        """An object as it is now."""
        found: Manifest = json.loads(self.plane.kubectl_run("get", kind, name, "-n", self.namespace, "-o", "json"))
        return found

    def account(self, name: str = ACCOUNT) -> Manifest:
        """A CloudAccount as it is now."""
        found: Manifest = json.loads(self.plane.kubectl_run("get", "cloudaccount", name, "-o", "json"))
        return found

    def exists(self, name: str, kind: str = "imageexport") -> bool:
        """Whether the object is still there."""
        return name in self.plane.kubectl_run("get", kind, "-n", self.namespace, "-o", "name")

    def annotate(self, name: str, key: str, value: str, kind: str = "imageexport") -> None:
        """Make a request by annotation."""
        self.plane.kubectl_run("annotate", "--overwrite", kind, name, "-n", self.namespace, f"{key}={value}")

    def patch(self, name: str, spec: Manifest, kind: str = "imageexport") -> None:
        """Edit fields of an object's spec."""
        body = json.dumps({"spec": spec})
        self.plane.kubectl_run("patch", kind, name, "-n", self.namespace, "--type=merge", "-p", body)

    def delete(self, name: str, kind: str = "imageexport") -> None:
        """Ask for the object's deletion, and do not wait."""
        self.plane.kubectl_run("delete", kind, name, "-n", self.namespace, "--wait=false")

    # Waiting and judging

    def until(
        self, name: str, holds: Callable[[Manifest], bool], seconds: float = WAIT_SECONDS, kind: str = "imageexport"
    ) -> Manifest:
        """The object, once the predicate holds for it; an AssertionError with status and log otherwise."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.get(name, kind)
            if holds(found):
                return found
            if time.monotonic() > deadline:
                logs = "\n".join(operator.log()[-6000:] for operator in self.operators)
                raise AssertionError(f"not reached in {seconds} s: {json.dumps(found.get('status'), indent=1)}\n{logs}")
            time.sleep(0.1)

    def until_true(self, holds: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> None:
        """Wait until something holds; an AssertionError that says what otherwise."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                logs = "\n".join(operator.log()[-6000:] for operator in self.operators)
                raise AssertionError(f"not reached in {seconds} s: {what}\n{logs}")
            time.sleep(0.1)

    def until_succeeded(self, name: str, seconds: float = WAIT_SECONDS, kind: str = "imageexport") -> Manifest:
        """The object, once it finished well."""
        return self.until(name, lambda each: condition(each, "Succeeded") == "True", seconds, kind)

    def submissions(self, action: str = "ExportImage") -> list[Manifest]:
        """Every task of the action that the cloud accepted."""
        entries = self.emulator.admin("GET", "/ledger")["entries"]
        return [entry for entry in entries if entry["action"] == action]

    def requests(self) -> list[Manifest]:
        """Every request that the cloud has heard."""
        heard: list[Manifest] = self.emulator.admin("GET", "/requests")["requests"]
        return heard

    def running_tasks(self) -> list[Manifest]:
        """The cloud's tasks that have not ended, whatever clients can see of them."""
        tasks = self.emulator.admin("GET", "/tasks")["tasks"]
        return [task for task in tasks if task["status"] in ("Waiting", "Processing")]

    def files(self) -> list[str]:
        """The names of all files in the good bucket."""
        buckets = self.emulator.admin("GET", "/state")["buckets"]
        good = self.emulator.info["buckets"]["good"]
        return [file["key"] for bucket in buckets if bucket["name"] == good for file in bucket["objects"]]

    def _clear(self) -> None:
        """Take finalizers away and delete everything: the next scenario begins anew."""
        jobs = "imageexport,imageimport"
        names = self.plane.kubectl_run("get", jobs, "-n", self.namespace, "-o", "name").split()
        for name in names:
            self._let_go(name, "-n", self.namespace)
        # Whoever uses this API server next shall not find objects that the namespace's end has yet to take away.
        self.plane.kubectl_run("delete", jobs, "--all", "-n", self.namespace)
        there = set(self.plane.kubectl_run("get", "cloudaccount", "-o", "name").split())
        accounts = sorted(there & {f"cloudaccount.imageferry.dev/{name}" for name in self.accounts})
        if accounts:
            self._let_go(*accounts)
            self.plane.kubectl_run("delete", *accounts)
        self.plane.kubectl_run("delete", "namespace", self.namespace, "--wait=false")

    def _let_go(self, *name: str) -> None:
        self.plane.kubectl_run("patch", *name, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')


def condition(manifest: Manifest, kind: str) -> str:
    """The status of a condition; empty if it is not there."""
    return next(
        (each["status"] for each in manifest.get("status", {}).get("conditions", []) if each["type"] == kind), ""
    )


def reason(manifest: Manifest, kind: str = "Ready") -> str:
    """The reason of a condition; empty if it is not there."""
    return next(
        (each["reason"] for each in manifest.get("status", {}).get("conditions", []) if each["type"] == kind), ""
    )
