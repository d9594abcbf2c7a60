import asyncio
from dataclasses import replace
from typing import Any

import pytest

from imageferry.core.artifacts import Image, Snapshot
from imageferry.core.errors import Blocked, Deferred, Failure, Rejected
from imageferry.core.job import AlibabaOptions, DiskFile, ImageWish
from imageferry.core.observation import Succeeded
from imageferry.core.reasons import Reason
from imageferry.core.resolved import Obstructed, ResolvedImport, SourceFile
from tests.conformance.clouds import (
    EXPORT,
    IMPORT,
    PLAIN_DISK,
    Importing,
    claimed,
    ended,
    files_of,
    meant,
    seen_at_last,
)
from tests.emulator.cloud import ended as task_ended

VDI = bytes(64) + b"\x7f\x10\xda\xbe" + bytes(444)
QCOW2 = b"QFI\xfb\x00\x00\x00\x03".ljust(24, b"\0") + (41 << 30).to_bytes(8, "big") + bytes(480)


async def test_every_request_parameter_is_resolved(importing: Importing) -> None:
    """What is pinned suffices to submit, and tells whether a file was changed since."""
    cloud = importing.cloud
    wish = {"description": "of a test", "platform": "Ubuntu", "bootMode": "UEFI", "tags": {"team": "images"}}
    source = {"disks": [{"bucket": cloud.bucket, "key": importing.key, "format": "RAW", "sizeGiB": 40}]}
    options = {"nvmeSupport": "Supported", "imdsSupport": "V2"}
    resolved = await importing.resolved(source=source, image=wish, alibaba=options)
    etag = resolved.disks[0].etag
    assert etag
    assert resolved == ResolvedImport(
        region=cloud.region,
        disks=(
            SourceFile(
                bucket=cloud.bucket, key=importing.key, format="RAW", size_gib=40, etag=etag, size_bytes=len(PLAIN_DISK)
            ),
        ),
        image=ImageWish(
            name=importing.name,
            description="of a test",
            platform="Ubuntu",
            boot_mode="UEFI",
            tags=(("team", "images"),),
        ),
        role_name="AliyunECSImageImportDefaultRole",
        alibaba=AlibabaOptions(nvme_support="Supported", imds_support="V2"),
    )


async def test_every_wish_reaches_the_image(importing: Importing) -> None:
    """In the cloud's own words, with the attempt's mark beside the tags that were wished."""
    wish = {
        "description": "of a test",
        "architecture": "x86_64",
        "osType": "Windows",
        "platform": "Windows Server 2022",
        "bootMode": "UEFI",
        "licenseType": "BYOL",
        "tags": {"team": "images"},
    }
    source = {"disks": [{"bucket": importing.cloud.bucket, "key": importing.key, "format": "RAW", "sizeGiB": 41}]}
    options = {"nvmeSupport": "Supported", "imdsSupport": "V2"}
    job = importing.job(source=source, image=wish, alibaba=options)
    resolved = await importing.resolved(source=source, image=wish, alibaba=options)
    task = await importing.provider.submit(job, importing.claim, resolved, repeat=0)
    made = importing.cloud.made()[task.image_id]
    shown = ("description", "osType", "platform", "bootMode", "licenseType", "nvmeSupport", "imdsSupport", "tags")
    assert {name: made[name] for name in shown} == {
        "description": "of a test",
        "osType": "windows",
        "platform": "Windows Server 2022",
        "bootMode": "UEFI",
        "licenseType": "BYOL",
        "nvmeSupport": "supported",
        "imdsSupport": "v2",
        "tags": {"imageferry.dev/attempt": importing.claim.key, "team": "images"},
    }
    assert [disk["sizeGiB"] for disk in made["disks"]] == [41]


FILES: dict[str, tuple[bytes | None, dict[str, Any], type[Failure], Reason]] = {
    "a file that is not there": (None, {}, Blocked, Reason.OBJECT_NOT_FOUND),
    "an empty file": (b"", {}, Blocked, Reason.OBJECT_INVALID),
    "VDI": (VDI, {}, Blocked, Reason.OBJECT_INVALID),
    "RAW that is called QCOW2": (PLAIN_DISK, {"format": "QCOW2"}, Blocked, Reason.OBJECT_INVALID),
    "QCOW2 that is called RAW": (QCOW2, {"format": "RAW"}, Blocked, Reason.OBJECT_INVALID),
    "a disk larger than asked": (QCOW2, {"sizeGiB": 40}, Rejected, Reason.INVALID_SPEC),
}


@pytest.mark.parametrize(("content", "disk", "kind", "reason"), FILES.values(), ids=FILES)
async def test_a_file_that_cannot_be_imported_is_named(
    importing: Importing, content: bytes | None, disk: dict[str, Any], kind: type[Failure], reason: Reason
) -> None:
    """Before any claim, and by its bytes."""
    key = f"unfit-{importing.number}.raw"
    if content is not None:
        importing.cloud.put(key, content)
    before = len(importing.cloud.requests("ImportImage"))
    disks = [{"bucket": importing.cloud.bucket, "key": key, **disk}]
    with pytest.raises(kind) as failure:
        await importing.provider.preflight(importing.job(source={"disks": disks}))
    assert failure.value.reason is reason
    assert key in failure.value.message
    assert len(importing.cloud.requests("ImportImage")) == before


async def test_an_archived_file_has_to_be_restored_first(importing: Importing) -> None:
    """What its storage class keeps from being read is not submitted."""
    cloud = importing.cloud
    cloud.put(importing.key, PLAIN_DISK, storage_class="Archive")
    with pytest.raises(Blocked) as blocked:
        await importing.provider.preflight(importing.job())
    assert blocked.value.reason is Reason.OBJECT_INVALID
    assert "restore it" in blocked.value.message
    cloud.settings(restoreSeconds=0)
    cloud.restore(importing.key)

    async def look() -> ResolvedImport | None:
        try:
            return await importing.resolved()
        except Blocked:
            return None

    assert await seen_at_last(look, lambda found: found is not None)


BUCKETS: dict[str, tuple[type[Failure], Reason]] = {
    "encrypted": (Blocked, Reason.BUCKET_ENCRYPTED),
    "otherRegion": (Rejected, Reason.BUCKET_REGION_MISMATCH),
    "foreign": (Blocked, Reason.NOT_AUTHORIZED),
    "ferry-nowhere": (Blocked, Reason.BUCKET_NOT_FOUND),
}


@pytest.mark.parametrize(("bucket", "expected"), BUCKETS.items(), ids=BUCKETS)
async def test_a_bucket_that_cannot_be_read_is_named(
    importing: Importing, bucket: str, expected: tuple[type[Failure], Reason]
) -> None:
    """The bucket of every disk is looked at, by the rules that exports have."""
    name = importing.cloud.emulator.info["buckets"].get(bucket, bucket)
    disks = [{"bucket": importing.cloud.bucket, "key": importing.key}, {"bucket": name, "key": "data.raw"}]
    with pytest.raises(Failure) as failure:
        await importing.provider.preflight(importing.job(source={"disks": disks}))
    assert (type(failure.value), failure.value.reason) == expected


async def test_a_region_that_does_not_exist_is_rejected(importing: Importing) -> None:
    """As for exports."""
    connection = importing.cloud.connection()
    with pytest.raises(Rejected) as rejected:
        await connection.provider(IMPORT, "cn-nowhere").preflight(importing.job())
    await connection.aclose()
    assert rejected.value.reason is Reason.REGION_NOT_FOUND


async def test_what_another_cloud_honours_is_refused(importing: Importing) -> None:
    """A field that this cloud has no place for is never ignored."""
    with pytest.raises(Rejected) as rejected:
        await importing.provider.preflight(importing.job(tencent={"force": True}))
    assert rejected.value.reason is Reason.INVALID_SPEC
    assert "spec.tencent" in rejected.value.message


ROLES = {
    "NoSuchRole": (Reason.ROLE_MISSING, "would read the bucket"),
    "import-untrusted": (Reason.ROLE_PERMISSION_MISSING, "trust policy"),
    "import-powerless": (
        Reason.ROLE_PERMISSION_MISSING,
        "lacks oss:GetObject on bucket",
    ),
}


@pytest.mark.parametrize(("role", "expected"), ROLES.items(), ids=ROLES)
async def test_a_role_that_cannot_read_the_files_is_named(
    importing: Importing, role: str, expected: tuple[Reason, str]
) -> None:
    """With what it lacks; an import needs no right to write."""
    with pytest.raises(Blocked) as blocked:
        await importing.provider.preflight(importing.job(roleName=role))
    assert (blocked.value.reason, expected[1] in blocked.value.message) == (expected[0], True)


async def test_another_ones_image_of_the_name_is_a_conflict(importing: Importing) -> None:
    """It is named and left alone, be it in the making or done."""
    task_id, image_id = importing.stranger()
    for status in ("Creating", "Available"):
        with pytest.raises(Blocked) as blocked:
            await importing.provider.preflight(importing.job())
        assert blocked.value.reason is Reason.NAME_CONFLICT
        assert f"Image {image_id} ({status})" in blocked.value.message
        task_ended(importing.cloud.emulator, task_id)
    assert image_id in importing.cloud.made()


async def test_a_failed_image_of_an_earlier_attempt_is_in_the_way(importing: Importing) -> None:
    """It bears a key of the very object, and is listed with its snapshots so that it can be discarded."""
    importing.cloud.script("taskFails", "ImportImage", atPercent=1)
    task = await importing.submitted()
    await ended(importing.provider, task)
    found = await importing.provider.preflight(importing.job())
    assert isinstance(found, Obstructed)
    assert found.items[0] == Image(task.image_id)
    assert [type(item) for item in found.items[1:]] == [Snapshot]


async def test_an_image_of_an_earlier_attempt_in_the_making_is_waited_for(importing: Importing) -> None:
    """It passes by itself; the name is taken as long as it is there."""
    importing.cloud.settings(speed=0.001)
    await importing.submitted()
    with pytest.raises(Deferred) as deferred:
        await importing.provider.preflight(importing.job())
    assert deferred.value.reason is Reason.IMAGE_BUSY


async def test_a_good_image_of_an_earlier_attempt_is_a_conflict(importing: Importing) -> None:
    """What came out well is never removed to make room."""
    task = await importing.done()
    with pytest.raises(Blocked) as blocked:
        await importing.provider.preflight(importing.job())
    assert blocked.value.reason is Reason.NAME_CONFLICT
    assert task.image_id in blocked.value.message


async def test_a_failed_image_of_another_object_is_a_conflict(importing: Importing) -> None:
    """Its key is none that the object's uid makes."""
    importing.cloud.script("taskFails", "ImportImage", atPercent=1)
    await ended(importing.provider, await importing.submitted())
    with pytest.raises(Blocked) as blocked:
        await importing.provider.preflight(replace(importing.job(), uid="another"))
    assert blocked.value.reason is Reason.NAME_CONFLICT


async def test_resolving_forbids_nothing(importing: Importing) -> None:
    """A task that was found again is followed although its files are gone and its name is taken."""
    disks = (DiskFile(bucket="ferry-nowhere", key="gone.raw", format="RAW", size_gib=40),)
    resolved = await importing.provider.resolve(replace(importing.job(), disks=disks))
    assert isinstance(resolved, ResolvedImport)
    assert resolved.disks == (SourceFile(bucket="ferry-nowhere", key="gone.raw", format="RAW", size_gib=40),)
    assert resolved.image.name == importing.name


async def test_the_file_of_a_raw_export_is_taken_for_raw(importing: Importing) -> None:
    """An import may take what an export wrote, under the name and the format that the export gave it."""
    cloud = importing.cloud
    connection = cloud.connection()
    exports, claim = connection.provider(EXPORT, cloud.region), claimed(1000 + importing.number)
    resolved = await meant(exports, cloud.job())
    exported = await exports.submit(cloud.job(), claim, resolved, repeat=0)
    await ended(exports, exported)
    (file,) = files_of(await exports.collect(resolved, exported))
    await connection.aclose()
    wish = {"disks": [{"bucket": file.bucket, "key": file.key, "format": file.format, "sizeGiB": 1}]}
    job = importing.job(source=wish)
    task = await importing.provider.submit(job, importing.claim, await importing.resolved(source=wish), repeat=0)
    assert isinstance(await ended(importing.provider, task), Succeeded)


SHARED = ("OSS:GetBucketInfo", "OSS:HeadObject", "GetRole", "DescribeImages")


async def test_wishes_that_are_checked_together_share_their_requests(importing: Importing) -> None:
    """Bucket, file and role are asked for once, however many images are made of one file; the names each."""
    jobs = [importing.cloud.import_job(importing.key, name=f"{importing.name}-{number}") for number in range(5)]
    before = {action: len(importing.cloud.requests(action)) for action in SHARED}
    found = await asyncio.gather(*map(importing.provider.preflight, jobs))
    assert [each.image.name for each in found if isinstance(each, ResolvedImport)] == [job.image.name for job in jobs]
    asked = {action: len(importing.cloud.requests(action)) - before[action] for action in SHARED}
    assert asked == {"OSS:GetBucketInfo": 1, "OSS:HeadObject": 1, "GetRole": 1, "DescribeImages": 5}
