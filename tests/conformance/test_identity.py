"""Temporary keys from each source, through the real SDK: they work, they say how long, and a refusal names the remedy."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imageferry.clouds.provider import Exchange
from imageferry.core.account import AssumedRole, Endpoints, InstanceRole, WorkloadIdentity
from imageferry.core.errors import Blocked, Transient
from imageferry.core.reasons import Reason
from imageferry.core.secret import Keys
from tests.conformance.clouds import Cloud

SUBJECT = "system:serviceaccount:imageferry-system:imageferry"


@pytest.fixture
def token_file(cloud: Cloud, tmp_path: Path) -> Path:
    """A projected service account token that the cloud's identity provider vouches for."""
    file = tmp_path / "token"
    file.write_text(token(cloud))
    return file


def token(cloud: Cloud, **wish: object) -> str:
    """A service account token as the cluster signs them."""
    return str(cloud.emulator.admin("POST", "/oidc-token", {"sub": SUBJECT, **wish})["token"])


def exchange(cloud: Cloud, role: WorkloadIdentity | InstanceRole | AssumedRole, **changes: Any) -> Exchange:  # noqa: ANN401 -- fields of Exchange
    """What the engine hands over for an account with this role."""
    here = cloud.emulator.endpoint
    usual = Exchange(
        role=role,
        keys=cloud.keys,
        endpoints=Endpoints(compute=here, object_store=here, sts=here),
        token_file=Path("/nowhere"),
        metadata_endpoint=here,
        deadline_seconds=10.0,
        pool=cloud.pool,
        report=lambda action, region, code: cloud.reports.append((str(action), region, code)),
    )
    return replace(usual, **changes)


def identity(cloud: Cloud, **changes: str) -> WorkloadIdentity:
    """The operator's role, by way of the cluster's identity provider."""
    info = cloud.emulator.info
    return replace(WorkloadIdentity(info["roles"]["operator"], info["oidcProviderARN"]), **changes)


def role(cloud: Cloud, **changes: str) -> AssumedRole:
    """The operator's role, assumed with a stored key."""
    return replace(AssumedRole(cloud.emulator.info["roles"]["operator"], "", "imageferry"), **changes)


async def test_a_service_account_token_is_worth_keys_for_an_hour(cloud: Cloud, token_file: Path) -> None:
    """RRSA: no stored key is needed, and the keys act for the role's account."""
    keys = await cloud.obtain(exchange(cloud, identity(cloud), keys=None, token_file=token_file))
    await _act_for_the_account(cloud, keys, 3600.0)
    assert cloud.requests("AssumeRoleWithOIDC")[0]["accessKeyID"] in (None, "")


async def test_a_role_is_assumed_on_top_of_a_key(cloud: Cloud) -> None:
    """The keys act for the role; the audit log shows the session's name."""
    keys = await cloud.obtain(exchange(cloud, role(cloud, session_name="team-exports")))
    await _act_for_the_account(cloud, keys, 3600.0)
    assert cloud.requests("AssumeRole")[0]["params"]["RoleSessionName"] == "team-exports"


@pytest.mark.parametrize("hardened", [False, True], ids=["normal mode", "hardened mode"])
async def test_the_instances_role_gives_keys(cloud: Cloud, *, hardened: bool) -> None:
    """The metadata service is asked with a token in both of its modes."""
    cloud.settings(metadataHardened=hardened)
    keys = await cloud.obtain(exchange(cloud, InstanceRole("imageferry-operator"), keys=None))
    await _act_for_the_account(cloud, keys, 6 * 3600.0)


async def _act_for_the_account(cloud: Cloud, keys: Keys, most_seconds: float) -> None:
    assert keys.life_seconds is not None
    assert 0 < keys.life_seconds <= most_seconds
    assert keys.secret not in repr(keys)
    assert keys.token not in repr(keys)
    connection = cloud.connection(keys=keys)
    assert await connection.owner() == cloud.emulator.info["accountID"]
    await connection.aclose()


async def test_each_exchange_gives_newer_keys(cloud: Cloud) -> None:
    """Nothing is cached here: when to renew is the caller's decision."""
    first, second = [await cloud.obtain(exchange(cloud, role(cloud))) for _ in range(2)]
    assert first.key_id != second.key_id


Make = Callable[[Cloud], Exchange]

REFUSALS = {
    "a role that does not exist": (
        lambda cloud: exchange(cloud, role(cloud, role_arn=_arn(cloud, "nobody"))),
        "its ARN",
    ),
    "a malformed ARN": (lambda cloud: exchange(cloud, role(cloud, role_arn="acs:ram::1:role")), "malformed"),
    "a role that trusts somebody else": (
        lambda cloud: exchange(cloud, role(cloud, role_arn=cloud.emulator.info["roles"]["exportUntrusted"])),
        "trust policy",
    ),
    "a role of another account": (
        lambda cloud: exchange(cloud, role(cloud), keys=_other(cloud)),
        "trust policy",
    ),
}


@pytest.mark.parametrize(("make", "remedy"), REFUSALS.values(), ids=REFUSALS)
async def test_a_role_that_gives_no_keys_says_why(cloud: Cloud, make: Make, remedy: str) -> None:
    """Somebody must change the role or the account; the words name what, and no secret."""
    with pytest.raises(Blocked) as blocked:
        await cloud.obtain(make(cloud))
    assert blocked.value.reason is Reason.CREDENTIALS_REJECTED
    assert remedy in blocked.value.message
    assert [word for word in cloud.secret_words if word in blocked.value.message] == []


TOKENS = {
    "expired": (lambda cloud: token(cloud, expiresIn=-60), "expired"),
    "for another audience": (
        lambda cloud: token(cloud, aud="kubernetes.default.svc"),
        "project one for sts.aliyuncs.com",
    ),
    "of another cluster": (lambda cloud: token(cloud, iss="https://elsewhere.example"), "another cluster"),
    "no token at all": (lambda _: "not-a-token", "the service account token is none"),
}


@pytest.mark.parametrize(("make", "remedy"), TOKENS.values(), ids=TOKENS)
async def test_a_token_that_is_not_taken_says_why(
    cloud: Cloud, tmp_path: Path, make: Callable[[Cloud], str], remedy: str
) -> None:
    """The words name the remedy; the token appears nowhere."""
    file = tmp_path / "token"
    file.write_text(make(cloud))
    with pytest.raises(Blocked) as blocked:
        await cloud.obtain(exchange(cloud, identity(cloud), token_file=file))
    assert blocked.value.reason is Reason.CREDENTIALS_REJECTED
    assert remedy in blocked.value.message
    assert file.read_text() not in f"{blocked.value!r}{blocked.value.__cause__!r}"


async def test_an_unknown_identity_provider_says_so(cloud: Cloud, token_file: Path) -> None:
    """The cluster's provider must be registered in the account."""
    unknown = identity(cloud, provider_arn="acs:ram::1000000000000001:oidc-provider/nobody")
    with pytest.raises(Blocked, match="identity provider") as blocked:
        await cloud.obtain(exchange(cloud, unknown, token_file=token_file))
    assert blocked.value.reason is Reason.CREDENTIALS_REJECTED


async def test_a_missing_token_names_the_file(cloud: Cloud, tmp_path: Path) -> None:
    """The volume is not mounted: nothing is asked from the cloud."""
    with pytest.raises(Blocked, match="nothing-here") as blocked:
        await cloud.obtain(exchange(cloud, identity(cloud), token_file=tmp_path / "nothing-here"))
    assert blocked.value.reason is Reason.CREDENTIALS_MISSING
    assert cloud.requests("AssumeRoleWithOIDC") == []


async def test_an_instance_without_the_role_says_so(cloud: Cloud) -> None:
    """The role must be attached to the nodes."""
    with pytest.raises(Blocked, match="attach it") as blocked:
        await cloud.obtain(exchange(cloud, InstanceRole("another-role")))
    assert blocked.value.reason is Reason.CREDENTIALS_MISSING


AWAY: dict[str, Callable[[Cloud, str], Awaitable[Keys]]] = {
    "STS": lambda cloud, nowhere: cloud.obtain(
        exchange(cloud, role(cloud), endpoints=Endpoints(sts=nowhere), deadline_seconds=3.0)
    ),
    "the metadata service": lambda cloud, nowhere: cloud.obtain(
        exchange(cloud, InstanceRole("imageferry-operator"), metadata_endpoint=nowhere, deadline_seconds=3.0)
    ),
}


@pytest.mark.parametrize("ask", AWAY.values(), ids=AWAY)
async def test_nobody_at_home_is_worth_another_try(cloud: Cloud, ask: Callable[[Cloud, str], Awaitable[Keys]]) -> None:
    """An outage blocks nothing for good."""
    with pytest.raises(Transient) as transient:
        await ask(cloud, "http://127.0.0.1:9")
    assert transient.value.reason is Reason.CLOUD_UNAVAILABLE


async def test_a_key_that_ends_early_is_told(cloud: Cloud) -> None:
    """Whoever holds the connection hears that the cloud no longer takes its keys."""
    keys = await cloud.obtain(exchange(cloud, role(cloud)))
    connection = cloud.connection(keys=keys)
    cloud.script("expiredKey", action="GetCallerIdentity")
    with pytest.raises(Blocked):
        await connection.owner()
    assert cloud.doubts.is_set()
    await connection.aclose()


def _arn(cloud: Cloud, name: str) -> str:
    return f"acs:ram::{cloud.emulator.info['accountID']}:role/{name}"


def _other(cloud: Cloud) -> Keys:
    other = cloud.emulator.info["otherAccount"]
    return Keys(key_id=other["accessKeyID"], secret=other["accessKeySecret"])
