"""The vendor's own SDK stores, finds, reads and deletes objects in the emulator over HTTP, and understands its errors."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Any

import alibabacloud_oss_v2 as oss
import pytest

from tests.emulator.bucket_clients import sdk

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator_process import EmulatorProcess

KEYS = [
    pytest.param("plain.raw", id="a plain key"),
    pytest.param("dir/Ecs 中+~.raw", id="blanks, Chinese, plus and tilde"),
    pytest.param("a(b)!'*&=?#%25.raw", id="characters that mean something in a URL"),
    pytest.param("double//slash/", id="empty path segments"),
    pytest.param('x\x01<y>&"z', id="characters that XML cannot hold as they are"),
    pytest.param("k" * 1023, id="1023 bytes"),
]


@pytest.fixture
def bucket(slow_emulator: EmulatorProcess) -> str:
    """A fresh bucket of the test's own."""
    name = f"sdk-{secrets.token_hex(6)}"
    sdk(slow_emulator).put_bucket(oss.PutBucketRequest(bucket=name))
    return name


@pytest.mark.parametrize("key", KEYS)
def test_an_object_comes_back_as_it_was_put(slow_emulator: EmulatorProcess, bucket: str, key: str) -> None:
    """Bytes, type and user metadata survive under any key; the SDK's own checks of CRC-64 pass both ways."""
    client, content = sdk(slow_emulator), os.urandom(70_001)

    client.put_object(
        oss.PutObjectRequest(
            bucket=bucket, key=key, body=content, content_type="text/plain", metadata={"made-by": "test"}
        )
    )
    got = client.get_object(oss.GetObjectRequest(bucket=bucket, key=key))
    listed = client.list_objects_v2(oss.ListObjectsV2Request(bucket=bucket, encoding_type="url")).contents

    assert got.body.read() == content
    assert (got.content_type, got.metadata["made-by"]) == ("text/plain", "test")
    assert [(entry.key, entry.size) for entry in listed] == [(key, len(content))]
    assert client.is_object_exist(bucket, key)


def test_head_tells_what_get_would_send(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """Size, MD5 as ETag and CRC-64 in decimal are those of the content."""
    client = sdk(slow_emulator)
    client.put_object(oss.PutObjectRequest(bucket=bucket, key="k", body=b"123456789"))

    head = client.head_object(oss.HeadObjectRequest(bucket=bucket, key="k"))

    assert (head.content_length, head.etag) == (9, '"25F9E794323B453885F5181F1B624D0B"')
    assert head.hash_crc64 == str(0x995DC9BBDF1939FA)
    assert (head.object_type, head.storage_class) == ("Normal", "Standard")


@pytest.mark.parametrize(
    ("asked", "status", "content", "shown"),
    [
        pytest.param("bytes=2-4", 206, b"234", "bytes 2-4/10", id="a range"),
        pytest.param("bytes=7-", 206, b"789", "bytes 7-9/10", id="from a byte on"),
        pytest.param("bytes=-3", 206, b"789", "bytes 7-9/10", id="the last bytes"),
        pytest.param("bytes=0-0,5-6", 206, b"0", "bytes 0-0/10", id="of several ranges the first"),
        pytest.param("bytes=5-10", 200, b"0123456789", None, id="an end beyond the object is passed over"),
        pytest.param("bytes=10-12", 200, b"0123456789", None, id="a start beyond the object is passed over"),
        pytest.param("byte=0-1", 200, b"0123456789", None, id="a malformed range is passed over"),
    ],
)
def test_a_range_is_answered_as_documented(
    slow_emulator: EmulatorProcess, bucket: str, asked: str, status: int, content: bytes, shown: str | None
) -> None:
    """A good range gives 206 and its part, any other the whole object."""
    client = sdk(slow_emulator)
    client.put_object(oss.PutObjectRequest(bucket=bucket, key="digits", body=b"0123456789"))

    got = client.get_object(oss.GetObjectRequest(bucket=bucket, key="digits", range_header=asked))

    assert (got.status_code, got.body.read(), got.content_range) == (status, content, shown)


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        pytest.param("bytes=5-10", 206, b"56789", id="an end beyond the object is cut"),
        pytest.param("bytes=-20", 206, b"0123456789", id="more last bytes than there are"),
    ],
)
def test_a_range_of_standard_behaviour_is_cut(
    slow_emulator: EmulatorProcess, bucket: str, asked: str, status: int, content: bytes
) -> None:
    """With x-oss-range-behavior: standard the part that exists is sent."""
    client = sdk(slow_emulator)
    client.put_object(oss.PutObjectRequest(bucket=bucket, key="digits", body=b"0123456789"))

    got = client.get_object(
        oss.GetObjectRequest(bucket=bucket, key="digits", range_header=asked, range_behavior="standard")
    )

    assert (got.status_code, got.body.read()) == (status, content)


def test_a_range_of_standard_behaviour_beyond_the_object_is_refused(
    slow_emulator: EmulatorProcess, bucket: str
) -> None:
    """Where nothing of the range exists the answer is 416."""
    client = sdk(slow_emulator)
    client.put_object(oss.PutObjectRequest(bucket=bucket, key="digits", body=b"0123456789"))

    error = failure(
        lambda: client.get_object(
            oss.GetObjectRequest(bucket=bucket, key="digits", range_header="bytes=10-", range_behavior="standard")
        )
    )

    assert (error.status_code, error.code) == (416, "InvalidRange")


@pytest.mark.parametrize("page", [1, 2, 3, 1000])
def test_every_name_is_listed_once_whatever_the_page_size(
    slow_emulator: EmulatorProcess, bucket: str, page: int
) -> None:
    """Both versions of the listing, with and without a delimiter, give all names in order over their pages."""
    client = sdk(slow_emulator)
    keys = ["a/1", "a/2", "b", "b/1", "c+ d", "é"]
    for key in keys:
        client.put_object(oss.PutObjectRequest(bucket=bucket, key=key, body=b""))

    first = client.list_objects_paginator().iter_page(oss.ListObjectsRequest(bucket=bucket, max_keys=page))
    second = client.list_objects_v2_paginator().iter_page(oss.ListObjectsV2Request(bucket=bucket, max_keys=page))
    folded = client.list_objects_v2_paginator().iter_page(
        oss.ListObjectsV2Request(bucket=bucket, max_keys=page, delimiter="/")
    )

    assert [entry.key for found in first for entry in found.contents or []] == keys
    assert [entry.key for found in second for entry in found.contents or []] == keys
    assert [name for found in folded for name in names(found)] == ["a/", "b", "b/", "c+ d", "é"]


def test_a_listing_names_owners_where_they_are_due(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """Version 1 always names them, version 2 when asked to."""
    client, account = sdk(slow_emulator), owner(slow_emulator)
    client.put_object(oss.PutObjectRequest(bucket=bucket, key="k", body=b""))

    first = client.list_objects(oss.ListObjectsRequest(bucket=bucket)).contents
    plain = client.list_objects_v2(oss.ListObjectsV2Request(bucket=bucket)).contents
    asked = client.list_objects_v2(oss.ListObjectsV2Request(bucket=bucket, fetch_owner=True)).contents

    assert [entry.owner.id for entry in first] == [account]
    assert [entry.owner for entry in plain] == [None]
    assert [entry.owner.id for entry in asked] == [account]


def test_a_listing_begins_where_it_is_told(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """A prefix and a name to start after narrow a listing."""
    client = sdk(slow_emulator)
    for key in ("a", "p1", "p2", "p3", "q"):
        client.put_object(oss.PutObjectRequest(bucket=bucket, key=key, body=b""))

    found = client.list_objects_v2(oss.ListObjectsV2Request(bucket=bucket, prefix="p", start_after="p1"))

    assert [entry.key for entry in found.contents] == ["p2", "p3"]
    assert (found.key_count, found.is_truncated) == (2, False)


@pytest.mark.parametrize(
    ("known_as", "location", "encryption"),
    [
        pytest.param("good", "oss-cn-hangzhou", "None", id="a plain bucket"),
        pytest.param("encrypted", "oss-cn-hangzhou", "AES256", id="an encrypted bucket"),
        pytest.param("otherRegion", "oss-eu-central-1", "None", id="a bucket of another region"),
    ],
)
def test_bucket_info_tells_region_owner_and_encryption(
    slow_emulator: EmulatorProcess, known_as: str, location: str, encryption: str
) -> None:
    """What an operator must know of a bucket before it exports into it."""
    client, name = sdk(slow_emulator), slow_emulator.info["buckets"][known_as]

    info = client.get_bucket_info(oss.GetBucketInfoRequest(bucket=name)).bucket_info

    assert (info.name, info.location, info.owner.id) == (name, location, owner(slow_emulator))
    assert (info.sse_rule.sse_algorithm, info.acl) == (encryption, "private")
    assert client.get_bucket_location(oss.GetBucketLocationRequest(bucket=name)).location == location


def test_a_bucket_lives_from_put_to_delete(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """It exists, is listed for its owner only, and is gone after its deletion."""
    client = sdk(slow_emulator)
    other = slow_emulator.info["otherAccount"]
    stranger = sdk(slow_emulator, key=(other["accessKeyID"], other["accessKeySecret"]))

    assert client.is_bucket_exist(bucket)
    assert bucket in [found.name for found in client.list_buckets(oss.ListBucketsRequest()).buckets]
    assert bucket not in [found.name for found in stranger.list_buckets(oss.ListBucketsRequest()).buckets or []]

    client.delete_bucket(oss.DeleteBucketRequest(bucket=bucket))

    assert not client.is_bucket_exist(bucket)


def test_deleting_twice_is_no_error(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """DeleteObject answers 204 whether or not there was an object."""
    client = sdk(slow_emulator)
    client.put_object(oss.PutObjectRequest(bucket=bucket, key="k", body=b""))

    answers = [client.delete_object(oss.DeleteObjectRequest(bucket=bucket, key="k")).status_code for _ in range(2)]

    assert answers == [204, 204]
    assert not client.is_object_exist(bucket, "k")


def test_temporary_keys_work_with_their_token(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """A key that was issued with a token is accepted together with it."""
    slow_emulator.admin("POST", "/accounts", temporary(slow_emulator, "STS.sdk", "token-of-sdk"))
    client = sdk(slow_emulator, key=("STS.sdk", "secret"), token="token-of-sdk")

    assert client.is_bucket_exist(bucket)
    client.put_object(oss.PutObjectRequest(bucket=bucket, key="k", body=b"hi"))

    assert client.head_object(oss.HeadObjectRequest(bucket=bucket, key="k")).content_length == 2


def test_the_ledger_knows_who_changed_what(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """Every accepted change is booked with its caller and the request id that the client was given; reading is not."""
    client = sdk(slow_emulator)
    put = client.put_object(oss.PutObjectRequest(bucket=bucket, key="k", body=b"hi"))
    client.head_object(oss.HeadObjectRequest(bucket=bucket, key="k"))
    deleted = client.delete_object(oss.DeleteObjectRequest(bucket=bucket, key="k"))

    entries = [
        entry for entry in slow_emulator.admin("GET", "/ledger")["entries"] if entry["params"].get("bucket") == bucket
    ]

    assert [(entry["action"], entry["params"].get("key")) for entry in entries] == [
        ("PutBucket", None),
        ("PutObject", "k"),
        ("DeleteObject", "k"),
    ]
    assert [entry["requestID"] for entry in entries[1:]] == [put.request_id, deleted.request_id]
    assert {entry["accessKeyID"] for entry in entries} == {slow_emulator.info["accessKeyID"]}


def test_an_error_of_a_head_is_read_from_its_header(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """A HEAD answer has no body, and yet the SDK learns code, request id and EC."""
    error = failure(lambda: sdk(slow_emulator).head_object(oss.HeadObjectRequest(bucket=bucket, key="none")))

    assert (error.status_code, error.code, error.ec) == (404, "NoSuchKey", "0026-00000001")
    assert len(error.request_id) == 24


def failure(attempt: Callable[[], object]) -> oss.exceptions.ServiceError:
    """The service's error that an attempt ends with."""
    with pytest.raises(oss.exceptions.OperationError) as caught:
        attempt()
    error = caught.value.unwrap()
    assert isinstance(error, oss.exceptions.ServiceError)
    return error


def names(page: oss.ListObjectsV2Result) -> list[str]:
    """Keys and common prefixes of a page, in order."""
    return sorted([entry.key for entry in page.contents or []] + [each.prefix for each in page.common_prefixes or []])


def owner(emulator: EmulatorProcess) -> str:
    """The account that the first key belongs to."""
    client = sdk(emulator)
    found: str = client.list_buckets(oss.ListBucketsRequest()).owner.id
    return found


def temporary(emulator: EmulatorProcess, key_id: str, token: str) -> dict[str, Any]:
    """An account update that adds a temporary key to the first account."""
    return {"id": owner(emulator), "keys": [{"id": key_id, "secret": "secret", "token": token}]}
