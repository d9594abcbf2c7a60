"""Header signatures of version 4 are verified for real: every manner in which clients were seen to sign passes, nothing else does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.bucket_clients import Signer, call, send, signer

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

MANNERS: list[Any] = [
    pytest.param({}, id="as documented"),
    pytest.param({"comma": ", "}, id="a blank behind each comma"),
    pytest.param({"additional": ("host",)}, id="the host as an additional header"),
    pytest.param({"additional": ("host", "user-agent")}, id="two additional headers"),
    pytest.param({"date_header": True}, id="the time in the Date header alone"),
    pytest.param({"empty_equals": True}, id="an equals sign behind a parameter without value"),
    pytest.param({"age_seconds": 800}, id="thirteen minutes ago"),
    pytest.param({"age_seconds": -800}, id="a clock that is thirteen minutes fast"),
]


@pytest.mark.parametrize("manner", MANNERS)
def test_every_conforming_manner_of_signing_is_accepted(slow_emulator: EmulatorProcess, manner: dict[str, Any]) -> None:
    """The listing is answered, with parameters with and without a value."""
    by, resource = replace(signer(slow_emulator), **manner), f"/{slow_emulator.info['buckets']['good']}/"
    query = {"list-type": "2", "prefix": "a b/中+", "delimiter": ""}

    answer = call(slow_emulator, by, "GET", resource, query=query, headers={"user-agent": "by hand"})

    assert (answer.status, answer.xml.findtext("Prefix")) == (200, "a b/中+")


@pytest.mark.parametrize(
    ("sent", "signed"),
    [
        pytest.param("/{}/dir/a(b).raw", None, id="parentheses sent bare and signed encoded"),
        pytest.param("/{}/dir/a(b).raw", "/{}/dir/a(b).raw", id="parentheses sent and signed bare"),
        pytest.param("/{}/dir%2Fa%28b%29.raw", None, id="a slash sent as %2F"),
    ],
)
def test_a_key_may_be_encoded_as_clients_do(slow_emulator: EmulatorProcess, sent: str, signed: str | None) -> None:
    """Encoded or not, it is the same object."""
    bucket = slow_emulator.info["buckets"]["good"]
    by = replace(signer(slow_emulator), signed_path=signed.format(bucket) if signed else None)

    put = call(slow_emulator, by, "PUT", f"/{bucket}/dir/a(b).raw", target=sent.format(bucket), body=b"12")
    head = call(slow_emulator, signer(slow_emulator), "HEAD", f"/{bucket}/dir/a(b).raw")

    assert (put.status, head.status, head.headers["content-length"]) == (200, 200, "2")


def test_the_bucket_may_be_named_in_the_host(slow_emulator: EmulatorProcess) -> None:
    """Host style reaches the same bucket, whose name is still part of what is signed."""
    bucket = slow_emulator.info["buckets"]["good"]
    host = {"host": f"{bucket}.oss-cn-hangzhou.aliyuncs.com"}

    put = call(slow_emulator, signer(slow_emulator), "PUT", f"/{bucket}/hosted", target="/hosted", headers=host)
    info = call(
        slow_emulator,
        signer(slow_emulator),
        "GET",
        f"/{bucket}/",
        target="/?bucketInfo",
        query={"bucketInfo": ""},
        headers=host,
    )

    assert (put.status, info.status, info.xml.findtext("Bucket/Name")) == (200, 200, bucket)
    assert call(slow_emulator, signer(slow_emulator), "HEAD", f"/{bucket}/hosted").status == 200


REFUSALS: list[Any] = [
    pytest.param({"secret": "wrong"}, "SignatureDoesNotMatch", id="a wrong secret"),
    pytest.param({"signed_path": "/another/"}, "SignatureDoesNotMatch", id="signed for another resource"),
    pytest.param({"sent": {"x-oss-meta-late": "1"}}, "SignatureDoesNotMatch", id="a header added after signing"),
    pytest.param({"sent": {"content-type": "a/b"}}, "SignatureDoesNotMatch", id="a type added after signing"),
    pytest.param({"key_id": "LTAI-NOBODY"}, "InvalidAccessKeyId", id="an unknown key"),
    pytest.param({"key_id": "LTAI-DISABLED", "secret": "secret"}, "InvalidAccessKeyId", id="a disabled key"),
    pytest.param({"token": "made up"}, "InvalidAccessKeyId", id="a token with a lasting key"),
    pytest.param({"key_id": "STS.sig", "secret": "secret"}, "InvalidAccessKeyId", id="a temporary key without token"),
    pytest.param(
        {"key_id": "STS.sig", "secret": "secret", "token": "other"}, "InvalidSecurityToken", id="another key's token"
    ),
    pytest.param(
        {"key_id": "STS.old", "secret": "secret", "token": "old"}, "SecurityTokenExpired", id="an expired token"
    ),
    pytest.param({"age_seconds": 960}, "RequestTimeTooSkewed", id="sixteen minutes ago"),
    pytest.param({"age_seconds": -960}, "RequestTimeTooSkewed", id="a clock that is sixteen minutes fast"),
    pytest.param({"age_seconds": 960, "date_header": True}, "RequestTimeTooSkewed", id="sixteen minutes ago, in Date"),
    pytest.param({"sent": {"x-oss-date": "yesterday"}}, "AccessDenied", id="a time that is none"),
    pytest.param({"sent": {"x-oss-date": ""}}, "AccessDenied", id="no time at all"),
    pytest.param({"sent": {"authorization": ""}}, "AccessDenied", id="no signature at all"),
]


@pytest.fixture
def keys(slow_emulator: EmulatorProcess) -> EmulatorProcess:
    """An emulator that also knows a disabled key, a temporary one and an expired one."""
    past = (datetime.now(tz=UTC) - timedelta(seconds=1)).isoformat()
    future = (datetime.now(tz=UTC) + timedelta(hours=1)).isoformat()
    slow_emulator.admin(
        "POST",
        "/accounts",
        {
            "id": "1000000000000009",
            "keys": [
                {"id": "LTAI-DISABLED", "secret": "secret", "enabled": False},
                {"id": "STS.sig", "secret": "secret", "token": "good", "expires": future},
                {"id": "STS.old", "secret": "secret", "token": "old", "expires": past},
            ],
        },
    )
    return slow_emulator


@pytest.mark.parametrize(("manner", "code"), REFUSALS)
def test_what_is_wrong_with_a_signature_is_told(keys: EmulatorProcess, manner: dict[str, Any], code: str) -> None:
    """Each is a 403 with the code that the vendor documents."""
    bucket = keys.info["buckets"]["good"]

    answer = call(keys, replace(signer(keys), **manner), "GET", f"/{bucket}/")

    assert (answer.status, answer.code) == (403, code)


@pytest.mark.parametrize(
    ("manner", "message"),
    [
        pytest.param({"scope_date": "20200101"}, "date", id="a scope of another day"),
        pytest.param({"sent": {"authorization": "OSS4-HMAC-SHA256 Signature=ab"}}, "Authorization", id="no credential"),
        pytest.param(
            {"sent": {"authorization": "OSS4-HMAC-SHA256 Credential=a/b/c,Signature=ab"}},
            "Authorization",
            id="half a scope",
        ),
        pytest.param({"sent": {"authorization": "Bearer abc"}}, "authorization", id="an unknown scheme"),
    ],
)
def test_a_malformed_authorization_is_an_invalid_argument(
    slow_emulator: EmulatorProcess, manner: dict[str, Any], message: str
) -> None:
    """It is a 400, told apart from a wrong signature."""
    bucket = slow_emulator.info["buckets"]["good"]

    answer = call(slow_emulator, replace(signer(slow_emulator), **manner), "GET", f"/{bucket}/")

    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert message in (answer.xml.findtext("Message") or "")


def test_a_temporary_key_passes_with_its_own_token(keys: EmulatorProcess) -> None:
    """The same key that is refused without its token is accepted with it."""
    by = Signer("STS.sig", "secret", token="good")

    assert call(keys, by, "GET", "/").status == 200


def test_a_signature_lives_as_long_as_the_setting_says(emulator: EmulatorProcess) -> None:
    """A shorter life refuses what was young enough before."""
    by = replace(signer(emulator), age_seconds=100)
    before = call(emulator, by, "GET", "/")

    emulator.admin("POST", "/settings", {"signatureLifeSeconds": 60})

    assert (before.status, call(emulator, by, "GET", "/").code) == (200, "RequestTimeTooSkewed")


def test_a_mismatch_shows_what_should_have_been_signed(slow_emulator: EmulatorProcess) -> None:
    """The answer holds the string to sign and the canonical request, with which a client's author finds the difference."""
    by = replace(signer(slow_emulator), secret="wrong")

    answer = call(slow_emulator, by, "GET", "/", query={"prefix": ""}, headers={"content-type": "a/b"})

    canonical = (answer.xml.findtext("CanonicalRequest") or "").splitlines()
    assert canonical[:4] == ["GET", "/", "prefix", "content-type:a/b"]
    assert (answer.xml.findtext("StringToSign") or "").startswith("OSS4-HMAC-SHA256\n2")
    assert answer.xml.findtext("OSSAccessKeyId") == slow_emulator.info["accessKeyID"]


def test_a_refused_upload_leaves_nothing(slow_emulator: EmulatorProcess) -> None:
    """A request that is not authentic changes nothing and is not in the ledger."""
    bucket = slow_emulator.info["buckets"]["good"]
    by = replace(signer(slow_emulator), secret="wrong")

    refused = call(slow_emulator, by, "PUT", f"/{bucket}/forged", body=b"x" * 1000)

    assert refused.code == "SignatureDoesNotMatch"
    assert call(slow_emulator, signer(slow_emulator), "HEAD", f"/{bucket}/forged").status == 404
    assert "forged" not in [entry["params"].get("key") for entry in slow_emulator.admin("GET", "/ledger")["entries"]]


def test_a_target_with_scheme_and_host_is_understood(slow_emulator: EmulatorProcess) -> None:
    """A client behind a proxy sends the whole URL in the request line."""
    bucket = slow_emulator.info["buckets"]["good"]
    headers = signer(slow_emulator).headers("GET", f"/{bucket}/", {"location": ""}, {"host": slow_emulator.address})

    answer = send(slow_emulator, "GET", f"{slow_emulator.endpoint}/{bucket}/?location", headers)

    assert (answer.status, answer.xml.text) == (200, "oss-cn-hangzhou")
