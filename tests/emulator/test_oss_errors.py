"""Every refusal of the object store has the status, code and form that the vendor documents."""

from __future__ import annotations

import base64
import re
import secrets
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

from tests.emulator.bucket_clients import Signer, call, signer

if TYPE_CHECKING:
    from tests.emulator.bucket_clients import Answer
    from tests.emulator_process import EmulatorProcess


@dataclass(frozen=True)
class Refused:
    """A request that is refused. `{good}`, `{full}` and `{foreign}` stand for an empty, a used and a stranger's bucket."""

    method: str
    resource: str
    status: int
    code: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


TABLE = {
    "reading an unknown bucket": Refused("GET", "/no-such-bucket/", 404, "NoSuchBucket"),
    "writing into an unknown bucket": Refused("PUT", "/no-such-bucket/k", 404, "NoSuchBucket"),
    "deleting an unknown bucket": Refused("DELETE", "/no-such-bucket/", 404, "NoSuchBucket"),
    "deleting from an unknown bucket": Refused("DELETE", "/no-such-bucket/k", 404, "NoSuchBucket"),
    "asking about an unknown bucket": Refused("GET", "/no-such-bucket/", 404, "NoSuchBucket", {"bucketInfo": ""}),
    "reading an unknown key": Refused("GET", "/{full}/none", 404, "NoSuchKey"),
    "looking at an unknown key": Refused("HEAD", "/{full}/none", 404, "NoSuchKey"),
    "listing a stranger's bucket": Refused("GET", "/{foreign}/", 403, "AccessDenied"),
    "asking about a stranger's bucket": Refused("GET", "/{foreign}/", 403, "AccessDenied", {"bucketInfo": ""}),
    "writing into a stranger's bucket": Refused("PUT", "/{foreign}/k", 403, "AccessDenied"),
    "looking into a stranger's bucket": Refused("HEAD", "/{foreign}/k", 403, "AccessDenied"),
    "deleting from a stranger's bucket": Refused("DELETE", "/{foreign}/k", 403, "AccessDenied"),
    "deleting a stranger's bucket": Refused("DELETE", "/{foreign}/", 403, "AccessDenied"),
    "deleting a bucket with objects": Refused("DELETE", "/{full}/", 409, "BucketNotEmpty"),
    "making one's own bucket again": Refused("PUT", "/{full}/", 409, "BucketAlreadyExists"),
    "making a stranger's bucket": Refused("PUT", "/{foreign}/", 409, "BucketAlreadyExists"),
    "a bucket name with capitals": Refused("PUT", "/Bad_Bucket/", 400, "InvalidBucketName"),
    "a bucket name that is too short": Refused("PUT", "/ab/", 400, "InvalidBucketName"),
    "a bucket name that is too long": Refused("PUT", f"/{'b' * 64}/", 400, "InvalidBucketName"),
    "a bucket name that begins with a hyphen": Refused("PUT", "/-bucket/", 400, "InvalidBucketName"),
    "a key of 1024 bytes": Refused("PUT", f"/{{full}}/{'é' * 512}", 400, "InvalidObjectName"),
    "no keys per page": Refused("GET", "/{full}/", 400, "InvalidArgument", {"max-keys": "0"}),
    "too many keys per page": Refused("GET", "/{full}/", 400, "InvalidArgument", {"max-keys": "1001"}),
    "keys per page in words": Refused("GET", "/{full}/", 400, "InvalidArgument", {"max-keys": "ten"}),
    "an unknown encoding": Refused("GET", "/{full}/", 400, "InvalidArgument", {"encoding-type": "base64"}),
    "an unknown kind of listing": Refused("GET", "/{full}/", 400, "InvalidArgument", {"list-type": "3"}),
    "a made-up continuation token": Refused(
        "GET", "/{full}/", 400, "InvalidArgument", {"list-type": "2", "continuation-token": "*"}
    ),
    "a digest that is not the content's": Refused(
        "PUT", "/{full}/k", 400, "InvalidDigest", headers={"content-md5": "AAAAAAAAAAAAAAAAAAAAAA=="}
    ),
    "a digest that is none": Refused("PUT", "/{full}/k", 400, "InvalidDigest", headers={"content-md5": "short"}),
    "an object that has changed": Refused(
        "GET", "/{full}/held", 412, "PreconditionFailed", headers={"if-match": '"00"'}
    ),
    "an object that is too new": Refused(
        "GET",
        "/{full}/held",
        412,
        "PreconditionFailed",
        headers={"if-unmodified-since": "Sat, 01 Jan 2000 00:00:00 GMT"},
    ),
    "a method that no bucket has": Refused("PATCH", "/{full}/", 405, "MethodNotAllowed"),
    "a method that no object has": Refused("PATCH", "/{full}/k", 405, "MethodNotAllowed"),
    "a method that the service has not": Refused("DELETE", "/", 405, "MethodNotAllowed"),
    "a sub-resource that is not emulated": Refused("GET", "/{full}/", 501, "NotImplemented", {"lifecycle": ""}),
    "a sub-resource of another method": Refused("POST", "/{full}/", 501, "NotImplemented", {"acl": ""}),
    "a version of an object": Refused("GET", "/{full}/held", 501, "NotImplemented", {"versionId": "1"}),
}


@pytest.fixture(scope="module")
def names(slow_emulator: EmulatorProcess) -> dict[str, str]:
    """The buckets of the table: `full` holds one object."""
    full = f"full-{secrets.token_hex(4)}"
    call(slow_emulator, signer(slow_emulator), "PUT", f"/{full}/")
    call(slow_emulator, signer(slow_emulator), "PUT", f"/{full}/held", body=b"held")
    return {"full": full, "foreign": slow_emulator.info["buckets"]["foreign"]}


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE.keys())
def test_a_refusal_has_its_documented_form(slow_emulator: EmulatorProcess, names: dict[str, str], row: Refused) -> None:
    """Status, code and request id agree wherever they are told, and every answer has a Date."""
    resource = row.resource.format(**names)

    answer = call(
        slow_emulator,
        signer(slow_emulator),
        row.method,
        resource,
        query=row.query,
        headers=row.headers,
        body=b"body" if row.method == "PUT" and not resource.endswith("/") else b"",
    )

    document = error_document(answer, row.method)
    assert (answer.status, document.findtext("Code")) == (row.status, row.code)
    assert document.findtext("RequestId") == answer.headers["x-oss-request-id"]
    assert document.findtext("HostId") == slow_emulator.address
    assert document.findtext("EC") == answer.headers["x-oss-ec"]
    assert re.fullmatch(r"[0-9A-F]{24}", answer.headers["x-oss-request-id"])
    assert re.fullmatch(r"\d{4}-\d{8}", answer.headers["x-oss-ec"])
    assert document.findtext("Message")
    assert parsedate_to_datetime(answer.headers["date"])


def test_a_refused_change_changes_nothing(slow_emulator: EmulatorProcess, names: dict[str, str]) -> None:
    """After a wrong digest there is no object, and the ledger knows only of what was accepted."""
    bucket, digest = names["full"], {"content-md5": "AAAAAAAAAAAAAAAAAAAAAA=="}

    call(slow_emulator, signer(slow_emulator), "PUT", f"/{bucket}/spoilt", headers=digest, body=b"body")

    assert call(slow_emulator, signer(slow_emulator), "HEAD", f"/{bucket}/spoilt").status == 404
    booked = [entry["params"] for entry in slow_emulator.admin("GET", "/ledger")["entries"]]
    assert {"bucket": bucket, "key": "held"} in booked
    assert {"bucket": bucket, "key": "spoilt"} not in booked


def test_a_right_digest_is_accepted(slow_emulator: EmulatorProcess, names: dict[str, str]) -> None:
    """The Content-MD5 of the body lets it pass."""
    digest = {"content-md5": base64.b64encode(bytes.fromhex("841a2d689ad86bd1611447453c22c6fc")).decode()}
    path = f"/{names['full']}/digested"

    put = call(slow_emulator, signer(slow_emulator), "PUT", path, headers=digest, body=b"body")

    assert (put.status, put.headers["etag"]) == (200, '"841A2D689AD86BD1611447453C22C6FC"')
    assert call(slow_emulator, signer(slow_emulator), "DELETE", path).status == 204


def test_an_unchanged_object_is_not_sent_again(slow_emulator: EmulatorProcess, names: dict[str, str]) -> None:
    """If-None-Match with the object's ETag gives 304 without a body."""
    path = f"/{names['full']}/held"
    etag = call(slow_emulator, signer(slow_emulator), "HEAD", path).headers["etag"]

    again = call(slow_emulator, signer(slow_emulator), "GET", path, headers={"if-none-match": etag})

    assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)


def test_a_stranger_learns_no_more_than_that_a_bucket_exists(
    slow_emulator: EmulatorProcess, names: dict[str, str]
) -> None:
    """Another account's key is refused wherever the owner's is served."""
    other = slow_emulator.info["otherAccount"]
    stranger = Signer(other["accessKeyID"], other["accessKeySecret"])

    answers = [call(slow_emulator, stranger, method, f"/{names['full']}/held") for method in ("GET", "PUT", "DELETE")]

    assert [(answer.status, answer.code) for answer in answers] == [(403, "AccessDenied")] * 3
    assert call(slow_emulator, signer(slow_emulator), "GET", f"/{names['full']}/held").body == b"held"


def error_document(answer: Answer, method: str) -> ET.Element:
    """The error's XML, from the body or for HEAD from its header."""
    if method != "HEAD":
        assert answer.headers["content-type"] == "application/xml"
        return answer.xml
    assert answer.body == b""
    return ET.fromstring(base64.b64decode(answer.headers["x-oss-err"]))  # noqa: S314 (the emulator's own answer)
