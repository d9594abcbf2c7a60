"""Copying, appending, deleting many, archives, tags, ACLs and encryption of the object store, asked for by the vendor's SDK."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import alibabacloud_oss_v2 as oss
import pytest

from tests.emulator.bucket_clients import call, sdk, send, signer
from tests.emulator.cloud import until
from tests.emulator.test_oss_sdk import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.emulator.bucket_clients import Answer
    from tests.emulator_process import EmulatorProcess

ARCHIVES = ["Archive", "ColdArchive", "DeepColdArchive"]


@pytest.fixture
def bucket(slow_emulator: EmulatorProcess) -> str:
    """A fresh bucket of the test's own, in which `dir/a b+中` is plain text with metadata and a tag."""
    name = f"objects-{secrets.token_hex(6)}"
    client = sdk(slow_emulator)
    client.put_bucket(oss.PutBucketRequest(bucket=name))
    client.put_object(
        oss.PutObjectRequest(
            bucket=name,
            key="dir/a b+中",
            body=b"content",
            content_type="text/plain",
            metadata={"note": "old"},
            tagging="t=v",
        )
    )
    return name


def ask(emulator: EmulatorProcess, method: str, resource: str, body: bytes = b"", **headers: str) -> Answer:
    """A request signed by hand with the first account's key; `_` in header names stands for `-`."""
    path, _, name = resource.partition("?")
    given = {header.replace("_", "-"): value for header, value in headers.items()}
    return call(emulator, signer(emulator), method, path, query={name: ""} if name else {}, headers=given, body=body)


def test_a_copy_has_the_bytes_and_what_is_known_about_them(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """Type, metadata and tags come along, unless the request says that it brings its own."""
    client = sdk(slow_emulator)
    source = {"source_bucket": bucket, "source_key": "dir/a b+中", "bucket": bucket}

    client.copy_object(oss.CopyObjectRequest(key="same", **source))
    client.copy_object(
        oss.CopyObjectRequest(key="own", **source, metadata={"note": "new"}, metadata_directive="REPLACE")
    )

    same, own = (client.get_object(oss.GetObjectRequest(bucket=bucket, key=key)) for key in ("same", "own"))
    assert (same.body.read(), same.content_type, same.metadata["note"], same.tagging_count) == (
        b"content",
        "text/plain",
        "old",
        1,
    )
    assert (own.body.read(), own.metadata["note"]) == (b"content", "new")


def test_an_object_copied_onto_itself_changes_its_metadata(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """Those of the request count, whatever the directive says; the bytes stay."""
    resource = f"/{bucket}/dir/a b+中"

    copied = ask(slow_emulator, "PUT", resource, x_oss_copy_source=f"/{bucket}/dir/a%20b%2B%E4%B8%AD", x_oss_meta_n="1")

    head = ask(slow_emulator, "GET", resource)
    assert (copied.status, copied.xml.findtext("ETag")) == (200, head.headers["etag"])
    assert (head.body, head.headers["x-oss-meta-n"], "x-oss-meta-note" in head.headers) == (b"content", "1", False)


@pytest.mark.parametrize(
    ("source", "headers", "status", "code"),
    [
        pytest.param("{}/none", {}, 404, "NoSuchKey", id="a source that is missing"),
        pytest.param("no-such-bucket/k", {}, 404, "NoSuchBucket", id="a bucket that is missing"),
        pytest.param("ferry-foreign/k", {}, 403, "AccessDenied", id="a stranger's bucket"),
        pytest.param("ferry-frankfurt/k", {}, 403, "AccessDenied", id="a bucket of another region"),
        pytest.param("nothing", {}, 400, "InvalidArgument", id="a source without a key"),
        pytest.param("{}/app", {}, 400, "OperationNotSupported", id="an appendable object"),
        pytest.param("{}/k", {"x_oss_copy_source_if_match": "00"}, 412, "PreconditionFailed", id="another ETag"),
        pytest.param("{}/k", {"x_oss_forbid_overwrite": "true"}, 409, "FileAlreadyExists", id="a target that exists"),
        pytest.param("{}/k", {"x_oss_storage_class": "Warm"}, 400, "InvalidArgument", id="an unknown class"),
    ],
)
def test_a_copy_that_may_not_be_made_is_refused(
    slow_emulator: EmulatorProcess, bucket: str, source: str, headers: dict[str, str], status: int, code: str
) -> None:
    """Each with its documented code, and the target stays as it was."""
    for resource in (f"/{bucket}/k", "/ferry-frankfurt/k", f"/{bucket}/there"):
        ask(slow_emulator, "PUT", resource, b"x")
    call(
        slow_emulator, signer(slow_emulator), "POST", f"/{bucket}/app", query={"append": "", "position": "0"}, body=b"x"
    )

    answer = ask(slow_emulator, "PUT", f"/{bucket}/there", b"", x_oss_copy_source=source.format(bucket), **headers)

    assert (answer.status, answer.code) == (status, code)
    assert ask(slow_emulator, "GET", f"/{bucket}/there").body == b"x"


def test_a_copy_of_what_has_not_changed_is_not_made(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """With the source's own ETag under if-none-match the answer is 304."""
    etag = ask(slow_emulator, "PUT", f"/{bucket}/k", b"x").headers["etag"]
    headers = {"x_oss_copy_source": f"/{bucket}/k", "x_oss_copy_source_if_none_match": etag}

    assert ask(slow_emulator, "PUT", f"/{bucket}/copy", b"", **headers).status == 304
    assert ask(slow_emulator, "HEAD", f"/{bucket}/copy").status == 404


def test_an_object_grows_by_appending(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """Each answer tells the next position and the sum so far; a wrong position is told the right one."""
    client = sdk(slow_emulator)

    first = client.append_object(oss.AppendObjectRequest(bucket=bucket, key="log", position=0, body=b"one"))
    client.append_object(
        oss.AppendObjectRequest(
            bucket=bucket, key="log", position=first.next_position, body=b"two", init_hash_crc64=first.hash_crc64
        )
    )
    wrong = call(
        slow_emulator, signer(slow_emulator), "POST", f"/{bucket}/log", query={"append": "", "position": "5"}, body=b"x"
    )

    got = ask(slow_emulator, "GET", f"/{bucket}/log")
    assert (got.body, got.headers["x-oss-object-type"]) == (b"onetwo", "Appendable")
    assert (wrong.status, wrong.code) == (409, "PositionNotEqualToLength")
    assert wrong.headers["x-oss-next-append-position"] == got.headers["x-oss-next-append-position"] == "6"


def test_only_what_was_appended_can_be_appended_to(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """An object that was put is not, and a request without a position says nothing."""
    put = {"append": "", "position": "7"}
    by = signer(slow_emulator)

    plain = call(slow_emulator, by, "POST", f"/{bucket}/dir/a b+中", query=put, body=b"x")
    nowhere = call(slow_emulator, by, "POST", f"/{bucket}/new", query={"append": ""}, body=b"x")

    assert (plain.status, plain.code) == (409, "ObjectNotAppendable")
    assert (nowhere.status, nowhere.code) == (400, "MissingArgument")


def test_what_was_appended_survives_a_kill(emulator: EmulatorProcess) -> None:
    """After SIGKILL and a new start the object is as long as the last answer said, and goes on growing."""
    by = signer(emulator)
    call(emulator, by, "PUT", "/append-bucket/")
    call(emulator, by, "POST", "/append-bucket/log", query={"append": "", "position": "0"}, body=b"one")

    emulator.kill()
    emulator.start()
    call(emulator, by, "POST", "/append-bucket/log", query={"append": "", "position": "3"}, body=b"two")

    assert call(emulator, by, "GET", "/append-bucket/log").body == b"onetwo"


def test_many_objects_are_deleted_at_once(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """Names with signs of XML included; the quiet answer is empty, the other names what was deleted, even if it was not there."""
    client = sdk(slow_emulator)
    client.put_object(oss.PutObjectRequest(bucket=bucket, key="x&<y>", body=b""))
    objects = [oss.DeleteObject(key=key) for key in ("dir/a b+中", "x&<y>", "none")]
    wish = {"bucket": bucket, "objects": objects, "encoding_type": "url"}

    told = client.delete_multiple_objects(oss.DeleteMultipleObjectsRequest(**wish))
    quiet = client.delete_multiple_objects(oss.DeleteMultipleObjectsRequest(**wish, quiet=True))

    assert [deleted.key for deleted in told.deleted_objects] == ["dir/a b+中", "x&<y>", "none"]
    assert not quiet.deleted_objects
    assert ask(slow_emulator, "DELETE", f"/{bucket}/").status == 204


@pytest.mark.parametrize(
    "body",
    [
        b"<Delete></Delete>",
        b"<Other/>",
        b"no XML",
        b"<Delete>" + b"<Object><Key>k</Key></Object>" * 1001 + b"</Delete>",
    ],
)
def test_a_list_of_objects_that_is_none_is_malformed(slow_emulator: EmulatorProcess, bucket: str, body: bytes) -> None:
    """Nothing, something else and more than a thousand names are refused."""
    answer = ask(slow_emulator, "POST", f"/{bucket}/?delete", body)

    assert (answer.status, answer.code) == (400, "MalformedXML")


@pytest.fixture
def clock(slow_emulator: EmulatorProcess) -> Iterator[Callable[[float], None]]:
    """Sets the speed of the task clock, which is next to nothing before and after."""

    def run_at(speed: float) -> None:
        slow_emulator.admin("POST", "/settings", {"speed": speed})

    yield run_at
    run_at(0.001)


@pytest.mark.parametrize("storage_class", ARCHIVES)
def test_an_archived_object_is_read_after_it_was_restored(
    slow_emulator: EmulatorProcess, bucket: str, clock: Callable[[float], None], storage_class: str
) -> None:
    """Before, reading and copying are refused, and its head can be read; restoring takes its time on the task clock."""
    client, resource = sdk(slow_emulator), f"/{bucket}/cold"
    get = oss.GetObjectRequest(bucket=bucket, key="cold")
    client.put_object(oss.PutObjectRequest(bucket=bucket, key="cold", body=b"cold", storage_class=storage_class))

    def state() -> str | None:
        found: str | None = client.head_object(oss.HeadObjectRequest(bucket=bucket, key="cold")).restore
        return found

    assert (failure(lambda: client.get_object(get)).code, state()) == ("InvalidObjectState", None)
    copy = oss.CopyObjectRequest(bucket=bucket, key="copy", source_bucket=bucket, source_key="cold")
    assert failure(lambda: client.copy_object(copy)).code == "InvalidObjectState"
    assert ask(slow_emulator, "POST", f"{resource}?restore").status == 202
    assert state() == 'ongoing-request="true"'
    assert ask(slow_emulator, "POST", f"{resource}?restore").code == "RestoreAlreadyInProgress"
    clock(500)
    until(state, lambda seen: (seen or "").startswith('ongoing-request="false", expiry-date="'))
    clock(0.001)
    assert client.get_object(get).body.read() == b"cold"
    days = b"<RestoreRequest><Days>3</Days></RestoreRequest>"
    assert ask(slow_emulator, "POST", f"{resource}?restore", days).status == 200


def test_only_an_archived_object_can_be_restored(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """For any other class the operation is not supported."""
    answer = ask(slow_emulator, "POST", f"/{bucket}/dir/a b+中?restore")

    assert (answer.status, answer.code) == (400, "OperationNotSupported")


def test_a_bucket_gives_its_storage_class_to_its_objects(slow_emulator: EmulatorProcess) -> None:
    """Unless the upload names one itself."""
    client, name = sdk(slow_emulator), f"objects-{secrets.token_hex(6)}"
    configuration = oss.CreateBucketConfiguration(storage_class="IA")
    client.put_bucket(oss.PutBucketRequest(bucket=name, create_bucket_configuration=configuration))
    client.put_object(oss.PutObjectRequest(bucket=name, key="a", body=b""))
    client.put_object(oss.PutObjectRequest(bucket=name, key="b", body=b"", storage_class="Archive"))

    listed = client.list_objects_v2(oss.ListObjectsV2Request(bucket=name)).contents

    assert [entry.storage_class for entry in listed] == ["IA", "Archive"]
    assert client.get_bucket_info(oss.GetBucketInfoRequest(bucket=name)).bucket_info.storage_class == "IA"


def test_tags_are_put_read_and_deleted(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """They replace each other as a whole, and more than ten are too many."""
    resource = f"/{bucket}/dir/a b+中?tagging"

    def tagging(count: int) -> bytes:
        tags = "".join(f"<Tag><Key>k{n}</Key><Value>v</Value></Tag>" for n in range(count))
        return f"<Tagging><TagSet>{tags}</TagSet></Tagging>".encode()

    def shown() -> list[str | None]:
        return [key.text for key in ask(slow_emulator, "GET", resource).xml.iter("Key")]

    assert shown() == ["t"]
    assert ask(slow_emulator, "PUT", resource, tagging(2)).status == 200
    assert shown() == ["k0", "k1"]
    assert ask(slow_emulator, "PUT", resource, tagging(11)).code == "InvalidTag"
    assert ask(slow_emulator, "DELETE", resource).status == 204
    assert shown() == []


def test_what_is_public_is_read_without_a_signature(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """A public bucket shows its objects except private ones, a private bucket only public ones, and none lets strangers write."""
    resource, host = f"/{bucket}/open", {"host": slow_emulator.address}
    ask(slow_emulator, "PUT", resource, b"open")
    ask(slow_emulator, "PUT", f"/{bucket}/closed", b"closed", x_oss_object_acl="private")

    def anonymous(method: str, target: str) -> tuple[int, str]:
        answer = send(slow_emulator, method, target, host, b"x" if method == "PUT" else b"")
        return answer.status, answer.code

    assert anonymous("GET", resource) == (403, "AccessDenied")
    ask(slow_emulator, "PUT", f"{resource}?acl", x_oss_object_acl="public-read")
    assert anonymous("GET", resource) == (200, "")
    assert anonymous("GET", f"/{bucket}/none") == (403, "AccessDenied")
    assert ask(slow_emulator, "PUT", f"/{bucket}/?acl", x_oss_acl="public-read").status == 200
    assert [anonymous("GET", f"/{bucket}/{key}") for key in ("dir/a%20b+%E4%B8%AD", "closed")] == [
        (200, ""),
        (403, "AccessDenied"),
    ]
    assert anonymous("PUT", resource) == (403, "AccessDenied")


def test_a_bucket_encrypts_what_is_put_into_it(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """A rule is put, read and deleted; meanwhile every answer about a new object says so."""
    rule = b"<ServerSideEncryptionRule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></ServerSideEncryptionRule>"
    client = sdk(slow_emulator)
    get = oss.GetBucketEncryptionRequest(bucket=bucket)

    missing = failure(lambda: client.get_bucket_encryption(get))
    put = ask(slow_emulator, "PUT", f"/{bucket}/?encryption", rule)
    stored = ask(slow_emulator, "PUT", f"/{bucket}/k", b"x")

    assert (missing.status_code, missing.code, put.status) == (404, "NoSuchServerSideEncryptionRule", 200)
    found = client.get_bucket_encryption(get).server_side_encryption_rule
    assert found.apply_server_side_encryption_by_default.sse_algorithm == "AES256"
    assert stored.headers["x-oss-server-side-encryption"] == "AES256"
    assert ask(slow_emulator, "HEAD", f"/{bucket}/k").headers["x-oss-server-side-encryption"] == "AES256"
    assert ask(slow_emulator, "DELETE", f"/{bucket}/?encryption").status == 204
    assert "x-oss-server-side-encryption" not in ask(slow_emulator, "PUT", f"/{bucket}/k", b"x").headers


def test_a_request_may_choose_headers_of_the_answer(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """What the object was put with gives way to what the query asks for."""
    got = sdk(slow_emulator).get_object(
        oss.GetObjectRequest(bucket=bucket, key="dir/a b+中", response_content_type="a/b", response_cache_control="no")
    )

    assert (got.content_type, got.cache_control, got.body.read()) == ("a/b", "no", b"content")


def test_an_object_that_may_not_be_replaced_is_not(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """With x-oss-forbid-overwrite the second upload is refused."""
    answers = [ask(slow_emulator, "PUT", f"/{bucket}/once", b"x", x_oss_forbid_overwrite="true") for _ in range(2)]

    assert [(answer.status, answer.code) for answer in answers] == [(200, ""), (409, "FileAlreadyExists")]


def test_an_upload_knows_no_condition(slow_emulator: EmulatorProcess, bucket: str) -> None:
    """If-Modified-Since on a PUT is answered as the vendor's own example is."""
    answer = ask(slow_emulator, "PUT", f"/{bucket}/k", b"x", if_modified_since="Thu, 11 Aug 2019 01:43:51 GMT")

    assert (answer.status, answer.code, answer.xml.findtext("Header")) == (400, "NotImplemented", "If-Modified-Since")


def test_buckets_are_listed_by_pages(slow_emulator: EmulatorProcess) -> None:
    """Every page names the bucket to go on after, the last one nothing of the kind."""
    client, prefix = sdk(slow_emulator), f"page-{secrets.token_hex(4)}"
    names = [f"{prefix}-{n}" for n in range(3)]
    for name in names:
        client.put_bucket(oss.PutBucketRequest(bucket=name))

    pages = list(client.list_buckets_paginator().iter_page(oss.ListBucketsRequest(prefix=prefix, max_keys=2)))

    assert [[bucket.name for bucket in page.buckets] for page in pages] == [names[:2], names[2:]]
