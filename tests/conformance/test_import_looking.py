from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from imageferry.core.errors import Transient, Unconfirmed
from imageferry.core.keys import SEARCHED_NUMBERS, marks
from imageferry.core.observation import Absent, Cancelled, Candidate, Failed, Running, Succeeded, Task
from imageferry.core.reasons import Reason
from tests.conformance.clouds import IMPORT, TIMINGS, Importing, claimed, ended, seen_at_last
from tests.emulator.cloud import ended as task_ended

STILL = 0.001
"""A speed at which no task ends by itself."""


async def test_a_repeat_has_the_same_token_and_makes_no_second_image(importing: Importing) -> None:
    """Same parameters, same signed time, another nonce each: the cloud answers what it answered first."""
    claim, resolved, job = importing.claim, await importing.resolved(), importing.job()
    tasks = [await importing.provider.submit(job, claim, resolved, repeat=number) for number in range(3)]
    assert {(task.id, task.image_id) for task in tasks} == {(tasks[0].id, tasks[0].image_id)}
    sent = [each for each in importing.cloud.requests("ImportImage") if each["params"]["ClientToken"] == claim.key]
    assert [each["nonce"] for each in sent] == [claim.key, f"{claim.key}-2", f"{claim.key}-3"]
    assert {each["date"] for each in sent} == {claim.claimed_at.strftime("%Y-%m-%dT%H:%M:%SZ")}
    assert len([each for each in importing.cloud.made().values() if each["name"] == importing.name]) == 1


async def test_a_repeat_with_other_parameters_proves_acceptance_and_makes_nothing(importing: Importing) -> None:
    """The cloud has the token of the first: nothing is known of it but that a look will find it."""
    claim, resolved, job = importing.claim, await importing.resolved(), importing.job()
    task = await importing.provider.submit(job, claim, resolved, repeat=0)
    other = replace(resolved, image=replace(resolved.image, description="another"))
    with pytest.raises(Unconfirmed) as unclear:
        await importing.provider.submit(job, claim, other, repeat=1)
    assert unclear.value.code == "IdempotentParameterMismatch"
    found = await importing.provider.find(importing.search())
    assert isinstance(found, Running | Succeeded)
    assert found.task.id == task.id


async def test_a_first_request_that_is_still_worked_on_proves_nothing(importing: Importing) -> None:
    """The claim stays open, and a later repeat gets the first one's answer."""
    claim, resolved, job = importing.claim, await importing.resolved(), importing.job()
    importing.cloud.script("tokenProcessing", "ImportImage", seconds=1)
    importing.cloud.script("answerLost", "ImportImage")
    with pytest.raises(Unconfirmed):
        await importing.provider.submit(job, claim, resolved, repeat=0)
    with pytest.raises(Unconfirmed) as unclear:
        await importing.provider.submit(job, claim, resolved, repeat=1)
    assert unclear.value.code == "LastTokenProcessing"
    repeats = iter(range(2, 1000))

    async def again() -> Task | None:
        try:
            return await importing.provider.submit(job, claim, resolved, repeat=next(repeats))
        except Unconfirmed:
            return None

    task = await seen_at_last(again, lambda answered: answered is not None)
    found = await importing.provider.find(importing.search())
    assert task is not None
    assert isinstance(found, Running | Succeeded)
    assert (found.task.id, found.task.image_id) == (task.id, task.image_id)


async def test_an_answer_without_an_image_is_unconfirmed(importing: Importing) -> None:
    """A task alone is no answer: what it makes could not be told."""
    importing.cloud.script("successWithoutImageID", "ImportImage")
    with pytest.raises(Unconfirmed):
        await importing.submitted()


async def test_an_image_that_bears_our_mark_is_ours(importing: Importing) -> None:
    """From its first moment on, with its task and the progress of each disk."""
    importing.cloud.settings(secondsPerDisk=3000)
    importing.cloud.disk(f"data-{importing.key}")
    task = await importing.submitted(f"data-{importing.key}")
    found = await seen_at_last(
        lambda: importing.provider.find(importing.search()),
        lambda seen: isinstance(seen, Running) and (seen.percent or 0) > 0,
    )
    assert isinstance(found, Running)
    assert (found.task.id, found.task.image_id, found.task.key) == (task.id, task.image_id, importing.claim.key)
    assert [disk.device for disk in found.disks] == ["/dev/xvda", "/dev/xvdb"]
    assert found.disks[0].percent > found.disks[1].percent == 0
    assert (found.seconds_left or 0) > 0
    polled = await importing.seen(task)
    assert isinstance(polled, Running)
    assert (polled.task.id, polled.task.image_id, len(polled.disks)) == (task.id, task.image_id, 2)


async def test_an_image_that_shows_no_tags_yet_is_a_candidate(importing: Importing) -> None:
    """Where tags come late, one of our name that is made in our window may be ours: wait until it can be told."""
    importing.cloud.settings(importTagsShown="whenAvailable")
    task = await importing.submitted()
    early = await importing.provider.find(importing.search())
    assert isinstance(early, Candidate)
    assert task.image_id in early.detail
    running = await importing.seen(task)
    assert isinstance(running, Running)
    assert isinstance(await ended(importing.provider, task), Succeeded)
    assert isinstance(await importing.provider.find(importing.search()), Succeeded)


async def test_an_image_of_another_time_is_no_candidate(importing: Importing) -> None:
    """What a person began before our claim, or after its window, cannot be ours."""
    importing.cloud.settings(speed=STILL)
    importing.stranger()
    hour = timedelta(hours=1)
    since = importing.claim.claimed_at
    assert isinstance(await importing.provider.find(importing.search()), Candidate)
    before = importing.search(since=since - 2 * hour, until=since - hour)
    assert isinstance(await importing.provider.find(before), Absent)
    after = importing.search(since=since + hour, until=None)
    assert isinstance(await importing.provider.find(after), Absent)


async def test_another_ones_image_of_the_name_is_not_ours(importing: Importing) -> None:
    """Neither done, nor in the making with tags of its own: only the mark counts."""
    importing.cloud.settings(speed=STILL)
    task_id, _ = importing.stranger(**{"Tag.1.Key": "team", "Tag.1.Value": "theirs"})
    assert isinstance(await importing.provider.find(importing.search()), Absent)
    importing.cloud.settings(speed=10000)
    task_ended(importing.cloud.emulator, task_id)
    assert isinstance(await importing.provider.find(importing.search()), Absent)


async def test_a_lost_journal_finds_its_attempt_by_all_marks(importing: Importing) -> None:
    """The marks of all numbers are looked for at once, whatever the image is called by now."""
    uid = str(uuid4())
    claim = claimed(7, uid=uid)
    task = await importing.provider.submit(importing.job(), claim, await importing.resolved(), repeat=0)
    lost = importing.search(marks=marks(uid, SEARCHED_NUMBERS, ""), image_name="renamed", until=None)
    found = await importing.provider.find(lost)
    assert isinstance(found, Running | Succeeded)
    assert (found.task.id, found.task.key) == (task.id, claim.key)


async def test_a_closed_attempt_is_not_found_again(importing: Importing) -> None:
    """An attempt that the journal has closed left an image, which is no news any more."""
    await importing.done()
    assert isinstance(await importing.provider.find(importing.search(closed=(importing.number,))), Absent)


async def test_an_image_is_a_result_although_its_task_is_forgotten(importing: Importing) -> None:
    """The cloud forgets tasks, but not images."""
    task = await importing.done()
    importing.cloud.settings(retentionSeconds=0)
    found = await seen_at_last(
        lambda: importing.provider.find(importing.search()),
        lambda seen: isinstance(seen, Succeeded) and seen.task.id is None,
    )
    assert isinstance(found, Succeeded)
    assert (found.task.image_id, found.task.key) == (task.image_id, importing.claim.key)
    assert isinstance(await importing.seen(task), Succeeded)
    assert isinstance(await importing.seen(replace(task, id=None)), Succeeded)


async def test_an_image_that_is_listed_late_is_found_in_the_end(importing: Importing) -> None:
    """Until then its task is known to run, and a repeat of the request makes no second one."""
    importing.cloud.settings(imageReadLagSeconds=2, waitingImportStatus="Waiting", secondsPerDisk=3000)
    claim, resolved, job = importing.claim, await importing.resolved(), importing.job()
    task = await importing.provider.submit(job, claim, resolved, repeat=0)
    assert isinstance(await importing.provider.find(importing.search()), Absent)
    assert isinstance(await importing.seen(task), Running)
    again = await importing.provider.submit(job, claim, resolved, repeat=1)
    assert (again.id, again.image_id) == (task.id, task.image_id)
    found = await seen_at_last(
        lambda: importing.provider.find(importing.search()), lambda seen: not isinstance(seen, Absent)
    )
    assert isinstance(found, Running)
    assert found.task.image_id == task.image_id


async def test_no_import_is_ever_unprovable(importing: Importing) -> None:
    """However old the claim: an image of ours would still be listed."""
    connection = importing.cloud.connection(timings=replace(TIMINGS, task_retention_seconds=60))
    provider = connection.provider(IMPORT, importing.cloud.region)
    found = await provider.find(importing.search(since=importing.claim.claimed_at - timedelta(days=400)))
    await connection.aclose()
    assert isinstance(found, Absent)


async def test_a_region_that_does_not_exist_holds_nothing_of_ours(importing: Importing) -> None:
    """As for exports, a lost journal is no riddle there."""
    connection = importing.cloud.connection()
    found = await connection.provider(IMPORT, "cn-nowhere").find(importing.search(until=None))
    await connection.aclose()
    assert isinstance(found, Absent)


async def test_a_list_with_holes_proves_nothing(importing: Importing) -> None:
    """An answer that cannot be read is worth another try and is no proof of absence."""
    importing.cloud.script("htmlBody", "DescribeImages")
    with pytest.raises(Transient):
        await importing.provider.find(importing.search())


@pytest.mark.parametrize("style", ["IMPORT_IMAGE", "minutes", "boolean"])
async def test_every_documented_spelling_is_understood(importing: Importing, style: str) -> None:
    """As for exports: how the list of tasks is written changes nothing."""
    setting = {"IMPORT_IMAGE": "taskActionStyle", "minutes": "taskTimeStyle", "boolean": "supportCancelStyle"}[style]
    importing.cloud.settings(speed=STILL, **{setting: style.replace("IMPORT", "EXPORT")})
    task = await importing.submitted()
    found = await importing.provider.find(importing.search())
    assert isinstance(found, Running)
    assert (found.task.id, found.task.cancellable) == (task.id, True)


@pytest.mark.parametrize("leaves", ["CreateFailed", "nothing"])
async def test_a_failed_import_says_why(importing: Importing, leaves: str) -> None:
    """Whether or not it leaves an image, the cloud's code and words reach the user."""
    importing.cloud.settings(failedImportLeaves=leaves)
    importing.cloud.script(
        "taskFails", "ImportImage", atPercent=1, errorCode="InternalError", errorMessage="The disk could not be read."
    )
    task = await importing.submitted()
    seen = await ended(importing.provider, task)
    assert isinstance(seen, Failed)
    assert (seen.reason, seen.code, seen.retryable) == (Reason.TASK_FAILED, "InternalError", True)
    assert "The disk could not be read." in seen.message
    found = await importing.provider.find(importing.search())
    assert type(found) is (Failed if leaves == "CreateFailed" else Absent)


async def test_a_file_that_can_never_be_imported_is_not_tried_again(importing: Importing) -> None:
    """What the task found out about the file is its own reason, and no other attempt mends it."""
    importing.cloud.put(importing.key, bytes(1000))
    task = await importing.submitted()
    seen = await ended(importing.provider, task)
    assert isinstance(seen, Failed)
    assert (seen.reason, seen.code, seen.retryable) == (
        Reason.INVALID_SPEC,
        "InvalidImageFormat.Malformed",
        False,
    )


async def test_a_failed_image_is_seen_at_once(importing: Importing) -> None:
    """Although its task still runs."""
    importing.cloud.settings(waitingSeconds=0, secondsPerDisk=1_000_000)
    task = await importing.submitted()
    made = importing.cloud.made()[task.image_id]
    importing.cloud.emulator.admin("POST", "/images", {**made, "status": "CreateFailed"})
    seen = await importing.seen(task)
    assert isinstance(seen, Failed)
    assert f"image {task.image_id} is CreateFailed" in seen.message


@pytest.mark.parametrize("leaves", ["CreateFailed", "nothing"])
async def test_a_cancelled_import_is_no_failure(importing: Importing, leaves: str) -> None:
    """Whether or not an image is left of it."""
    importing.cloud.settings(speed=STILL, cancelledImportLeaves=leaves)
    task = await importing.submitted()
    importing.cloud.cancel(task.id or "")
    assert isinstance(await importing.seen(task), Cancelled)
    found = await importing.provider.find(importing.search())
    assert type(found) is (Cancelled if leaves == "CreateFailed" else Absent)


async def test_a_task_that_ended_before_its_image_runs(importing: Importing) -> None:
    """The image must be there to be finished."""
    importing.cloud.script("unknownImageState", "ImportImage", reads=2, state="Creating")
    importing.cloud.settings(speed=10000)
    task = await importing.submitted()
    task_ended(importing.cloud.emulator, task.id or "")
    assert isinstance(await importing.seen(task), Running)
    assert isinstance(await ended(importing.provider, task), Succeeded)


async def test_another_ones_task_in_our_journal_is_absent(importing: Importing) -> None:
    """A forged task id proves nothing: an image that bears another's mark is not ours, whatever else stands beside it."""
    theirs = await importing.submitted()
    other = Importing(importing.cloud, importing.provider)
    ours = await other.submitted()
    forged = replace(theirs, key=ours.key, image_id=ours.image_id)
    assert isinstance(await importing.seen(forged), Absent)
    assert isinstance(await importing.seen(replace(forged, id="t-nobody", image_id=theirs.image_id)), Absent)


async def test_a_task_that_vanished_is_told_by_its_image(importing: Importing) -> None:
    """Only where there is no image either is it absent; without any id nothing is said."""
    task = await importing.done()
    assert isinstance(await importing.seen(replace(task, id="t-nobody")), Succeeded)
    assert isinstance(await importing.seen(replace(task, id="t-nobody", image_id="m-nobody")), Absent)
    assert await importing.seen(replace(task, id=None, image_id="")) is None


async def test_150_tasks_are_polled_in_four_calls(importing: Importing) -> None:
    """A lane is asked about in batches of a hundred, tasks and images each."""
    cloud = importing.cloud
    cloud.settings(speed=STILL, quota={"imports": 1000, "images": 1000})
    tasks: dict[str, Task] = {}
    for number in range(150):
        task_id, image_id = cloud.foreign_import(f"{importing.name}-{number}", key=importing.key)
        tasks[task_id] = Task(id=task_id, key="k", object_prefix="k", image_id=image_id)
    before = {action: len(cloud.requests(action)) for action in ("DescribeTasks", "DescribeImages")}
    seen = await importing.provider.poll(tasks, {})
    assert {uid: type(each) for uid, each in seen.items()} == dict.fromkeys(tasks, Running)
    after = {action: len(cloud.requests(action)) - count for action, count in before.items()}
    assert after == {"DescribeTasks": 2, "DescribeImages": 2}
    for task_id in tasks:
        cloud.cancel(task_id)


async def test_running_imports_of_everybody_are_counted(importing: Importing) -> None:
    """All that run are told, whoever started them; exports are none of them."""
    importing.cloud.settings(speed=STILL)
    before = set(await importing.provider.running())
    exported = importing.cloud.foreign("plain11")
    theirs, _ = importing.stranger()
    running = set(await importing.provider.running())
    assert running - before == {theirs}
    assert exported not in running
