"""What the conformance suite shares: each test gets a cloud of its own, one after the other of those in the table."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from imageferry.clouds.provider import CloudConnection, ImageProvider
from imageferry.core.job import Kind
from imageferry.core.journal import Resolved
from tests.conformance.clouds import CLOUDS, Cloud
from tests.emulator_process import PROXY_VARIABLES


@pytest.fixture(scope="session", autouse=True)
def _no_proxy() -> Iterator[None]:
    """Take the proxy variables away, which some SDKs follow even to loopback."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.lower() in PROXY_VARIABLES]:
            patch.delenv(name)
        yield


@pytest.fixture(params=CLOUDS)
def cloud(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cloud]:
    """A running cloud."""
    with CLOUDS[request.param](tmp_path / "state") as running:
        yield running


@pytest.fixture(params=CLOUDS, scope="module")
def standing_cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud that a module's tests share: each uses images, roles and buckets of its own and takes its settings back."""
    with CLOUDS[request.param](tmp_path_factory.mktemp("cloud") / "state") as running:
        yield running


@pytest.fixture
async def connection(cloud: Cloud) -> AsyncIterator[CloudConnection]:
    """A connection with the first account's key."""
    connection = cloud.connection()
    yield connection
    await connection.aclose()


@pytest.fixture
def provider(cloud: Cloud, connection: CloudConnection) -> ImageProvider:
    """The verbs for exports."""
    return connection.provider(Kind.EXPORT, cloud.region)


@pytest.fixture
async def resolved(cloud: Cloud, provider: ImageProvider) -> Resolved:
    """What an export of the plain image means."""
    return await provider.preflight(cloud.job())
