import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from imageferry.clouds.provider import ImageProvider
from imageferry.core.errors import Blocked, Deferred, Failure, Scope, Throttled, Transient, Unconfirmed, Unsent
from imageferry.core.journal import Resolved
from imageferry.core.observation import Absent, Candidate, Running, Succeeded
from imageferry.core.reasons import Reason
from tests.conformance.clouds import EXPORT, TIMINGS, Cloud, claimed, looked_for, origin, seen_at_last


async def test_one_submission_is_one_accepted_request(
    cloud: Cloud, provider: ImageProvider, resolved: Resolved
) -> None:
    """The ledger holds one entry, with what was pinned and the attempt's mark and nothing else."""
    claim = claimed()
    task = await provider.submit(cloud.job(), claim, resolved)
    entries = cloud.submissions()
    assert [entry["result"]["TaskId"] for entry in entries] == [task.id]
    assert entries[0]["params"] == {
        "RegionId": resolved.region,
        "ImageId": resolved.image_id,
        "OSSBucket": resolved.bucket,
        "OSSPrefix": claim.object_prefix,
        "ImageFormat": "raw",
        "RoleName": "AliyunECSImageExportDefaultRole",
    }
    assert (task.key, task.object_prefix) == (claim.key, claim.object_prefix)


async def test_it_is_signed_with_the_time_of_the_claim(
    cloud: Cloud, provider: ImageProvider, resolved: Resolved
) -> None:
    """Signed date and nonce on the wire are the claim's time and key, however late the request leaves."""
    claim = claimed(ago=timedelta(minutes=7))
    await provider.submit(cloud.job(), claim, resolved)
    seen = cloud.requests("ExportImage")
    assert [(each["date"], each["nonce"]) for each in seen] == [
        (claim.claimed_at.strftime("%Y-%m-%dT%H:%M:%SZ"), claim.key)
    ]


async def test_a_request_beyond_the_life_of_its_signature_starts_nothing(
    cloud: Cloud, provider: ImageProvider, resolved: Resolved
) -> None:
    """A process that slept since its claim is refused by the cloud itself, which proves that nothing started."""
    with pytest.raises(Transient) as refused:
        await provider.submit(cloud.job(), claimed(ago=timedelta(minutes=16)), resolved)
    assert refused.value.reason is Reason.CLOCK_SKEW
    assert cloud.submissions() == []


async def test_the_same_claim_is_never_accepted_twice(
    cloud: Cloud, provider: ImageProvider, resolved: Resolved
) -> None:
    """A second send of a claim is refused for its nonce, and the refusal proves nothing."""
    claim = claimed()
    await provider.submit(cloud.job(), claim, resolved)
    with pytest.raises(Unconfirmed):
        await provider.submit(cloud.job(), claim, resolved)
    assert len(cloud.submissions()) == 1


UNCLEAR: dict[str, tuple[str, dict[str, Any], int]] = {
    "the answer is lost after accepting": ("answerLost", {}, 1),
    "the body is cut": ("cutBody", {}, 1),
    "success names no task": ("successWithoutTaskID", {}, 1),
    "a 500 that accepted": ("error500Accepted", {}, 1),
    "a 500 that did not": ("error500NotAccepted", {}, 0),
    "a page of HTML": ("htmlBody", {}, 0),
    "the connection drops before accepting": ("dropBeforeAccept", {}, 0),
}


@pytest.mark.parametrize(("fault", "options", "accepted"), UNCLEAR.values(), ids=UNCLEAR)
async def test_an_unclear_answer_is_unconfirmed_and_sent_once(
    cloud: Cloud, provider: ImageProvider, resolved: Resolved, fault: str, options: dict[str, Any], accepted: int
) -> None:
    """Whatever proves nothing leaves the claim open; looking tells, and one request was on the wire."""
    cloud.script(fault, **options)
    claim = claimed()
    with pytest.raises(Unconfirmed) as unclear:
        await provider.submit(cloud.job(), claim, resolved)
    assert unclear.value.reason is Reason.SUBMISSION_UNKNOWN
    assert len(cloud.requests("ExportImage")) == 1
    assert len(cloud.submissions()) == accepted
    search = looked_for(cloud, resolved, claim)
    if accepted:
        found = await seen_at_last(lambda: provider.find(search), lambda seen: not isinstance(seen, Candidate))
        assert isinstance(found, Running | Succeeded)
        assert found.task.id == cloud.submissions()[0]["result"]["TaskId"]
    else:
        assert isinstance(await provider.find(search), Absent)


async def test_a_huge_answer_is_read_all_the_same(cloud: Cloud, provider: ImageProvider, resolved: Resolved) -> None:
    """Ten MiB around the task's id do not hide it."""
    cloud.script("hugeBody")
    task = await provider.submit(cloud.job(), claimed(), resolved)
    assert task.id == cloud.submissions()[0]["result"]["TaskId"]


async def test_a_request_accepted_late_is_found(cloud: Cloud, provider: ImageProvider, resolved: Resolved) -> None:
    """The window stays open: what is absent at first is found once the cloud has accepted it after all."""
    cloud.script("acceptedLate", seconds=1)
    claim = claimed()
    with pytest.raises(Unconfirmed):
        await provider.submit(cloud.job(), claim, resolved)
    search = looked_for(cloud, resolved, claim)
    found = await seen_at_last(lambda: provider.find(search), lambda seen: not isinstance(seen, Absent | Candidate))
    assert isinstance(found, Running | Succeeded)
    assert found.task.id == cloud.submissions()[0]["result"]["TaskId"]


async def test_a_refused_connection_is_unsent(cloud: Cloud, resolved: Resolved) -> None:
    """Where no connection came about, nothing was sent, and it may be sent again."""
    connection = cloud.connection(endpoint="http://127.0.0.1:9")  # the discard port, where nothing listens
    with pytest.raises(Unsent):
        await connection.provider(EXPORT, cloud.region).submit(cloud.job(), claimed(), resolved)
    await connection.aclose()
    assert [code for action, _, code in cloud.reports if action == "ExportImage"] == ["Unreachable"]


async def test_an_address_that_does_not_resolve_is_unsent(cloud: Cloud, resolved: Resolved) -> None:
    """The same holds for a name that nobody knows."""
    connection = cloud.connection(endpoint="http://nobody.invalid")
    with pytest.raises(Unsent):
        await connection.provider(EXPORT, cloud.region).submit(cloud.job(), claimed(), resolved)
    await connection.aclose()


async def test_a_submission_that_never_left_the_queue_is_unsent(
    cloud: Cloud, provider: ImageProvider, resolved: Resolved
) -> None:
    """Cancelled while all threads are busy, the call provably never began."""
    free = threading.Event()
    blockers = [cloud.pool.submit(free.wait) for _ in range(8)]
    submission = asyncio.ensure_future(provider.submit(cloud.job(), claimed(), resolved))
    await seen_at_last(lambda: asyncio.sleep(0, cloud.pool._work_queue.qsize()), lambda waiting: waiting == 1)
    submission.cancel()
    with pytest.raises(Unsent):
        await submission
    free.set()
    assert all(blocker.result() for blocker in blockers)
    assert cloud.requests("ExportImage") == []


async def test_a_cancelled_caller_still_learns_of_its_task(
    cloud: Cloud, provider: ImageProvider, resolved: Resolved
) -> None:
    """A submission on the wire is waited for although its caller was cancelled, so that the task's id is not lost."""
    gate = cloud.emulator.admin("POST", "/gates", {"action": "ExportImage", "position": "after"})["id"]
    submission = asyncio.ensure_future(provider.submit(cloud.job(), claimed(), resolved))
    held = await asyncio.to_thread(cloud.emulator.admin, "GET", f"/gates?wait=30&id={gate}")
    assert held["gates"][0]["held"] != []
    submission.cancel()
    await asyncio.sleep(0)
    cloud.emulator.admin("POST", "/gates/release", {"id": gate, "outcome": "continue"})
    assert (await submission).id == cloud.submissions()[0]["result"]["TaskId"]


async def test_an_answer_that_takes_too_long_is_unconfirmed(cloud: Cloud, resolved: Resolved) -> None:
    """The call's own deadline ends it; what the cloud does with the request is then unknown."""
    cloud.script("delay", seconds=30)
    connection = cloud.connection(timings=replace(TIMINGS, submit_deadline_seconds=0.5))
    with pytest.raises(Unconfirmed):
        await connection.provider(EXPORT, cloud.region).submit(cloud.job(), claimed(), resolved)
    await connection.aclose()


async def test_a_busy_image_proves_nothing(cloud: Cloud, provider: ImageProvider, resolved: Resolved) -> None:
    """A refusal because the image is being exported may speak of our own request, so the claim stays open."""
    cloud.foreign()
    with pytest.raises(Unconfirmed) as unclear:
        await provider.submit(cloud.job(), claimed(), resolved)
    assert unclear.value.code == "ImageIsExporting"


async def test_a_concurrent_quota_defers_the_slot(cloud: Cloud, provider: ImageProvider, resolved: Resolved) -> None:
    """The refusal proves that nothing started and says how long to wait, with the cloud's own figures."""
    cloud.settings(quota={"concurrent": 0})
    with pytest.raises(Deferred) as deferred:
        await provider.submit(cloud.job(), claimed(), resolved)
    assert (deferred.value.reason, deferred.value.scope) == (Reason.CONCURRENT_QUOTA_EXCEEDED, Scope.SLOT)
    assert "At most 0 export tasks" in deferred.value.message


async def test_a_weekly_quota_closes_the_lane(cloud: Cloud, provider: ImageProvider, resolved: Resolved) -> None:
    """The lane is looked at again an hour later at most often."""
    cloud.settings(quota={"weekly": 0})
    with pytest.raises(Deferred) as deferred:
        await provider.submit(cloud.job(), claimed(), resolved)
    assert (deferred.value.scope, deferred.value.retry_after_seconds) == (Scope.LANE, 3600)


async def test_throttling_names_its_time(cloud: Cloud, provider: ImageProvider, resolved: Resolved) -> None:
    """The cloud's own figure, in milliseconds on the wire, comes out in seconds, and nothing was started."""
    cloud.script("throttle", retryAfter=1500)
    with pytest.raises(Throttled) as throttled:
        await provider.submit(cloud.job(), claimed(), resolved)
    assert throttled.value.retry_after_seconds == 1.5
    assert cloud.submissions() == []


async def test_an_unknown_refusal_is_worth_another_try(
    cloud: Cloud, provider: ImageProvider, resolved: Resolved
) -> None:
    """A code that no table names proves that nothing started, and is no verdict on the spec."""
    cloud.script("unknownCode")
    with pytest.raises(Transient) as refused:
        await provider.submit(cloud.job(), claimed(), resolved)
    assert refused.value.reason is Reason.CLOUD_UNAVAILABLE
    assert cloud.submissions() == []


async def test_a_missing_role_blocks(cloud: Cloud, provider: ImageProvider, resolved: Resolved) -> None:
    """A role that went away since preflight is named with its remedy; the world must change, not the object."""
    with pytest.raises(Blocked) as blocked:
        await provider.submit(cloud.job(), claimed(), replace(resolved, role_name="NoSuchRole"))
    assert blocked.value.reason is Reason.ROLE_MISSING
    assert resolved.role_name == "AliyunECSImageExportDefaultRole"


SPOILT = ("answerLost", "error500Accepted", "htmlBody", "throttle", "unknownCode", "expiredKey", "dropBeforeAccept")


@pytest.mark.parametrize("fault", SPOILT)
@pytest.mark.parametrize("verb", ["submit", "find", "poll", "cancel", "running"])
async def test_no_failure_shows_a_secret(
    cloud: Cloud, provider: ImageProvider, resolved: Resolved, fault: str, verb: str
) -> None:
    """No message, code or repr holds a key, a signature or an address, nor anything that changes from try to try."""
    claim = claimed()
    task = await provider.submit(
        cloud.job("plain2"), claimed(2), replace(resolved, image_id=cloud.emulator.info["images"]["plain2"])
    )
    verbs: dict[str, tuple[str, Callable[[], Awaitable[object]]]] = {
        "submit": ("ExportImage", lambda: provider.submit(cloud.job(), claim, resolved)),
        "find": ("DescribeTasks", lambda: provider.find(looked_for(cloud, resolved, claim))),
        "poll": ("DescribeTasks", lambda: provider.poll({"a": task})),
        "cancel": ("DescribeTaskAttribute", lambda: provider.cancel(task, origin(resolved, claim))),
        "running": ("DescribeTasks", provider.running),
    }
    action, call = verbs[verb]
    cloud.script(fault, action)
    with pytest.raises(Failure) as failure:
        await call()
    failed = failure.value
    said = f"{failed!r} {failed.message} {failed.code} {failed.request_id} {failed.__cause__!r}"
    assert [word for word in cloud.secret_words if word in said] == []
    assert str(datetime.now(UTC).year) not in failed.message
    assert not failed.request_id or failed.request_id not in failed.message
