from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from imageferry_emulator.objects.crc64 import crc64
from tests.emulator.cloud import until
from tests.emulator.tencent import Cos, cos, send

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

HELLO = b"hello world"
MD5 = hashlib.md5(HELLO, usedforsecurity=False).hexdigest()


def _body_md5(body: bytes) -> dict[str, str]:
    return {"content-md5": base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()}


MANNERS: dict[str, dict[str, Any]] = {
    "in the header": {},
    "in a URL": {"in_url": True},
    "at the host of a newer domain": {"at": "{bucket}.cos.ap-guangzhou.tencentcos.cn"},
    "at the internal host": {"at": "{bucket}.cos-internal.ap-guangzhou.tencentcos.cn"},
    "at the worldwide host": {"at": "{bucket}.cos.accelerate.myqcloud.com"},
    "at a local host": {"at": "{bucket}.localhost:8787"},
    "in the path of an address": {"at": "127.0.0.1:8787", "path": "/{bucket}/dir/中 a+~.raw"},
    "in the path of a region's host": {"at": "cos.ap-guangzhou.myqcloud.com", "path": "/{bucket}/dir/中 a+~.raw"},
}


def _manner(signer: Cos, manner: dict[str, Any]) -> Cos:
    shown = {
        name: text.format(bucket=signer.bucket) if isinstance(text, str) else text for name, text in manner.items()
    }
    return signer.but(**shown)


@pytest.mark.parametrize("manner", MANNERS.values(), ids=MANNERS)
def test_an_object_is_reached_by_every_documented_way(slow_emulator: EmulatorProcess, manner: dict[str, Any]) -> None:
    """What was put by one way is got by every other, names of any kind included."""
    key, signer = "dir/中 a+~.raw", _manner(cos(slow_emulator), manner)
    put = signer.call(slow_emulator, "PUT", key, body=HELLO)
    got = cos(slow_emulator).call(slow_emulator, "GET", key)
    again = signer.call(slow_emulator, "GET", key)
    assert (put.status, got.content, again.content) == (200, HELLO, HELLO)
    assert (put.headers["etag"], put.headers["x-cos-hash-crc64ecma"]) == (f'"{MD5}"', str(crc64(HELLO)))


@pytest.mark.parametrize("manner", MANNERS.values(), ids=MANNERS)
def test_no_signature_holds_with_another_secret(slow_emulator: EmulatorProcess, manner: dict[str, Any]) -> None:
    """A signature is recomputed and not merely looked at."""
    answer = _manner(cos(slow_emulator), manner).but(secret="another").call(slow_emulator, "GET", "key")
    assert answer.fault == (403, "SignatureDoesNotMatch")


REFUSALS: dict[str, tuple[dict[str, Any], tuple[int, str]]] = {
    "an unknown key": ({"key_id": "AKID-NOBODY"}, (403, "InvalidAccessKeyId")),
    "a key of the other cloud": ({"key_id": "LTAI-FAKE-EMULATOR-KEY"}, (403, "InvalidAccessKeyId")),
    "a token with a key that has none": ({"token": "made-up"}, (403, "InvalidAccessKeyId")),
    "a time that is over": ({"starts": -20, "ends": -10}, (403, "AccessDenied")),
    "a time that has not come": ({"starts": 60, "ends": 600}, (403, "RequestTimeTooSkewed")),
    "a URL whose time is over": ({"in_url": True, "starts": -20, "ends": -10}, (403, "AccessDenied")),
    "a header changed after signing": (
        {"sent": {"host": "ferry-good-1250000001.cos.ap-guangzhou.tencentcos.cn"}},
        (403, "SignatureDoesNotMatch"),
    ),
    "a signature of another kind": (
        {"sent": {"authorization": "q-sign-algorithm=sha256&q-ak=a"}},
        (403, "InvalidSecurity"),
    ),
    "a signature in parts": ({"sent": {"authorization": "q-sign-algorithm=sha1&q-ak=a"}}, (403, "InvalidSecurity")),
    "no signature": ({"sent": {"authorization": ""}}, (403, "AccessDenied")),
    "another region's host": ({"region": "ap-singapore"}, (404, "NoSuchBucket")),
    "a bucket that is not": ({"bucket": "nothing-1250000001"}, (404, "NoSuchBucket")),
    "a bucket without its number": ({"bucket": "ferry"}, (400, "InvalidBucketName")),
    "a bucket of another account": ({"bucket": "ferry-foreign-1250000002"}, (403, "AccessDenied")),
}


@pytest.mark.parametrize(("change", "fault"), REFUSALS.values(), ids=REFUSALS)
def test_a_request_is_refused_with_its_documented_code(
    slow_emulator: EmulatorProcess, change: dict[str, Any], fault: tuple[int, str]
) -> None:
    """An error is XML with the resource and two ids, which are headers too."""
    answer = cos(slow_emulator).but(**change).call(slow_emulator, "GET")
    assert answer.fault == fault
    told = {name: answer.xml.findtext(name) for name in ("RequestId", "TraceId")}
    assert told == {"RequestId": answer.headers["x-cos-request-id"], "TraceId": answer.headers["x-cos-trace-id"]}


def test_a_parameter_changed_after_signing_is_noticed(slow_emulator: EmulatorProcess) -> None:
    """The signature covers the query that it lists."""
    target, headers = cos(slow_emulator).request("GET", "", {"prefix": "mine/"}, {})
    answer = send(slow_emulator, "GET", target.replace("mine", "yours"), headers)
    assert answer.fault == (403, "SignatureDoesNotMatch")


def test_an_unknown_operation_is_never_passed_over(slow_emulator: EmulatorProcess) -> None:
    """What is not emulated says so instead of doing something else."""
    signer = cos(slow_emulator)
    assert signer.call(slow_emulator, "GET", query={"lifecycle": ""}).fault == (501, "NotImplemented")
    assert signer.call(slow_emulator, "PATCH", "key").fault == (405, "MethodNotAllowed")


def test_buckets_are_made_told_and_deleted(slow_emulator: EmulatorProcess) -> None:
    """A bucket is its account's, in the region of the host that it was made at."""
    signer = cos(slow_emulator, "made-here-1250000001").but(region="ap-singapore")
    assert signer.call(slow_emulator, "PUT").status == 200
    assert signer.call(slow_emulator, "PUT").fault == (409, "BucketAlreadyOwnedByYou")
    assert signer.call(slow_emulator, "HEAD").headers["x-cos-bucket-region"] == "ap-singapore"
    assert signer.call(slow_emulator, "GET", query={"location": ""}).xml.text == "ap-singapore"
    assert signer.call(slow_emulator, "PUT", "key", body=b"x").status == 200
    assert signer.call(slow_emulator, "DELETE").fault == (409, "BucketNotEmpty")
    assert signer.call(slow_emulator, "DELETE", "key").status == 204
    assert signer.call(slow_emulator, "DELETE").status == 204
    assert signer.call(slow_emulator, "HEAD").status == 404


def test_a_bucket_of_anothers_number_cannot_be_made(slow_emulator: EmulatorProcess) -> None:
    """The number in a bucket's name is its owner's."""
    assert cos(slow_emulator, "mine-1250000002").call(slow_emulator, "PUT").fault == (403, "AccessDenied")
    foreign = cos(slow_emulator).but(key_id="AKID-FAKE-OTHER-KEY", secret="fake-secret-of-the-other")
    assert foreign.call(slow_emulator, "PUT").fault == (403, "AccessDenied")


SERVICE: dict[str, tuple[str, dict[str, str], list[str]]] = {
    "of all regions": ("service.cos.myqcloud.com", {}, ["ferry-encrypted", "ferry-good", "ferry-singapore"]),
    "of the region of the host": ("cos.ap-singapore.myqcloud.com", {}, ["ferry-singapore"]),
    "of the region asked for": ("service.cos.myqcloud.com", {"region": "ap-singapore"}, ["ferry-singapore"]),
    "of an address": ("127.0.0.1:8787", {}, ["ferry-encrypted", "ferry-good", "ferry-singapore"]),
    "a page": ("service.cos.myqcloud.com", {"marker": "ferry-encrypted-1250000001", "max-keys": "1"}, ["ferry-good"]),
}


@pytest.mark.parametrize(("host", "query", "names"), SERVICE.values(), ids=SERVICE)
def test_the_accounts_buckets_are_listed(
    slow_emulator: EmulatorProcess, host: str, query: dict[str, str], names: list[str]
) -> None:
    """GetService lists the caller's buckets, never another's."""
    answer = cos(slow_emulator).but(at=host).call(slow_emulator, "GET", query=query)
    seeded = slow_emulator.info["tencent"]["buckets"].values()
    shown = [element.text for element in answer.xml.iterfind("Buckets/Bucket/Name") if element.text in seeded]
    assert shown == [f"{name}-1250000001" for name in names]
    assert answer.xml.findtext("IsTruncated") == ("true" if "max-keys" in query else "false")


def test_a_buckets_encryption_is_told(slow_emulator: EmulatorProcess) -> None:
    """A bucket with a default encryption says which; one without says that it has none."""
    found = cos(slow_emulator, "encrypted").call(slow_emulator, "GET", query={"encryption": ""}).xml
    assert found.findtext("Rule/ApplyServerSideEncryptionByDefault/SSEAlgorithm") == "AES256"
    none = cos(slow_emulator).call(slow_emulator, "GET", query={"encryption": ""})
    assert none.fault == (404, "NoSuchEncryptionConfiguration")


def test_everybody_reads_what_is_public(slow_emulator: EmulatorProcess) -> None:
    """Without a signature an object is read if its own ACL or its bucket's lets everybody, and never written."""
    signer = cos(slow_emulator, "open-here-1250000001")
    signer.call(slow_emulator, "PUT")
    hosted = {"host": signer.host}
    signer.call(slow_emulator, "PUT", "open", headers={"x-cos-acl": "public-read"}, body=HELLO)
    signer.call(slow_emulator, "PUT", "closed", body=HELLO)
    assert send(slow_emulator, "GET", "/open", hosted).content == HELLO
    assert send(slow_emulator, "GET", "/closed", hosted).fault == (403, "AccessDenied")
    assert send(slow_emulator, "GET", "/nothing", hosted).fault == (403, "AccessDenied")
    assert signer.call(slow_emulator, "PUT", query={"acl": ""}, headers={"x-cos-acl": "public-read"}).status == 200
    assert send(slow_emulator, "GET", "/closed", hosted).content == HELLO
    assert send(slow_emulator, "GET", "/nothing", hosted).fault == (404, "NoSuchKey")
    assert send(slow_emulator, "PUT", "/closed", hosted, b"x").fault == (403, "AccessDenied")
    granted = signer.call(slow_emulator, "GET", query={"acl": ""}).xml.iterfind("AccessControlList/Grant/Permission")
    assert [element.text for element in granted] == ["FULL_CONTROL", "READ"]


RANGES: dict[str, tuple[str, int, bytes, str]] = {
    "the first": ("bytes=0-4", 206, b"hello", "bytes 0-4/11"),
    "from the middle": ("bytes=6-", 206, b"world", "bytes 6-10/11"),
    "the last": ("bytes=-5", 206, b"world", "bytes 6-10/11"),
    "more than there is": ("bytes=6-99", 206, b"world", "bytes 6-10/11"),
    "more than all from the end": ("bytes=-99", 206, HELLO, "bytes 0-10/11"),
    "what is no range": ("bytes=5-2", 200, HELLO, ""),
}


@pytest.mark.parametrize(("asked", "status", "content", "told"), RANGES.values(), ids=RANGES)
def test_a_range_is_cut_out(slow_emulator: EmulatorProcess, asked: str, status: int, content: bytes, told: str) -> None:
    """A part of an object is what HTTP says it is."""
    signer = cos(slow_emulator)
    signer.call(slow_emulator, "PUT", "ranges", body=HELLO)
    answer = signer.call(slow_emulator, "GET", "ranges", headers={"range": asked})
    assert (answer.status, answer.content, answer.headers.get("content-range", "")) == (status, content, told)


def test_a_range_behind_the_end_is_refused(slow_emulator: EmulatorProcess) -> None:
    """An object has no bytes behind its last."""
    signer = cos(slow_emulator)
    signer.call(slow_emulator, "PUT", "ranges", body=HELLO)
    assert signer.call(slow_emulator, "GET", "ranges", headers={"range": "bytes=11-"}).fault == (416, "InvalidRange")


CONDITIONS: dict[str, tuple[dict[str, str], int]] = {
    "its ETag": ({"if-match": f'"{MD5}"'}, 200),
    "another ETag": ({"if-match": '"0"'}, 412),
    "unless it is its ETag": ({"if-none-match": f'"{MD5}"'}, 304),
    "unless it is another": ({"if-none-match": '"0"'}, 200),
    "changed since": ({"if-modified-since": "Thu, 01 Jan 2099 00:00:00 GMT"}, 304),
    "unchanged since long ago": ({"if-unmodified-since": "Thu, 01 Jan 2009 00:00:00 GMT"}, 412),
}


@pytest.mark.parametrize(("headers", "status"), CONDITIONS.values(), ids=CONDITIONS)
def test_conditions_are_met_or_told(slow_emulator: EmulatorProcess, headers: dict[str, str], status: int) -> None:
    """Conditional requests are answered as HTTP says, for the head as for the whole."""
    signer = cos(slow_emulator)
    signer.call(slow_emulator, "PUT", "conditions", body=HELLO)
    shown = [signer.call(slow_emulator, method, "conditions", headers=headers).status for method in ("GET", "HEAD")]
    assert shown == [status, status]


def test_a_head_says_what_was_put(slow_emulator: EmulatorProcess) -> None:
    """Size, sums, type, class, own metadata and encryption come back; a missing object has no body to tell it."""
    signer = cos(slow_emulator)
    given = {
        "content-type": "image/raw",
        "x-cos-meta-owner": "me",
        "x-cos-storage-class": "STANDARD_IA",
        "x-cos-server-side-encryption": "AES256",
    }
    signer.call(slow_emulator, "PUT", "whole", headers=given, body=HELLO)
    head = signer.call(slow_emulator, "HEAD", "whole").headers
    assert {name: head[name] for name in given} == given
    assert (head["content-length"], head["etag"], head["x-cos-hash-crc64ecma"]) == ("11", f'"{MD5}"', str(crc64(HELLO)))
    missing = signer.call(slow_emulator, "HEAD", "nothing")
    assert (missing.status, missing.content, bool(missing.headers["x-cos-trace-id"])) == (404, b"", True)


UPLOADS: dict[str, tuple[dict[str, str], tuple[int, str]]] = {
    "a digest of something else": (_body_md5(b"else"), (400, "BadDigest")),
    "a digest that is none": ({"content-md5": "x"}, (400, "InvalidDigest")),
    "a class that is not": ({"x-cos-storage-class": "FROZEN"}, (400, "InvalidStorageClass")),
    "an ACL that is not": ({"x-cos-acl": "everybody"}, (400, "InvalidArgument")),
    "an object that is there already": ({"x-cos-forbid-overwrite": "true"}, (409, "FileAlreadyExists")),
}


@pytest.mark.parametrize(("headers", "fault"), UPLOADS.values(), ids=UPLOADS)
def test_an_upload_is_refused(slow_emulator: EmulatorProcess, headers: dict[str, str], fault: tuple[int, str]) -> None:
    """What is refused changes nothing."""
    signer = cos(slow_emulator)
    signer.call(slow_emulator, "PUT", "kept", body=HELLO)
    assert signer.call(slow_emulator, "PUT", "kept", headers=headers, body=b"new").fault == fault
    assert signer.call(slow_emulator, "GET", "kept").content == HELLO


def test_a_body_without_a_length_is_refused(slow_emulator: EmulatorProcess) -> None:
    """Nobody knows how much is to come."""
    target, headers = cos(slow_emulator).request("PUT", "key", {}, {})
    answer = send(slow_emulator, "PUT", target, headers, None)
    assert answer.fault == (411, "MissingContentLength")


LISTINGS: dict[str, tuple[dict[str, str], list[str], list[str], str]] = {
    "everything": ({}, ["a/1", "a/2", "b c", "d"], [], ""),
    "what begins alike": ({"prefix": "a/"}, ["a/1", "a/2"], [], ""),
    "folders": ({"delimiter": "/"}, ["b c", "d"], ["a/"], ""),
    "from a marker on": ({"marker": "a/2"}, ["b c", "d"], [], ""),
    "a page": ({"max-keys": "2"}, ["a/1", "a/2"], [], "a/2"),
    "a page of folders": ({"max-keys": "1", "delimiter": "/"}, [], ["a/"], "a/"),
    "behind a folder": ({"marker": "a/", "delimiter": "/"}, ["b c", "d"], [], ""),
    "encoded": ({"prefix": "b", "encoding-type": "url"}, ["b%20c"], [], ""),
    "more than is given": ({"max-keys": "5000"}, ["a/1", "a/2", "b c", "d"], [], ""),
}


@pytest.mark.parametrize(("query", "keys", "folders", "following"), LISTINGS.values(), ids=LISTINGS)
def test_objects_are_listed(
    slow_emulator: EmulatorProcess, query: dict[str, str], keys: list[str], folders: list[str], following: str
) -> None:
    """A listing comes in the order of the keys, page by page."""
    signer = cos(slow_emulator, "listed-1250000001")
    signer.call(slow_emulator, "PUT")
    for key in ("a/1", "a/2", "b c", "d"):
        signer.call(slow_emulator, "PUT", key, body=b"x")
    found = signer.call(slow_emulator, "GET", query=query).xml
    assert [element.findtext("Key") for element in found.iterfind("Contents")] == keys
    assert [element.text for element in found.iterfind("CommonPrefixes/Prefix")] == folders
    assert (found.findtext("NextMarker") or "", found.findtext("IsTruncated")) == (
        following,
        "true" if following else "false",
    )


def test_many_objects_are_deleted_at_once(slow_emulator: EmulatorProcess) -> None:
    """DeleteMultipleObjects needs its digest, and tells each name unless it is to be quiet."""
    signer = cos(slow_emulator)
    signer.call(slow_emulator, "PUT", "one", body=b"x")
    wish = b"<Delete><Quiet>%s</Quiet><Object><Key>one</Key></Object><Object><Key>nothing</Key></Object></Delete>"
    loud, quiet = wish % b"false", wish % b"true"
    assert signer.call(slow_emulator, "POST", query={"delete": ""}, body=loud).fault == (400, "MissingContentMD5")
    told = signer.call(slow_emulator, "POST", query={"delete": ""}, headers=_body_md5(loud), body=loud)
    assert [element.text for element in told.xml.iterfind("Deleted/Key")] == ["one", "nothing"]
    silent = signer.call(slow_emulator, "POST", query={"delete": ""}, headers=_body_md5(quiet), body=quiet)
    assert (silent.status, list(silent.xml)) == (200, [])
    assert signer.call(slow_emulator, "HEAD", "one").status == 404


def test_an_object_is_copied_with_what_comes_with_it(slow_emulator: EmulatorProcess) -> None:
    """A copy has the bytes and, unless they are replaced, the headers of its source."""
    signer = cos(slow_emulator)
    signer.call(slow_emulator, "PUT", "from 中", headers={"x-cos-meta-owner": "me"}, body=HELLO)
    source = {"x-cos-copy-source": f"{signer.host}/from%20%E4%B8%AD"}
    copied = signer.call(slow_emulator, "PUT", "to", headers=source)
    assert (copied.xml.findtext("ETag"), copied.xml.findtext("CRC64")) == (f'"{MD5}"', str(crc64(HELLO)))
    assert signer.call(slow_emulator, "HEAD", "to").headers["x-cos-meta-owner"] == "me"
    replaced = {**source, "x-cos-metadata-directive": "Replaced", "x-cos-meta-owner": "you"}
    signer.call(slow_emulator, "PUT", "to", headers=replaced)
    assert signer.call(slow_emulator, "HEAD", "to").headers["x-cos-meta-owner"] == "you"


COPIES: dict[str, tuple[str, tuple[int, str]]] = {
    "an object that is not": ("ferry-good-1250000001.cos.ap-guangzhou.myqcloud.com/nothing", (404, "NoSuchKey")),
    "another's object": ("ferry-foreign-1250000002.cos.ap-guangzhou.myqcloud.com/key", (403, "AccessDenied")),
    "a bucket that is not": ("nothing-1250000001.cos.ap-guangzhou.myqcloud.com/key", (404, "NoSuchBucket")),
    "no object": ("key", (400, "InvalidArgument")),
}


@pytest.mark.parametrize(("source", "fault"), COPIES.values(), ids=COPIES)
def test_a_copy_is_refused(slow_emulator: EmulatorProcess, source: str, fault: tuple[int, str]) -> None:
    """One copies what one may read."""
    answer = cos(slow_emulator).call(slow_emulator, "PUT", "to", headers={"x-cos-copy-source": source})
    assert answer.fault == fault


def _begin(emulator: EmulatorProcess, signer: Cos, key: str) -> dict[str, str]:
    answer = signer.call(emulator, "POST", key, query={"uploads": ""})
    return {"uploadId": answer.xml.findtext("UploadId") or ""}


def _part(emulator: EmulatorProcess, signer: Cos, key: str, upload: dict[str, str], number: int, body: bytes) -> str:
    answer = signer.call(emulator, "PUT", key, query={"partNumber": str(number), **upload}, body=body)
    assert (answer.status, answer.headers["x-cos-hash-crc64ecma"]) == (200, str(crc64(body)))
    return answer.headers["etag"]


def _wish(etags: dict[int, str]) -> bytes:
    parts = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{e}</ETag></Part>" for n, e in etags.items())
    return f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()


def test_parts_become_one_object(slow_emulator: EmulatorProcess) -> None:
    """An upload in parts is listed while it goes on and whole at its end, with sums of the whole."""
    key, signer, parts = "in parts/中", cos(slow_emulator), {1: b"a" * (1 << 20), 2: b"tail"}
    upload = _begin(slow_emulator, signer, key)
    etags = {number: _part(slow_emulator, signer, key, upload, number, body) for number, body in parts.items()}
    listed = signer.call(slow_emulator, "GET", key, query={"max-parts": "1", **upload}).xml
    assert [element.text for element in listed.iterfind("Part/PartNumber")] == ["1"]
    assert (listed.findtext("IsTruncated"), listed.findtext("NextPartNumberMarker")) == ("true", "1")
    running = signer.call(slow_emulator, "GET", query={"uploads": "", "prefix": "in parts/"}).xml
    assert [element.text for element in running.iterfind("Upload/UploadId")] == [upload["uploadId"]]
    assert signer.call(slow_emulator, "HEAD", key).status == 404
    done = signer.call(slow_emulator, "POST", key, query=upload, body=_wish(etags))
    whole = b"".join(parts.values())
    digests = b"".join(hashlib.md5(body, usedforsecurity=False).digest() for body in parts.values())
    expected = f'"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-2"'
    assert (done.status, done.xml.findtext("ETag")) == (200, expected)
    assert done.headers["x-cos-hash-crc64ecma"] == str(crc64(whole))
    assert signer.call(slow_emulator, "GET", key).content == whole
    assert signer.call(slow_emulator, "GET", key, query=upload).fault == (404, "NoSuchUpload")


def test_an_upload_that_is_given_up_leaves_nothing(slow_emulator: EmulatorProcess) -> None:
    """Aborting takes the parts away, and the upload's id is then unknown."""
    signer = cos(slow_emulator)
    upload = _begin(slow_emulator, signer, "given up")
    _part(slow_emulator, signer, "given up", upload, 1, b"x")
    assert signer.call(slow_emulator, "DELETE", "given up", query=upload).status == 204
    running = signer.call(slow_emulator, "GET", query={"uploads": "", "prefix": "given up"}).xml
    assert running.find("Upload") is None
    assert signer.call(slow_emulator, "DELETE", "given up", query=upload).fault == (404, "NoSuchUpload")


COMPLETIONS: dict[str, tuple[dict[int, str], tuple[int, str]]] = {
    "a part that never came": ({1: "", 3: '"0"'}, (400, "InvalidPart")),
    "a part of another sum": ({1: '"0"'}, (400, "InvalidPart")),
    "parts in disorder": ({2: "", 1: ""}, (400, "InvalidPartOrder")),
    "a small part before the last": ({1: "", 2: ""}, (400, "EntityTooSmall")),
    "no part": ({}, (400, "MalformedXML")),
}


@pytest.mark.parametrize(("wished", "fault"), COMPLETIONS.values(), ids=COMPLETIONS)
def test_a_completion_is_refused(
    slow_emulator: EmulatorProcess, wished: dict[int, str], fault: tuple[int, str]
) -> None:
    """Only what was received can become an object."""
    signer = cos(slow_emulator)
    upload = _begin(slow_emulator, signer, "refused")
    etags = {number: _part(slow_emulator, signer, "refused", upload, number, b"x") for number in (1, 2)}
    wish = _wish({number: etag or etags[number] for number, etag in wished.items()})
    assert signer.call(slow_emulator, "POST", "refused", query=upload, body=wish).fault == fault


def test_a_part_is_copied(slow_emulator: EmulatorProcess) -> None:
    """UploadPartCopy takes a range of an object for a part."""
    signer = cos(slow_emulator)
    signer.call(slow_emulator, "PUT", "source", body=HELLO)
    upload = _begin(slow_emulator, signer, "copied part")
    source = {"x-cos-copy-source": f"{signer.host}/source", "x-cos-copy-source-range": "bytes=6-10"}
    part = signer.call(slow_emulator, "PUT", "copied part", query={"partNumber": "1", **upload}, headers=source)
    etag = part.xml.findtext("ETag") or ""
    signer.call(slow_emulator, "POST", "copied part", query=upload, body=_wish({1: etag}))
    assert signer.call(slow_emulator, "GET", "copied part").content == b"world"


def test_an_archived_object_is_read_once_it_is_restored(emulator: EmulatorProcess) -> None:
    """What lies in the archive must be asked for, takes its time on the task clock, and says how far it is."""
    signer = cos(emulator)
    signer.call(emulator, "PUT", "cold", headers={"x-cos-storage-class": "ARCHIVE"}, body=HELLO)
    assert signer.call(emulator, "GET", "cold").fault == (403, "InvalidObjectState")
    wish = b"<RestoreRequest><Days>1</Days><CASJobParameters><Tier>Standard</Tier></CASJobParameters></RestoreRequest>"
    emulator.admin("POST", "/settings", {"speed": 0.001})
    assert signer.call(emulator, "POST", "cold", query={"restore": ""}, body=wish).status == 202
    assert signer.call(emulator, "POST", "cold", query={"restore": ""}, body=wish).fault == (
        409,
        "RestoreAlreadyInProgress",
    )
    assert signer.call(emulator, "HEAD", "cold").headers["x-cos-restore"] == 'ongoing-request="true"'
    emulator.admin("POST", "/settings", {"speed": 100_000})
    answer = until(lambda: signer.call(emulator, "GET", "cold"), lambda seen: seen.status == 200)
    emulator.admin("POST", "/settings", {"speed": 1})
    assert answer.content == HELLO
    assert signer.call(emulator, "HEAD", "cold").headers["x-cos-restore"].startswith('ongoing-request="false", expiry')
    assert signer.call(emulator, "POST", "cold", query={"restore": ""}, body=wish).status == 200


FAULTS: dict[str, tuple[str, tuple[int, str]]] = {
    "throttling": ("throttle", (503, "SlowDown")),
    "an error of the service": ("error500NotAccepted", (500, "InternalError")),
    "a key that has expired": ("expiredKey", (403, "ExpiredToken")),
}


@pytest.mark.parametrize(("fault", "told"), FAULTS.values(), ids=FAULTS)
def test_a_scripted_fault_has_the_form_of_the_service(
    slow_emulator: EmulatorProcess, fault: str, told: tuple[int, str]
) -> None:
    """What is scripted for an operation and a key strikes that alone, once."""
    signer = cos(slow_emulator)
    wish = {"fault": fault, "action": "COS:PutObject", "params": {"key": "struck"}}
    slow_emulator.admin("POST", "/faults", wish)
    assert signer.call(slow_emulator, "PUT", "spared", body=b"x").status == 200
    assert signer.call(slow_emulator, "PUT", "struck", body=b"x").fault == told
    assert signer.call(slow_emulator, "PUT", "struck", body=b"x").status == 200


def test_what_was_put_is_booked_and_survives_a_kill(emulator: EmulatorProcess) -> None:
    """The ledger knows every change, and an answered upload is there on the next start, an open one too."""
    signer = cos(emulator)
    signer.call(emulator, "PUT", "kept", body=HELLO)
    upload = _begin(emulator, signer, "open")
    etag = _part(emulator, signer, "open", upload, 1, HELLO)
    emulator.kill()
    emulator.start()
    assert signer.call(emulator, "GET", "kept").content == HELLO
    assert signer.call(emulator, "POST", "open", query=upload, body=_wish({1: etag})).status == 200
    booked = [
        (entry["service"], entry["action"], entry["accountID"]) for entry in emulator.admin("GET", "/ledger")["entries"]
    ]
    made = ["PutObject", "InitiateMultipartUpload", "UploadPart", "CompleteMultipartUpload"]
    assert booked == [("cos", action, "100000000001") for action in made]


def test_the_two_stores_know_nothing_of_each_other(slow_emulator: EmulatorProcess) -> None:
    """A bucket of one cloud is no bucket of the other."""
    signer = cos(slow_emulator, "ferry-good")
    assert signer.call(slow_emulator, "GET").fault == (400, "InvalidBucketName")
    hosted = {"host": "ferry-good-1250000001.oss-cn-hangzhou.aliyuncs.com"}
    assert send(slow_emulator, "GET", "/", hosted).fault == (404, "NoSuchBucket")
