"""An import on Tencent Cloud from file to image: preflight, the address made for it, its image as its own mark, and deletion."""

import io
import struct
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from imageferry.core.artifacts import Image, Snapshot
from imageferry.core.errors import Blocked, Deferred, Failure, Rejected, Scope, Unconfirmed
from imageferry.core.job import ImportJob
from imageferry.core.keys import SEARCHED_NUMBERS, marks
from imageferry.core.observation import Absent, Candidate, Failed, Observation, Running, Succeeded, Task
from imageferry.core.reasons import Reason
from imageferry.core.resolved import Obstructed, ResolvedImport
from tests.conformance.tencent.world import STILL, UBUNTU, Verbs, World, claimed, marked, search

DISK = bytes(510) + b"\x55\xaa" + bytes((1 << 20) - 512)
"""A disk with a partition table, as the cloud asks for."""

MARK = "imageferry.dev/attempt"


@pytest.fixture(autouse=True)
def _disk(world: World) -> None:
    """A file to import."""
    world.put("disk.raw", DISK)


async def begun(imports: Verbs, job: ImportJob | None = None) -> tuple[ImportJob, ResolvedImport, Task]:
    """An import that the cloud has accepted."""
    wish, resolved = await imports.importing(job)
    return wish, resolved, await imports.provider.submit(wish, claimed(wish), resolved, repeat=0)


async def test_a_file_becomes_an_image(imports: Verbs) -> None:
    """The image is there with its snapshots, and bears the attempt's key."""
    _, resolved, task = await begun(imports)
    assert task.id is None
    seen = await imports.ended(task, resolved)
    assert isinstance(seen, Succeeded)
    found = await imports.provider.collect(resolved, task)
    assert found.flaw is None
    assert [type(item) for item in found.items] == [Image, Snapshot]
    assert found.items[0] == Image(task.image_id)


async def test_several_files_become_the_disks_of_one_image(imports: Verbs) -> None:
    """The first is the system's."""
    imports.world.put("data.raw", DISK)
    job, resolved, task = await begun(imports, imports.world.import_job("disk.raw", "data.raw"))
    assert isinstance(await imports.ended(task, resolved), Succeeded)
    found = await imports.provider.collect(resolved, task)
    assert [type(item) for item in found.items] == [Image, Snapshot, Snapshot]
    assert [disk.key for disk in resolved.disks] == [disk.key for disk in job.disks]


async def test_one_request_holds_what_was_wished(imports: Verbs) -> None:
    """With the mark as a tag, and an address that nobody else can make."""
    wish = imports.world.import_job(
        image={
            "architecture": "arm64",
            "bootMode": "UEFI",
            "licenseType": "BYOL",
            "family": "web",
            "tags": {"team": "a"},
        },
        tencent={"force": True},
    )
    job, _, task = await begun(imports, wish)
    params = imports.world.accepted("ImportImage")[-1]["params"]
    address = params.pop("ImageUrl")
    assert params == {
        "ImageName": job.image.name,
        "Architecture": "arm_64",
        "OsType": "Ubuntu",
        "OsVersion": "22",
        "BootMode": "UEFI",
        "LicenseType": "BYOL",
        "ImageFamily": "web",
        "Force": params["Force"],
        "TagSpecification.0.ResourceType": "image",
        "TagSpecification.0.Tags.0.Key": MARK,
        "TagSpecification.0.Tags.0.Value": task.key,
        "TagSpecification.0.Tags.1.Key": "team",
        "TagSpecification.0.Tags.1.Value": "a",
    }
    assert params["Force"].lower() == "true"
    assert address.startswith(f"https://{imports.world.bucket}.cos.ap-guangzhou.myqcloud.com/disk.raw")


async def test_no_two_addresses_are_alike(imports: Verbs) -> None:
    """Not of two attempts of the same second, nor of one file that becomes two disks: each works once."""
    job, resolved, _ = await begun(imports, imports.world.import_job("disk.raw", "disk.raw"))
    other = replace(resolved, image=replace(resolved.image, name=f"{resolved.image.name}-2"))
    await imports.provider.submit(job, claimed(job, 2), other, repeat=0)
    sent = [each["params"] for each in imports.world.accepted("ImportImage")[-2:]]
    addresses = [each[name] for each in sent for name in ("ImageUrl", "ImportImageDataDiskList.0.ImageUrl")]
    assert len(set(addresses)) == 4


async def test_each_attempt_gets_an_address_of_its_own(imports: Verbs) -> None:
    """A signed one works once: a second attempt with the first one's would fail."""
    wish, resolved, task = await begun(imports)
    await imports.ended(task, resolved)
    await imports.provider.discard((await imports.provider.collect(resolved, task)).items, {task.key})
    again = await imports.provider.submit(wish, claimed(wish, 2), resolved, repeat=0)
    assert isinstance(await imports.ended(again, resolved), Succeeded)


async def test_a_failed_import_says_where_its_reason_is(imports: Verbs) -> None:
    """The API shows the state alone; another try would fare no better."""
    imports.world.put("unpartitioned.raw", bytes(1 << 20))
    _, resolved, task = await begun(imports, imports.world.import_job("unpartitioned.raw"))
    seen = await imports.ended(task, resolved)
    assert isinstance(seen, Failed)
    assert (seen.reason, seen.retryable, seen.task.state) == (Reason.TASK_FAILED, False, "IMPORTFAILED")
    assert "message centre" in seen.message
    assert task.image_id in seen.message


async def test_force_imports_what_the_cloud_would_not(imports: Verbs) -> None:
    """A disk without partitions is taken by force."""
    imports.world.put("unpartitioned.raw", bytes(1 << 20))
    _, resolved, task = await begun(imports, imports.world.import_job("unpartitioned.raw", tencent={"force": True}))
    assert isinstance(await imports.ended(task, resolved), Succeeded)


async def test_what_a_failed_attempt_left_in_the_way_is_told_as_such(imports: Verbs) -> None:
    """Its image keeps the name: it is to be removed, and is no conflict. Another object's is one."""
    imports.world.put("unpartitioned.raw", bytes(1 << 20))
    job, resolved, task = await begun(imports, imports.world.import_job("unpartitioned.raw"))
    await imports.ended(task, resolved)
    assert await imports.provider.preflight(job) == Obstructed((Image(task.image_id),))
    stranger = imports.world.import_job(image={"name": job.image.name})
    with pytest.raises(Blocked) as refused:
        await imports.provider.preflight(stranger)
    assert refused.value.reason is Reason.NAME_CONFLICT


async def test_a_name_that_is_taken_is_a_conflict(imports: Verbs) -> None:
    """Our own good image included: somebody may use it by now."""
    job, resolved, task = await begun(imports)
    await imports.ended(task, resolved)
    with pytest.raises(Blocked) as refused:
        await imports.provider.preflight(job)
    assert refused.value.reason is Reason.NAME_CONFLICT


async def test_an_own_image_in_the_making_is_a_wait(imports: Verbs) -> None:
    """An earlier attempt may still become the image."""
    imports.world.settings(speed=STILL)
    job, _, _ = await begun(imports)
    with pytest.raises(Deferred) as deferred:
        await imports.provider.preflight(job)
    assert (deferred.value.reason, deferred.value.scope) == (Reason.IMAGE_BUSY, Scope.IMAGE)


async def test_an_image_is_deleted_with_its_snapshots_if_it_is_ours(imports: Verbs) -> None:
    """Only what bears an own key; once is enough."""
    _, resolved, task = await begun(imports)
    await imports.ended(task, resolved)
    found = await imports.provider.collect(resolved, task)
    kept = _kept_snapshots(imports.world)
    await imports.provider.discard(found.items, {"another"})
    assert (await imports.provider.collect(resolved, task)).items == found.items
    for _ in range(2):
        await imports.provider.discard(found.items, {task.key})
    left = await imports.provider.collect(resolved, task)
    assert left.items == ()
    assert left.flaw is not None
    assert _kept_snapshots(imports.world) == kept


def _kept_snapshots(world: World) -> list[Any]:
    shown: list[Any] = world.emulator.admin("GET", "/state")["tencent"]["keptSnapshots"]
    return shown


async def test_an_image_in_the_making_cannot_be_deleted_yet(imports: Verbs) -> None:
    """It is tried again once it is made."""
    imports.world.settings(speed=STILL)
    _, _, task = await begun(imports)
    with pytest.raises(Deferred):
        await imports.provider.discard([Image(task.image_id)], {task.key})


@pytest.mark.parametrize("state", ["REPLICATING", "IMPORTING"])
async def test_an_unknown_state_means_that_it_runs(imports: Verbs, state: str) -> None:
    """Never failure."""
    imports.world.settings(speed=STILL)
    job, resolved = await imports.importing()
    if state != "IMPORTING":
        imports.world.script("unknownImageState", "ImportImage", state=state)
    task = await imports.provider.submit(job, claimed(job), resolved, repeat=0)
    seen = await imports.look(task, resolved)
    assert isinstance(seen, Running)
    assert seen.task.image_id == task.image_id


async def test_a_file_that_changed_under_way_makes_an_image_of_unknown_content(imports: Verbs) -> None:
    """Nobody can tell which of the two is in it."""
    imports.world.put("changing.raw", DISK)
    _, resolved, task = await begun(imports, imports.world.import_job("changing.raw"))
    await imports.ended(task, resolved)
    imports.world.put("changing.raw", DISK + b"more")
    found = await imports.provider.collect(resolved, task)
    assert found.flaw is not None
    assert found.flaw.reason is Reason.OBJECT_CHANGED
    gone = replace(resolved, disks=(replace(resolved.disks[0], key="gone.raw"),))
    assert (await imports.provider.collect(gone, task)).flaw is None


async def test_a_lost_answer_is_found_again_by_its_mark(imports: Verbs) -> None:
    """And one that never came is absent: an image would be there at once."""
    job, resolved = await imports.importing()
    claim = claimed(job)
    assert isinstance(await imports.provider.find(search(resolved, claim)), Absent)
    imports.world.script("answerLost", "ImportImage")
    with pytest.raises(Unconfirmed):
        await imports.provider.submit(job, claim, resolved, repeat=0)
    found = await imports.provider.find(search(resolved, claim))
    assert isinstance(found, Running | Succeeded)
    assert found.task.key == claim.key
    many = search(resolved, claimed(job, 2), *marks(job.uid, SEARCHED_NUMBERS, job.prefix))
    again = await imports.provider.find(many)
    assert isinstance(again, Running | Succeeded)
    assert again.task.image_id == found.task.image_id


async def test_an_image_that_shows_no_tags_yet_is_a_candidate(imports: Verbs) -> None:
    """Of our name and in our window, it may be ours; of another time it is not. A task that was told its id waits."""
    imports.world.settings(importTagsShown="whenAvailable", speed=STILL)
    job, resolved, task = await begun(imports)
    claim = claimed(job)
    assert isinstance(await imports.provider.find(search(resolved, claim)), Candidate)
    later = replace(search(resolved, claim), since=claim.claimed_at + timedelta(hours=1), until=None)
    assert isinstance(await imports.provider.find(later), Absent)
    assert isinstance(await imports.look(task, resolved), Running)


async def test_another_objects_image_is_never_ours(imports: Verbs) -> None:
    """Whatever a forged status says: an image counts by its mark."""
    _, resolved, task = await begun(imports)
    await imports.ended(task, resolved)
    other = imports.world.import_job()
    forged = replace(task, key=marked(other).key)
    seen: Observation = await imports.look(forged, resolved)
    assert isinstance(seen, Absent)
    assert (await imports.provider.collect(resolved, forged)).items == ()


async def test_what_is_being_imported_is_known_by_its_image(imports: Verbs) -> None:
    """Whoever asked for it."""
    imports.world.settings(speed=STILL)
    _, _, task = await begun(imports)
    assert task.image_id in await imports.provider.running()
    assert not imports.provider.capabilities.cancel


def _qcow2(size: int) -> bytes:
    return b"QFI\xfb" + bytes(20) + struct.pack(">Q", size) + bytes(4096)


def _packed(content: bytes) -> bytes:
    """A disk as Alibaba Cloud writes RAW."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        entry = tarfile.TarInfo("disk.raw")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "a disk of 501 GiB": (_qcow2(501 << 30), "500 GiB"),
    "RAW as another cloud packs it": (_packed(DISK), "unpack it"),
    "VDI": (bytes(64) + b"\x7f\x10\xda\xbe" + bytes(4096), "is VDI"),
}


@pytest.mark.parametrize(("content", "words"), FILES.values(), ids=FILES)
async def test_a_file_that_cannot_be_imported_says_why(imports: Verbs, content: bytes, words: str) -> None:
    """Before anything is submitted."""
    imports.world.put("wrong.raw", content)
    with pytest.raises(Blocked, match=words) as refused:
        await imports.importing(imports.world.import_job("wrong.raw"))
    assert refused.value.reason is Reason.OBJECT_INVALID


async def test_a_file_of_another_format_than_said_is_refused(imports: Verbs) -> None:
    """The spec's format is held against the bytes."""
    disks = [{"bucket": imports.world.bucket, "key": "disk.raw", "format": "QCOW2"}]
    with pytest.raises(Blocked, match="not QCOW2"):
        await imports.importing(imports.world.import_job(disks=disks))


async def test_a_missing_file_is_told(imports: Verbs) -> None:
    """By its name and bucket."""
    with pytest.raises(Blocked, match=r"nothing\.raw") as refused:
        await imports.importing(imports.world.import_job("nothing.raw"))
    assert refused.value.reason is Reason.OBJECT_NOT_FOUND


Spec = Mapping[str, Any]

WISHES: dict[str, tuple[Spec, str]] = {
    "no platform": ({"image": {"platform": ""}}, "spec.image.platform"),
    "no version": ({"image": {"osVersion": ""}}, "spec.image.osVersion"),
    "a system that is not imported": ({"image": {"platform": "Plan9"}}, "Ubuntu"),
    "a version that is not imported": ({"image": {"osVersion": "7"}}, "24"),
    "an architecture that does not fit": (
        {"image": {"platform": "Windows", "osVersion": "2022", "architecture": "arm64"}},
        "x86_64",
    ),
    "a system of another kind": ({"image": {"osType": "Windows"}}, "osType"),
    "a long name": ({"image": {"name": "a" * 61}}, "60"),
    "a role": ({"roleName": "CVM_QcsRole"}, "spec.roleName"),
    "options of another cloud": ({"alibaba": {"resourceGroupID": "rg-1"}}, "spec.alibaba"),
    "a tag of the cloud's own": ({"image": {"tags": {"qcs:a": "b"}}}, "qcs:a"),
    "our own mark": ({"image": {"tags": {MARK: "b"}}}, MARK),
}


@pytest.mark.parametrize(("spec", "words"), WISHES.values(), ids=WISHES)
async def test_a_wish_that_this_cloud_cannot_honour_is_refused(imports: Verbs, spec: Spec, words: str) -> None:
    """Never ignored; the words name the field or what the cloud has."""
    with pytest.raises(Rejected) as refused:
        await imports.importing(imports.world.import_job(**spec))
    assert refused.value.reason is Reason.INVALID_SPEC
    assert words in refused.value.message


async def test_a_size_in_the_spec_is_refused(imports: Verbs) -> None:
    """ImportImage takes none."""
    disks = [{"bucket": imports.world.bucket, "key": "disk.raw", "sizeGiB": 40}]
    with pytest.raises(Rejected, match="sizeGiB"):
        await imports.importing(imports.world.import_job(disks=disks))


async def test_a_bucket_in_another_region_is_refused(imports: Verbs) -> None:
    """Some regions read from their own buckets alone."""
    disks = [{"bucket": imports.world.info["buckets"]["otherRegion"], "key": "disk.raw"}]
    with pytest.raises(Rejected) as refused:
        await imports.importing(imports.world.import_job(disks=disks))
    assert refused.value.reason is Reason.BUCKET_REGION_MISMATCH


async def test_a_full_quota_of_images_closes_the_lane(imports: Verbs) -> None:
    """Told before the claim, and by the cloud's own refusal if it fills up meanwhile."""
    job, resolved = await imports.importing()
    imports.world.settings(cvmImages=1)
    for attempt in (lambda: imports.provider.preflight(job), lambda: _submit(imports, job, resolved)):
        with pytest.raises(Deferred) as deferred:
            await attempt()
        assert (deferred.value.reason, deferred.value.scope) == (Reason.IMAGE_QUOTA_EXCEEDED, Scope.LANE)


async def _submit(imports: Verbs, job: ImportJob, resolved: ResolvedImport) -> Task:
    return await imports.provider.submit(job, claimed(job), resolved, repeat=0)


Arrange = Callable[[World], object]

REFUSALS: dict[str, tuple[Arrange, type[Failure], Reason]] = {
    "a tag that does not exist": (
        lambda world: world.settings(cvmUnknownTagKey="refused"),
        Blocked,
        Reason.INVALID_SPEC,
    ),
    "a file that cannot be read": (
        lambda world: world.unput("gone.raw"),
        Blocked,
        Reason.OBJECT_INVALID,
    ),
    "a name that was taken meanwhile": (lambda _: None, Unconfirmed, Reason.SUBMISSION_UNKNOWN),
}


@pytest.mark.parametrize(("arrange", "kind", "reason"), REFUSALS.values(), ids=REFUSALS)
async def test_a_refusal_of_the_cloud_is_understood(
    imports: Verbs, arrange: Arrange, kind: type[Failure], reason: Reason
) -> None:
    """A name that is taken proves nothing: the image may be that of this very request."""
    imports.world.put("gone.raw", DISK)
    job, resolved = await imports.importing(imports.world.import_job("gone.raw"))
    imports.world.settings(cvmUrlChecked="atOnce")
    arrange(imports.world)
    if kind is Unconfirmed:
        imports.world.image(name=job.image.name)
    wish = replace(resolved, image=replace(resolved.image, tags=(("never-seen", "x"),)))
    with pytest.raises(kind) as refused:
        await imports.provider.submit(job, claimed(job), wish, repeat=0)
    assert refused.value.reason is reason


def test_the_usual_system_is_one_that_the_cloud_imports() -> None:
    """What the tests ask for by default."""
    assert UBUNTU == {"platform": "Ubuntu", "osVersion": "22"}
