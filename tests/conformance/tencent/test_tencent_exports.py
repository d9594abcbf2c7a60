"""An export on Tencent Cloud from wish to files: preflight, submission, the files it writes, and what is done with them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from imageferry.core.artifacts import File, Role
from imageferry.core.errors import Blocked, Deferred, Failure, Rejected, Scope
from imageferry.core.observation import Absent, Running, Succeeded
from imageferry.core.reasons import Reason
from imageferry.core.resolved import ResolvedExport
from tests.conformance.clouds import seen_at_last
from tests.conformance.tencent.world import STILL, Verbs, World, claimed


async def test_every_disk_becomes_a_file(exports: Verbs) -> None:
    """Done when each disk has a file; all of them are told with disk, size, checksum and format."""
    job, resolved = await exports.export(exports.world.info["images"]["dataDisks"])
    task = await exports.provider.submit(job, claim := claimed(job), resolved, repeat=0)
    assert isinstance(await exports.ended(task, resolved), Succeeded)
    found = await exports.provider.collect(resolved, task)
    files = [item for item in found.items if isinstance(item, File)]
    assert found.flaw is None
    assert [file.role for file in files] == [Role.SYSTEM, Role.DATA, Role.DATA]
    assert {file.format for file in files} == {"RAW"}
    assert all(file.size_bytes and file.crc64 and file.etag for file in files)
    assert all(file.key.startswith(f"{claim.object_prefix}_{resolved.image_id}_") for file in files)
    assert all(file.uri == f"cos://{exports.world.bucket}/{file.key}" for file in files)


async def test_the_system_disk_alone_can_be_exported(exports: Verbs) -> None:
    """spec.disks SystemOnly: one file, whatever else the image holds."""
    job, resolved = await exports.export(exports.world.info["images"]["dataDisks"], disks="SystemOnly")
    task = await exports.provider.submit(job, claimed(job), resolved, repeat=0)
    assert isinstance(await exports.ended(task, resolved), Succeeded)
    found = await exports.provider.collect(resolved, task)
    assert [item.role for item in found.items if isinstance(item, File)] == [Role.SYSTEM]
    assert found.flaw is None


@pytest.mark.parametrize("case", ["lower", "upper"])
@pytest.mark.parametrize("image_format", ["QCOW2", "VHD", "VMDK"])
async def test_each_format_is_told_by_its_bytes(exports: Verbs, image_format: str, case: str) -> None:
    """However the ending of the name is written."""
    exports.world.settings(cvmExtensionCase=case)
    job, resolved = await exports.export(format=image_format)
    task = await exports.provider.submit(job, claimed(job), resolved, repeat=0)
    assert isinstance(await exports.ended(task, resolved), Succeeded)
    found = await exports.provider.collect(resolved, task)
    assert [item.format for item in found.items if isinstance(item, File)] == [image_format]
    assert found.flaw is None


async def test_raw_in_place_of_the_format_is_noticed(exports: Verbs) -> None:
    """What is in the file counts, not its name."""
    job, resolved = await exports.export(format="QCOW2")
    exports.world.script("silentRawFallback")
    task = await exports.provider.submit(job, claimed(job), resolved, repeat=0)
    await exports.ended(task, resolved)
    found = await exports.provider.collect(resolved, task)
    assert found.flaw is not None
    assert found.flaw.reason is Reason.FORMAT_MISMATCH


async def test_one_request_holds_what_was_pinned(exports: Verbs) -> None:
    """One entry in the ledger, with the attempt's prefix and nothing else that was not pinned."""
    job, resolved = await exports.export()
    before = len(exports.world.sent())
    task = await exports.provider.submit(job, claim := claimed(job), resolved, repeat=0)
    entry = exports.world.accepted()[-1]
    assert str(entry["result"]["TaskId"]) == task.id
    assert len(exports.world.sent()) == before + 1
    assert entry["params"] == {
        "BucketName": exports.world.bucket,
        "ImageIds.0": resolved.image_id,
        "ExportFormat": "RAW",
        "FileNamePrefixList.0": claim.object_prefix,
        "OnlyExportRootDisk": "true",
        "RoleName": "CVM_QcsRole",
    }


async def test_a_file_without_content_is_no_success(exports: Verbs) -> None:
    """An empty file may be one that is still to come: the export runs on."""
    job, resolved = await exports.export()
    task = await exports.provider.submit(job, claim := claimed(job), resolved, repeat=0)
    await exports.ended(task, resolved)
    (name,) = [name for name in exports.world.files() if name.startswith(claim.object_prefix)]
    exports.world.put(name, b"")
    assert [type(await exports.look(task, resolved)) for _ in range(3)] == [Running] * 3


async def test_a_file_that_still_grows_is_no_success(exports: Verbs) -> None:
    """Two looks must show the same files, and nothing may be uploading."""
    job, resolved = await exports.export()
    exports.world.script("objectGrows")
    task = await exports.provider.submit(job, claim := claimed(job), resolved, repeat=0)
    assert isinstance(await exports.ended(task, resolved), Succeeded)
    found = await exports.provider.collect(resolved, task)
    whole = 3 * 1024 * 1024
    assert [item.size_bytes for item in found.items if isinstance(item, File)] == [whole]
    name = next(name for name in exports.world.files() if name.startswith(claim.object_prefix))
    exports.world.put(name, b"another")
    assert isinstance(await exports.look(task, resolved), Running)
    assert isinstance(await exports.look(task, resolved), Succeeded)


async def test_a_free_image_does_not_mean_that_the_export_is_done(exports: Verbs) -> None:
    """The image may be NORMAL and free while the last file is still to come."""
    exports.world.settings(cvmImageFreed="beforeLastObject", speed=STILL)
    job, resolved = await exports.export()
    task = await exports.provider.submit(job, claimed(job), resolved, repeat=0)
    assert [type(await exports.look(task, resolved)) for _ in range(2)] == [Running] * 2


async def test_an_export_that_left_nothing_for_a_day_is_lost(exports: Verbs) -> None:
    """The cloud tells of no failure: no file, no upload and a free image after a day are all that shows one."""
    job, resolved = await exports.export()
    exports.world.script("taskFails")
    task = await exports.provider.submit(job, claimed(job), resolved, repeat=0)
    assert task.started_at is not None
    assert isinstance(await exports.look(task, resolved), Running)
    old = replace(task, started_at=task.started_at - timedelta(hours=25))
    seen = await seen_at_last(lambda: exports.look(old, resolved), lambda seen: not isinstance(seen, Running))
    assert isinstance(seen, Absent)


async def test_a_task_that_was_left_behind_is_done_with_all_its_disks(exports: Verbs) -> None:
    """Of an orphan only image and bucket are remembered: the system disk's file alone is not the end."""
    job, resolved = await exports.export(exports.world.info["images"]["dataDisks"])
    task = await exports.provider.submit(job, claim := claimed(job), resolved, repeat=0)
    left = ResolvedExport(region=resolved.region, image_id=resolved.image_id, bucket=resolved.bucket)
    assert isinstance(await exports.ended(task, left), Succeeded)
    found = await exports.provider.collect(resolved, task)
    assert found.flaw is None
    await exports.provider.discard(found.items[1:], {claim.key})
    assert [type(await exports.look(task, left)) for _ in range(3)] == [Running] * 3


async def test_a_task_that_cannot_be_looked_at_hides_no_other(exports: Verbs) -> None:
    """One bucket was closed to us; the other tasks of the lane go on. Where all fail, the poll does."""
    job, resolved = await exports.export()
    task = await exports.provider.submit(job, claimed(job), resolved, repeat=0)
    closed = replace(resolved, bucket=exports.world.info["buckets"]["foreign"])
    seen = await exports.provider.poll({"a": task, "b": task}, {"a": resolved, "b": closed})
    assert list(seen) == ["a"]
    with pytest.raises(Blocked):
        await exports.provider.poll({"b": task}, {"b": closed})


async def test_an_export_whose_image_is_busy_is_never_given_up(exports: Verbs) -> None:
    """However long it takes: something works on the image."""
    job, resolved = await exports.export()
    exports.world.settings(speed=STILL)
    task = await exports.provider.submit(job, claimed(job), resolved, repeat=0)
    assert task.started_at is not None
    old = replace(task, started_at=task.started_at - timedelta(hours=25))
    assert isinstance(await exports.look(old, resolved), Running)


async def test_empty_files_after_a_day_are_what_the_export_left(exports: Verbs) -> None:
    """Nothing better will come: collect tells that they are empty."""
    job, resolved = await exports.export()
    exports.world.script("objectEmpty")
    task = await exports.provider.submit(job, claimed(job), resolved, repeat=0)
    assert task.started_at is not None
    old = replace(task, started_at=task.started_at - timedelta(hours=25))
    assert isinstance(await exports.ended(old, resolved), Succeeded)
    found = await exports.provider.collect(resolved, task)
    assert found.flaw is not None
    assert found.flaw.reason is Reason.OUTPUT_EMPTY


async def test_a_missing_file_is_told(exports: Verbs) -> None:
    """One for each disk is expected."""
    job, resolved = await exports.export(exports.world.info["images"]["dataDisks"])
    claim = claimed(job)
    task = await exports.provider.submit(job, claim, resolved, repeat=0)
    await exports.ended(task, resolved)
    found = await exports.provider.collect(resolved, task)
    await exports.provider.discard(found.items[:1], {claim.key})
    left = await exports.provider.collect(resolved, task)
    assert left.flaw is not None
    assert left.flaw.reason is Reason.OUTPUT_MISSING
    assert "2 of 3" in left.flaw.message


async def test_only_own_files_are_deleted(exports: Verbs) -> None:
    """A listed file that bears another's key stays."""
    job, resolved = await exports.export()
    task = await exports.provider.submit(job, claim := claimed(job), resolved, repeat=0)
    await exports.ended(task, resolved)
    found = await exports.provider.collect(resolved, task)
    await exports.provider.discard(found.items, {claimed(exports.world.export_job()).key})
    assert (await exports.provider.collect(resolved, task)).items == found.items
    for _ in range(2):
        await exports.provider.discard(found.items, {claim.key})
    assert (await exports.provider.collect(resolved, task)).items == ()


async def test_no_export_is_cancelled(exports: Verbs) -> None:
    """The capabilities say so, and nothing is sent."""
    job, resolved = await exports.export()
    task = await exports.provider.submit(job, claimed(job), resolved, repeat=0)
    assert not exports.provider.capabilities.cancel
    assert not exports.provider.capabilities.client_token
    assert task.cancellable is False


REFUSED: dict[str, tuple[str, type[Failure], Reason]] = {
    "encrypted": ("encrypted", Rejected, Reason.ENCRYPTED_SNAPSHOT),
    "of the marketplace": ("market", Rejected, Reason.IMAGE_NOT_SUPPORTED),
    "shared with the account": ("shared", Rejected, Reason.IMAGE_NOT_OWNED),
    "public": ("public", Rejected, Reason.IMAGE_NOT_OWNED),
    "Windows": ("windows", Rejected, Reason.LICENSE_NOT_EXPORTABLE),
    "Red Hat": ("redhat", Rejected, Reason.LICENSE_NOT_EXPORTABLE),
    "a disk of 501 GiB": ("tooLarge", Rejected, Reason.DISK_TOO_LARGE),
    "six data disks": ("tooManyDisks", Rejected, Reason.TOO_MANY_DISKS),
    "whose creation failed": ("createFailed", Rejected, Reason.IMAGE_NOT_READY),
    "in the making": ("creating", Blocked, Reason.IMAGE_NOT_READY),
    "another account's": ("foreign", Rejected, Reason.IMAGE_NOT_FOUND),
    "in another region": ("singapore", Rejected, Reason.IMAGE_NOT_FOUND),
    "busy": ("busy", Deferred, Reason.IMAGE_BUSY),
}


@pytest.mark.parametrize(("image", "kind", "reason"), REFUSED.values(), ids=REFUSED)
async def test_an_image_that_cannot_be_exported_is_told_before_anything_is_submitted(
    exports: Verbs, image: str, kind: type[Failure], reason: Reason
) -> None:
    """Each limit of the documents, by its reason; nothing but a dry run is sent."""
    before = len(exports.world.sent())
    with pytest.raises(kind) as refused:
        await exports.export(exports.world.info["images"][image])
    assert refused.value.reason is reason
    assert len(exports.world.sent()) == before


async def test_a_busy_image_is_a_wait_of_the_image_alone(exports: Verbs) -> None:
    """A person's export runs: the object waits, and others go on."""
    exports.world.settings(speed=STILL)
    image_id = exports.world.image()
    exports.world.foreign(image_id)
    with pytest.raises(Deferred) as deferred:
        await exports.export(image_id)
    assert (deferred.value.reason, deferred.value.scope) == (Reason.IMAGE_BUSY, Scope.IMAGE)


@pytest.mark.parametrize("answer", ["empty", "DryRunOperation"])
async def test_a_dry_run_that_passes_is_understood(exports: Verbs, answer: str) -> None:
    """Whether it passes with a success or with a code is not documented."""
    exports.world.settings(cvmDryRunAnswer=answer)
    before = len(exports.world.accepted())
    _, resolved = await exports.export()
    assert resolved.role_name == "CVM_QcsRole"
    assert len(exports.world.accepted()) == before


async def test_an_image_is_meant_by_name_or_family(exports: Verbs) -> None:
    """The name must be exact and the only one; of a family the newest that can be used is meant."""
    old = exports.world.image(name="by-name", family="web", created="2026-01-01T00:00:00Z")
    new = exports.world.image(name="by-name-2", family="web", created="2026-02-01T00:00:00Z")
    exports.world.image(name="web-3", family="web", created="2026-03-01T00:00:00Z", deprecated=True)
    assert (await exports.export(source={"imageName": "by-name"}))[1].image_id == old
    assert (await exports.export(source={"imageFamily": "web"}))[1].image_id == new
    with pytest.raises(Rejected) as refused:
        await exports.export(source={"imageName": "by-nam"})
    assert refused.value.reason is Reason.IMAGE_NOT_FOUND


BUCKETS: dict[str, tuple[Callable[[World], str], type[Failure], Reason]] = {
    "nowhere": (lambda world: f"nowhere-{world.info['appID']}", Blocked, Reason.BUCKET_NOT_FOUND),
    "in another region": (
        lambda world: str(world.info["buckets"]["otherRegion"]),
        Rejected,
        Reason.BUCKET_REGION_MISMATCH,
    ),
    "another account's": (lambda world: str(world.info["buckets"]["foreign"]), Blocked, Reason.NOT_AUTHORIZED),
}


@pytest.mark.parametrize(("name", "kind", "reason"), BUCKETS.values(), ids=BUCKETS)
async def test_a_bucket_that_cannot_take_the_files_is_named(
    exports: Verbs, name: Callable[[World], str], kind: type[Failure], reason: Reason
) -> None:
    """The refusal names the remedy, before anything is submitted."""
    bucket = name(exports.world)
    with pytest.raises(kind) as refused:
        await exports.export(destination={"bucket": bucket, "prefix": "web"})
    assert refused.value.reason is reason


ROLES = {
    "nobody": Reason.ROLE_MISSING,
    "export-untrusted": Reason.ROLE_PERMISSION_MISSING,
    "export-read-only": Reason.ROLE_PERMISSION_MISSING,
}


@pytest.mark.parametrize(("role", "reason"), ROLES.items(), ids=ROLES)
async def test_a_role_that_may_not_write_is_named(exports: Verbs, role: str, reason: Reason) -> None:
    """It must be there, trust CVM and have the right to write to COS."""
    with pytest.raises(Blocked) as refused:
        await exports.export(roleName=role)
    assert refused.value.reason is reason
    assert role in refused.value.message


async def test_a_format_of_another_cloud_is_refused(exports: Verbs) -> None:
    """VDI is Alibaba Cloud's alone."""
    with pytest.raises(Rejected) as refused:
        await exports.export(format="VDI")
    assert refused.value.reason is Reason.INVALID_SPEC


async def test_a_region_that_does_not_exist_is_told(world: World) -> None:
    """Before anything else is asked there."""
    connection = world.connection()
    job = world.export_job()
    with pytest.raises(Rejected) as refused:
        await connection.provider(job.kind, "ap-nowhere").preflight(job)
    assert refused.value.reason is Reason.REGION_NOT_FOUND
    await connection.aclose()


async def test_as_many_exports_as_the_cloud_allows_are_a_wait(exports: Verbs) -> None:
    """The refusal is no failure of the attempt: the lane has one slot less."""
    job, resolved = await exports.export()
    exports.world.settings(cvmExportTasks=0)
    with pytest.raises(Deferred) as deferred:
        await exports.provider.submit(job, claimed(job), resolved, repeat=0)
    assert (deferred.value.reason, deferred.value.scope) == (Reason.CONCURRENT_QUOTA_EXCEEDED, Scope.SLOT)
