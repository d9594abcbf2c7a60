from dataclasses import replace
from datetime import timedelta

import pytest

from imageferry.clouds.provider import CloudConnection, ImageProvider
from imageferry.core.errors import Rejected, Transient
from imageferry.core.keys import SEARCHED_NUMBERS, marks
from imageferry.core.observation import (
    Absent,
    Cancelled,
    Candidate,
    Failed,
    Observation,
    Running,
    Succeeded,
    Task,
    Unprovable,
)
from imageferry.core.reasons import Reason
from imageferry.core.resolved import ResolvedExport
from tests.conformance.clouds import (
    EXPORT,
    PREFIX,
    TIMINGS,
    UID,
    Cloud,
    claimed,
    ended,
    looked_for,
    marked,
    meant,
    origin,
    seen_at_last,
)

STILL = 0.001
"""A speed at which no task ends by itself."""


async def _look(provider: ImageProvider, task: Task) -> Observation:
    return (await provider.poll({"a": task}, {}))["a"]


def _task(cloud_id: str, number: int = 1) -> Task:
    return Task(id=cloud_id, key=marked(number).key, object_prefix=marked(number).object_prefix)


async def test_nothing_of_ours_is_absent(cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport) -> None:
    """Where there is no task, no file and no doubt, that is proven, with the cloud's own clock."""
    cloud.settings(clockOffsetSeconds=600)
    found = await provider.find(looked_for(cloud, resolved, claimed()))
    assert isinstance(found, Absent)
    assert found.cloud_time > claimed().claimed_at + timedelta(minutes=9)


async def test_a_region_that_does_not_exist_holds_nothing_of_ours(
    cloud: Cloud, connection: CloudConnection, resolved: ResolvedExport
) -> None:
    """A lost journal is no riddle there; but an open claim was made by a cloud that had the region, and is not closed so."""
    provider = connection.provider(EXPORT, "cn-nowhere")
    search = looked_for(cloud, resolved, claimed())
    found = await provider.find(replace(search, until=None))
    assert isinstance(found, Absent)
    assert abs(found.cloud_time - claimed().claimed_at) < timedelta(minutes=1)
    with pytest.raises(Rejected):
        await provider.find(search)


async def test_a_task_that_shows_our_files_is_ours(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport
) -> None:
    """A running task is known by the names of the files it writes, where it shows them."""
    cloud.settings(speed=STILL, relatedItemsWhileRunning=True)
    task = await provider.submit(cloud.job(), claim := claimed(), resolved, repeat=0)
    found = await provider.find(looked_for(cloud, resolved, claim))
    assert isinstance(found, Running)
    assert found.task.id == task.id


@pytest.mark.parametrize("minutes", [-14, 14])
async def test_a_clock_that_is_wrong_hides_no_task(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport, minutes: int
) -> None:
    """As far as the cloud accepts a signature, a claim may seem older or younger than the task that came of it."""
    cloud.settings(speed=STILL, relatedItemsWhileRunning=True, clockOffsetSeconds=60 * minutes)
    task = await provider.submit(cloud.job(), claim := claimed(), resolved, repeat=0)
    found = await provider.find(looked_for(cloud, resolved, claim))
    assert isinstance(found, Running)
    assert found.task.id == task.id


async def test_a_running_task_that_shows_no_files_is_a_candidate(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport
) -> None:
    """On our image and within the window, it may be ours or not: wait until it can be told."""
    cloud.settings(speed=STILL)
    foreign = cloud.foreign()
    found = await provider.find(looked_for(cloud, resolved, claimed()))
    assert isinstance(found, Candidate)
    assert foreign in found.detail


async def test_a_persons_export_of_our_image_is_not_ours(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport
) -> None:
    """Once it can be told, it is nobody's business: nothing of ours is there."""
    await ended(provider, _task(cloud.foreign(OSSPrefix="theirs")))
    assert isinstance(await provider.find(looked_for(cloud, resolved, claimed())), Absent)


async def test_a_prefix_that_only_begins_with_ours_is_not_ours(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport
) -> None:
    """A tenant may choose another's key as a prefix; only the underscore after it ends the mark."""
    claim = claimed()
    cloud.put(f"{claim.object_prefix}x_{resolved.image_id}_system.raw.tar.gz")
    found = await seen_at_last(
        lambda: provider.find(looked_for(cloud, resolved, claim)), lambda seen: not isinstance(seen, Candidate)
    )
    assert isinstance(found, Absent)
    task_id = cloud.foreign(OSSPrefix=f"{claim.object_prefix}x")
    found = await seen_at_last(
        lambda: provider.find(looked_for(cloud, resolved, claim)), lambda seen: not isinstance(seen, Candidate)
    )
    assert isinstance(found, Absent)
    assert isinstance(await ended(provider, _task(task_id)), Absent)


async def test_our_mark_in_another_bucket_is_not_ours(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport
) -> None:
    """Mark and bucket together are the proof."""
    claim = claimed()
    cloud.emulator.admin(
        "POST", "/buckets", {"name": "ferry-elsewhere", "region": cloud.region, "account": claim.account_id}
    )
    cloud.foreign(OSSPrefix=claim.object_prefix, OSSBucket="ferry-elsewhere")
    found = await seen_at_last(
        lambda: provider.find(looked_for(cloud, resolved, claim)), lambda seen: not isinstance(seen, Candidate)
    )
    assert isinstance(found, Absent)


async def test_a_task_on_the_second_page_is_found(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport
) -> None:
    """A first page proves nothing: more than a hundred newer tasks on the image do not hide ours."""
    cloud.settings(quota={"weekly": 1000})
    claim = claimed()
    task = await provider.submit(cloud.job(), claim, resolved, repeat=0)
    assert isinstance(await ended(provider, task), Succeeded)
    for _ in range(105):
        cloud.cancel(cloud.foreign())
    found = await provider.find(looked_for(cloud, resolved, claim))
    assert isinstance(found, Succeeded)
    assert found.task.id == task.id
    assert len(cloud.requests("DescribeTasks")[-2:]) == 2


async def test_a_lost_journal_finds_its_attempt_by_all_marks(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport
) -> None:
    """Without a journal the marks of all numbers are looked for at once, and the image need not be known."""
    task = await provider.submit(cloud.job(), claim := claimed(7), resolved, repeat=0)
    await ended(provider, task)
    lost = looked_for(cloud, resolved, claim, marks=marks(UID, SEARCHED_NUMBERS, PREFIX), image_id="", until=None)
    found = await provider.find(lost)
    assert isinstance(found, Succeeded)
    assert (found.task.id, found.task.key) == (task.id, marked(7).key)


async def test_a_closed_attempt_is_not_found_again(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport
) -> None:
    """An attempt that the journal has closed left a task and files, which are no news any more."""
    task = await provider.submit(cloud.job(), claim := claimed(), resolved, repeat=0)
    await ended(provider, task)
    closed = looked_for(cloud, resolved, claim, closed=(1,))
    assert isinstance(await provider.find(closed), Absent)


async def test_files_without_a_task_are_a_result_once_the_window_is_over(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport
) -> None:
    """The cloud forgets tasks, but their files prove what they did; before that nothing is decided."""
    task = await provider.submit(cloud.job(), claim := claimed(), resolved, repeat=0)
    await ended(provider, task)
    cloud.settings(retentionSeconds=0)
    search = looked_for(cloud, resolved, claim)
    early = await seen_at_last(lambda: provider.find(search), lambda seen: not isinstance(seen, Succeeded | Running))
    assert isinstance(early, Candidate)
    found = await provider.find(looked_for(cloud, resolved, claim, until=claim.claimed_at - timedelta(seconds=1)))
    assert isinstance(found, Succeeded)
    assert found.task == Task(id=None, key=claim.key, object_prefix=claim.object_prefix)


async def test_a_cancelled_task_is_known_by_what_it_left(cloud: Cloud, provider: ImageProvider) -> None:
    """A cancelled task names no files; the ones that bear our mark are its own once the window is over."""
    resolved = await meant(provider, cloud.job("dataDisks"))
    cloud.settings(secondsPerDisk=100)
    task = await provider.submit(cloud.job("dataDisks"), claim := claimed(), resolved, repeat=0)
    await seen_at_last(lambda: _files(cloud), lambda files: len(files) > 0)
    await provider.cancel(task, origin(resolved, claim))
    early = await provider.find(looked_for(cloud, resolved, claim))
    assert isinstance(early, Candidate)
    found = await provider.find(looked_for(cloud, resolved, claim, until=None))
    assert isinstance(found, Cancelled)
    assert found.task.id == task.id


async def _files(cloud: Cloud) -> dict[str, int]:
    return cloud.files()


async def test_an_old_claim_is_unprovable(cloud: Cloud, resolved: ResolvedExport) -> None:
    """Beyond the cloud's memory of tasks nothing can be proven absent."""
    connection = cloud.connection(timings=replace(TIMINGS, task_retention_seconds=60))
    provider = connection.provider(EXPORT, cloud.region)
    found = await provider.find(looked_for(cloud, resolved, claimed(ago=timedelta(minutes=2))))
    await connection.aclose()
    assert isinstance(found, Unprovable)


async def test_a_bucket_that_is_gone_holds_nothing_of_ours(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport
) -> None:
    """A missing bucket is no reason to stay in doubt."""
    search = looked_for(cloud, resolved, claimed(), bucket="ferry-nowhere")
    assert isinstance(await provider.find(search), Absent)


@pytest.mark.parametrize("style", ["EXPORT_IMAGE", "minutes", "boolean"])
async def test_every_documented_spelling_is_understood(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport, style: str
) -> None:
    """Times without seconds, SupportCancel as a boolean and the other spelling of the action change nothing."""
    setting = {"EXPORT_IMAGE": "taskActionStyle", "minutes": "taskTimeStyle", "boolean": "supportCancelStyle"}[style]
    cloud.settings(speed=STILL, relatedItemsWhileRunning=True, **{setting: style})
    task = await provider.submit(cloud.job(), claim := claimed(), resolved, repeat=0)
    found = await provider.find(looked_for(cloud, resolved, claim))
    assert isinstance(found, Running)
    assert (found.task.id, found.task.cancellable) == (task.id, True)
    assert found.task.started_at is not None


async def test_150_tasks_are_polled_in_two_calls(cloud: Cloud, provider: ImageProvider) -> None:
    """A lane is asked about in batches of a hundred; ten percents are asked for, and every task is seen."""
    cloud.settings(speed=STILL, quota={"concurrent": 1000, "weekly": 1000})
    tasks = {image: _task(cloud.foreign(image)) for image in cloud.images(150)}
    seen = await provider.poll(tasks, {})
    assert {uid: (type(each), each.task.id) for uid, each in seen.items() if isinstance(each, Running)} == {
        uid: (Running, task.id) for uid, task in tasks.items()
    }
    assert len(cloud.requests("DescribeTasks")) == 2
    assert len(cloud.requests("DescribeTaskAttribute")) == 10


async def test_percents_take_turns(cloud: Cloud, provider: ImageProvider) -> None:
    """Every task's percent comes up, however many run."""
    cloud.settings(speed=STILL, quota={"concurrent": 1000, "weekly": 1000})
    tasks = {image: _task(cloud.foreign(image)) for image in cloud.images(25)}
    for _ in range(3):
        seen = await provider.poll(tasks, {})
    assert {each.percent for each in seen.values() if isinstance(each, Running)} == {0}


async def test_progress_is_seen(cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport) -> None:
    """A running task's percent is between 0 and 100 and moves."""
    cloud.settings(secondsPerDisk=300)
    task = await provider.submit(cloud.job(), claimed(), resolved, repeat=0)
    seen = await seen_at_last(
        lambda: _look(provider, task), lambda each: isinstance(each, Running) and (each.percent or 0) > 0
    )
    assert isinstance(seen, Running)
    assert 0 < (seen.percent or 0) < 100


async def test_an_unknown_state_runs(cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport) -> None:
    """A word that no document knows is no failure."""
    cloud.script("unknownState", reads=1000, state="Defragmenting")
    cloud.settings(speed=STILL)
    task = await provider.submit(cloud.job(), claimed(), resolved, repeat=0)
    seen = await _look(provider, task)
    assert isinstance(seen, Running)
    assert seen.task.state == "Defragmenting"


async def test_a_task_that_vanished_is_absent(cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport) -> None:
    """A task that is not listed any more is reported as such, never as failed."""
    cloud.script("taskVanishes", afterReads=0)
    task = await provider.submit(cloud.job(), claimed(), resolved, repeat=0)
    assert isinstance(await _look(provider, task), Absent)


async def test_a_failed_task_says_why(cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport) -> None:
    """The cloud's code and words reach the user, without what changes or must not be shown."""
    words = "Broken, see https://example.com/?Signature=abc (request 473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E)."
    cloud.script("taskFails", atPercent=1, errorCode="InternalError", errorMessage=words)
    task = await provider.submit(cloud.job(), claimed(), resolved, repeat=0)
    seen = await ended(provider, task)
    assert isinstance(seen, Failed)
    assert (seen.reason, seen.code, seen.retryable) == (Reason.TASK_FAILED, "InternalError", True)
    assert "Broken" in seen.message
    assert "Signature" not in seen.message
    assert "473469C7" not in seen.message


async def test_another_ones_task_in_our_journal_is_absent(cloud: Cloud, provider: ImageProvider) -> None:
    """A forged task id proves nothing: a task that shows the files of others is not ours."""
    task_id = cloud.foreign(OSSPrefix="theirs")
    assert isinstance(await ended(provider, _task(task_id)), Absent)


async def test_running_tasks_of_everybody_are_counted(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport
) -> None:
    """All that run are told, whoever started them, and none that ended."""
    cloud.settings(speed=STILL)
    foreign = cloud.foreign("plain2")
    gone = cloud.foreign("plain3")
    cloud.cancel(gone)
    task = await provider.submit(cloud.job(), claimed(), resolved, repeat=0)
    assert sorted(await provider.running()) == sorted([foreign, task.id or ""])


async def test_a_list_with_holes_proves_nothing(
    cloud: Cloud, provider: ImageProvider, resolved: ResolvedExport
) -> None:
    """An answer that cannot be read is worth another try and is no proof of absence."""
    cloud.script("htmlBody", "DescribeTasks")
    with pytest.raises(Transient):
        await provider.find(looked_for(cloud, resolved, claimed()))
