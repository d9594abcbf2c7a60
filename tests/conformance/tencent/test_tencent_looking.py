"""What became of an export whose answer was lost, on a cloud that lists no exports: seen where it shows, and never guessed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from imageferry.clouds.provider import CloudConnection
from imageferry.core.errors import Rejected, Unconfirmed
from imageferry.core.keys import SEARCHED_NUMBERS, marks
from imageferry.core.observation import Absent, Candidate, Running, Succeeded, Unprovable
from imageferry.core.reasons import Reason
from tests.conformance.clouds import seen_at_last
from tests.conformance.tencent.world import STILL, Verbs, claimed, marked, search


async def test_nothing_to_be_seen_proves_nothing(exports: Verbs) -> None:
    """The cloud lists no exports: neither an accepted one that failed nor one that never came is seen."""
    exports.world.settings(clockOffsetSeconds=200)
    job, resolved = await exports.export()
    found = await exports.provider.find(search(resolved, claim := claimed(job)))
    assert isinstance(found, Unprovable)
    assert found.cloud_time > claim.claimed_at + timedelta(minutes=3)


async def test_an_upload_that_bears_our_mark_is_ours(exports: Verbs) -> None:
    """Before a file is whole, COS shows its upload in parts."""
    exports.world.settings(waitingSeconds=0, secondsPerDisk=300)
    job, resolved = await exports.export()
    await exports.provider.submit(job, claim := claimed(job), resolved, repeat=0)
    found = await seen_at_last(
        lambda: exports.provider.find(search(resolved, claim)), lambda seen: not isinstance(seen, Candidate)
    )
    assert isinstance(found, Running)
    assert (found.task.id, found.task.key, found.task.state) == (None, claim.key, "Writing")
    assert exports.world.files() == [name for name in exports.world.files() if not name.startswith(claim.object_prefix)]


async def test_files_that_bear_our_mark_are_ours_and_done_at_the_second_look(exports: Verbs) -> None:
    """One look cannot tell whether a file is still replaced."""
    job, resolved = await exports.export()
    task = await exports.provider.submit(job, claim := claimed(job), resolved, repeat=0)
    await exports.ended(task, resolved)
    fresh = exports.world.connection()
    provider = fresh.provider(job.kind, resolved.region)
    assert isinstance(await provider.find(search(resolved, claim)), Running)
    found = await provider.find(search(resolved, claim))
    assert isinstance(found, Succeeded)
    assert (found.task.id, found.task.object_prefix) == (None, claim.object_prefix)
    await fresh.aclose()


async def test_an_export_that_is_not_yet_writing_is_a_candidate(exports: Verbs) -> None:
    """The image is busy, and with whose task does not show."""
    exports.world.settings(speed=STILL)
    job, resolved = await exports.export()
    await exports.provider.submit(job, claim := claimed(job), resolved, repeat=0)
    found = await exports.provider.find(search(resolved, claim))
    assert isinstance(found, Candidate)
    assert resolved.image_id in found.detail


@pytest.mark.parametrize("state", ["NORMAL", "EXPORTING"])
async def test_a_persons_export_of_our_image_is_never_taken_for_ours(exports: Verbs, state: str) -> None:
    """While it runs it might be ours; what it writes is not, whatever state the cloud shows of the image."""
    exports.world.settings(speed=STILL, cvmExportingState=state, cvmDryRunSeesBusyImage=state == "NORMAL")
    job, resolved = await exports.export()
    exports.world.foreign(resolved.image_id, FileNamePrefixList=["theirs"])
    claim = claimed(job)
    assert isinstance(await exports.provider.find(search(resolved, claim)), Candidate)
    exports.world.settings(speed=100)
    found = await seen_at_last(
        lambda: exports.provider.find(search(resolved, claim)), lambda seen: not isinstance(seen, Candidate)
    )
    assert isinstance(found, Unprovable)


async def test_a_prefix_that_only_begins_with_ours_is_not_ours(exports: Verbs) -> None:
    """A tenant may choose another's key as a prefix; only the underscore after it ends the mark."""
    job, resolved = await exports.export()
    claim = claimed(job)
    exports.world.put(f"{claim.object_prefix}x_{resolved.image_id}_system_snap-00000000.raw")
    assert isinstance(await exports.provider.find(search(resolved, claim)), Unprovable)


async def test_our_mark_in_another_bucket_is_not_ours(exports: Verbs) -> None:
    """Mark and bucket together are the proof."""
    job, resolved = await exports.export()
    claim = claimed(job)
    exports.world.put(f"{claim.object_prefix}_{resolved.image_id}_system_snap-00000000.raw", bucket="encrypted")
    assert isinstance(await exports.provider.find(search(resolved, claim)), Unprovable)


async def test_what_closed_attempts_left_is_not_found_again(exports: Verbs) -> None:
    """The files of an attempt that the journal has dealt with are no news."""
    job, resolved = await exports.export()
    task = await exports.provider.submit(job, first := claimed(job), resolved, repeat=0)
    await exports.ended(task, resolved)
    second = claimed(job, 2)
    looked_for = search(resolved, second, marked(job, 1), closed=(1,))
    for _ in range(2):
        assert isinstance(await exports.provider.find(looked_for), Unprovable)
    open_too = search(resolved, second, marked(job, 1))
    await exports.provider.find(open_too)
    found = await exports.provider.find(open_too)
    assert isinstance(found, Succeeded)
    assert found.task.key == first.key


async def test_a_lost_journal_is_filled_from_what_lies_in_the_bucket(exports: Verbs) -> None:
    """Thousands of marks are looked for by the prefix that they share."""
    job, resolved = await exports.export()
    task = await exports.provider.submit(job, claim := claimed(job, 7), resolved, repeat=0)
    await exports.ended(task, resolved)
    lost = search(resolved, claimed(job), *marks(job.uid, SEARCHED_NUMBERS, job.prefix))
    before = len(exports.world.reports)
    found = await exports.provider.find(lost)
    assert isinstance(found, Running | Succeeded)
    assert found.task.key == claim.key
    assert len(exports.world.reports) - before < 10


async def test_a_region_that_does_not_exist_holds_nothing_of_ours(exports: Verbs, connection: CloudConnection) -> None:
    """A lost journal is no riddle there; but an open claim was made by a cloud that had the region, and is not closed so."""
    job, resolved = await exports.export()
    nowhere = connection.provider(job.kind, "ap-nowhere")
    looked_for = search(resolved, claimed(job))
    assert isinstance(await nowhere.find(replace(looked_for, until=None)), Absent)
    with pytest.raises(Rejected) as refused:
        await nowhere.find(looked_for)
    assert refused.value.reason is Reason.REGION_NOT_FOUND


async def test_a_lost_answer_is_found_again(exports: Verbs) -> None:
    """The cloud has accepted; nobody was told; the files tell."""
    job, resolved = await exports.export()
    exports.world.script("answerLost")
    with pytest.raises(Unconfirmed):
        await exports.provider.submit(job, claim := claimed(job), resolved, repeat=0)
    found = await seen_at_last(
        lambda: exports.provider.find(search(resolved, claim)), lambda seen: isinstance(seen, Succeeded)
    )
    assert isinstance(found, Succeeded)
    assert len([each for each in exports.world.accepted() if each["params"]["ImageIds.0"] == resolved.image_id]) == 1
