"""A thousand finished exports cost nothing: no write, no cloud call, not even when the operator starts anew among them."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from controlplane import ControlPlane
from imageferry.core.keys import attempt_key
from tests.stage import Manifest, Stage, condition

OBJECTS = 1_000
AT_A_TIME = 20
IDLE_SECONDS = 10.0
COLLECTION = "/apis/imageferry.dev/v1alpha1/namespaces/{}/imageexports"
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@pytest.fixture
def stage(plane: ControlPlane, tmp_path: Path) -> Iterator[Stage]:
    """A stage of its own, which is emptied in one go: object by object would take minutes."""
    with Stage(plane, tmp_path, "--speed", "300") as stage:
        yield stage
        for operator in stage.operators:
            operator.stop()
        asyncio.run(empty(plane, stage.namespace))


def test_a_thousand_finished_exports_are_left_alone(plane: ControlPlane, stage: Stage) -> None:
    """Across a restart: no write to the API server but of the Lease, no cloud call but who owns the key, once a start."""
    asyncio.run(restore(plane, stage.namespace, ended(stage)))
    before = len(cloud_requests(stage))
    operator = stage.start_operator(watch_namespaces=stage.namespace)
    stage.until_true(lambda: len(cloud_requests(stage)) > before, "the key's owner was asked for")
    stage.until_true(lambda: f'"jobs": {OBJECTS + 3}' in operator.log(), "all objects are known")
    settled(stage)
    first = (len(stage.tap.requests), len(cloud_requests(stage)))
    nothing_but_the_lease(stage, first)
    assert operator.stop() == 0
    operator.start()
    stage.until_true(lambda: operator.log().count(f'"jobs": {OBJECTS + 3}') == 2, "it took over again")
    nothing_but_the_lease(stage, first)
    assert [each["action"] for each in cloud_requests(stage)[first[1] :]] == ["GetCallerIdentity"]


def ended(stage: Stage) -> list[Manifest]:
    """Real ends, as an operator wrote them: a good one, a bad one, and one whose deletion has files to delete."""
    operator = stage.start_operator()
    fails = {
        "fault": "taskFails",
        "action": "ExportImage",
        "params": {"ImageId": stage.emulator.info["images"]["plain2"]},
    }
    stage.emulator.admin("POST", "/faults", fails)
    stage.export("good")
    stage.export("bad", image="plain2", backoffLimit=0)
    stage.export("guarded", image="plain3", deletionPolicy="Delete")
    names = ("good", "bad", "guarded")
    found = [stage.until(name, lambda each: "completionTime" in each.get("status", {})) for name in names]
    assert [condition(each, "Succeeded") for each in found] == ["True", "False", "True"]
    stage.until("good", lambda each: not each["metadata"].get("finalizers"))
    operator.stop()
    stage.operators.remove(operator)
    return [stage.get(name) for name in names]


def settled(stage: Stage) -> None:
    """The account has said what it had to say."""
    stage.until_true(lambda: condition(stage.account(), "Ready") == "True", "the account is ready")
    stage.until_true(lambda: not stage.account()["metadata"].get("finalizers"), "nothing depends on the account")
    stage.until_true(lambda: not stage.account()["status"].get("lanes"), "no lane is in use")


def nothing_but_the_lease(stage: Stage, since: tuple[int, int]) -> None:
    """For a while from now, and back to the mark, nothing else was written."""
    until = time.monotonic() + IDLE_SECONDS
    while time.monotonic() < until:
        written = [request for request, _ in stage.tap.requests[since[0] :] if request.method in WRITES]
        assert [request for request in written if "/leases/imageferry" not in request.path] == []
        assert {each["action"] for each in cloud_requests(stage)[since[1] :]} <= {"GetCallerIdentity"}
        time.sleep(0.2)


def cloud_requests(stage: Stage) -> list[Manifest]:
    """Every request that the cloud has heard."""
    requests: list[Manifest] = stage.emulator.admin("GET", "/requests")["requests"]
    return requests


async def restore(plane: ControlPlane, namespace: str, ends: list[Manifest]) -> None:
    """A thousand objects with the statuses of these, each with the key of its own uid."""
    turn = asyncio.Semaphore(AT_A_TIME)
    async with aiohttp.ClientSession(plane.server, connector=aiohttp.TCPConnector(ssl=plane._tls)) as http:

        async def one(number: int) -> None:
            async with turn:
                await plant(http, namespace, f"restored-{number:04}", ends[number % len(ends)])

        await asyncio.gather(*(one(number) for number in range(OBJECTS)))


async def plant(http: aiohttp.ClientSession, namespace: str, name: str, end: Mapping[str, Any]) -> None:
    """Create one object, then write its status, as a restore does."""
    collection = COLLECTION.format(namespace)
    metadata = {"name": name, "finalizers": end["metadata"].get("finalizers", [])}
    manifest = {"apiVersion": end["apiVersion"], "kind": end["kind"], "metadata": metadata, "spec": end["spec"]}
    made = await answer(http, "POST", collection, manifest)
    attempt = end["status"].get("attempt", {})
    text = json.dumps(deepcopy(end["status"]))
    if "key" in attempt:
        text = text.replace(attempt["key"], attempt_key(made["metadata"]["uid"], attempt["number"]))
    await answer(http, "PUT", f"{collection}/{name}/status", made | {"status": json.loads(text)})


async def empty(plane: ControlPlane, namespace: str) -> None:
    """Let go of all and delete all."""
    collection = COLLECTION.format(namespace)
    turn = asyncio.Semaphore(AT_A_TIME)
    async with aiohttp.ClientSession(plane.server, connector=aiohttp.TCPConnector(ssl=plane._tls)) as http:

        async def let_go(name: str) -> None:
            async with turn:
                await answer(http, "PATCH", f"{collection}/{name}", {"metadata": {"finalizers": None}})

        listed = await answer(http, "GET", collection, None)
        held = [each["metadata"]["name"] for each in listed["items"] if each["metadata"].get("finalizers")]
        await asyncio.gather(*(let_go(name) for name in held))
        await answer(http, "DELETE", collection, None)


async def answer(http: aiohttp.ClientSession, method: str, path: str, body: object) -> Manifest:
    """What the API server answers the administrator; an error status raises."""
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    data = None if body is None else json.dumps(body)
    async with http.request(method, path, data=data, headers={"Content-Type": kind}) as got:
        assert got.ok, await got.text()
        found: Manifest = await got.json()
        return found
