"""Keys of Tencent Cloud: whose they are, temporary ones for a role, and what a refusal of them says."""

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imageferry.clouds.provider import Exchange, Inquiry, Place
from imageferry.clouds.tencent import metadata
from imageferry.clouds.tencent.identity import obtain
from imageferry.core.account import AssumedRole, Endpoints, InstanceRole, Limits, WorkloadIdentity
from imageferry.core.errors import Blocked, Transient
from imageferry.core.observation import Succeeded
from imageferry.core.reasons import Reason
from imageferry.core.secret import Keys
from tests.conformance.tencent.world import REGION, Verbs, World, claimed, verbs
from tests.emulator.tencent import cluster_token


def exchange(world: World, role: WorkloadIdentity | InstanceRole | AssumedRole, **changes: Any) -> Exchange:  # noqa: ANN401 -- fields of Exchange
    """What the engine hands over for an account with this role."""
    here = world.emulator.endpoint
    usual = Exchange(
        role=role,
        keys=world.keys,
        endpoints=Endpoints(compute=here, object_store=here, sts=here),
        token_file=Path("/nowhere"),
        metadata_endpoint=here,
        deadline_seconds=10.0,
        pool=world.pool,
        report=lambda action, region, code: world.reports.append((str(action), region, code)),
    )
    return replace(usual, **changes)


def operator(world: World) -> str:
    """The operator's role."""
    return str(world.info["roles"]["operator"])


def assumed(world: World, **changes: str) -> AssumedRole:
    """It, assumed with a stored key."""
    return replace(AssumedRole(operator(world), "", "imageferry"), **changes)


def identity(world: World, **changes: str) -> WorkloadIdentity:
    """It, by way of the cluster's identity provider."""
    return replace(WorkloadIdentity(operator(world), world.info["oidcProviderID"]), **changes)


async def exported(world: World, keys: Keys) -> None:
    """An export with these keys, from the wish to the files: every service takes them."""
    connection = world.connection(keys=keys)
    assert await connection.owner() == world.info["ownerUin"]
    way = verbs(world, world.export_job().kind, connection)
    job, resolved = await way.export()
    task = await way.provider.submit(job, claimed(job), resolved, repeat=0)
    assert isinstance(await way.ended(task, resolved), Succeeded)
    assert (await way.provider.collect(resolved, task)).flaw is None
    await connection.aclose()


async def test_a_stored_key_is_told_by_its_owner(world: World) -> None:
    """The account, not the user below it whose key it is."""
    connection = world.connection()
    assert await connection.owner() == world.info["ownerUin"]
    await connection.aclose()


async def test_a_service_account_token_is_worth_keys(world: World, tmp_path: Path) -> None:
    """TKE's OIDC: no stored key is needed; the token of the keys goes with every request, to the object store as well."""
    file = tmp_path / "token"
    file.write_text(cluster_token(world.emulator))
    keys = await obtain(exchange(world, identity(world), keys=None, token_file=file))
    assert keys.life_seconds is not None
    assert 7000 < keys.life_seconds <= 7200
    assert keys.token
    await exported(world, keys)


async def test_a_role_is_assumed_on_top_of_a_key(world: World) -> None:
    """Each exchange gives newer keys: nothing is cached here."""
    first, second = [await obtain(exchange(world, assumed(world))) for _ in range(2)]
    assert first.key_id != second.key_id
    await exported(world, second)


async def test_the_instances_role_gives_keys(world: World) -> None:
    """Asked from the metadata service."""
    await exported(world, await obtain(exchange(world, InstanceRole("imageferry-operator"), keys=None)))


async def test_temporary_keys_make_addresses_for_imports(world: World) -> None:
    """The token is part of the address."""
    world.put("disk.raw", bytes(510) + b"\x55\xaa" + bytes(1 << 20))
    connection = world.connection(keys=await obtain(exchange(world, assumed(world))))
    way = verbs(world, world.import_job().kind, connection)
    job, resolved = await way.importing()
    task = await way.provider.submit(job, claimed(job), resolved, repeat=0)
    assert isinstance(await way.ended(task, resolved), Succeeded)
    await connection.aclose()


Make = Callable[[World], Exchange]

REFUSALS: dict[str, tuple[Make, str]] = {
    "a role that does not exist": (
        lambda world: exchange(world, assumed(world, role_arn=operator(world).replace("imageferry", "no"))),
        "does not exist",
    ),
    "a malformed ARN": (lambda world: exchange(world, assumed(world, role_arn="qcs::cam::uin/1:role")), "malformed"),
    "a role that trusts somebody else": (
        lambda world: exchange(world, assumed(world, role_arn=world.info["roles"]["exportUntrusted"])),
        "trust",
    ),
}


@pytest.mark.parametrize(("make", "words"), REFUSALS.values(), ids=REFUSALS)
async def test_a_role_that_gives_no_keys_says_why(world: World, make: Make, words: str) -> None:
    """Somebody must change the role or the account; the words hold no secret."""
    with pytest.raises(Blocked, match=words) as blocked:
        await obtain(make(world))
    assert blocked.value.reason is Reason.CREDENTIALS_REJECTED
    assert [word for word in (world.keys.secret, "AKID", "://") if word in blocked.value.message] == []


async def test_a_token_that_is_not_taken_says_why(world: World, tmp_path: Path) -> None:
    """The token appears nowhere."""
    file = tmp_path / "token"
    file.write_text(cluster_token(world.emulator, aud="kubernetes.default.svc"))
    with pytest.raises(Blocked, match="token") as blocked:
        await obtain(exchange(world, identity(world), token_file=file))
    assert blocked.value.reason is Reason.CREDENTIALS_REJECTED
    assert file.read_text() not in f"{blocked.value!r}{blocked.value.__cause__!r}"


async def test_a_missing_token_names_the_file(world: World, tmp_path: Path) -> None:
    """The volume is not mounted."""
    with pytest.raises(Blocked, match="nothing-here") as blocked:
        await obtain(exchange(world, identity(world), token_file=tmp_path / "nothing-here"))
    assert blocked.value.reason is Reason.CREDENTIALS_MISSING


async def test_an_instance_without_the_role_says_so(world: World) -> None:
    """The role must be attached to the nodes."""
    with pytest.raises(Blocked, match="attach it") as blocked:
        await obtain(exchange(world, InstanceRole("another-role")))
    assert blocked.value.reason is Reason.CREDENTIALS_MISSING


@pytest.mark.parametrize("role", ["assumed", "of the instance"])
async def test_nobody_at_home_is_worth_another_try(world: World, role: str) -> None:
    """An outage blocks nothing for good."""
    nowhere = "http://127.0.0.1:9"
    wish = assumed(world) if role == "assumed" else InstanceRole("imageferry-operator")
    with pytest.raises(Transient) as transient:
        await obtain(exchange(world, wish, endpoints=Endpoints(sts=nowhere), metadata_endpoint=nowhere))
    assert transient.value.reason is Reason.CLOUD_UNAVAILABLE


@pytest.mark.timeout(20)
def test_a_silent_metadata_service_is_left_in_time() -> None:
    """The SDK would wait for it without end, and hold its thread for as long."""
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(OSError, match="timed out"):
        metadata.role_keys(f"http://127.0.0.1:{silent.getsockname()[1]}", "role", 0.2)


async def test_a_key_that_ends_early_is_told(world: World) -> None:
    """Whoever holds the connection hears that the cloud no longer takes its keys."""
    connection = world.connection()
    world.script("expiredKey", "GetCallerIdentity")
    with pytest.raises(Blocked) as blocked:
        await connection.owner()
    assert blocked.value.reason is Reason.CREDENTIALS_REJECTED
    assert world.doubts.is_set()
    await connection.aclose()


async def test_a_key_without_a_right_says_so(world: World) -> None:
    """The remedy is a policy."""
    keys = await obtain(exchange(world, assumed(world, role_arn=world.info["roles"]["lookOnly"])))
    connection = world.connection(keys=keys)
    with pytest.raises(Blocked) as blocked:
        await verbs(world, world.export_job().kind, connection).export()
    assert blocked.value.reason is Reason.NOT_AUTHORIZED
    await connection.aclose()


async def test_an_account_is_inspected(world: World, exports: Verbs) -> None:
    """Whose key it is, which regions there are, and whether the cloud would take each job."""
    good, wrong = world.export_job(), world.export_job(world.info["images"]["windows"])
    connection = world.connection()
    places = (Place(region=REGION, jobs=(good, wrong)), Place(region="ap-nowhere", jobs=(good,)))
    found = await connection.inspect(Inquiry(places=places, limits=Limits(), dry_run=True))
    assert [each.verdict.value for each in found] == ["ok", "note", "ok", "missing", "missing", "missing"]
    assert "LicenseNotExportable" in found[3].text
    assert exports.world is world
    await connection.aclose()
