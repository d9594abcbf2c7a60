"""The policy that docs/providers/alibaba.md gives to the operator's key: it is enough, and nothing in it is too much."""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from imageferry.clouds.provider import ImageProvider
from imageferry.core.artifacts import File
from imageferry.core.errors import Blocked, Failure
from imageferry.core.observation import Succeeded
from imageferry.core.reasons import Reason
from imageferry.core.secret import Keys
from tests.conformance.clouds import (
    EXPORT,
    IMPORT,
    Cloud,
    alibaba_cloud,
    claimed,
    ended,
    files_of,
    import_meant,
    looked_for,
    meant,
    origin,
)

PAGE: Final = Path(__file__).parents[2] / "docs" / "providers" / "alibaba.md"
TENANT, KEY, BUCKET = "1000000000000005", Keys(key_id="LTAI-FAKE-TENANT", secret="fake"), "team-images"

Policy = dict[str, Any]


def documented() -> Policy:
    """The page's policy, word for word."""
    (found,) = re.findall(r"^ *```json\n(.*?)^ *```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    policy: Policy = json.loads(found)
    return policy


ACTIONS: Final = [action for statement in documented()["Statement"] for action in statement["Action"]]
OPTIONAL: Final = [action for action in ACTIONS if action.startswith("ram:") or action == "ecs:DescribeRegions"]
NEEDED: Final = [action for action in ACTIONS if action not in OPTIONAL]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud with an account of its own for the page's bucket."""
    with alibaba_cloud(tmp_path_factory.mktemp("policy") / "state") as running:
        running.emulator.admin("POST", "/accounts", {"id": TENANT})
        running.emulator.admin("POST", "/buckets", {"name": BUCKET, "region": running.region, "account": TENANT})
        yield running


def attach(cloud: Cloud, policy: Policy) -> None:
    """Let the operator's key have this policy and no other."""
    key = {"id": KEY.key_id, "secret": KEY.secret, "user": "imageferry", "policies": ["imageferry"]}
    named = {"name": "imageferry", "document": policy}
    cloud.emulator.admin("POST", "/accounts", {"id": TENANT, "keys": [key], "policies": [named]})


_NUMBERS: Final = itertools.count(1)


def image(cloud: Cloud, seconds: float) -> str:
    """A new image of the account's."""
    made = {"id": f"m-bp1policy{next(_NUMBERS):010}", "region": cloud.region, "account": TENANT, "name": "policy"}
    cloud.emulator.admin("POST", "/images", made | {"waitingSeconds": 0, "secondsPerDisk": seconds})
    return made["id"]


async def live(cloud: Cloud) -> None:
    """Everything that is ever asked of the cloud: an export to its end, an import of its file, and an export that is cancelled."""
    connection = cloud.connection(keys=KEY)
    try:
        assert await connection.owner() == TENANT
        provider = connection.provider(EXPORT, cloud.region)
        job = cloud.job(image(cloud, 1), destination={"bucket": BUCKET, "prefix": "web"})
        resolved = await meant(provider, job)
        claim = claimed(next(_NUMBERS))
        task = await provider.submit(job, claim, resolved, repeat=0)
        assert isinstance(await ended(provider, task), Succeeded)
        assert isinstance(await provider.find(looked_for(cloud, resolved, claim)), Succeeded)
        found = await provider.collect(resolved, task)
        assert (len(found.items), found.flaw) == (1, None)
        await _live_import(connection.provider(IMPORT, cloud.region), cloud, files_of(found)[0])
        await provider.discard(found.items, {claim.key})
        assert (await provider.collect(resolved, task)).items == ()
        longer = cloud.job(image(cloud, 9000), destination={"bucket": BUCKET, "prefix": "web"})
        resolved, claim = await meant(provider, longer), claimed(next(_NUMBERS))
        task = await provider.submit(longer, claim, resolved, repeat=0)
        await provider.cancel(task, origin(resolved, claim))
    finally:
        await connection.aclose()


async def _live_import(provider: ImageProvider, cloud: Cloud, file: File) -> None:
    number = next(_NUMBERS)
    claim, wish = claimed(number), {"disks": [{"bucket": file.bucket, "key": file.key, "format": file.format}]}
    # An object of its own: what another one was not allowed to delete shall not stand in its way.
    job = replace(cloud.import_job(name=f"policy-{number}", source=wish), uid=f"policy-{number}")
    resolved = await import_meant(provider, job)
    task = await provider.submit(job, claim, resolved, repeat=0)
    assert isinstance(await ended(provider, task), Succeeded)
    assert isinstance(await provider.find(looked_for(cloud, resolved, claim)), Succeeded)
    found = await provider.collect(resolved, task)
    assert (len(found.items), found.flaw) == (2, None)
    await provider.discard(found.items, {claim.key})
    assert (await provider.collect(resolved, task)).items == ()


def without(*actions: str) -> Policy:
    """The page's policy but for these rights."""
    policy = documented()
    for statement in policy["Statement"]:
        statement["Action"] = [each for each in statement["Action"] if each not in actions]
    policy["Statement"] = [each for each in policy["Statement"] if each["Action"]]
    return policy


async def test_the_documented_policy_is_enough(cloud: Cloud) -> None:
    """From the first look to the last file, image and snapshot deleted."""
    attach(cloud, documented())
    await live(cloud)


@pytest.mark.parametrize("action", NEEDED)
async def test_without_a_right_of_the_documented_policy_something_is_refused(cloud: Cloud, action: str) -> None:
    """The reason says that a permission is missing, so that nobody looks for it elsewhere."""
    attach(cloud, without(action))
    with pytest.raises(Failure) as refused:
        await live(cloud)
    assert (type(refused.value), refused.value.reason) == (Blocked, Reason.NOT_AUTHORIZED)


async def test_without_the_optional_rights_everything_goes_on(cloud: Cloud) -> None:
    """Roles are then checked by nobody before the cloud does."""
    attach(cloud, without(*OPTIONAL))
    await live(cloud)


async def test_the_documented_policy_reaches_no_other_bucket(cloud: Cloud) -> None:
    """What is not named stays closed, in the same account."""
    cloud.emulator.admin("POST", "/buckets", {"name": "other-images", "region": cloud.region, "account": TENANT})
    attach(cloud, documented())
    connection = cloud.connection(keys=KEY)
    provider = connection.provider(EXPORT, cloud.region)
    with pytest.raises(Blocked) as refused:
        await provider.preflight(cloud.job(image(cloud, 1), destination={"bucket": "other-images", "prefix": "web"}))
    await connection.aclose()
    assert refused.value.reason is Reason.NOT_AUTHORIZED
