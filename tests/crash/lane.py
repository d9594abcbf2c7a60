"""A lane: everything that one run after another needs for itself, so that many lanes share one control plane undisturbed.

Its own namespaces, rights, Lease and Secret, its own emulator. CloudAccounts know no namespace: the lane's tap asks the API
server for the lane's own account where the operator asks for all of them.
"""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

import aiohttp
import yaml

from tests.crash.cluster import ACCOUNTS, Cluster, Manifest, jobs
from tests.crash.cycle import Act, Cycle
from tests.crash.directions import DISKS
from tests.emulator.importing import put
from tests.emulator_process import EmulatorProcess
from tests.tap import Request
from tests.zygote import Forked, Zygote

ROOT: Final = Path(__file__).parents[2]
SECRET: Final = "alibaba-demo"
SPEED: Final = 60
_SHIPPED: Final = "imageferry-system"
_TOKEN_SECONDS: Final = 6 * 3600
_PLENTY: Final = 1_000_000
_DISK: Final = bytes(range(256)) * 16
_FOREIGN_KEY: Final = "a" * 13

SETTINGS: Final = {
    "signature_life_seconds": "6",
    "window_seconds": "7",
    "call_deadline_seconds": "1.5",
    "fence_margin_seconds": "0.3",
    "lease_duration_seconds": "4",
    "lease_renew_seconds": "1.2",
    "lease_give_up_seconds": "3.2",
    "read_deadline_seconds": "5",
    "kube_request_seconds": "5",
    "look_again_seconds": "0.5",
    "read_lag_seconds": "1.5",
    "poll_min_seconds": "0.3",
    "poll_max_seconds": "0.9",
    "retry_min_seconds": "0.2",
    "retry_max_seconds": "1",
    "secret_reread_seconds": "5",
    "lost_journal_age_seconds": "10",
    "delete_cancelled_bound_seconds": "6",
    "delete_away_bound_seconds": "8",
    "delete_claim_extra_seconds": "4",
    "http_host": "127.0.0.1",
    "http_port": "0",
    "log_format": "json",
}
"""Every wait is shortened and none is switched off. The waits that are left (a dead leader's Lease, the window) are most of a run."""

_NO_AUTHORITIES: Final = {"SSL_CERT_FILE": os.devnull}
"""Nobody speaks TLS to an operator's tap; to read the machine's certificates is a fifth of what one start costs."""

_LONGER: Final = (
    "signature_life_seconds",
    "window_seconds",
    "call_deadline_seconds",
    "fence_margin_seconds",
    "lease_duration_seconds",
    "lease_renew_seconds",
    "lease_give_up_seconds",
    "read_deadline_seconds",
    "kube_request_seconds",
    "delete_cancelled_bound_seconds",
    "delete_away_bound_seconds",
    "delete_claim_extra_seconds",
)
"""What a run on a machine too busy for them is given more of."""


class Lane:
    """One lane; `taken` counts its runs, each of which has an object, an image and an account of its own."""

    def __init__(self, cluster: Cluster, zygote: Zygote, folder: Path, name: str) -> None:
        self.cluster, self.name, self.folder = cluster, name, folder
        self.namespace, self.own = name, f"{name}-system"
        self.emulator = EmulatorProcess(
            folder / "emulator", "--signature-life", SETTINGS["signature_life_seconds"], "--speed", str(SPEED)
        )
        self.taken = 0
        self._zygote = zygote

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True)
        await asyncio.to_thread(self.emulator.start)
        for key in DISKS:
            await asyncio.to_thread(put, self.emulator, key, _DISK)
        self._http = aiohttp.ClientSession(base_url=self.emulator.endpoint)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        await self.cluster.create("/api/v1/namespaces", namespace)
        await self._grant()
        keys = {
            "accessKeyID": self.emulator.info["accessKeyID"],
            "accessKeySecret": self.emulator.info["accessKeySecret"],
        }
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET}, "stringData": keys}
        await self.cluster.create(f"/api/v1/namespaces/{self.own}/secrets", secret)
        path = f"/api/v1/namespaces/{self.own}/serviceaccounts/imageferry/token"
        wish = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
        answer = await self.cluster.create(path, wish | {"spec": {"expirationSeconds": _TOKEN_SECONDS}})
        self._token = answer["status"]["token"]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()
        await asyncio.to_thread(self.emulator.stop)
        for name in (self.namespace, self.own):
            await self.cluster.delete(f"/api/v1/namespaces/{name}")
        await self.cluster.delete(f"{_RBAC}/clusterrolebindings/{self.own}")

    async def _grant(self) -> None:
        """The shipped rights, no more and no less, for an operator in a namespace of its own."""
        shipped = (ROOT / "deploy" / "rbac.yaml").read_text(encoding="utf-8")
        for manifest in yaml.safe_load_all(shipped.replace(_SHIPPED, self.own)):
            kind, metadata = manifest["kind"], manifest["metadata"]
            if kind == "ClusterRoleBinding":
                metadata["name"] = self.own
            path = _COLLECTIONS[kind].format(namespace=metadata.get("namespace", ""))
            await self.cluster.create(path, manifest, shared=kind == "ClusterRole")

    # The cloud

    async def admin(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 -- JSON
        """Call the emulator's admin API."""
        async with self._http.request(method, f"/_emulator{path}", json=body) as answer:
            content = await answer.text()
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path}: {answer.status} {content}")
            return json.loads(content) if content else None

    async def set_cloud(self, cycle: Cycle, about: str, slack: int) -> None:
        """The image, the faults, the quota, the pace and the life of a signature of one run.

        An export is of the image. To an import it is a stranger's of another name, with another object's mark.
        """
        quota = {"concurrent": cycle.quota, "imports": cycle.quota, "weekly": _PLENTY, "images": _PLENTY}
        life = float(SETTINGS["signature_life_seconds"]) * slack
        pace = {"waitingSeconds": 0.2 * SPEED, "secondsPerDisk": cycle.seconds * SPEED}
        switches = {"signatureLifeSeconds": life, "relatedItemsWhileRunning": cycle.tells}
        await self.admin("POST", "/settings", {"quota": quota, **pace, **switches})
        image = {
            "id": about,
            "region": "cn-hangzhou",
            "account": self.emulator.info["accountID"],
            "name": f"{about}-of-another",
            "tags": {"imageferry.dev/attempt": _FOREIGN_KEY},
            "disks": [{"sizeGiB": 20, "bytes": 4096} for _ in range(cycle.disks)],
        }
        await self.admin("POST", "/images", image | dict(cycle.image))
        await self.admin("DELETE", "/faults")
        for fault in cycle.faults:
            struck = {"action": cycle.direction.action, "params": {cycle.direction.about: about}}
            await self.admin("POST", "/faults", struck | dict(fault))

    # The user

    async def create_account(self, name: str, endpoint: str) -> None:
        """The run's CloudAccount; its cloud is the run's tap."""
        spec = {
            "provider": "Alibaba",
            "region": "cn-hangzhou",
            "credentials": {"secretRef": {"name": SECRET}},
            "allowedNamespaces": {"from": "Names", "names": [self.namespace]},
            "limits": {"concurrentExports": 5, "requestsPerSecond": 100},
            "endpoints": {"compute": endpoint, "objectStore": endpoint, "sts": endpoint},
        }
        await self.cluster.create(ACCOUNTS, _manifest("CloudAccount", name, spec))

    async def create_job(self, cycle: Cycle, name: str, *, account: str, about: str) -> Manifest:
        """The run's object, as the API server answers it."""
        direction = cycle.direction
        spec = (
            {"accountRef": {"name": account}}
            | direction.source(self.emulator.info, about, cycle.disks)
            | dict(cycle.spec)
        )
        path = jobs(self.namespace, direction.plural)
        return await self.cluster.create(path, _manifest(direction.kind, name, spec))

    async def do(self, act: Act, path: str) -> None:
        """What the user does to the object at that path."""
        if act.change is None:
            await self.cluster.delete(path)
        else:
            await self.cluster.patch(path + act.subresource, act.change)

    async def clear(self, *paths: str) -> None:
        """Take away whatever is left of a run, its Lease included: the next run owes nothing to this one."""
        for path in paths:
            await self.cluster.patch(path, {"metadata": {"finalizers": None}})
            await self.cluster.delete(path)
        await self.cluster.delete(f"/apis/coordination.k8s.io/v1/namespaces/{self.own}/leases/imageferry")

    # The operator

    def start_operator(self, cycle: Cycle, api: str, log: Path, *, slack: int) -> Forked:
        """An operator process that asks the API server through the tap at `api`, and waits `slack` times as long."""
        kubeconfig = self.folder / "kubeconfig"
        cluster = {"name": "lane", "cluster": {"server": api}}
        context = {"name": "lane", "context": {"cluster": "lane", "user": "lane"}}
        config = {"clusters": [cluster], "contexts": [context], "current-context": "lane"}
        config |= {"users": [{"name": "lane", "user": {"token": self._token}}]}
        kubeconfig.write_text(json.dumps(config), encoding="utf-8")
        own = {"kubeconfig": str(kubeconfig), "namespace": self.own, "watch_namespaces": self.namespace}
        longer = {name: str(float(SETTINGS[name]) * slack) for name in _LONGER}
        return self._zygote.fork(_variables(SETTINGS | longer | own | dict(cycle.settings)) | _NO_AUTHORITIES, log)


def only(account: str) -> Any:  # noqa: ANN401 -- a function of a request
    """Narrow lists and watches of accounts down to one: what other lanes have is none of this one's business."""
    field = quote(f"metadata.name={account}", safe="")

    def retarget(request: Request) -> str:
        if request.path != ACCOUNTS or request.method != "GET":
            return request.target
        return f"{request.target}{'&' if '?' in request.target else '?'}fieldSelector={field}"

    return retarget


def _variables(settings: Mapping[str, str]) -> dict[str, str]:
    return {f"IMAGEFERRY_{name.upper()}": value for name, value in settings.items()}


def _manifest(kind: str, name: str, spec: Mapping[str, Any]) -> Manifest:
    return {"apiVersion": "imageferry.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}


_RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"
_COLLECTIONS: Final = {
    "Namespace": "/api/v1/namespaces",
    "ServiceAccount": "/api/v1/namespaces/{namespace}/serviceaccounts",
    "ClusterRole": f"{_RBAC}/clusterroles",
    "ClusterRoleBinding": f"{_RBAC}/clusterrolebindings",
    "Role": f"{_RBAC}/namespaces/{{namespace}}/roles",
    "RoleBinding": f"{_RBAC}/namespaces/{{namespace}}/rolebindings",
}
