from dataclasses import replace
from typing import Any

import pytest

from imageferry.clouds.provider import CloudConnection, ImageProvider
from imageferry.core.errors import Blocked, Deferred, Failure, Rejected, Scope
from imageferry.core.reasons import Reason
from imageferry.core.resolved import ResolvedExport
from tests.conformance.clouds import EXPORT, Cloud, meant


async def test_every_request_parameter_is_resolved(cloud: Cloud, provider: ImageProvider) -> None:
    """What is pinned suffices to submit, and tells the user which image is meant."""
    assert await provider.preflight(cloud.job("dataDisks")) == ResolvedExport(
        region=cloud.region,
        image_id=cloud.emulator.info["images"]["dataDisks"],
        image_name="datadisks-image",
        platform="Ubuntu",
        architecture="x86_64",
        size_gib=40,
        data_disks=2,
        bucket=cloud.bucket,
        format="RAW",
        role_name="AliyunECSImageExportDefaultRole",
    )


async def test_an_image_is_found_by_its_name(cloud: Cloud, provider: ImageProvider) -> None:
    """The name is meant exactly, although the cloud's filter would take it for a pattern."""
    found = await meant(provider, cloud.job(source={"imageName": "plain2-image"}))
    assert found.image_id == cloud.emulator.info["images"]["plain2"]
    with pytest.raises(Rejected) as rejected:
        await provider.preflight(cloud.job(source={"imageName": "plain*"}))
    assert rejected.value.reason is Reason.IMAGE_NOT_FOUND


async def test_of_a_family_the_newest_available_image_is_meant(cloud: Cloud, provider: ImageProvider) -> None:
    """An image that is still being made, or failed, is passed over."""
    about = {"region": cloud.region, "account": cloud.emulator.info["accountID"], "family": "nightly"}
    for number, status in enumerate(("Available", "Available", "CreateFailed")):
        created = f"2026-01-0{number + 1}T00:00:00Z"
        image = {"id": f"m-bp1nightly{number}", "name": f"nightly{number}", "created": created, "status": status}
        cloud.emulator.admin("POST", "/images", {**about, **image})
    assert (await meant(provider, cloud.job(source={"imageFamily": "nightly"}))).image_id == "m-bp1nightly1"


IMAGES = {
    "encrypted": Reason.ENCRYPTED_SNAPSHOT,
    "marketplace": Reason.IMAGE_NOT_SUPPORTED,
    "windows": Reason.LICENSE_NOT_EXPORTABLE,
    "tooManyDisks": Reason.TOO_MANY_DISKS,
    "tooLarge": Reason.DISK_TOO_LARGE,
    "foreign": Reason.IMAGE_NOT_FOUND,
    "m-bp1nobody": Reason.IMAGE_NOT_FOUND,
}


@pytest.mark.parametrize(("image", "reason"), IMAGES.items(), ids=IMAGES)
async def test_an_image_that_cannot_be_exported_is_rejected(
    cloud: Cloud, provider: ImageProvider, image: str, reason: Reason
) -> None:
    """What the cloud would refuse is refused before any claim, by its own reason and with a remedy."""
    with pytest.raises(Rejected) as rejected:
        await provider.preflight(cloud.job(image))
    assert rejected.value.reason is reason
    assert cloud.requests("ExportImage") == []


async def test_an_image_in_the_making_blocks(cloud: Cloud, provider: ImageProvider) -> None:
    """It is worth another look, not another spec."""
    with pytest.raises(Blocked) as blocked:
        await provider.preflight(cloud.job("creating"))
    assert blocked.value.reason is Reason.IMAGE_NOT_READY


BUCKETS: dict[str, tuple[type[Failure], Reason]] = {
    "encrypted": (Blocked, Reason.BUCKET_ENCRYPTED),
    "otherRegion": (Rejected, Reason.BUCKET_REGION_MISMATCH),
    "foreign": (Blocked, Reason.NOT_AUTHORIZED),
    "ferry-nowhere": (Blocked, Reason.BUCKET_NOT_FOUND),
}


@pytest.mark.parametrize(("bucket", "expected"), BUCKETS.items(), ids=BUCKETS)
async def test_a_bucket_that_cannot_take_the_files_is_named(
    cloud: Cloud, provider: ImageProvider, bucket: str, expected: tuple[type[Failure], Reason]
) -> None:
    """Region, owner, encryption and existence are checked before any claim."""
    name = cloud.emulator.info["buckets"].get(bucket, bucket)
    with pytest.raises(Failure) as failure:
        await provider.preflight(cloud.job(destination={"bucket": name, "prefix": "web"}))
    assert (type(failure.value), failure.value.reason) == expected


async def test_a_format_that_the_region_lacks_is_rejected(cloud: Cloud, provider: ImageProvider) -> None:
    """The region would deliver RAW instead, or refuse."""
    with pytest.raises(Rejected) as rejected:
        await provider.preflight(cloud.job(format="QCOW2"))
    assert rejected.value.reason is Reason.FORMAT_NOT_SUPPORTED_IN_REGION


async def test_disks_that_cannot_be_chosen_are_rejected(cloud: Cloud, provider: ImageProvider) -> None:
    """A field that this cloud cannot honour is refused, never ignored."""
    with pytest.raises(Rejected) as rejected:
        await provider.preflight(cloud.job(disks="SystemOnly"))
    assert rejected.value.reason is Reason.INVALID_SPEC
    assert "spec.disks" in rejected.value.message


async def test_a_region_that_does_not_exist_is_rejected(cloud: Cloud, connection: CloudConnection) -> None:
    """It is told by name instead of by a host that does not resolve."""
    with pytest.raises(Rejected) as rejected:
        await connection.provider(EXPORT, "cn-nowhere").preflight(cloud.job())
    assert rejected.value.reason is Reason.REGION_NOT_FOUND


async def test_a_busy_image_is_a_wait_before_the_claim(cloud: Cloud, provider: ImageProvider) -> None:
    """Another's export of the image is waited for, and costs no attempt."""
    cloud.foreign()
    with pytest.raises(Deferred) as deferred:
        await provider.preflight(cloud.job())
    assert (deferred.value.reason, deferred.value.scope) == (Reason.IMAGE_BUSY, Scope.IMAGE)


async def test_resolving_forbids_nothing(cloud: Cloud, provider: ImageProvider) -> None:
    """A task that was found again is followed although the image could not be exported now."""
    cloud.foreign()
    found = [await provider.resolve(cloud.job(image)) for image in ("plain", "tooManyDisks")]
    assert [(each.image_id, each.data_disks) for each in found if isinstance(each, ResolvedExport)] == [
        (cloud.emulator.info["images"]["plain"], 0),
        (cloud.emulator.info["images"]["tooManyDisks"], 5),
    ]
    with pytest.raises(Blocked):
        await provider.resolve(cloud.job("m-bp1nobody"))


async def test_the_owner_of_the_key_is_asked_from_the_cloud(cloud: Cloud, connection: CloudConnection) -> None:
    """It is the account that pays, whatever the Secret says."""
    assert await connection.owner() == cloud.emulator.info["accountID"]


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param({"secret": "not-the-secret"}, id="a wrong secret"),
        pytest.param({"key_id": "LTAI-NOBODY"}, id="an unknown key"),
        pytest.param({"token": "not-a-token"}, id="a wrong token"),
    ],
)
async def test_a_key_that_is_not_accepted_blocks(cloud: Cloud, keys: dict[str, Any]) -> None:
    """The Secret must change, and its words are not shown."""
    connection = cloud.connection(keys=replace(cloud.keys, **keys))
    with pytest.raises(Blocked) as blocked:
        await connection.owner()
    await connection.aclose()
    assert blocked.value.reason is Reason.CREDENTIALS_REJECTED
    assert [word for word in keys.values() if word in repr(blocked.value) + blocked.value.message] == []


async def test_a_temporary_key_works(cloud: Cloud) -> None:
    """With its token a temporary key signs for ECS, OSS and STS alike."""
    temporary = {"id": "STS.temporary", "secret": "temporary-secret", "token": "temporary-token"}
    cloud.emulator.admin("POST", "/accounts", {"id": cloud.emulator.info["accountID"], "keys": [temporary]})
    keys = replace(cloud.keys, key_id=temporary["id"], secret=temporary["secret"], token=temporary["token"])
    connection = cloud.connection(keys=keys)
    resolved = await meant(connection.provider(EXPORT, cloud.region), cloud.job())
    await connection.aclose()
    assert resolved.bucket == cloud.bucket


async def test_every_request_is_told_to_the_metrics(cloud: Cloud, provider: ImageProvider) -> None:
    """Each request that arrives is one report, by action, region and code."""
    with pytest.raises(Failure):
        await provider.preflight(cloud.job(destination={"bucket": "ferry-nowhere", "prefix": "web"}))
    assert ("GetBucketInfo", cloud.region, "NoSuchBucket") in cloud.reports
    assert ("DescribeImages", cloud.region, "OK") in cloud.reports
    assert len(cloud.reports) == len(cloud.emulator.admin("GET", "/requests")["requests"])


async def test_a_proxy_never_sees_a_loopback_request(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """An SDK that would send even loopback requests to a proxy is not used while one is set."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    connection = cloud.connection()
    with pytest.raises(Blocked) as blocked:
        await connection.owner()
    await connection.aclose()
    assert "HTTP_PROXY" in blocked.value.message


async def test_a_provider_is_made_once(cloud: Cloud, connection: CloudConnection) -> None:
    """The same kind and region give the same object, with its connections."""
    assert connection.provider(EXPORT, cloud.region) is connection.provider(EXPORT, cloud.region)
    assert connection.provider(EXPORT, cloud.region) is not connection.provider(EXPORT, cloud.other_region)
