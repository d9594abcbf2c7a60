import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from imageferry.clouds.provider import CloudConnection
from imageferry.core.errors import Failure
from imageferry.core.journal import Claim
from imageferry.core.observation import Failed
from imageferry.core.reasons import Reason
from tests.conformance.clouds import EXPORT, IMPORT, PLAIN_DISK, Cloud, claimed, ended, import_meant, meant

ROOT = Path(__file__).parents[2]

Told = Callable[[Cloud, CloudConnection], Awaitable[Reason]]
"""Brings the cloud to say something, and gives the reason in which it came out."""


def _fresh(ago: timedelta = timedelta(0)) -> Claim:
    """The claim of another object each time: the cloud takes a claim's key once."""
    return claimed(ago=ago, uid=str(uuid4()))


def _wish(image: str = "plain", region: str = "", **spec: Any) -> Told:  # noqa: ANN401 -- fields of any type
    """A wish that preflight refuses."""

    async def told(cloud: Cloud, connection: CloudConnection) -> Reason:
        before = len(cloud.requests("ExportImage"))
        with pytest.raises(Failure) as failure:
            await connection.provider(EXPORT, region or cloud.region).preflight(cloud.job(image, **spec))
        assert len(cloud.requests("ExportImage")) == before
        return failure.value.reason

    return told


def _into(bucket: str) -> Told:
    """A bucket that preflight refuses, by the seed's name for it."""

    async def told(cloud: Cloud, connection: CloudConnection) -> Reason:
        name = cloud.emulator.info["buckets"].get(bucket, bucket)
        return await _wish(destination={"bucket": name, "prefix": "web"})(cloud, connection)

    return told


def _made(**image: Any) -> Told:  # noqa: ANN401 -- fields of any type
    """An image, made for this, that preflight refuses."""

    async def told(cloud: Cloud, connection: CloudConnection) -> Reason:
        _make(cloud, id="m-bp1made", **image)
        return await _wish("m-bp1made")(cloud, connection)

    return told


def _make(cloud: Cloud, **image: Any) -> None:  # noqa: ANN401 -- fields of any type
    about = {"region": cloud.region, "account": cloud.emulator.info["accountID"]}
    cloud.emulator.admin("POST", "/images", {**about, **image})


async def _two_of_one_name(cloud: Cloud, connection: CloudConnection) -> Reason:
    for image in ("m-bp1twin1", "m-bp1twin2"):
        _make(cloud, id=image, name="twin")
    return await _wish(source={"imageName": "twin"})(cloud, connection)


async def _busy(cloud: Cloud, connection: CloudConnection) -> Reason:
    cloud.settings(speed=0.001)
    task = cloud.foreign("plain12")
    with pytest.raises(Failure) as failure:
        await connection.provider(EXPORT, cloud.region).preflight(cloud.job("plain12"))
    cloud.cancel(task)
    return failure.value.reason


def _import(key: str, content: bytes | None = PLAIN_DISK) -> Told:
    """A wish to import a file that preflight refuses."""

    async def told(cloud: Cloud, connection: CloudConnection) -> Reason:
        if content is not None:
            cloud.put(key, content)
        with pytest.raises(Failure) as failure:
            await connection.provider(IMPORT, cloud.region).preflight(cloud.import_job(key, name="refused"))
        return failure.value.reason

    return told


async def _name_taken(cloud: Cloud, connection: CloudConnection) -> Reason:
    _make(cloud, id="m-bp1taken", name="taken")
    cloud.disk()
    with pytest.raises(Failure) as failure:
        await connection.provider(IMPORT, cloud.region).preflight(cloud.import_job(name="taken"))
    return failure.value.reason


async def _too_many_images(cloud: Cloud, connection: CloudConnection) -> Reason:
    cloud.disk()
    provider, job = connection.provider(IMPORT, cloud.region), cloud.import_job(name="one-more")
    resolved = await import_meant(provider, job)
    cloud.settings(quota={"images": 0})
    with pytest.raises(Failure) as failure:
        await provider.submit(job, _fresh(), resolved, repeat=0)
    return failure.value.reason


async def _changed(cloud: Cloud, connection: CloudConnection) -> Reason:
    cloud.disk("changed.raw")
    provider, job = connection.provider(IMPORT, cloud.region), cloud.import_job("changed.raw", name="changed")
    resolved = await import_meant(provider, job)
    cloud.put("changed.raw", PLAIN_DISK * 2)
    task = await provider.submit(job, _fresh(), resolved, repeat=0)
    await ended(provider, task)
    found = await provider.collect(resolved, task)
    assert found.flaw is not None
    return found.flaw.reason


def _submitted(
    *,
    account: dict[str, Any] | None = None,
    region: dict[str, Any] | None = None,
    fault: dict[str, Any] | None = None,
    ago: timedelta = timedelta(0),
    **settings: object,
) -> Told:
    """A submission that the cloud refuses although preflight found nothing against it."""

    async def told(cloud: Cloud, connection: CloudConnection) -> Reason:
        provider, job = connection.provider(EXPORT, cloud.region), cloud.job()
        resolved = await meant(provider, job)
        cloud.emulator.admin("POST", "/accounts", {"id": cloud.emulator.info["accountID"], **(account or {})})
        if region:
            cloud.emulator.admin("POST", "/regions", {"id": cloud.region, **region})
        if fault:
            cloud.script(**fault)
        cloud.settings(**settings)
        with pytest.raises(Failure) as failure:
            await provider.submit(job, _fresh(ago), resolved, repeat=0)
        return failure.value.reason

    return told


def _flawed(fault: str) -> Told:
    """An export that ends well, with files that are not what they should be."""

    async def told(cloud: Cloud, connection: CloudConnection) -> Reason:
        provider = connection.provider(EXPORT, cloud.other_region)
        bucket = cloud.emulator.info["buckets"]["otherRegion"]
        job = cloud.job("frankfurt", format="QCOW2", destination={"bucket": bucket, "prefix": "web"})
        resolved = await meant(provider, job)
        cloud.script(fault)
        task = await provider.submit(job, _fresh(), resolved, repeat=0)
        await ended(provider, task)
        found = await provider.collect(resolved, task)
        assert found.flaw is not None
        return found.flaw.reason

    return told


async def _failed(cloud: Cloud, connection: CloudConnection) -> Reason:
    provider, job = connection.provider(EXPORT, cloud.region), cloud.job()
    resolved = await meant(provider, job)
    cloud.script("taskFails")
    seen = await ended(provider, await provider.submit(job, _fresh(), resolved, repeat=0))
    assert isinstance(seen, Failed)
    return seen.reason


async def _wrong_secret(cloud: Cloud, _: CloudConnection) -> Reason:
    connection = cloud.connection(keys=replace(cloud.keys, secret="not-the-secret"))
    with pytest.raises(Failure) as failure:
        await connection.owner()
    await connection.aclose()
    return failure.value.reason


CASES: dict[Reason, Told] = {
    Reason.INVALID_SPEC: _wish(disks="SystemOnly"),
    Reason.IMAGE_NOT_FOUND: _wish("m-bp1nobody"),
    Reason.IMAGE_AMBIGUOUS: _two_of_one_name,
    Reason.IMAGE_NOT_READY: _wish("creating"),
    Reason.IMAGE_NOT_OWNED: _made(ownerAlias="others"),
    Reason.IMAGE_NOT_SUPPORTED: _wish("marketplace"),
    Reason.IMAGE_BUSY: _busy,
    Reason.ENCRYPTED_SNAPSHOT: _wish("encrypted"),
    Reason.TOO_MANY_DISKS: _wish("tooManyDisks"),
    Reason.DISK_TOO_LARGE: _wish("tooLarge"),
    Reason.LICENSE_NOT_EXPORTABLE: _wish("windows"),
    Reason.FORMAT_NOT_SUPPORTED_IN_REGION: _wish(format="VHD"),
    Reason.REGION_NOT_FOUND: _wish(region="cn-nowhere"),
    Reason.BUCKET_NOT_FOUND: _into("ferry-nowhere"),
    Reason.BUCKET_REGION_MISMATCH: _into("otherRegion"),
    Reason.BUCKET_ENCRYPTED: _into("encrypted"),
    Reason.NOT_AUTHORIZED: _into("foreign"),
    Reason.ROLE_MISSING: _wish(roleName="NoSuchRole"),
    Reason.ROLE_PERMISSION_MISSING: _wish(roleName="export-read-only"),
    Reason.CREDENTIALS_REJECTED: _wrong_secret,
    Reason.REGION_NOT_SUPPORTED: _submitted(region={"exportSupported": False}),
    Reason.NOT_WHITELISTED: _submitted(account={"exportAllowed": False}),
    Reason.CONCURRENT_QUOTA_EXCEEDED: _submitted(quota={"concurrent": 0}),
    Reason.WEEKLY_QUOTA_EXCEEDED: _submitted(quota={"weekly": 0}),
    Reason.THROTTLED: _submitted(fault={"fault": "throttle"}),
    Reason.CLOUD_UNAVAILABLE: _submitted(fault={"fault": "unknownCode"}),
    Reason.SUBMISSION_UNKNOWN: _submitted(fault={"fault": "error500NotAccepted"}),
    Reason.CLOCK_SKEW: _submitted(ago=timedelta(minutes=16)),
    Reason.TASK_FAILED: _failed,
    Reason.OUTPUT_MISSING: _flawed("objectMissing"),
    Reason.OUTPUT_EMPTY: _flawed("objectEmpty"),
    Reason.FORMAT_MISMATCH: _flawed("silentRawFallback"),
    Reason.IMAGE_QUOTA_EXCEEDED: _too_many_images,
    Reason.NAME_CONFLICT: _name_taken,
    Reason.OBJECT_NOT_FOUND: _import("nowhere.raw", None),
    Reason.OBJECT_INVALID: _import("empty.raw", b""),
    Reason.OBJECT_CHANGED: _changed,
}
"""The reasons that come from the cloud, each with what makes it say so: through the real SDK, over HTTP."""

ELSEWHERE: dict[Reason, str] = {
    Reason.ACCEPTED: "tests/unit/test_conditions.py",
    Reason.QUEUED: "tests/unit/test_lanes.py",
    Reason.SUSPENDED: "tests/integration/test_exports_life.py",
    Reason.CLAIMED: "tests/unit/test_decide.py",
    Reason.SUBMITTED: "tests/integration/test_exports_life.py",
    Reason.WAITING: "tests/unit/test_decide.py",
    Reason.RUNNING: "tests/unit/test_decide.py",
    Reason.VERIFYING: "tests/unit/test_decide.py",
    Reason.EXPORTED: "tests/integration/test_exports_life.py",
    Reason.CANCELLING: "tests/unit/test_decide.py",
    Reason.CANCELLED: "tests/integration/test_deletion.py",
    Reason.TASK_LOST: "tests/unit/test_decide.py",
    Reason.OUTCOME_UNKNOWN: "tests/unit/test_decide.py",
    Reason.BACKOFF_LIMIT_EXCEEDED: "tests/unit/test_decide.py",
    Reason.DEADLINE_EXCEEDED: "tests/integration/test_exports_life.py",
    Reason.ACCOUNT_NOT_FOUND: "tests/integration/test_bad_inputs.py",
    Reason.ACCOUNT_NOT_PERMITTED: "tests/unit/test_account.py",
    Reason.ACCOUNT_CHANGED: "tests/integration/test_refusals.py",
    Reason.REGION_NOT_PERMITTED: "tests/unit/test_account.py",
    Reason.BUCKET_NOT_PERMITTED: "tests/unit/test_account.py",
    Reason.OBJECT_NOT_PERMITTED: "tests/unit/test_account.py",
    Reason.IMAGE_NOT_PERMITTED: "tests/unit/test_account.py",
    Reason.ROLE_NOT_PERMITTED: "tests/unit/test_account.py",
    Reason.CREDENTIALS_MISSING: "tests/integration/test_deletion.py",
    Reason.CREDENTIALS_MALFORMED: "tests/unit/test_secret.py",
    Reason.INTERNAL_ERROR: "tests/unit/test_alibaba_faults.py",
    Reason.IMPORTED: "tests/unit/test_imports.py",
    Reason.EXPORT_NOT_FOUND: "tests/unit/test_imports.py",
    Reason.EXPORT_NOT_READY: "tests/unit/test_imports.py",
    Reason.EXPORT_FAILED: "tests/unit/test_imports.py",
}
"""The reasons that the operator itself comes to, each with a test that holds it."""

UNHEARD: dict[Reason, str] = {
    Reason.NOT_YET_SUPPORTED: "a guard in engine/accounts.py: the schema admits no provider that the registry does not know",
    Reason.ACCOUNT_NOT_READY: "a guard in engine/gather.py: every visit that asks the cloud has asked for its account",
    Reason.ORPHANED: "an event and a log line, seen by the test of orphans in tests/integration/test_deletion.py",
}
"""The reasons that no test hears, and why."""


@pytest.mark.parametrize("reason", CASES)
async def test_a_limit_of_the_cloud_is_told_by_its_reason(standing_cloud: Cloud, reason: Reason) -> None:
    """Each reason is what becomes of a real answer of the cloud, and of nothing that was made up."""
    cloud = standing_cloud
    before = cloud.emulator.admin("GET", "/settings")
    connection = cloud.connection()
    told = await CASES[reason](cloud, connection)
    await connection.aclose()
    cloud.settings(speed=before["speed"], quota={"concurrent": 100, "weekly": 1000, "images": 1000})
    cloud.emulator.admin("DELETE", "/faults")
    cloud.emulator.admin("POST", "/regions", {"id": cloud.region})
    cloud.emulator.admin("POST", "/accounts", {"id": cloud.emulator.info["accountID"], "exportAllowed": True})
    assert told is reason


def test_every_reason_is_held_by_a_test_or_named_with_its_excuse() -> None:
    """A reason that is added asks for its case here."""
    assert sorted([*CASES, *ELSEWHERE, *UNHEARD]) == sorted(Reason)


@pytest.mark.parametrize(("reason", "file"), ELSEWHERE.items(), ids=ELSEWHERE)
def test_the_test_named_for_a_reason_speaks_of_it(reason: Reason, file: str) -> None:
    """The list does not outlive what it points to."""
    text = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(rf"Reason\.{reason.name}\b|[\"']{reason.value}[\"']", text)
