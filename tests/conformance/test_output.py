import asyncio
from datetime import timedelta

import pytest

from imageferry.clouds.provider import ImageProvider
from imageferry.core.artifacts import Role
from imageferry.core.observation import Cancelled, Running, Succeeded, Task
from imageferry.core.reasons import Reason
from imageferry.core.resolved import ResolvedExport
from imageferry_emulator.objects.crc64 import crc64
from tests.conformance.clouds import EXPORT, Cloud, claimed, ended, files_of, marked, meant, origin, seen_at_last

FORMATS = ("RAW", "VHD", "QCOW2", "VMDK", "VDI")


async def _exported(cloud: Cloud, provider: ImageProvider, image: str = "plain") -> tuple[ResolvedExport, Task]:
    resolved = await meant(provider, cloud.job(image))
    task = await provider.submit(cloud.job(image), claimed(), resolved, repeat=0)
    assert isinstance(await ended(provider, task), Succeeded)
    return resolved, task


async def test_every_file_is_collected(cloud: Cloud, provider: ImageProvider) -> None:
    """One file for each disk, with its device, its stored size and the checksum of its bytes."""
    resolved, task = await _exported(cloud, provider, "dataDisks")
    found = await provider.collect(resolved, task)
    assert found.flaw is None
    files = files_of(found)
    assert [(file.role, file.device) for file in files] == [
        (Role.SYSTEM, ""),
        (Role.DATA, "xvdb"),
        (Role.DATA, "xvdc"),
    ]
    assert {file.key: file.size_bytes for file in files} == cloud.files()
    assert [file.crc64 for file in files] == [str(crc64(cloud.read(file.key))) for file in files]
    assert {(file.format, file.uri) for file in files} == {
        ("RAW", f"oss://{cloud.bucket}/{file.key}") for file in files
    }


@pytest.mark.parametrize("asked", FORMATS)
async def test_every_format_is_known_by_its_bytes(cloud: Cloud, asked: str) -> None:
    """What was asked for is what is found, for each disk of the image, whatever the files are called."""
    connection = cloud.connection()
    provider = connection.provider(EXPORT, cloud.other_region)
    bucket = cloud.emulator.info["buckets"]["otherRegion"]
    job = cloud.job("frankfurt2", format=asked, destination={"bucket": bucket, "prefix": "web"})
    resolved = await meant(provider, job)
    task = await provider.submit(job, claimed(), resolved, repeat=0)
    await ended(provider, task)
    found = await provider.collect(resolved, task)
    await connection.aclose()
    files = files_of(found)
    assert ([file.format for file in files], found.flaw) == ([asked, asked], None)
    assert [(file.role, file.device) for file in files] == [(Role.SYSTEM, ""), (Role.DATA, "xvdb")]


async def test_raw_in_place_of_the_format_is_noticed(cloud: Cloud) -> None:
    """A region that silently falls back to RAW is caught by the file's bytes."""
    connection = cloud.connection()
    provider = connection.provider(EXPORT, cloud.other_region)
    bucket = cloud.emulator.info["buckets"]["otherRegion"]
    job = cloud.job("frankfurt", format="QCOW2", destination={"bucket": bucket, "prefix": "web"})
    resolved = await meant(provider, job)
    cloud.script("silentRawFallback")
    task = await provider.submit(job, claimed(), resolved, repeat=0)
    await ended(provider, task)
    found = await provider.collect(resolved, task)
    await connection.aclose()
    assert found.flaw is not None
    assert found.flaw.reason is Reason.FORMAT_MISMATCH
    assert "QCOW2 was asked for" in found.flaw.message


@pytest.mark.parametrize(
    ("fault", "reason"), [("objectEmpty", Reason.OUTPUT_EMPTY), ("objectMissing", Reason.OUTPUT_MISSING)]
)
async def test_a_spoilt_result_is_no_success(cloud: Cloud, provider: ImageProvider, fault: str, reason: Reason) -> None:
    """A task that ended well with a file empty or missing has a flaw that names the file."""
    cloud.script(fault, disk=1)
    resolved, task = await _exported(cloud, provider, "dataDisks")
    found = await provider.collect(resolved, task)
    assert found.flaw is not None
    assert found.flaw.reason is reason
    assert "_data_xvdb.raw.tar.gz" in found.flaw.message


async def test_a_file_that_is_none_of_the_formats_is_noticed(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport
) -> None:
    """Bytes that bear no known mark are not RAW because of their name."""
    claim = claimed()
    key = f"{claim.object_prefix}_{resolved.image_id}_system.raw.tar.gz"
    cloud.put(key, b"\x1f\x8b, but no more than that")
    found = await provider.collect(resolved, Task(id=None, key=claim.key, object_prefix=claim.object_prefix))
    assert found.flaw is not None
    assert (found.flaw.reason, files_of(found)[0].format) == (Reason.FORMAT_MISMATCH, "")


async def test_a_bucket_that_is_gone_is_a_missing_result(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport
) -> None:
    """Nothing is there, and that is told instead of failing for ever."""
    gone = ResolvedExport(region=cloud.region, image_id=resolved.image_id, bucket="ferry-nowhere")
    found = await provider.collect(gone, Task(id=None, key="k", object_prefix="webk"))
    assert found.items == ()
    assert found.flaw is not None
    assert found.flaw.reason is Reason.OUTPUT_MISSING


async def test_only_what_was_listed_is_deleted(cloud: Cloud, provider: ImageProvider) -> None:
    """A file with our mark that came later stays, and everybody else's, and all of them for another key; twice is no failure."""
    resolved, task = await _exported(cloud, provider)
    listed = (await provider.collect(resolved, task)).items
    later, other = f"{task.object_prefix}_later", f"{task.object_prefix}x_other"
    cloud.put(later)
    cloud.put(other)
    await provider.discard(listed, {marked(2).key})
    assert len(cloud.files()) == 3
    await provider.discard(listed, {task.key})
    await provider.discard(listed, {task.key})
    assert sorted(cloud.files()) == sorted([later, other])


async def test_a_task_is_cancelled_once_and_a_second_time_is_no_failure(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport
) -> None:
    """The cloud ends the task, and "already ended" is success."""
    cloud.settings(speed=0.001)
    claim = claimed()
    task = await provider.submit(cloud.job(), claim, resolved, repeat=0)
    await provider.cancel(task, origin(resolved, claim))
    assert isinstance(await ended(provider, task), Cancelled)
    await provider.cancel(task, origin(resolved, claim))
    assert len(cloud.requests("CancelTask")) == 1


async def test_a_task_that_ends_while_it_is_cancelled_is_no_failure(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport
) -> None:
    """A refusal because the task has ended meanwhile is success."""
    cloud.settings(speed=0.001)
    claim = claimed()
    task = await provider.submit(cloud.job(), claim, resolved, repeat=0)
    gate = cloud.emulator.admin("POST", "/gates", {"action": "CancelTask", "position": "before"})["id"]
    cancelling = asyncio.ensure_future(provider.cancel(task, origin(resolved, claim)))
    await seen_at_last(lambda: _held(cloud, gate), bool)
    cloud.settings(speed=10000)
    await ended(provider, task)
    cloud.emulator.admin("POST", "/gates/release", {"id": gate, "outcome": "continue"})
    await cancelling
    assert [entry["code"] for entry in cloud.requests("CancelTask")] == ["InvalidTaskId.IncorrectTaskStatus"]


async def _held(cloud: Cloud, gate: str) -> bool:
    await asyncio.sleep(0.01)
    gates = cloud.emulator.admin("GET", "/gates")["gates"]
    return any(each["id"] == gate and each["held"] for each in gates)


async def test_a_task_on_another_image_is_never_cancelled(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport
) -> None:
    """While a task shows no files, it must work on the image that the attempt was made for."""
    cloud.settings(speed=0.001)
    claim = claimed()
    task = Task(id=cloud.foreign("plain2"), key=claim.key, object_prefix=claim.object_prefix)
    await provider.cancel(task, origin(resolved, claim))
    assert cloud.requests("CancelTask") == []


async def test_an_unknown_task_is_cancelled_already(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport
) -> None:
    """A task that the cloud does not know needs no cancelling."""
    await provider.cancel(Task(id="t-nobody", key="k", object_prefix="webk"), origin(resolved, claimed()))
    assert cloud.requests("CancelTask") == []


async def test_another_ones_task_is_never_cancelled(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport
) -> None:
    """A forged task id in our journal harms nobody: a task that shows the files of others is left alone."""
    cloud.settings(speed=0.001, relatedItemsWhileRunning=True)
    foreign = Task(id=cloud.foreign(OSSPrefix="theirs"), key="k", object_prefix="webk")
    await provider.cancel(foreign, origin(resolved, claimed()))
    assert cloud.requests("CancelTask") == []
    assert len(await provider.running()) == 1


async def test_a_task_of_another_time_is_never_cancelled(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport
) -> None:
    """While a task shows no files, it must have been made within the window of the claim."""
    cloud.settings(speed=0.001)
    other = cloud.foreign("plain")
    long_ago = claimed(ago=timedelta(hours=1))
    task = Task(id=other, key=long_ago.key, object_prefix=long_ago.object_prefix, started_at=long_ago.claimed_at)
    await provider.cancel(task, origin(resolved, long_ago))
    assert cloud.requests("CancelTask") == []
    seen = (await provider.poll({"a": task}, {}))["a"]
    assert isinstance(seen, Running)
    assert resolved.image_id
