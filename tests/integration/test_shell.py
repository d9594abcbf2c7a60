"""kopf as the ear of the operator: it hears everything, writes nothing, and does not die of what may pass."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest

from controlplane.plane import ControlPlane
from imageferry.kube.objects import KubeClient, Resource
from imageferry.kube.session import KubeSession, open_session
from imageferry.shell import Ears, watch
from tests.integration.kube_cases import NAMESPACE, create, eventually, prepare, settings_for

PARCELS = Resource("shell.imageferry.test", "v1", "parcels", "Parcel", namespaced=True)
Event = tuple[str | None, str, str]


def definition(resource: Resource) -> str:
    """The smallest definition of a kind."""
    versions = [
        {
            "name": resource.version,
            "served": True,
            "storage": True,
            "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
        }
    ]
    names = {"plural": resource.plural, "singular": resource.kind.lower(), "kind": resource.kind}
    return json.dumps(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{resource.plural}.{resource.group}"},
            "spec": {"group": resource.group, "scope": "Namespaced", "names": names, "versions": versions},
        }
    )


def install(plane: ControlPlane) -> None:
    """Have the kind served."""
    plane.kubectl_run("apply", "--filename=-", input=definition(PARCELS))
    name = f"crd/{PARCELS.plural}.{PARCELS.group}"
    plane.kubectl_run("wait", "--for=condition=Established", name, "--timeout=60s")


def install_one(plane: ControlPlane) -> None:
    """Have one object there."""
    manifest = {"apiVersion": PARCELS.api_version, "kind": PARCELS.kind, "metadata": {"name": "one"}}
    plane.kubectl_run("apply", f"--namespace={NAMESPACE}", "--filename=-", input=json.dumps(manifest))


def uninstall(plane: ControlPlane) -> None:
    """Have the kind and all its objects gone."""
    plane.kubectl_run("delete", f"crd/{PARCELS.plural}.{PARCELS.group}", "--ignore-not-found")


class Watch:
    """A running watch and what it told."""

    def __init__(self, session: KubeSession, plane: ControlPlane, namespaces: tuple[str, ...]) -> None:
        self.events: list[Event] = []
        self.objects: dict[str, dict[str, Any]] = {}
        self.ears, self.stop = Ears(), asyncio.Event()
        self.task = asyncio.create_task(
            watch(
                session,
                settings=settings_for(plane, watch_namespaces=namespaces),
                observe=self._observe,
                resources=[PARCELS],
                ears=self.ears,
                stop=self.stop,
            )
        )

    def _observe(self, resource: Resource, kind: str | None, found: dict[str, Any]) -> None:
        self.events.append((kind, resource.kind, found["metadata"]["name"]))
        self.objects[found["metadata"]["name"]] = found

    def heard(self, kind: str | None, name: str) -> bool:
        """Whether such an event came."""
        return (kind, PARCELS.kind, name) in self.events

    async def end(self) -> None:
        """Stop it in good order."""
        self.stop.set()
        await self.task


@pytest.fixture
async def session(plane: ControlPlane) -> AsyncIterator[KubeSession]:
    """A session as the administrator; the kind is gone at first."""
    await asyncio.to_thread(prepare, plane)
    await asyncio.to_thread(uninstall, plane)
    async with await open_session(settings_for(plane)) as opened:
        yield opened
    await asyncio.to_thread(uninstall, plane)


@pytest.fixture
def client(session: KubeSession) -> KubeClient:
    """A client to make objects with."""
    return KubeClient(session, request_seconds=30)


@pytest.mark.parametrize(
    "namespaces", [pytest.param((), id="cluster-wide"), pytest.param((NAMESPACE,), id="one namespace")]
)
async def test_a_whole_life_is_heard_and_nothing_is_written(
    session: KubeSession, client: KubeClient, plane: ControlPlane, namespaces: tuple[str, ...]
) -> None:
    """Listed, added, modified, deleted: each once and as it is; kopf leaves no mark on any object."""
    await asyncio.to_thread(install, plane)
    old = await create(client, PARCELS, {"metadata": {"name": "old", "finalizers": ["example.com/foreign"]}})
    watching = Watch(session, plane, namespaces)
    await eventually(lambda: watching.heard(None, "old"))
    await create(client, PARCELS, {"metadata": {"name": "new"}, "spec": {"n": 1}})
    await eventually(lambda: watching.heard("ADDED", "new"))
    patch = ("patch", "parcel", "new", f"--namespace={NAMESPACE}", "--type=merge", "--patch", '{"spec":{"n":2}}')
    await asyncio.to_thread(plane.kubectl_run, *patch)
    await eventually(lambda: watching.heard("MODIFIED", "new"))
    assert watching.objects["new"]["spec"] == {"n": 2}
    await asyncio.to_thread(plane.kubectl_run, "delete", "parcel", "new", f"--namespace={NAMESPACE}")
    await eventually(lambda: watching.heard("DELETED", "new"))
    assert watching.ears.seconds_deaf() < 60
    await watching.end()
    assert len(watching.events) == len(set(watching.events)) == 4
    assert await client.get(PARCELS, NAMESPACE, "old") == old
    free = (
        "patch",
        "parcel",
        "old",
        f"--namespace={NAMESPACE}",
        "--type=merge",
        "--patch",
        '{"metadata":{"finalizers":[]}}',
    )
    await asyncio.to_thread(plane.kubectl_run, *free)


async def test_a_kind_is_waited_for_before_the_first_and_after_it_was_removed(
    session: KubeSession, client: KubeClient, plane: ControlPlane
) -> None:
    """The definitions may come after the operator, and again: it neither dies nor stays deaf."""
    watching = Watch(session, plane, ())
    for name in ("first", "second"):
        await asyncio.to_thread(install, plane)
        await create(client, PARCELS, {"metadata": {"name": name}})
        await eventually(lambda name=name: watching.heard(None, name) or watching.heard("ADDED", name))  # type: ignore[misc]
        await asyncio.to_thread(uninstall, plane)
        await eventually(lambda name=name: watching.heard("DELETED", name))  # type: ignore[misc]
    assert not watching.task.done()
    await watching.end()


async def test_the_server_may_be_away_for_a_while(
    session: KubeSession, client: KubeClient, plane: ControlPlane
) -> None:
    """A restart of the API server is survived and what came after it is heard."""
    await asyncio.to_thread(install, plane)
    watching = Watch(session, plane, ())
    await create(client, PARCELS, {"metadata": {"name": "before"}})
    await eventually(lambda: bool(watching.events))
    await asyncio.to_thread(plane.restart_apiserver)
    await create(client, PARCELS, {"metadata": {"name": "after"}})
    await eventually(lambda: watching.heard("ADDED", "after") or watching.heard(None, "after"))
    await watching.end()


async def test_a_signal_stops_it_and_leaves_the_work_of_others_alone(session: KubeSession, plane: ControlPlane) -> None:
    """SIGTERM sets `stop`; a task begun while kopf ran, as a submit's, is neither cancelled nor waited for."""
    await asyncio.to_thread(install, plane)
    watching = Watch(session, plane, ())
    await asyncio.to_thread(install_one, plane)
    await eventually(lambda: bool(watching.events))
    submit = asyncio.create_task(asyncio.Event().wait())
    os.kill(os.getpid(), signal.SIGTERM)
    await watching.task
    assert watching.stop.is_set()
    assert not submit.done()
    submit.cancel()


async def test_a_signal_ends_the_wait_for_a_kind(session: KubeSession, plane: ControlPlane) -> None:
    """An operator whose definitions never come stops in good order too."""
    watching = Watch(session, plane, ())
    await eventually(lambda: signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)
    await watching.task
    assert watching.events == []


async def test_an_ear_that_is_never_used_counts_as_deaf() -> None:
    """A kind that kopf does not ask for is noticed, though the others are asked for."""
    now = 1000.0
    ears = Ears(clock=lambda: now)
    assert ears.seconds_deaf() == 0
    ears.expect(["/a", "/b"])
    now += 50
    ears.note("/a")
    ears.note("/elsewhere")
    now += 10
    assert ears.seconds_deaf() == 60
    ears.note("/b")
    assert ears.seconds_deaf() == 10
