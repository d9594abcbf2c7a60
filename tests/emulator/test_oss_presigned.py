"""Every version of the signature, in headers and in URLs, is verified for real: made as documented it passes, altered it does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import alibabacloud_oss_v2 as oss
import pytest

from tests.emulator.bucket_clients import call, sdk, send, signer
from tests.emulator.bucket_signatures import Request

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

MANNERS = ["v1", "v1-url", "v2", "v2-url", "v4-url"]
URLS = ["v1-url", "v2-url", "v4-url"]
KEY = "dir/a b+中(1).raw"


@pytest.fixture
def cloud(slow_emulator: EmulatorProcess) -> EmulatorProcess:
    """An emulator with an object to read, a temporary key that is good and one that has expired."""
    bucket = slow_emulator.info["buckets"]["good"]
    call(slow_emulator, signer(slow_emulator), "PUT", f"/{bucket}/{KEY}", body=b"content")
    past, future = ((datetime.now(tz=UTC) + timedelta(hours=hours)).isoformat() for hours in (-1, 1))
    keys = [
        {"id": "STS.url", "secret": "secret", "token": "a+token/==", "expires": future},
        {"id": "STS.over", "secret": "secret", "token": "old", "expires": past},
    ]
    slow_emulator.admin("POST", "/accounts", {"id": slow_emulator.info["accountID"], "keys": keys})
    return slow_emulator


def request(emulator: EmulatorProcess, manner: str) -> Request:
    """A GET of the object with the first account's key."""
    info = emulator.info
    return Request(manner, info["accessKeyID"], info["accessKeySecret"], f"/{info['buckets']['good']}/{KEY}")


@pytest.mark.parametrize("manner", MANNERS)
def test_an_object_is_read_and_written_with_every_signature(cloud: EmulatorProcess, manner: str) -> None:
    """A GET, and a PUT whose type, metadata and encoded key are covered, both pass."""
    get = request(cloud, manner)
    headers = {"content-type": "text/plain", "x-oss-meta-note": "mine"}

    put = get.but(method="PUT", resource=f"{get.resource}.copy", headers=headers, body=b"written").call(cloud)
    back = get.but(resource=f"{get.resource}.copy").call(cloud)

    assert get.call(cloud).body == b"content"
    assert (put.status, back.body, back.headers["x-oss-meta-note"]) == (200, b"written", "mine")


@pytest.mark.parametrize("manner", MANNERS)
def test_a_temporary_key_signs_with_its_token(cloud: EmulatorProcess, manner: str) -> None:
    """With its token it passes; without it, with another and when it has expired it is refused, each with its own code."""
    good = request(cloud, manner).but(key_id="STS.url", secret="secret", token="a+token/==")

    assert good.call(cloud).body == b"content"
    assert good.but(token=None).call(cloud).code == "InvalidAccessKeyId"
    assert good.but(token="another").call(cloud).code == "InvalidSecurityToken"
    assert good.but(key_id="STS.over", token="old").call(cloud).code == "SecurityTokenExpired"
    assert request(cloud, manner).but(token="made up").call(cloud).code == "InvalidAccessKeyId"


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"secret": "wrong"}, "SignatureDoesNotMatch", id="a wrong secret"),
        pytest.param({"key_id": "LTAI-NOBODY"}, "InvalidAccessKeyId", id="an unknown key"),
        pytest.param({"sent": {"x-oss-meta-a": "1"}}, "SignatureDoesNotMatch", id="a header added after signing"),
        pytest.param({"sent": {"content-type": "a/b"}}, "SignatureDoesNotMatch", id="a type added after signing"),
        pytest.param({"late": {"response-content-type": "a/b"}}, "SignatureDoesNotMatch", id="a parameter added"),
        pytest.param({"target": "/ferry-good/other"}, "SignatureDoesNotMatch", id="sent to another key"),
    ],
)
def test_what_was_not_signed_is_refused(
    cloud: EmulatorProcess, manner: str, changes: dict[str, Any], code: str
) -> None:
    """A signature holds for one key, one resource and the covered headers and parameters, and for nothing else."""
    answer = request(cloud, manner).but(**changes).call(cloud)

    assert (answer.status, answer.code) == (403, code)


@pytest.mark.parametrize("manner", ["v1", "v2"])
@pytest.mark.parametrize("age_seconds", [960, -960])
def test_a_header_is_good_for_fifteen_minutes(cloud: EmulatorProcess, manner: str, age_seconds: float) -> None:
    """Sixteen minutes before or behind, the answer tells both times."""
    answer = request(cloud, manner).but(age_seconds=age_seconds).call(cloud)

    assert (answer.status, answer.code) == (403, "RequestTimeTooSkewed")
    assert answer.xml.findtext("MaxAllowedSkewMilliseconds") == "900000"
    assert answer.xml.findtext("RequestTime")
    assert answer.xml.findtext("ServerTime")


@pytest.mark.parametrize("manner", URLS)
def test_a_url_expires(cloud: EmulatorProcess, manner: str) -> None:
    """Made an hour ago for sixty seconds it is over, for two hours it is not."""
    over = request(cloud, manner).but(age_seconds=3600)

    expired = over.call(cloud)

    assert (expired.status, expired.code) == (403, "AccessDenied")
    assert expired.xml.findtext("Message") == "Request has expired."
    assert over.but(seconds=7200).call(cloud).body == b"content"


MALFORMED: list[Any] = [
    pytest.param("v1-url", {"Expires": ""}, 403, "AccessDenied", id="v1 without an end"),
    pytest.param("v1-url", {"Expires": "tomorrow"}, 403, "AccessDenied", id="v1 with an end in words"),
    pytest.param("v1-url", {"Signature": ""}, 403, "AccessDenied", id="v1 without a signature"),
    pytest.param("v1-url", {"OSSAccessKeyId": ""}, 403, "AccessDenied", id="v1 without a key"),
    pytest.param("v2-url", {"x-oss-expires": ""}, 403, "AccessDenied", id="v2 without an end"),
    pytest.param("v4-url", {"x-oss-expires": ""}, 400, "InvalidArgument", id="v4 without a life"),
    pytest.param("v4-url", {"x-oss-expires": "604801"}, 400, "InvalidArgument", id="v4 for more than seven days"),
    pytest.param("v4-url", {"x-oss-expires": "0"}, 400, "InvalidArgument", id="v4 for no time"),
    pytest.param("v4-url", {"x-oss-credential": ""}, 400, "InvalidArgument", id="v4 without a credential"),
    pytest.param("v4-url", {"x-oss-credential": "a/b/c"}, 400, "InvalidArgument", id="v4 with half a credential"),
    pytest.param("v4-url", {"x-oss-date": ""}, 403, "AccessDenied", id="v4 without a time"),
    pytest.param("v4-url", {"x-oss-date": "20200101T000000Z"}, 400, "InvalidArgument", id="v4 of another day"),
    pytest.param("v4-url", {"x-oss-signature-version": "OSS9"}, 400, "InvalidArgument", id="an unknown version"),
]


@pytest.mark.parametrize(("manner", "late", "status", "code"), MALFORMED)
def test_a_url_that_lacks_a_part_is_refused(
    cloud: EmulatorProcess, manner: str, late: dict[str, str], status: int, code: str
) -> None:
    """It is told apart from a wrong signature."""
    answer = request(cloud, manner).but(late=late).call(cloud)

    assert (answer.status, answer.code) == (status, code)


def test_a_url_of_the_future_is_not_valid_yet(cloud: EmulatorProcess) -> None:
    """A clock that is up to fifteen minutes fast is forgiven, a faster one is not."""
    soon = request(cloud, "v4-url").but(age_seconds=-800)

    assert soon.call(cloud).body == b"content"
    assert soon.but(age_seconds=-1000).call(cloud).code in {"AccessDenied", "InvalidArgument"}


def test_a_request_is_signed_once(cloud: EmulatorProcess) -> None:
    """A signature in the header and another in the query exclude each other."""
    twice = request(cloud, "v1-url").but(sent={"authorization": "OSS a:b"}).call(cloud)

    assert (twice.status, twice.code) == (400, "InvalidArgument")


def test_a_payload_is_never_signed(cloud: EmulatorProcess) -> None:
    """Version 4 takes UNSIGNED-PAYLOAD and no digest in its place."""
    bucket = cloud.info["buckets"]["good"]
    headers = signer(cloud).headers("GET", f"/{bucket}/", {}, {"host": cloud.address})

    answer = send(cloud, "GET", f"/{bucket}/", {**headers, "x-oss-content-sha256": "0" * 64})

    assert (answer.status, answer.code) == (400, "InvalidArgument")


@pytest.mark.parametrize("manner", ["v2", "v2-url", "v4-url"])
def test_additional_headers_are_covered(cloud: EmulatorProcess, manner: str) -> None:
    """A header that was named as additional may not be changed on the way."""
    ranged = request(cloud, manner).but(additional="range", headers={"range": "bytes=0-2"})

    assert ranged.call(cloud).body == b"con"
    assert ranged.but(sent={"range": "bytes=0-3"}).call(cloud).code == "SignatureDoesNotMatch"


@pytest.mark.parametrize("version", ["v1", "v4"])
def test_the_sdk_presigns_what_is_accepted(cloud: EmulatorProcess, version: str) -> None:
    """A URL of the vendor's own SDK reads the object, and its signature cannot be used for another one."""
    bucket = cloud.info["buckets"]["good"]
    presigned = sdk(cloud, signature_version=version).presign(oss.GetObjectRequest(bucket=bucket, key=KEY))
    parts = urlsplit(presigned.url)

    read = send(cloud, "GET", f"{parts.path}?{parts.query}", {})
    other = send(cloud, "GET", f"/{bucket}/other?{parts.query}", {})

    assert (read.status, read.body) == (200, b"content")
    assert (other.status, other.code) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("manner", MANNERS)
def test_a_sub_resource_is_part_of_what_is_signed(cloud: EmulatorProcess, manner: str) -> None:
    """A request about an object's upload passes as signed, and none signed for the object itself passes for it."""
    begin = request(cloud, manner).but(method="POST", query={"uploads": ""})

    assert begin.call(cloud).xml.findtext("Key") == KEY
    assert begin.but(query={}, late={"acl": " "}).call(cloud).code == "SignatureDoesNotMatch"
