"""What the tests of Tencent Cloud share: one world for each module, in which each test uses images, files and names of its own."""

from collections.abc import AsyncIterator, Iterator

import pytest

from imageferry.clouds.provider import CloudConnection
from imageferry.core.job import Kind
from tests.conformance.tencent.world import Verbs, World, tencent_world, verbs


@pytest.fixture(scope="module")
def standing_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A running cloud."""
    with tencent_world(tmp_path_factory.mktemp("tencent") / "state") as running:
        yield running


@pytest.fixture
def world(standing_world: World) -> Iterator[World]:
    """The cloud with settings and faults as they were at its start."""
    before = standing_world.emulator.admin("GET", "/settings")
    yield standing_world
    standing_world.emulator.admin("DELETE", "/faults")
    standing_world.settings(**before)
    standing_world.doubts.clear()


@pytest.fixture
async def connection(world: World) -> AsyncIterator[CloudConnection]:
    """A connection with the first account's key."""
    connection = world.connection()
    yield connection
    await connection.aclose()


@pytest.fixture
def exports(world: World, connection: CloudConnection) -> Verbs:
    """The verbs for exports."""
    return verbs(world, Kind.EXPORT, connection)


@pytest.fixture
def imports(world: World, connection: CloudConnection) -> Verbs:
    """The verbs for imports."""
    return verbs(world, Kind.IMPORT, connection)
