"""The vendor's older Python SDK, which signs in all three versions, works against the emulator from the first bucket to the last."""

from __future__ import annotations

import os
import urllib.request
from typing import TYPE_CHECKING, Any

import oss2  # type: ignore[import-untyped]  # the SDK ships no type information
import pytest

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

PART = 100 * 1024
KEY = "dir/a b+中(1).raw"


@pytest.fixture(params=["v1", "v2", "v4"])
def bucket(request: pytest.FixtureRequest, slow_emulator: EmulatorProcess) -> Any:  # noqa: ANN401 (the SDK is untyped)
    """A fresh bucket, asked for with one of the signatures."""
    info, version = slow_emulator.info, request.param
    auth = {"v1": oss2.Auth, "v2": oss2.AuthV2, "v4": oss2.AuthV4}[version]
    name, key = f"legacy-{version}-{os.urandom(4).hex()}", (info["accessKeyID"], info["accessKeySecret"])
    made = oss2.Bucket(auth(*key), slow_emulator.endpoint, name, region="cn-hangzhou")
    made.create_bucket()
    return made


def test_an_object_comes_back_as_it_was_put(bucket: Any) -> None:  # noqa: ANN401 (the SDK is untyped)
    """With its metadata and its sums, by itself, in listings and through a presigned URL."""
    bucket.put_object(KEY, b"content", headers={"x-oss-meta-note": "mine"})

    with urllib.request.urlopen(bucket.sign_url("GET", KEY, 60)) as presigned:  # noqa: S310 (the emulator on loopback)
        assert presigned.read() == b"content"
    assert bucket.get_object(KEY).read() == b"content"
    assert bucket.head_object(KEY).headers["x-oss-meta-note"] == "mine"
    assert [found.key for found in oss2.ObjectIterator(bucket)] == [KEY]
    assert [found.key for found in oss2.ObjectIteratorV2(bucket, prefix="dir/")] == [KEY]


def test_an_object_is_uploaded_copied_and_appended(bucket: Any) -> None:  # noqa: ANN401 (the SDK is untyped)
    """In parts, from another object, and piece by piece, with the SDK's checks of CRC-64 on."""
    content = os.urandom(2 * PART + 1)
    upload = bucket.init_multipart_upload(KEY).upload_id
    parts = []
    for number, at in enumerate(range(0, len(content), PART), 1):
        piece = content[at : at + PART]
        done = bucket.upload_part(KEY, upload, number, piece)
        parts.append(oss2.models.PartInfo(number, done.etag, size=len(piece), part_crc=done.crc))

    bucket.complete_multipart_upload(KEY, upload, parts)
    bucket.copy_object(bucket.bucket_name, KEY, "copy")
    begun = bucket.append_object("log", 0, b"one")
    bucket.append_object("log", begun.next_position, b"two", init_crc=begun.crc)

    assert bucket.get_object("copy").read() == content
    assert bucket.get_object("log").read() == b"onetwo"


def test_errors_and_the_bucket_are_understood(bucket: Any) -> None:  # noqa: ANN401 (the SDK is untyped)
    """Codes become the SDK's own exceptions, and what a bucket tells of itself is read."""
    with pytest.raises(oss2.exceptions.NoSuchKey):
        bucket.head_object("none")
    bucket.append_object("log", 0, b"one")
    with pytest.raises(oss2.exceptions.PositionNotEqualToLength) as wrong:
        bucket.append_object("log", 1, b"two")

    assert wrong.value.next_position == 3
    assert (bucket.get_bucket_info().location, bucket.get_bucket_acl().acl) == ("oss-cn-hangzhou", "private")
    assert bucket.batch_delete_objects(["log"]).deleted_keys == ["log"]
    bucket.delete_bucket()
    with pytest.raises(oss2.exceptions.NoSuchBucket):
        bucket.get_bucket_info()
