"""What the tests of the API client share: a session as the administrator, a namespace, and waiting without sleeping."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from controlplane.plane import ControlPlane
from imageferry.kube.objects import IMAGE_EXPORTS, KubeClient, Manifest, Resource
from imageferry.settings import Settings

NAMESPACE = "kube-cases"
CRDS = Path(__file__).parents[2] / "crds"
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap", namespaced=True)


def settings_for(plane: ControlPlane, **changes: Any) -> Settings:  # noqa: ANN401 -- any field's value
    """Settings of a replica outside the cluster, with the administrator's rights."""
    settings = Settings(namespace=NAMESPACE, kubeconfig=str(plane.admin_kubeconfig), identity="test-1")
    return dataclasses.replace(settings, **changes)


def prepare(plane: ControlPlane) -> None:
    """Have the kinds and the namespace there."""
    plane.kubectl_run("apply", "--server-side", "--force-conflicts", f"--filename={CRDS}")
    for kind in ("imageexports", "cloudaccounts"):
        plane.kubectl_run("wait", "--for=condition=Established", f"crd/{kind}.imageferry.dev", "--timeout=60s")
    namespace = f'{{"apiVersion": "v1", "kind": "Namespace", "metadata": {{"name": "{NAMESPACE}"}}}}'
    plane.kubectl_run("apply", "--filename=-", input=namespace)


async def create(client: KubeClient, resource: Resource, manifest: Manifest) -> Manifest:
    """Make an object as a user would."""
    full = {"apiVersion": resource.api_version, "kind": resource.kind, **manifest}
    return await client.request("create", resource, resource.path(NAMESPACE), body=full)


async def an_export(client: KubeClient, name: str, **metadata: Any) -> Manifest:  # noqa: ANN401 -- any metadata
    """Make the smallest ImageExport."""
    spec = {
        "accountRef": {"name": "alibaba-prod"},
        "source": {"imageID": "m-bp67acfmxazb4p0a"},
        "destination": {"bucket": "team-images"},
    }
    return await create(client, IMAGE_EXPORTS, {"metadata": {"name": name, **metadata}, "spec": spec})


async def eventually(holds: Callable[[], bool | Awaitable[bool]], *, seconds: float = 60) -> None:
    """Wait until it holds; fails after a time that no healthy run needs."""

    async def held() -> bool:
        answer = holds()
        return answer if isinstance(answer, bool) else await answer

    async with asyncio.timeout(seconds):
        while not await held():  # noqa: ASYNC110 -- the state of a server has no event to wait for
            await asyncio.sleep(0.02)
