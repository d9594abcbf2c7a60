"""Objects uploaded in parts are put together as documented, whatever client uploads them, and the parts survive a kill."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
from typing import TYPE_CHECKING, Any

import alibabacloud_oss_v2 as oss
import pytest

from imageferry_emulator.objects.crc64 import crc64
from tests.emulator.bucket_clients import call, sdk, signer

if TYPE_CHECKING:
    from tests.emulator.bucket_clients import Answer
    from tests.emulator_process import EmulatorProcess

LEAST = 100 * 1024


@pytest.fixture
def bucket(slow_emulator: EmulatorProcess) -> str:
    """A fresh bucket of the test's own."""
    name = f"parts-{secrets.token_hex(6)}"
    sdk(slow_emulator).put_bucket(oss.PutBucketRequest(bucket=name))
    return name


def ask(emulator: EmulatorProcess, method: str, resource: str, query: dict[str, str], **rest: Any) -> Answer:  # noqa: ANN401 (as `call` takes)
    """A request signed by hand with the first account's key."""
    return call(emulator, signer(emulator), method, resource, query=query, **rest)


def begin(emulator: EmulatorProcess, resource: str) -> str:
    """Begin an upload; its id."""
    return ask(emulator, "POST", resource, {"uploads": ""}).xml.findtext("UploadId") or ""


def put_part(emulator: EmulatorProcess, resource: str, upload: str, number: int, body: bytes) -> str:
    """Upload a part; its ETag."""
    answer = ask(emulator, "PUT", resource, {"uploadId": upload, "partNumber": str(number)}, body=body)
    assert answer.status == 200
    return answer.headers["etag"]


def complete(emulator: EmulatorProcess, resource: str, upload: str, parts: list[tuple[int, str]]) -> Answer:
    """Put the parts together."""
    listed = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>" for n, etag in parts)
    body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
    return ask(emulator, "POST", resource, {"uploadId": upload}, body=body)


def test_parts_in_any_order_become_one_object(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """Uploaded last to first with gaps between their numbers, one of them twice, they come back in the order of their numbers."""
    resource, parts = f"/{bucket}/dir/a b", [os.urandom(LEAST), os.urandom(LEAST + 1), b"end"]
    upload = begin(slow_emulator, resource)
    put_part(slow_emulator, resource, upload, 7, b"replaced later")
    etags = {n: put_part(slow_emulator, resource, upload, n, parts[at]) for n, at in ((9, 2), (7, 1), (2, 0))}

    done = complete(slow_emulator, resource, upload, sorted(etags.items()))
    got = ask(slow_emulator, "GET", resource, {})

    digests = b"".join(hashlib.md5(part, usedforsecurity=False).digest() for part in parts)
    etag = f'"{hashlib.md5(digests, usedforsecurity=False).hexdigest().upper()}-3"'
    assert (done.status, done.xml.findtext("Key"), done.xml.findtext("ETag")) == (200, "dir/a b", etag)
    assert (got.body, got.headers["etag"], got.headers["x-oss-object-type"]) == (b"".join(parts), etag, "Multipart")
    assert got.headers["x-oss-hash-crc64ecma"] == str(crc64(b"".join(parts)))
    assert "content-md5" not in got.headers


def test_the_sdk_uploads_downloads_and_copies_in_parts(
    slow_emulator: EmulatorProcess, bucket: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The vendor's own managers of parts agree with every sum on the way."""
    client, content = sdk(slow_emulator), os.urandom(4 * LEAST + 17)
    file = tmp_path_factory.mktemp("download") / "file"

    client.uploader(part_size=LEAST, parallel_num=2).upload_from(
        oss.PutObjectRequest(bucket=bucket, key="big"), reader=io.BytesIO(content)
    )
    client.downloader(part_size=LEAST).download_file(oss.GetObjectRequest(bucket=bucket, key="big"), str(file))
    client.copier(part_size=LEAST, multipart_copy_threshold=LEAST, disable_shallow_copy=True).copy(
        oss.CopyObjectRequest(bucket=bucket, key="copy", source_bucket=bucket, source_key="big")
    )

    assert file.read_bytes() == content
    assert client.get_object(oss.GetObjectRequest(bucket=bucket, key="copy")).body.read() == content


def test_an_upload_keeps_what_it_was_begun_with(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """Type, metadata, storage class and tags are those of the beginning."""
    resource = f"/{bucket}/k"
    headers = {"content-type": "a/b", "x-oss-meta-m": "1", "x-oss-storage-class": "IA", "x-oss-tagging": "t=v"}
    begun = ask(slow_emulator, "POST", resource, {"uploads": ""}, headers=headers)
    upload = begun.xml.findtext("UploadId") or ""

    complete(slow_emulator, resource, upload, [(1, put_part(slow_emulator, resource, upload, 1, b"x"))])

    head = ask(slow_emulator, "HEAD", resource, {}).headers
    shown = [head[n] for n in ("content-type", "x-oss-meta-m", "x-oss-storage-class", "x-oss-tagging-count")]
    assert shown == ["a/b", "1", "IA", "1"]


REFUSED: list[Any] = [
    pytest.param([(1, "a"), (2, "b")], 400, "EntityTooSmall", id="a part that is too small and not the last"),
    pytest.param([(3, "c"), (1, "a")], 400, "InvalidPartOrder", id="numbers that descend"),
    pytest.param([(3, "c"), (3, "c")], 400, "InvalidPartOrder", id="a number twice"),
    pytest.param([(3, "c"), (4, "c")], 400, "InvalidPart", id="a part that was never uploaded"),
    pytest.param([(3, "a")], 400, "InvalidPart", id="another part's ETag"),
    pytest.param([(10_001, "c")], 400, "InvalidArgument", id="a number beyond 10000"),
    pytest.param([], 400, "MalformedXML", id="no parts"),
]


@pytest.mark.parametrize(("chosen", "status", "code"), REFUSED)
def test_a_list_of_parts_that_is_wrong_is_refused(
    slow_emulator: EmulatorProcess, bucket: str, chosen: list[tuple[int, str]], status: int, code: str
) -> None:
    """The upload stays as it was, and can still be completed."""
    resource = f"/{bucket}/k"
    upload = begin(slow_emulator, resource)
    contents = {"a": (1, b"small"), "b": (2, b"small too"), "c": (3, b"last")}
    etags = {name: put_part(slow_emulator, resource, upload, *content) for name, content in contents.items()}

    refused = complete(slow_emulator, resource, upload, [(number, etags[name]) for number, name in chosen])

    assert (refused.status, refused.code) == (status, code)
    assert complete(slow_emulator, resource, upload, [(3, etags["c"])]).status == 200


def test_a_part_of_exactly_100_kib_is_large_enough(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """One byte less is not."""
    resource = f"/{bucket}/k"
    upload = begin(slow_emulator, resource)
    last = put_part(slow_emulator, resource, upload, 2, b"last")
    small = put_part(slow_emulator, resource, upload, 1, bytes(LEAST - 1))

    assert complete(slow_emulator, resource, upload, [(1, small), (2, last)]).code == "EntityTooSmall"

    enough = put_part(slow_emulator, resource, upload, 1, bytes(LEAST))
    assert complete(slow_emulator, resource, upload, [(1, enough), (2, last)]).status == 200


@pytest.mark.parametrize("number", ["0", "10001", "x", ""])
def test_a_part_has_a_number_from_1_to_10000(slow_emulator: EmulatorProcess, bucket: str, number: str) -> None:
    """Any other is an invalid argument."""
    resource = f"/{bucket}/k"
    query = {"uploadId": begin(slow_emulator, resource), "partNumber": number}

    answer = ask(slow_emulator, "PUT", resource, query, body=b"x")

    assert (answer.status, answer.code) == (400, "InvalidArgument")


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
@pytest.mark.parametrize("how", ["unknown", "another key's", "completed", "aborted"])
def test_an_upload_that_is_not_under_way_is_not_found(
    slow_emulator: EmulatorProcess, bucket: str, method: str, how: str
) -> None:
    """Never begun, begun for another key, completed or aborted: NoSuchUpload for every operation on it."""
    resource = f"/{bucket}/k"
    upload = "0" * 32 if how == "unknown" else begin(slow_emulator, f"/{bucket}/{'l' if 'other' in how else 'k'}")
    if how == "completed":
        complete(slow_emulator, resource, upload, [(1, put_part(slow_emulator, resource, upload, 1, b"x"))])
    if how == "aborted":
        assert ask(slow_emulator, "DELETE", resource, {"uploadId": upload}).status == 204

    part = {"partNumber": "1"} if method == "PUT" else {}
    answer = ask(slow_emulator, method, resource, {"uploadId": upload, **part}, body=b"x" if part else b"")

    assert (answer.status, answer.code) == (404, "NoSuchUpload")
    assert answer.xml.findtext("UploadId") == upload


def test_parts_and_uploads_are_listed_by_pages(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """Pages of the vendor's SDK hold every part and every upload once and in order, and common prefixes fold uploads."""
    client = sdk(slow_emulator)
    keys = ["a/1", "a/2", "b", "b", "c d"]
    uploads = [begin(slow_emulator, f"/{bucket}/{key}") for key in keys]
    for number in (5, 1, 3):
        put_part(slow_emulator, f"/{bucket}/a/1", uploads[0], number, b"x" * number)

    parts = client.list_parts_paginator().iter_page(
        oss.ListPartsRequest(bucket=bucket, key="a/1", upload_id=uploads[0], max_parts=2)
    )
    found = client.list_multipart_uploads_paginator().iter_page(
        oss.ListMultipartUploadsRequest(bucket=bucket, max_uploads=2)
    )
    folded = ask(slow_emulator, "GET", f"/{bucket}/", {"uploads": "", "delimiter": "/", "encoding-type": "url"}).xml

    assert [(part.part_number, part.size) for page in parts for part in page.parts] == [(1, 1), (3, 3), (5, 5)]
    assert [upload.key for page in found for upload in page.uploads] == keys
    assert [element.text for element in folded.findall("CommonPrefixes/Prefix")] == ["a/"]
    assert [element.findtext("Key") for element in folded.findall("Upload")] == ["b", "b", "c%20d"]


def test_a_bucket_with_an_upload_is_not_empty(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """It can be deleted once the upload is aborted."""
    upload = begin(slow_emulator, f"/{bucket}/k")

    assert ask(slow_emulator, "DELETE", f"/{bucket}/", {}).code == "BucketNotEmpty"

    ask(slow_emulator, "DELETE", f"/{bucket}/k", {"uploadId": upload})
    assert ask(slow_emulator, "DELETE", f"/{bucket}/", {}).status == 204


def test_all_parts_may_be_taken_without_a_list(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """With x-oss-complete-all the service lists them itself, and a body is then refused."""
    resource = f"/{bucket}/k"
    upload = begin(slow_emulator, resource)
    put_part(slow_emulator, resource, upload, 2, b"end")
    put_part(slow_emulator, resource, upload, 1, bytes(LEAST))
    every = {"headers": {"x-oss-complete-all": "yes"}}

    assert ask(slow_emulator, "POST", resource, {"uploadId": upload}, body=b"<a/>", **every).code == "InvalidArgument"
    assert ask(slow_emulator, "POST", resource, {"uploadId": upload}, **every).status == 200
    assert ask(slow_emulator, "HEAD", resource, {}).headers["content-length"] == str(LEAST + 3)


def test_parts_survive_a_kill(emulator: EmulatorProcess) -> None:
    """An upload begun before SIGKILL is completed after it, and a finished one is an object and no upload any more."""
    call(emulator, signer(emulator), "PUT", "/parts-killed/")
    first, done = begin(emulator, "/parts-killed/first"), begin(emulator, "/parts-killed/done")
    etag = put_part(emulator, "/parts-killed/first", first, 1, b"before the kill")
    complete(emulator, "/parts-killed/done", done, [(1, put_part(emulator, "/parts-killed/done", done, 1, b"done"))])

    emulator.kill()
    emulator.start()

    left = [element.text for element in ask(emulator, "GET", "/parts-killed/", {"uploads": ""}).xml.iter("UploadId")]
    assert left == [first]
    assert complete(emulator, "/parts-killed/first", first, [(1, etag)]).status == 200
    assert ask(emulator, "GET", "/parts-killed/first", {}).body == b"before the kill"
    assert ask(emulator, "GET", "/parts-killed/done", {}).body == b"done"
