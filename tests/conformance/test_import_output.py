import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta

import pytest

from imageferry.clouds.provider import Origin
from imageferry.core.artifacts import Artifact, Artifacts, Image, Snapshot
from imageferry.core.errors import Blocked, Deferred, Transient
from imageferry.core.keys import OwnKeys
from imageferry.core.observation import Cancelled, Failed, Running, Task
from imageferry.core.reasons import Reason
from imageferry.core.resolved import Obstructed, ResolvedImport
from tests.conformance.clouds import PLAIN_DISK, UID, Cloud, Importing, ended, origin

STILL = 0.001
"""A speed at which no task ends by itself."""


async def _left(importing: Importing, *more: str) -> tuple[Task, tuple[Artifact, ...]]:
    """A task that ended well, and what it left."""
    task = await importing.done(*more)
    found = await importing.provider.collect(await _pinned(importing), task)
    assert found.flaw is None
    return task, found.items


async def _pinned(importing: Importing) -> ResolvedImport:
    """What was pinned, although the name is taken by now."""
    found = await importing.provider.resolve(importing.job())
    assert isinstance(found, ResolvedImport)
    return found


def _there(importing: Importing, items: tuple[Artifact, ...]) -> list[Artifact]:
    """Those of them that the cloud still has."""
    images, snapshots = importing.cloud.made(), importing.cloud.snapshots()
    return [
        item for item in items if not isinstance(item, Image | Snapshot) or item.id in images or item.id in snapshots
    ]


async def test_image_and_snapshots_are_collected(importing: Importing) -> None:
    """One snapshot for each disk, with its device: they are billed, and outlive the image."""
    importing.cloud.disk(f"data-{importing.key}")
    task, items = await _left(importing, f"data-{importing.key}")
    assert items[0] == Image(task.image_id)
    snapshots = [item for item in items if isinstance(item, Snapshot)]
    assert [each.device for each in snapshots] == ["/dev/xvda", "/dev/xvdb"]
    assert {each.id for each in snapshots} < set(importing.cloud.snapshots())


async def test_an_image_is_found_by_its_mark_where_its_id_is_not_known(importing: Importing) -> None:
    """A lost answer leaves no id, and an orphan nothing but its key."""
    task = await importing.done()
    nothing = ResolvedImport(region=importing.cloud.region, disks=(), image=importing.job().image)
    found = await importing.provider.collect(nothing, replace(task, id=None, image_id=""))
    assert (found.items[0], found.flaw) == (Image(task.image_id), None)


async def test_another_ones_image_is_never_listed(importing: Importing) -> None:
    """An id in a forged status proves nothing: without the mark nothing of ours is there."""
    theirs, other = await importing.done(), Importing(importing.cloud, importing.provider)
    forged = replace(theirs, key=other.claim.key)
    found = await importing.provider.collect(await _pinned(importing), forged)
    assert found.items == ()
    assert found.flaw is not None
    assert found.flaw.reason is Reason.OUTPUT_MISSING


async def test_an_image_that_was_deleted_is_a_missing_result(importing: Importing) -> None:
    """By whomever; it is told instead of failing for ever."""
    task = await importing.done()
    importing.cloud.emulator.admin("DELETE", f"/images/{task.image_id}")
    found = await importing.provider.collect(await _pinned(importing), task)
    assert found.items == ()
    assert found.flaw is not None
    assert found.flaw.reason is Reason.OUTPUT_MISSING


async def test_a_failed_image_is_listed_with_its_flaw(importing: Importing) -> None:
    """It holds its name and its snapshots until it is deleted."""
    importing.cloud.script("taskFails", "ImportImage", atPercent=1)
    task = await importing.submitted()
    assert isinstance(await ended(importing.provider, task), Failed)
    found = await importing.provider.collect(await _pinned(importing), task)
    assert found.items[0] == Image(task.image_id)
    assert found.flaw is not None
    assert found.flaw.reason is Reason.TASK_FAILED


async def test_a_file_that_was_replaced_under_way_is_a_flaw(importing: Importing) -> None:
    """Nobody can tell which of the two is in the image; the image is listed all the same."""
    resolved = await importing.resolved()
    task = await importing.provider.submit(importing.job(), importing.claim, resolved, repeat=0)
    importing.cloud.put(importing.key, PLAIN_DISK[:-512] + b"\1" * 512)
    await ended(importing.provider, task)
    found = await importing.provider.collect(resolved, task)
    assert found.items[0] == Image(task.image_id)
    assert found.flaw is not None
    assert found.flaw.reason is Reason.OBJECT_CHANGED
    assert importing.key in found.flaw.message


async def test_a_file_that_was_removed_afterwards_is_no_flaw(importing: Importing) -> None:
    """Whoever has imported it may well tidy up."""
    resolved = await importing.resolved()
    task = await importing.provider.submit(importing.job(), importing.claim, resolved, repeat=0)
    await ended(importing.provider, task)
    importing.cloud.remove(importing.key)
    assert (await importing.provider.collect(resolved, task)).flaw is None


async def test_image_and_snapshots_are_deleted(importing: Importing) -> None:
    """Both, once they are listed; a second time is no failure, and neither is another's key."""
    importing.cloud.disk(f"data-{importing.key}")
    task, items = await _left(importing, f"data-{importing.key}")
    await importing.provider.discard(items, {"another"})
    assert _there(importing, items) == list(items)
    await importing.provider.discard(items, {task.key})
    assert _there(importing, items) == []
    await importing.provider.discard(items, {task.key})
    assert (await importing.provider.collect(await _pinned(importing), task)).items == ()


async def test_what_a_forged_status_lists_is_left_alone(importing: Importing) -> None:
    """Another's image, and another's snapshots beside an image of ours."""
    other = Importing(importing.cloud, importing.provider)
    _, theirs = await _left(other)
    task, ours = await _left(importing)
    await importing.provider.discard([*ours, *theirs], {task.key})
    assert _there(importing, theirs) == list(theirs)
    assert _there(importing, ours) == []


async def test_a_snapshot_that_is_not_listed_stays(importing: Importing) -> None:
    """What nobody collected is not deleted, although its image was ours."""
    task, items = await _left(importing)
    await importing.provider.discard(items[:1], {task.key})
    assert _there(importing, items) == list(items[1:])


STEPS = {
    "before the snapshots are marked": ("TagResources", "before"),
    "once they are marked": ("TagResources", "after"),
    "before the image is deleted": ("DeleteImage", "before"),
    "once the image is deleted": ("DeleteImage", "after"),
    "before the snapshot is deleted": ("DeleteSnapshot", "before"),
    "once the snapshot is deleted": ("DeleteSnapshot", "after"),
}


@pytest.mark.parametrize(("action", "position"), STEPS.values(), ids=STEPS)
async def test_a_deletion_that_was_cut_off_goes_on(importing: Importing, action: str, position: str) -> None:
    """Whoever comes next still knows the snapshots for ours, although their image is gone."""
    task, items = await _left(importing)
    await _cut_off(importing.cloud, importing.provider.discard(items, {task.key}), action, position)
    await importing.provider.discard(items, {task.key})
    assert _there(importing, items) == []


async def test_snapshots_whose_image_is_gone_are_still_listed(importing: Importing) -> None:
    """Whoever deleted the image was killed, and remembers nothing: what the cloud bills is found by its mark."""
    task, items = await _left(importing)
    await _cut_off(importing.cloud, importing.provider.discard(items, {task.key}), "DeleteSnapshot", "before")
    found = await importing.provider.collect(await _pinned(importing), task)
    assert {item.place for item in found.items} == {item.place for item in items if isinstance(item, Snapshot)}
    await importing.provider.discard(found.items, {task.key})
    assert _there(importing, items) == []


async def test_snapshots_that_an_earlier_attempt_left_stand_in_the_way(importing: Importing) -> None:
    """They bear a key of the object itself; those of another object do not."""
    task, items = await _left(importing)
    await _cut_off(importing.cloud, importing.provider.discard(items, {task.key}), "DeleteSnapshot", "before")
    assert task.key in OwnKeys(UID, 0)
    assert await importing.provider.preflight(importing.job()) == Obstructed(
        tuple(Snapshot(item.id, "") for item in items if isinstance(item, Snapshot))
    )
    await importing.provider.discard(items, {task.key})
    assert isinstance(await importing.provider.preflight(importing.job()), ResolvedImport)


async def _cut_off(cloud: Cloud, deletion: Awaitable[None], action: str, position: str) -> None:
    gate = cloud.emulator.admin("POST", "/gates", {"action": action, "position": position})["id"]
    deleting = asyncio.ensure_future(deletion)
    held = await asyncio.to_thread(cloud.emulator.admin, "GET", f"/gates?wait=30&id={gate}")
    assert held["gates"][0]["held"] != []
    cloud.emulator.admin("POST", "/gates/release", {"id": gate, "outcome": "drop"})
    with pytest.raises(Transient):
        await deleting


async def test_an_image_in_use_blocks_with_its_remedy(importing: Importing) -> None:
    """Instances of it are nobody's to delete; nothing is forced."""
    task, items = await _left(importing)
    made = importing.cloud.made()[task.image_id]
    importing.cloud.emulator.admin("POST", "/images", {**made, "usedByInstances": True})
    with pytest.raises(Blocked) as blocked:
        await importing.provider.discard(items, {task.key})
    assert blocked.value.reason is Reason.IMAGE_BUSY
    assert "set spec.deletionPolicy to Retain" in blocked.value.message
    assert _there(importing, items) == list(items)


async def test_an_image_in_the_making_is_not_deleted(importing: Importing) -> None:
    """Its task has to be cancelled first; until then the deletion waits."""
    importing.cloud.settings(speed=STILL)
    task = await importing.submitted()
    found = await importing.provider.collect(await _pinned(importing), task)
    assert found.flaw is not None
    with pytest.raises(Deferred) as deferred:
        await importing.provider.discard(found.items, {task.key})
    assert deferred.value.reason is Reason.IMAGE_BUSY
    await importing.provider.cancel(task, origin(task, importing.claim))
    await importing.provider.discard(found.items, {task.key})
    assert _there(importing, found.items) == []


async def test_an_import_is_cancelled_once_and_a_second_time_is_no_failure(importing: Importing) -> None:
    """Its image's mark proves it ours; "already ended" is success."""
    importing.cloud.settings(speed=STILL)
    task = await importing.submitted()
    none = Origin(image_id="", since=importing.claim.claimed_at, until=importing.claim.claimed_at)
    await importing.provider.cancel(task, none)
    assert isinstance(await importing.seen(task), Cancelled)
    before = len(importing.cloud.requests("CancelTask"))
    await importing.provider.cancel(task, none)
    assert len(importing.cloud.requests("CancelTask")) == before


async def test_an_import_that_shows_no_tags_is_known_by_its_origin(importing: Importing) -> None:
    """Image and time must be those of the attempt."""
    importing.cloud.settings(speed=STILL, importTagsShown="whenAvailable")
    task, claim = await importing.submitted(), importing.claim
    right = origin(task, claim)
    hour = timedelta(hours=1)
    for wrong in (
        replace(right, image_id="m-another"),
        replace(right, since=claim.claimed_at - 2 * hour, until=claim.claimed_at - hour),
    ):
        await importing.provider.cancel(task, wrong)
        assert isinstance(await importing.seen(task), Running)
    await importing.provider.cancel(task, right)
    assert isinstance(await importing.seen(task), Cancelled)


async def test_another_ones_import_is_never_cancelled(importing: Importing) -> None:
    """Neither with a mark of its own, nor with tags of a person's, nor under the id of an image of ours."""
    importing.cloud.settings(speed=STILL)
    ours, claim = await importing.submitted(), importing.claim
    other, another = (Importing(importing.cloud, importing.provider) for _ in range(2))
    marked = await other.submitted()
    task_id, image_id = another.stranger(**{"Tag.1.Key": "team", "Tag.1.Value": "theirs"})
    tagged = Task(id=task_id, key=ours.key, object_prefix=ours.key, image_id=image_id)
    before = len(importing.cloud.requests("CancelTask"))
    for forged in (replace(ours, id=marked.id), replace(marked, key=ours.key), tagged, replace(ours, id=task_id)):
        await importing.provider.cancel(forged, origin(forged, claim))
    assert len(importing.cloud.requests("CancelTask")) == before
    await importing.provider.cancel(replace(ours, id="t-nobody"), origin(ours, claim))
    await importing.provider.cancel(replace(ours, id=None), origin(ours, claim))
    assert len(importing.cloud.requests("CancelTask")) == before


async def test_nothing_is_deleted_where_nothing_is_listed(importing: Importing) -> None:
    """Not even asked for."""
    before = len(importing.cloud.emulator.admin("GET", "/requests")["requests"])
    await importing.provider.discard(Artifacts((), None).items, {importing.claim.key})
    assert len(importing.cloud.emulator.admin("GET", "/requests")["requests"]) == before
