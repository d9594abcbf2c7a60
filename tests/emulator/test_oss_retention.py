"""Retention policies (WORM): what is in such a bucket can be read and added to, and neither changed nor deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import alibabacloud_oss_v2 as oss
import pytest

from tests.emulator.bucket_clients import call, sdk, signer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator.bucket_clients import Answer
    from tests.emulator_process import EmulatorProcess

FRESH = "ferry-retained"
DAY_SECONDS = 86400


def retain(client: oss.Client, bucket: str, days: int = 1) -> str:
    """Give the bucket a policy; its id."""
    wish = oss.InitiateWormConfiguration(retention_period_in_days=days)
    done = client.initiate_bucket_worm(oss.InitiateBucketWormRequest(bucket=bucket, initiate_worm_configuration=wish))
    return str(done.worm_id)


def told(client: oss.Client, bucket: str) -> tuple[str, str, int]:
    """The policy: its id, state and days."""
    shown = client.get_bucket_worm(oss.GetBucketWormRequest(bucket=bucket)).worm_configuration
    return shown.worm_id, shown.state, shown.retention_period_in_days


@pytest.fixture
def client(slow_emulator: EmulatorProcess) -> oss.Client:
    """The vendor's client, with a bucket of its own that holds one object."""
    found = sdk(slow_emulator)
    found.put_bucket(oss.PutBucketRequest(bucket=FRESH))
    found.put_object(oss.PutObjectRequest(bucket=FRESH, key="held", body=b"held"))
    return found


@pytest.fixture(autouse=True)
def _emptied(client: oss.Client) -> Iterator[None]:
    """Take the bucket away, for which its policy must be taken back first."""
    yield
    client.abort_bucket_worm(oss.AbortBucketWormRequest(bucket=FRESH))
    left = client.list_objects_v2(oss.ListObjectsV2Request(bucket=FRESH)).contents or ()
    for key in [each.key for each in left]:
        client.delete_object(oss.DeleteObjectRequest(bucket=FRESH, key=key))
    client.delete_bucket(oss.DeleteBucketRequest(bucket=FRESH))


CHANGES: dict[str, tuple[str, dict[str, str], dict[str, str], bytes]] = {
    "deleting": ("DELETE", {}, {}, b""),
    "writing over": ("PUT", {}, {}, b"other"),
    "appending": ("POST", {"append": "", "position": "4"}, {}, b"more"),
    "copying over": ("PUT", {}, {"x-oss-copy-source": f"/{FRESH}/held"}, b""),
}


@pytest.mark.parametrize(("method", "query", "headers", "body"), CHANGES.values(), ids=CHANGES)
def test_a_retained_object_is_kept_from(
    slow_emulator: EmulatorProcess,
    client: oss.Client,
    method: str,
    query: dict[str, str],
    headers: dict[str, str],
    body: bytes,
) -> None:
    """The documented refusal, and the object is as it was."""
    retain(client, FRESH)
    path = f"/{FRESH}/held"
    answer = call(slow_emulator, signer(slow_emulator), method, path, query=query, headers=headers, body=body)
    assert (answer.status, answer.code) == (409, "FileImmutable")
    assert call(slow_emulator, signer(slow_emulator), "GET", path).body == b"held"


def test_one_retained_object_keeps_all_from_being_deleted(slow_emulator: EmulatorProcess, client: oss.Client) -> None:
    """DeleteMultipleObjects deletes all that is named, or nothing."""
    retain(client, FRESH)
    body = b"<Delete><Object><Key>none</Key></Object><Object><Key>held</Key></Object></Delete>"
    answer = call(slow_emulator, signer(slow_emulator), "POST", f"/{FRESH}/", query={"delete": ""}, body=body)
    assert (answer.status, answer.code) == (409, "FileImmutable")


def test_a_retained_bucket_takes_and_shows_objects(slow_emulator: EmulatorProcess, client: oss.Client) -> None:
    """New keys are free, in one piece and in parts; what is there can be read."""
    retain(client, FRESH)
    by, path = signer(slow_emulator), f"/{FRESH}/parts"
    assert call(slow_emulator, by, "PUT", f"/{FRESH}/new", body=b"new").status == 200
    begun = call(slow_emulator, by, "POST", path, query={"uploads": ""})
    upload = {"uploadId": str(begun.xml.findtext("UploadId"))}
    etag = call(slow_emulator, by, "PUT", path, query=upload | {"partNumber": "1"}, body=b"part").headers["etag"]
    whole = (
        f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    )

    def completed() -> Answer:
        return call(slow_emulator, by, "POST", path, query=upload, body=whole.encode())

    assert completed().status == 200
    assert call(slow_emulator, by, "GET", path).body == b"part"


def test_a_policy_is_told_locked_and_taken_back_as_documented(
    slow_emulator: EmulatorProcess, client: oss.Client
) -> None:
    """There is one policy at most; until it is locked it can be taken back, and then the objects are free again."""
    by = signer(slow_emulator)

    def code(method: str, **query: str) -> tuple[int, str]:
        answer = call(slow_emulator, by, method, f"/{FRESH}/", query=query)
        return answer.status, answer.code

    assert code("GET", worm="") == (404, "NoSuchWORMConfiguration")
    worm = retain(client, FRESH, 3)
    assert told(client, FRESH) == (worm, "InProgress", 3)
    with pytest.raises(oss.exceptions.OperationError) as second:
        retain(client, FRESH)
    assert second.value.unwrap().code == "InvalidWORMConfiguration"
    assert code("POST", wormId="another") == (404, "NoSuchWORMConfiguration")
    client.abort_bucket_worm(oss.AbortBucketWormRequest(bucket=FRESH))
    assert call(slow_emulator, by, "PUT", f"/{FRESH}/held", body=b"other").status == 200
    retain(client, FRESH)


def test_a_locked_policy_stays(slow_emulator: EmulatorProcess, client: oss.Client) -> None:
    """Nobody takes it back, and a bucket of the same name made later begins without one."""
    bucket = "ferry-locked"
    client.put_bucket(oss.PutBucketRequest(bucket=bucket))
    worm = retain(client, bucket)
    client.complete_bucket_worm(oss.CompleteBucketWormRequest(bucket=bucket, worm_id=worm))
    assert told(client, bucket) == (worm, "Locked", 1)
    refused = call(slow_emulator, signer(slow_emulator), "DELETE", f"/{bucket}/", query={"worm": ""})
    assert (refused.status, refused.code) == (403, "WORMConfigurationLocked")
    client.delete_bucket(oss.DeleteBucketRequest(bucket=bucket))
    client.put_bucket(oss.PutBucketRequest(bucket=bucket))
    retain(client, FRESH)
    gone = call(slow_emulator, signer(slow_emulator), "GET", f"/{bucket}/", query={"worm": ""})
    assert gone.code == "NoSuchWORMConfiguration"


def test_a_policy_ends_with_its_days_and_an_unlocked_one_with_the_first(
    slow_emulator: EmulatorProcess, client: oss.Client
) -> None:
    """Two days later an object is free of a day's policy, and a policy that nobody locked is no more."""
    bucket, later = "ferry-locked-for-a-day", replace(signer(slow_emulator), age_seconds=-2.0 * DAY_SECONDS)
    client.put_bucket(oss.PutBucketRequest(bucket=bucket))
    client.put_object(oss.PutObjectRequest(bucket=bucket, key="held", body=b"held"))
    worm = retain(client, bucket)
    client.complete_bucket_worm(oss.CompleteBucketWormRequest(bucket=bucket, worm_id=worm))
    retain(client, FRESH, 30)
    slow_emulator.admin("POST", "/settings", {"clockOffsetSeconds": 2 * DAY_SECONDS})
    try:
        unlocked = call(slow_emulator, later, "GET", f"/{FRESH}/", query={"worm": ""})
        freed = [call(slow_emulator, later, "DELETE", f"/{each}/held") for each in (bucket, FRESH)]
    finally:
        slow_emulator.admin("POST", "/settings", {"clockOffsetSeconds": 0})
    assert unlocked.code == "NoSuchWORMConfiguration"
    assert [each.status for each in freed] == [204, 204]
    assert told(client, bucket)[1] == "Locked"


@pytest.mark.parametrize("days", ["0", "25551", "some", ""])
def test_a_policy_is_of_one_day_to_seventy_years(slow_emulator: EmulatorProcess, client: oss.Client, days: str) -> None:
    """Anything else is refused, and nothing is retained."""
    body = (
        f"<InitiateWormConfiguration><RetentionPeriodInDays>{days}</RetentionPeriodInDays></InitiateWormConfiguration>"
    )
    answer = call(slow_emulator, signer(slow_emulator), "POST", f"/{FRESH}/", query={"worm": ""}, body=body.encode())
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    retain(client, FRESH)
