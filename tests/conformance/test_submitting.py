import asyncio
import itertools
import re
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from imageferry.clouds.provider import CloudConnection, ImageProvider, Origin
from imageferry.core.errors import Blocked, Deferred, Failure, Scope, Throttled, Transient, Unconfirmed, Unsent
from imageferry.core.job import Kind
from imageferry.core.journal import Claim
from imageferry.core.observation import Absent, Candidate, Running, Succeeded
from imageferry.core.reasons import Reason
from imageferry.core.resolved import Resolved, ResolvedExport, ResolvedImport
from tests.conformance.clouds import BOTH, TIMINGS, Cloud, Way, claimed, looked_for, seen_at_last


@pytest.fixture(params=BOTH)
def way(request: pytest.FixtureRequest, cloud: Cloud) -> Way:
    """Each direction through the cloud."""
    return Way(cloud, request.param)


@pytest.fixture
def provider(way: Way, connection: CloudConnection) -> ImageProvider:
    """The verbs of the direction."""
    return way.verbs(connection)


@pytest.fixture
async def resolved(way: Way, provider: ImageProvider) -> Resolved:
    """What the ordinary wish of the direction means."""
    return await way.meant(provider)


def _export_sent(resolved: Resolved, claim: Claim) -> dict[str, str]:
    assert isinstance(resolved, ResolvedExport)
    return {
        "ImageId": resolved.image_id,
        "OSSBucket": resolved.bucket,
        "OSSPrefix": claim.object_prefix,
        "ImageFormat": "raw",
        "RoleName": "AliyunECSImageExportDefaultRole",
    }


def _import_sent(resolved: Resolved, claim: Claim) -> dict[str, str]:
    assert isinstance(resolved, ResolvedImport)
    return {
        "ImageName": resolved.image.name,
        "DiskDeviceMapping.1.OSSBucket": resolved.bucket,
        "DiskDeviceMapping.1.OSSObject": resolved.disks[0].key,
        "RoleName": "AliyunECSImageImportDefaultRole",
        "Tag.1.Key": "imageferry.dev/attempt",
        "Tag.1.Value": claim.key,
        "ClientToken": claim.key,
    }


SENT: dict[Kind, Callable[[Resolved, Claim], dict[str, str]]] = {
    Kind.EXPORT: _export_sent,
    Kind.IMPORT: _import_sent,
}
"""All parameters but the region, by direction."""


async def test_one_submission_is_one_accepted_request(way: Way, provider: ImageProvider, resolved: Resolved) -> None:
    """The ledger holds one entry, with what was pinned and the attempt's mark and nothing else."""
    claim = claimed()
    task = await provider.submit(way.job(), claim, resolved, repeat=0)
    entries = way.submissions()
    assert [entry["result"]["TaskId"] for entry in entries] == [task.id]
    assert entries[0]["params"] == {"RegionId": resolved.region, **SENT[way.kind](resolved, claim)}
    assert (task.key, task.object_prefix) == (claim.key, claim.object_prefix)


async def test_it_is_signed_with_the_time_of_the_claim(way: Way, provider: ImageProvider, resolved: Resolved) -> None:
    """Signed date and nonce on the wire are the claim's time and key, however late the request leaves."""
    claim = claimed(ago=timedelta(minutes=7))
    await provider.submit(way.job(), claim, resolved, repeat=0)
    seen = way.requests()
    assert [(each["date"], each["nonce"]) for each in seen] == [
        (claim.claimed_at.strftime("%Y-%m-%dT%H:%M:%SZ"), claim.key)
    ]


async def test_a_request_beyond_the_life_of_its_signature_starts_nothing(
    way: Way, provider: ImageProvider, resolved: Resolved
) -> None:
    """A process that slept since its claim is refused by the cloud itself, which proves that nothing started."""
    with pytest.raises(Transient) as refused:
        await provider.submit(way.job(), claimed(ago=timedelta(minutes=16)), resolved, repeat=0)
    assert refused.value.reason is Reason.CLOCK_SKEW
    assert way.submissions() == []


async def test_the_same_claim_is_never_accepted_twice(way: Way, provider: ImageProvider, resolved: Resolved) -> None:
    """A second send of a claim is refused for its nonce, and the refusal proves nothing."""
    claim = claimed()
    await provider.submit(way.job(), claim, resolved, repeat=0)
    with pytest.raises(Unconfirmed):
        await provider.submit(way.job(), claim, resolved, repeat=0)
    assert len(way.submissions()) == 1


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
    way: Way, provider: ImageProvider, resolved: Resolved, fault: str, options: dict[str, Any], accepted: int
) -> None:
    """Whatever proves nothing leaves the claim open; looking tells, and one request was on the wire."""
    way.script(fault, **options)
    claim = claimed()
    with pytest.raises(Unconfirmed) as unclear:
        await provider.submit(way.job(), claim, resolved, repeat=0)
    assert unclear.value.reason is Reason.SUBMISSION_UNKNOWN
    assert len(way.requests()) == 1
    assert len(way.submissions()) == accepted
    search = looked_for(way.cloud, resolved, claim)
    if accepted:
        found = await seen_at_last(lambda: provider.find(search), lambda seen: not isinstance(seen, Candidate))
        assert isinstance(found, Running | Succeeded)
        assert found.task.id == way.submissions()[0]["result"]["TaskId"]
    else:
        assert isinstance(await provider.find(search), Absent)


async def test_a_huge_answer_is_read_all_the_same(way: Way, provider: ImageProvider, resolved: Resolved) -> None:
    """Ten MiB around the task's id do not hide it."""
    way.script("hugeBody")
    task = await provider.submit(way.job(), claimed(), resolved, repeat=0)
    assert task.id == way.submissions()[0]["result"]["TaskId"]


async def test_a_request_accepted_late_is_found(way: Way, provider: ImageProvider, resolved: Resolved) -> None:
    """The window stays open: what is absent at first is found once the cloud has accepted it after all."""
    way.script("acceptedLate", seconds=1)
    claim = claimed()
    with pytest.raises(Unconfirmed):
        await provider.submit(way.job(), claim, resolved, repeat=0)
    search = looked_for(way.cloud, resolved, claim)
    found = await seen_at_last(lambda: provider.find(search), lambda seen: not isinstance(seen, Absent | Candidate))
    assert isinstance(found, Running | Succeeded)
    assert found.task.id == way.submissions()[0]["result"]["TaskId"]


async def test_a_refused_connection_is_unsent(way: Way, cloud: Cloud, resolved: Resolved) -> None:
    """Where no connection came about, nothing was sent, and it may be sent again."""
    connection = cloud.connection(endpoint="http://127.0.0.1:9")  # the discard port, where nothing listens
    with pytest.raises(Unsent):
        await way.verbs(connection).submit(way.job(), claimed(), resolved, repeat=0)
    await connection.aclose()
    assert [code for action, _, code in cloud.reports if action == way.action] == ["Unreachable"]


async def test_an_address_that_does_not_resolve_is_unsent(way: Way, cloud: Cloud, resolved: Resolved) -> None:
    """The same holds for a name that nobody knows."""
    connection = cloud.connection(endpoint="http://nobody.invalid")
    with pytest.raises(Unsent):
        await way.verbs(connection).submit(way.job(), claimed(), resolved, repeat=0)
    await connection.aclose()


async def test_a_submission_that_never_left_the_queue_is_unsent(
    way: Way, provider: ImageProvider, resolved: Resolved
) -> None:
    """Cancelled while all threads are busy, the call provably never began."""
    free = threading.Event()
    blockers = [way.cloud.pool.submit(free.wait) for _ in range(8)]
    submission = asyncio.ensure_future(provider.submit(way.job(), claimed(), resolved, repeat=0))
    await seen_at_last(lambda: asyncio.sleep(0, way.cloud.pool._work_queue.qsize()), lambda waiting: waiting == 1)
    submission.cancel()
    with pytest.raises(Unsent):
        await submission
    free.set()
    assert all(blocker.result() for blocker in blockers)
    assert way.requests() == []


async def test_a_cancelled_caller_still_learns_of_its_task(
    way: Way, provider: ImageProvider, resolved: Resolved
) -> None:
    """A submission on the wire is waited for although its caller was cancelled, so that the task's id is not lost."""
    gate = way.cloud.emulator.admin("POST", "/gates", {"action": way.action, "position": "after"})["id"]
    submission = asyncio.ensure_future(provider.submit(way.job(), claimed(), resolved, repeat=0))
    held = await asyncio.to_thread(way.cloud.emulator.admin, "GET", f"/gates?wait=30&id={gate}")
    assert held["gates"][0]["held"] != []
    submission.cancel()
    await asyncio.sleep(0)
    way.cloud.emulator.admin("POST", "/gates/release", {"id": gate, "outcome": "continue"})
    assert (await submission).id == way.submissions()[0]["result"]["TaskId"]


async def test_an_answer_that_takes_too_long_is_unconfirmed(way: Way, cloud: Cloud, resolved: Resolved) -> None:
    """The call's own deadline ends it; what the cloud does with the request is then unknown."""
    way.script("delay", seconds=30)
    connection = cloud.connection(timings=replace(TIMINGS, submit_deadline_seconds=0.5))
    with pytest.raises(Unconfirmed):
        await way.verbs(connection).submit(way.job(), claimed(), resolved, repeat=0)
    await connection.aclose()


async def test_a_busy_image_proves_nothing(way: Way, provider: ImageProvider, resolved: Resolved) -> None:
    """A refusal because another's task is in the way may speak of our own request, so the claim stays open."""
    way.stand_in_the_way()
    with pytest.raises(Unconfirmed) as unclear:
        await provider.submit(way.job(), claimed(), resolved, repeat=0)
    assert unclear.value.code in ("ImageIsExporting", "InvalidImageName.Duplicated")


async def test_a_concurrent_quota_defers_the_slot(way: Way, provider: ImageProvider, resolved: Resolved) -> None:
    """The refusal proves that nothing started and says how long to wait, with the cloud's own figures."""
    way.cloud.settings(quota={"concurrent": 0, "imports": 0})
    with pytest.raises(Deferred) as deferred:
        await provider.submit(way.job(), claimed(), resolved, repeat=0)
    assert (deferred.value.reason, deferred.value.scope) == (Reason.CONCURRENT_QUOTA_EXCEEDED, Scope.SLOT)
    assert re.search("At most 0 (export|import) tasks", deferred.value.message)


async def test_a_quota_of_the_account_closes_the_lane(way: Way, provider: ImageProvider, resolved: Resolved) -> None:
    """The lane is looked at again an hour later at most often."""
    way.cloud.settings(quota={"weekly": 0, "images": 0})
    with pytest.raises(Deferred) as deferred:
        await provider.submit(way.job(), claimed(), resolved, repeat=0)
    told = (deferred.value.reason, deferred.value.scope, deferred.value.retry_after_seconds)
    assert (
        told
        == {
            Kind.EXPORT: (Reason.WEEKLY_QUOTA_EXCEEDED, Scope.LANE, 3600),
            Kind.IMPORT: (Reason.IMAGE_QUOTA_EXCEEDED, Scope.LANE, 900),
        }[way.kind]
    )


async def test_throttling_names_its_time(way: Way, provider: ImageProvider, resolved: Resolved) -> None:
    """The cloud's own figure, in milliseconds on the wire, comes out in seconds, and nothing was started."""
    way.script("throttle", retryAfter=1500)
    with pytest.raises(Throttled) as throttled:
        await provider.submit(way.job(), claimed(), resolved, repeat=0)
    assert throttled.value.retry_after_seconds == 1.5
    assert way.submissions() == []


async def test_an_unknown_refusal_is_worth_another_try(way: Way, provider: ImageProvider, resolved: Resolved) -> None:
    """A code that no table names proves that nothing started, and is no verdict on the spec."""
    way.script("unknownCode")
    with pytest.raises(Transient) as refused:
        await provider.submit(way.job(), claimed(), resolved, repeat=0)
    assert refused.value.reason is Reason.CLOUD_UNAVAILABLE
    assert way.submissions() == []


async def test_a_missing_role_blocks(way: Way, provider: ImageProvider, resolved: Resolved) -> None:
    """A role that went away since preflight is named with its remedy; the world must change, not the object."""
    with pytest.raises(Blocked) as blocked:
        await provider.submit(way.job(), claimed(), replace(resolved, role_name="NoSuchRole"), repeat=0)
    assert blocked.value.reason is Reason.ROLE_MISSING
    assert resolved.role_name in ("AliyunECSImageExportDefaultRole", "AliyunECSImageImportDefaultRole")


SPOILT = ("answerLost", "error500Accepted", "htmlBody", "throttle", "unknownCode", "expiredKey", "dropBeforeAccept")


@pytest.mark.parametrize("verb", ["submit", "find", "poll", "cancel", "running"])
async def test_no_failure_shows_a_secret(way: Way, connection: CloudConnection, verb: str) -> None:
    """No message, code or repr holds a key, a signature or an address, nor anything that changes from try to try."""
    provider, cloud = way.verbs(connection), way.cloud
    other = await way.meant(provider, 2)
    task = await provider.submit(way.job(2), claimed(2), other, repeat=0)
    resolved, claim = await way.meant(provider), claimed()
    origin = Origin(image_id="m-any", since=claim.claimed_at, until=claim.claimed_at)
    numbers = itertools.count(3)
    looked = {Kind.EXPORT: "DescribeTasks", Kind.IMPORT: "DescribeImages"}[way.kind]
    verbs: dict[str, tuple[str, Callable[[], Awaitable[object]]]] = {
        "submit": (way.action, lambda: provider.submit(way.job(), claimed(next(numbers)), resolved, repeat=0)),
        "find": (looked, lambda: provider.find(looked_for(cloud, resolved, claim))),
        "poll": ("DescribeTasks", lambda: provider.poll({"a": task}, {})),
        "cancel": ("DescribeTaskAttribute", lambda: provider.cancel(task, origin)),
        "running": ("DescribeTasks", provider.running),
    }
    action, call = verbs[verb]
    for fault in SPOILT:
        cloud.script(fault, action)
        with pytest.raises(Failure) as failure:
            await call()
        cloud.emulator.admin("DELETE", "/faults")
        failed = failure.value
        said = f"{failed!r} {failed.message} {failed.code} {failed.request_id} {failed.__cause__!r}"
        assert [word for word in cloud.secret_words if word in said] == [], fault
        assert str(datetime.now(UTC).year) not in failed.message, fault
        assert not failed.request_id or failed.request_id not in failed.message, fault
