"""The policy that docs/providers/tencent.md gives to the operator's key: it is enough, and nothing in it is too much."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from imageferry.core.errors import Blocked
from imageferry.core.job import Kind
from imageferry.core.observation import Succeeded
from imageferry.core.reasons import Reason
from imageferry.core.secret import Keys
from tests.conformance.tencent.world import REGION, Verbs, World, claimed, search, tencent_world, verbs
from tests.emulator.tencent import Cos

PAGE: Final = Path(__file__).parents[3] / "docs" / "providers" / "tencent.md"
TENANT, APP_ID = "100000000009", "1250000009"
OWNER: Final = Keys(key_id="AKID-FAKE-OWNER", secret="fake-secret-of-the-owner")
KEY: Final = Keys(key_id="AKID-FAKE-TENANT", secret="fake-secret-of-the-tenant")
DISK: Final = bytes(510) + b"\x55\xaa" + bytes((1 << 20) - 512)


class Tenant(World):
    """The cloud as an account sees it that has a bucket and a role of its own."""

    @property
    def info(self) -> dict[str, Any]:
        """As the emulator says it of its first account."""
        return {"ownerUin": TENANT, "appID": APP_ID, "buckets": {"good": f"team-images-{APP_ID}"}}


def documented() -> list[str]:
    """The actions of the page's policy."""
    (found,) = re.findall(r"^ *```json\n(.*?)^ *```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    policy: dict[str, Any] = json.loads(found)
    return [action for statement in policy["statement"] for action in statement["action"]]


ACTIONS: Final = documented()
OPTIONAL: Final = [
    action
    for action in ACTIONS
    if action.startswith("cam:")
    or action in ("cos:GetService", "cvm:DescribeRegions", "cvm:DescribeImageQuota", "cvm:DescribeImportImageOs")
]
NEEDED: Final = [action for action in ACTIONS if action not in OPTIONAL]


@pytest.fixture(scope="module")
def standing_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A cloud with an account of which every test here changes the rights of one user."""
    with tencent_world(tmp_path_factory.mktemp("policy") / "state") as running:
        tenant = Tenant(running.emulator, running.pool)
        allow(tenant, ACTIONS)
        bucket = {"name": tenant.bucket, "region": REGION, "account": TENANT}
        tenant.emulator.admin("POST", "/tencent/buckets", bucket)
        signer = Cos(OWNER.key_id, OWNER.secret, tenant.bucket)
        assert signer.call(tenant.emulator, "PUT", "disk.raw", body=DISK).status == 200
        yield tenant


def allow(world: World, actions: list[str]) -> None:
    """Let the tenant's key do this and no more."""
    statement = {"effect": "allow", "action": [f"name/{action}" for action in actions], "resource": "*"}
    account = {
        "id": TENANT,
        "appID": APP_ID,
        "roles": ["CVM_QcsRole"],
        "policies": [{"name": "tenant", "document": {"version": "2.0", "statement": [statement]}}],
        "keys": [
            {"id": OWNER.key_id, "secret": OWNER.secret},
            {"id": KEY.key_id, "secret": KEY.secret, "user": "100000000777", "policies": ["tenant"]},
        ],
    }
    world.emulator.admin("POST", "/tencent/accounts", account)


async def lived(world: World) -> None:
    """A life of each direction with the tenant's key: wish, submission, looks, files and their removal."""
    connection = world.connection(keys=KEY)
    try:
        await _exported(verbs(world, Kind.EXPORT, connection))
        await _imported(verbs(world, Kind.IMPORT, connection))
    finally:
        await connection.aclose()


async def _exported(way: Verbs) -> None:
    job, resolved = await way.export()
    task = await way.provider.submit(job, claim := claimed(job), resolved, repeat=0)
    assert isinstance(await way.ended(task, resolved), Succeeded)
    await way.provider.find(search(resolved, claim))
    left = await way.provider.collect(resolved, task)
    assert left.flaw is None
    await way.provider.discard(left.items, {claim.key})


async def _imported(way: Verbs) -> None:
    job, resolved = await way.importing()
    task = await way.provider.submit(job, claim := claimed(job), resolved, repeat=0)
    assert isinstance(await way.ended(task, resolved), Succeeded)
    await way.provider.find(search(resolved, claim))
    left = await way.provider.collect(resolved, task)
    await way.provider.discard(left.items, {claim.key})
    assert (await way.provider.collect(resolved, task)).items == ()


async def test_the_needed_rights_are_enough(world: World) -> None:
    """Without the optional ones nothing is told ahead, and all is done."""
    allow(world, NEEDED)
    await lived(world)


@pytest.mark.parametrize("action", NEEDED)
async def test_each_needed_right_counts(world: World, action: str) -> None:
    """Without it something fails, and says so."""
    allow(world, [each for each in ACTIONS if each != action])
    with pytest.raises(Blocked) as refused:
        await lived(world)
    assert refused.value.reason is Reason.NOT_AUTHORIZED
