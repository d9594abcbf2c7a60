"""Keys that the cloud refused once: their Secret is read again early, once, and not for ever."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from controlplane import ControlPlane
from imageferry.core.account import Account, parse_account
from imageferry.core.secret import Keys
from imageferry.engine.credentials import Credentials, Ring
from imageferry.kube.objects import KubeClient
from imageferry.kube.session import open_session
from tests.integration.kube_cases import NAMESPACE, prepare, settings_for

SECRET = "doubted"
PATIENCE_SECONDS = 3600.0
"""So long that a second look within a test must have another cause."""


@pytest.fixture(scope="module", autouse=True)
def prepared(plane: ControlPlane) -> None:
    """The kinds are served."""
    prepare(plane)


@pytest.fixture
def requests() -> Counter[tuple[str, str]]:
    """How often which kind was asked for."""
    return Counter()


@pytest.fixture
async def client(plane: ControlPlane, requests: Counter[tuple[str, str]]) -> AsyncIterator[KubeClient]:
    """A client with the administrator's rights, and a Secret with a key."""

    def count(verb: str, resource: str, _: str) -> None:
        requests[verb, resource] += 1

    async with await open_session(settings_for(plane)) as session:
        put_key(plane, "LTAI-FIRST")
        yield KubeClient(session, request_seconds=30, on_request=count)


def put_key(plane: ControlPlane, key_id: str) -> None:
    """Let the Secret hold this key."""
    data = {"accessKeyID": key_id, "accessKeySecret": "fake"}
    metadata = {"name": SECRET, "namespace": NAMESPACE}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
    plane.kubectl_run("apply", "-f", "-", input=json.dumps(secret))


@pytest.fixture
def credentials(plane: ControlPlane, client: KubeClient) -> Credentials:
    """What is tested: doubted keys are looked at again at once."""
    settings = settings_for(plane, look_again_seconds=0.0)
    return Credentials(client, settings, pool=ThreadPoolExecutor(1), report=lambda *_: None)


@pytest.fixture
def account() -> Account:
    """An account whose key lies in the Secret."""
    spec = {"provider": "Alibaba", "region": "cn-hangzhou", "credentials": {"secretRef": {"name": SECRET}}}
    return parse_account({"metadata": {"name": "doubted", "uid": "doubted"}, "spec": spec})


def looks(requests: Counter[tuple[str, str]]) -> int:
    """How often the Secret was read."""
    return requests["get", "secrets"]


async def test_a_key_that_was_refused_once_is_not_doubted_for_ever(
    credentials: Credentials, account: Account, requests: Counter[tuple[str, str]]
) -> None:
    """One early look finds the same key; after it the Secret is left alone until its usual time, or the next refusal."""
    ring = Ring()
    first = await credentials.keys(account, ring, PATIENCE_SECONDS)
    assert isinstance(first, Keys)
    ring.doubt()
    assert [await credentials.keys(account, ring, PATIENCE_SECONDS) for _ in range(3)] == [first] * 3
    assert looks(requests) == 2
    ring.doubt()
    assert [await credentials.keys(account, ring, PATIENCE_SECONDS) for _ in range(3)] == [first] * 3
    assert looks(requests) == 3


async def test_a_refused_key_is_replaced_as_soon_as_its_secret_holds_another(
    plane: ControlPlane, credentials: Credentials, account: Account, requests: Counter[tuple[str, str]]
) -> None:
    """The early look after a refusal is what finds the rotation."""
    ring = Ring()
    await credentials.keys(account, ring, PATIENCE_SECONDS)
    put_key(plane, "LTAI-SECOND")
    ring.doubt()
    found = await credentials.keys(account, ring, PATIENCE_SECONDS)
    assert isinstance(found, Keys)
    assert found.key_id == "LTAI-SECOND"
    assert looks(requests) == 2
