"""The client against a real API server: every write lands on the version and the object it was made for, or nowhere."""

import asyncio
import base64
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controlplane.plane import ControlPlane
from imageferry.kube import errors
from imageferry.kube.events import EventType, Recorder, Regarding
from imageferry.kube.objects import CLOUD_ACCOUNTS, EVENTS, IMAGE_EXPORTS, KubeClient, Manifest
from imageferry.kube.session import open_session
from tests.integration.kube_cases import (
    CONFIG_MAPS,
    NAMESPACE,
    an_export,
    create,
    eventually,
    prepare,
    settings_for,
)


@pytest.fixture(scope="module", autouse=True)
def prepared(plane: ControlPlane) -> None:
    """The kinds are served."""
    prepare(plane)


@pytest.fixture
def requests() -> Counter[tuple[str, str, str]]:
    """What the client told of its requests."""
    return Counter()


@pytest.fixture
async def client(plane: ControlPlane, requests: Counter[tuple[str, str, str]]) -> AsyncIterator[KubeClient]:
    """A client with the administrator's rights."""

    def count(verb: str, resource: str, code: str) -> None:
        requests[verb, resource, code] += 1

    async with await open_session(settings_for(plane)) as session:
        yield KubeClient(session, request_seconds=30, on_request=count)


def guards(manifest: Manifest) -> dict[str, str]:
    """The uid and version that a write about this object names."""
    return {"uid": manifest["metadata"]["uid"], "resource_version": manifest["metadata"]["resourceVersion"]}


def status(percent: int, **more: object) -> Manifest:
    """A status that the schema admits."""
    return {"observedGeneration": 1, "progress": {"percent": percent}, **more}


async def test_a_status_is_replaced_whole(client: KubeClient, requests: Counter[tuple[str, str, str]]) -> None:
    """What the new status lacks is gone, the answer is the new object, and the write was counted."""
    made = await an_export(client, "whole")
    first = await client.patch_status(
        IMAGE_EXPORTS, NAMESPACE, "whole", **guards(made), status=status(10, startTime="2026-01-01T00:00:00Z")
    )
    second = await client.patch_status(IMAGE_EXPORTS, NAMESPACE, "whole", **guards(first), status=status(20))
    assert second["status"] == status(20)
    assert second == await client.get(IMAGE_EXPORTS, NAMESPACE, "whole")
    assert requests["patch", "imageexports/status", "200"] == 2
    managers = {each["manager"] for each in second["metadata"]["managedFields"] if each.get("subresource") == "status"}
    assert managers == {"imageferry"}


async def test_a_write_for_an_older_version_is_a_conflict_and_changes_nothing(client: KubeClient) -> None:
    """An edit made meanwhile is never overwritten."""
    made = await an_export(client, "older")
    newer = await client.patch_status(IMAGE_EXPORTS, NAMESPACE, "older", **guards(made), status=status(10))
    with pytest.raises(errors.Conflict):
        await client.patch_status(IMAGE_EXPORTS, NAMESPACE, "older", **guards(made), status=status(99))
    assert await client.get(IMAGE_EXPORTS, NAMESPACE, "older") == newer


async def test_a_write_for_an_object_made_anew_under_the_name_is_a_conflict(
    client: KubeClient, plane: ControlPlane
) -> None:
    """The uid counts, not the name, even if the version were right."""
    old = await an_export(client, "anew")
    plane.kubectl_run("delete", "imageexport", "anew", f"--namespace={NAMESPACE}")
    new = await an_export(client, "anew")
    mixed = {"uid": old["metadata"]["uid"], "resource_version": new["metadata"]["resourceVersion"]}
    with pytest.raises(errors.Conflict):
        await client.patch_status(IMAGE_EXPORTS, NAMESPACE, "anew", **mixed, status=status(99))
    with pytest.raises(errors.Conflict):
        await client.patch_finalizers(IMAGE_EXPORTS, NAMESPACE, "anew", **mixed, finalizers=["imageferry.dev/task"])
    assert await client.get(IMAGE_EXPORTS, NAMESPACE, "anew") == new


async def test_of_many_writes_for_one_version_one_wins(client: KubeClient) -> None:
    """Two replicas can never both have a claim acknowledged."""
    made = await an_export(client, "race")
    outcomes = await asyncio.gather(
        *(
            client.patch_status(IMAGE_EXPORTS, NAMESPACE, "race", **guards(made), status=status(percent))
            for percent in range(20)
        ),
        return_exceptions=True,
    )
    assert Counter(type(outcome) for outcome in outcomes) == {dict: 1, errors.Conflict: 19}


async def test_what_the_schema_refuses_is_invalid_and_no_conflict(client: KubeClient) -> None:
    """Reading again cannot help, so that the two must not be confused."""
    made = await an_export(client, "invalid")
    with pytest.raises(errors.Invalid, match="percent"):
        await client.patch_status(IMAGE_EXPORTS, NAMESPACE, "invalid", **guards(made), status=status(101))


async def test_what_a_rule_refuses_is_invalid_and_no_conflict(client: KubeClient) -> None:
    """A CEL rule's refusal is told from a failed guard too."""
    made = await an_export(client, "rule")
    second = await client.patch_status(
        IMAGE_EXPORTS, NAMESPACE, "rule", **guards(made), status=status(0, attempt={"number": 2, "failures": 0})
    )
    with pytest.raises(errors.Invalid):
        await client.patch_status(
            IMAGE_EXPORTS, NAMESPACE, "rule", **guards(second), status=status(0, attempt={"number": 1, "failures": 0})
        )


async def test_a_finalizer_holds_an_object_until_it_is_taken_away(client: KubeClient, plane: ControlPlane) -> None:
    """Set, deletion waits, removed, gone; the removal's answer is the last there is of the object."""
    made = await an_export(client, "held")
    ours = ["imageferry.dev/task"]
    held = await client.patch_finalizers(IMAGE_EXPORTS, NAMESPACE, "held", **guards(made), finalizers=ours)
    assert held["metadata"]["finalizers"] == ours
    plane.kubectl_run("delete", "imageexport", "held", f"--namespace={NAMESPACE}", "--wait=false")
    deleting = await client.get(IMAGE_EXPORTS, NAMESPACE, "held")
    assert "deletionTimestamp" in deleting["metadata"]
    with pytest.raises(errors.Conflict):
        await client.patch_finalizers(IMAGE_EXPORTS, NAMESPACE, "held", **guards(held), finalizers=[])
    await client.patch_finalizers(IMAGE_EXPORTS, NAMESPACE, "held", **guards(deleting), finalizers=[])
    with pytest.raises(errors.NotFound):
        await client.get(IMAGE_EXPORTS, NAMESPACE, "held")


async def test_a_list_of_many_comes_in_pages_of_one_moment(client: KubeClient) -> None:
    """501 objects are two pages; both show the same version of the collection, and each object once."""
    names = {f"page-{number}" for number in range(501)}
    await asyncio.gather(*(create(client, CONFIG_MAPS, {"metadata": {"name": name}}) for name in names))
    pages = [page async for page in client.pages(CONFIG_MAPS, namespace=NAMESPACE)]
    assert len(pages) == 2
    assert len({page.resource_version for page in pages}) == 1
    found = Counter(each["metadata"]["name"] for page in pages for each in page.objects)
    assert names <= found.keys()
    assert max(found.values()) == 1


async def test_a_collection_is_listed_across_namespaces_and_for_cluster_kinds(client: KubeClient) -> None:
    """Without a namespace all are listed; a cluster-scoped kind has no other way."""
    await an_export(client, "everywhere")
    everywhere = [each async for page in client.pages(IMAGE_EXPORTS) for each in page.objects]
    assert "everywhere" in {each["metadata"]["name"] for each in everywhere}
    assert {each["kind"] for each in everywhere} == {"ImageExport"}
    (page,) = [page async for page in client.pages(CLOUD_ACCOUNTS)]
    assert page.resource_version


async def test_the_kinds_that_are_served_are_known(client: KubeClient) -> None:
    """What is installed is told from what is not."""
    served = await client.served("imageferry.dev", "v1alpha1")
    assert {"imageexports", "cloudaccounts"} <= served
    assert await client.served("imageferry.dev", "v9") == frozenset()


async def test_a_secret_is_read(client: KubeClient, plane: ControlPlane) -> None:
    """As the API has it; what is not there is NotFound."""
    plane.kubectl_run("create", "secret", "generic", "keys", "--from-literal=accessKeyID=k", f"--namespace={NAMESPACE}")
    secret = await client.get_secret(NAMESPACE, "keys")
    assert base64.b64decode(secret["data"]["accessKeyID"]) == b"k"
    with pytest.raises(errors.NotFound):
        await client.get_secret(NAMESPACE, "no-keys")


@pytest.mark.parametrize("name", ["..", "../../../namespaces/default", "a%2Fb", "", "."])
async def test_a_name_that_is_a_path_leads_nowhere(
    client: KubeClient, requests: Counter[tuple[str, str, str]], name: str
) -> None:
    """No object has such a name, and no request is made."""
    with pytest.raises(errors.NotFound):
        await client.get_secret(NAMESPACE, name)
    assert not requests


async def test_an_event_is_shown_beside_its_object(client: KubeClient, plane: ControlPlane) -> None:
    """`kubectl events --for` finds what the recorder wrote."""
    made = await an_export(client, "eventful")
    about = Regarding(
        IMAGE_EXPORTS, NAMESPACE, "eventful", made["metadata"]["uid"], made["metadata"]["resourceVersion"]
    )
    recorder = Recorder(client, identity="test-1")
    running = asyncio.create_task(recorder.run())
    recorder.record(about, EventType.WARNING, reason="ImageBusy", message="somebody exports it")
    async with asyncio.timeout(60):
        while not (shown := await asyncio.to_thread(_events, plane, "eventful")):
            assert not running.done()
    running.cancel()
    ((kind, reason, message),) = shown
    assert (kind, reason, message) == ("Warning", "ImageBusy", "somebody exports it")


def _events(plane: ControlPlane, name: str) -> list[tuple[str, str, str]]:
    told = plane.kubectl_run("events", f"--for=imageexport/{name}", f"--namespace={NAMESPACE}", "--output=json")
    return [(each["type"], each["reason"], each["message"]) for each in json.loads(told)["items"]]


async def test_a_recorder_outlives_an_event_that_cannot_be_written(client: KubeClient) -> None:
    """An event of a namespace that is gone is dropped, the next one is written."""
    recorder = Recorder(client, identity="test-1")
    running = asyncio.create_task(recorder.run())
    made = await an_export(client, "second")
    ids = (made["metadata"]["uid"], made["metadata"]["resourceVersion"])
    recorder.record(Regarding(IMAGE_EXPORTS, "gone", "first", *ids), EventType.NORMAL, reason="Lost", message="m")
    recorder.record(Regarding(IMAGE_EXPORTS, NAMESPACE, "second", *ids), EventType.NORMAL, reason="Kept", message="m")
    reasons: set[str] = set()
    async with asyncio.timeout(60):
        while "Kept" not in reasons:
            pages = [page async for page in client.pages(EVENTS, namespace=NAMESPACE)]
            reasons = {each["reason"] for page in pages for each in page.objects}
    assert not running.done()
    running.cancel()


async def test_a_rotated_token_is_in_use_at_once_and_a_dead_one_is_unauthorized(
    plane: ControlPlane, tmp_path: Path
) -> None:
    """The session reads the file again when the server refuses what it had; nothing has to be restarted."""
    plane.kubectl_run("create", "serviceaccount", "rotating", f"--namespace={NAMESPACE}")
    grant = ("create", "rolebinding", "rotating", "--clusterrole=view", f"--serviceaccount={NAMESPACE}:rotating")
    plane.kubectl_run(*grant, f"--namespace={NAMESPACE}")
    kubeconfig = plane.kubeconfig_for(NAMESPACE, "rotating", tmp_path / "kubeconfig")
    token_file = tmp_path / "kubeconfig.token"
    async with await open_session(settings_for(plane, kubeconfig=str(kubeconfig))) as session:
        client = KubeClient(session, request_seconds=30)
        await eventually(lambda: _may_list(client))  # RBAC takes a moment to see the binding
        good = token_file.read_text()
        token_file.write_text("expired")
        session._access.token._read_at = float("-inf")
        with pytest.raises(errors.Unauthorized):
            await _may_list(client)
        token_file.write_text(good)
        assert await _may_list(client)


async def test_a_missing_right_is_forbidden(plane: ControlPlane, tmp_path: Path) -> None:
    """Told apart from a token that is not known."""
    plane.kubectl_run("create", "serviceaccount", "powerless", f"--namespace={NAMESPACE}")
    kubeconfig = plane.kubeconfig_for(NAMESPACE, "powerless", tmp_path / "kubeconfig")
    async with await open_session(settings_for(plane, kubeconfig=str(kubeconfig))) as session:
        with pytest.raises(errors.Forbidden):
            await KubeClient(session, request_seconds=30).get_secret(NAMESPACE, "keys")


async def _may_list(client: KubeClient) -> bool:
    try:
        return [page async for page in client.pages(CONFIG_MAPS, namespace=NAMESPACE)] != []
    except errors.Forbidden:
        return False
