"""What the conformance suite shares: each test gets a cloud of its own, one after the other of those in the table."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from imageferry.clouds.provider import CloudConnection, ImageProvider
from imageferry.core.job import Kind
from imageferry.core.resolved import ResolvedExport
from tests.conformance.clouds import CLOUDS, Cloud, Importing, meant
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
async def resolved(cloud: Cloud, provider: ImageProvider) -> ResolvedExport:
    """What an export of the plain image means."""
    return await meant(provider, cloud.job())


@pytest.fixture
def tidy_cloud(standing_cloud: Cloud) -> Iterator[Cloud]:
    """The cloud that a module shares, with settings and faults as they were: what a test makes bears names of its own."""
    before = standing_cloud.emulator.admin("GET", "/settings")
    yield standing_cloud
    standing_cloud.emulator.admin("DELETE", "/faults")
    standing_cloud.settings(**before)


@pytest.fixture
async def importing(tidy_cloud: Cloud) -> AsyncIterator[Importing]:
    """The verbs for imports in that cloud, and a wish that nobody has wished before."""
    connection = tidy_cloud.connection()
    yield Importing(tidy_cloud, connection.provider(Kind.IMPORT, tidy_cloud.region))
    await connection.aclose()
