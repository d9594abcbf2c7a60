from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.cloud import Signer
from tests.emulator.tencent import CAM, Api, api, send

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

WHO = "GetCallerIdentity"
OWNER = "100000000001"

MANNERS: dict[str, dict[str, Any]] = {
    "TC3 by POST": {},
    "TC3 by GET": {"method": "GET"},
    "TC3 over an unsigned body": {"unsigned_payload": True},
    "TC3 over lower-case values": {"signed": ("content-type", "host", "x-tc-action"), "lower": True},
    "TC3 over further headers": {"signed": ("content-type", "host", "x-tc-action", "x-tc-timestamp")},
    "TC3 with a scheme in the host": {"host": "http://cvm.tencentcloudapi.com"},
    "HmacSHA1 in a query": {"manner": "HmacSHA1", "method": "GET"},
    "HmacSHA1 in a form": {"manner": "HmacSHA1"},
    "HmacSHA256 in a query": {"manner": "HmacSHA256", "method": "GET"},
    "HmacSHA256 in a form": {"manner": "HmacSHA256"},
}


@pytest.mark.parametrize("manner", MANNERS.values(), ids=MANNERS)
def test_every_documented_signature_is_understood(slow_emulator: EmulatorProcess, manner: dict[str, Any]) -> None:
    """Whoever signs as documented is told who signed."""
    answer = api(slow_emulator).but(**manner).call(slow_emulator, WHO)
    assert (answer.status, answer.code, answer.body.get("AccountId")) == (200, "", OWNER)


@pytest.mark.parametrize("manner", MANNERS.values(), ids=MANNERS)
def test_no_signature_holds_with_another_secret(slow_emulator: EmulatorProcess, manner: dict[str, Any]) -> None:
    """A signature is recomputed and not merely looked at."""
    answer = api(slow_emulator).but(**manner, secret="another").call(slow_emulator, WHO)
    assert (answer.status, answer.code) == (200, "AuthFailure.SignatureFailure")


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown key": ({"key_id": "AKID-NOBODY"}, "AuthFailure.SecretIdNotFound"),
    "a key of the other cloud": (
        {"key_id": "LTAI-FAKE-EMULATOR-KEY"},
        "AuthFailure.SecretIdNotFound",
    ),
    "a token with a key that has none": ({"token": "made-up"}, "AuthFailure.TokenFailure"),
    "a timestamp of six minutes ago": ({"age_seconds": 360}, "AuthFailure.SignatureExpire"),
    "a timestamp of six minutes to come": ({"age_seconds": -360}, "AuthFailure.SignatureExpire"),
    "a stale timestamp of version 1": ({"manner": "HmacSHA1", "age_seconds": 360}, "AuthFailure.SignatureExpire"),
    "a key derived on another day": ({"date": "2020-01-01"}, "AuthFailure.InvalidAuthorization"),
    "a host that is not signed": ({"signed": ("content-type",)}, "AuthFailure.InvalidAuthorization"),
    "an Authorization of another kind": ({"sent": {"authorization": "Bearer x"}}, "AuthFailure.InvalidAuthorization"),
    "no Authorization": ({"sent": {"authorization": ""}}, "AuthFailure.InvalidAuthorization"),
    "SKIP where a signature is asked for": ({"sent": {"authorization": "SKIP"}}, "AuthFailure.InvalidAuthorization"),
    "a timestamp changed after signing": (
        {"sent": {"x-tc-timestamp": str(int(time.time()) + 1)}},
        "AuthFailure.SignatureFailure",
    ),
    "a content type changed after signing": (
        {"sent": {"content-type": "application/json; charset=utf-8"}},
        "AuthFailure.SignatureFailure",
    ),
    "no timestamp": ({"sent": {"x-tc-timestamp": ""}}, "MissingParameter"),
    "a timestamp that is no number": ({"sent": {"x-tc-timestamp": "now"}}, "InvalidParameter"),
    "no version": ({"sent": {"x-tc-version": ""}}, "MissingParameter"),
    "a version that is not": ({"version": "2001-01-01"}, "NoSuchVersion"),
    "no region": ({"sent": {"x-tc-region": ""}}, "MissingParameter"),
    "a region that is not": ({"region": "ap-nowhere"}, "UnsupportedRegion"),
    "a method that is not": ({"method": "PUT", "manner": "HmacSHA1"}, "UnsupportedProtocol"),
    "a form under TC3": (
        {"sent": {"content-type": "application/x-www-form-urlencoded"}},
        "UnsupportedProtocol",
    ),
    "a digest that is not": ({"manner": "HmacSHA1", "sent": {"SignatureMethod": "HmacMD5"}}, "InvalidParameterValue"),
    "a version 1 without its nonce": ({"manner": "HmacSHA1", "sent": {"Nonce": ""}}, "MissingParameter"),
    "parameters changed after signing": (
        {"manner": "HmacSHA256", "method": "GET", "sent": {"Region": "ap-singapore"}},
        "AuthFailure.SignatureFailure",
    ),
}


@pytest.mark.parametrize(("change", "code"), REFUSALS.values(), ids=REFUSALS)
def test_a_call_is_refused_with_its_documented_code(
    slow_emulator: EmulatorProcess, change: dict[str, Any], code: str
) -> None:
    """A refusal is a success to HTTP, and JSON of exactly the type that SDKs take for it."""
    answer = api(slow_emulator).but(**change).call(slow_emulator, WHO)
    assert (answer.status, answer.headers["content-type"], answer.code) == (200, "application/json", code)
    assert answer.body["RequestId"]


def test_what_is_not_signed_may_change(slow_emulator: EmulatorProcess) -> None:
    """TC3 need not cover the region: a call that was signed for one region is answered for another."""
    answer = api(slow_emulator).but(sent={"x-tc-region": "ap-singapore"}).call(slow_emulator, WHO)
    assert answer.code == ""


def test_an_unknown_action_is_told_from_an_unknown_version(slow_emulator: EmulatorProcess) -> None:
    """InvalidAction is about the name, NoSuchVersion about the service."""
    assert api(slow_emulator).call(slow_emulator, "GetNothing").code == "InvalidAction"


PARAMETERS: dict[str, tuple[dict[str, Any], str]] = {
    "one that the action does not know": ({"RoleName": "CVM_QcsRole", "Nothing": 1}, "UnknownParameter"),
    "one of another type": ({"RoleName": ["CVM_QcsRole"]}, "InvalidParameter"),
    "none of two": ({}, "InvalidParameter.ParamError"),
    "a role that is not": ({"RoleName": "nobody"}, "InvalidParameter.RoleNotExist"),
}


@pytest.mark.parametrize(("params", "code"), PARAMETERS.values(), ids=PARAMETERS)
def test_parameters_are_held_against_the_action(
    slow_emulator: EmulatorProcess, params: dict[str, Any], code: str
) -> None:
    """A parameter that is wrong is never passed over in silence."""
    assert api(slow_emulator).but(version=CAM).call(slow_emulator, "GetRole", params).code == code


def test_a_body_that_is_no_json_is_refused(slow_emulator: EmulatorProcess) -> None:
    """A cut or garbled body is told as such."""
    signed = api(slow_emulator).but(unsigned_payload=True)
    _, headers, _ = signed._tc3(slow_emulator.address, WHO, {})
    answer = send(slow_emulator, "POST", "/", headers, b'{"RoleArn": ')
    assert answer.code == "InvalidParameter"


def test_answers_tell_the_clouds_time(emulator: EmulatorProcess) -> None:
    """A clock that is wrong on one side shows in the Date header, and costs the right to call."""
    emulator.admin("POST", "/settings", {"clockOffsetSeconds": 3600})
    answer = api(emulator).call(emulator, WHO)
    ahead = parsedate_to_datetime(answer.headers["date"]).timestamp() - time.time()
    assert (answer.code, 3500 < ahead < 3700) == ("AuthFailure.SignatureExpire", True)


def test_the_life_of_a_signature_can_be_shortened(emulator: EmulatorProcess) -> None:
    """The setting that shortens the other cloud's window shortens this one's."""
    stale = api(emulator).but(age_seconds=30)
    assert stale.call(emulator, WHO).code == ""
    emulator.admin("POST", "/settings", {"signatureLifeSeconds": 10})
    assert stale.call(emulator, WHO).code == "AuthFailure.SignatureExpire"


FAULTS: dict[str, tuple[str, int, str]] = {
    "throttling": ("throttle", 200, "RequestLimitExceeded"),
    "an error of the gateway": ("error500NotAccepted", 500, "InternalError"),
    "a code that no page documents": ("unknownCode", 200, "Emulated.NeverDocumented"),
    "a key that has expired": ("expiredKey", 200, "AuthFailure.TokenFailure"),
}


@pytest.mark.parametrize(("fault", "status", "code"), FAULTS.values(), ids=FAULTS)
def test_a_scripted_fault_has_the_form_of_the_service(
    slow_emulator: EmulatorProcess, fault: str, status: int, code: str
) -> None:
    """What is scripted by one name comes in the words of each service, once."""
    slow_emulator.admin("POST", "/faults", {"fault": fault, "action": WHO})
    struck, after = (api(slow_emulator).call(slow_emulator, WHO) for _ in range(2))
    assert (struck.status, struck.code, after.code) == (status, code, "")


def test_requests_are_booked_by_service_action_and_flat_parameters(slow_emulator: EmulatorProcess) -> None:
    """The book of requests tells the two token services apart, and lists by their flat names."""
    role = slow_emulator.info["tencent"]["roles"]["operator"]
    api(slow_emulator).call(
        slow_emulator, "AssumeRole", {"RoleArn": role, "RoleSessionName": "session", "Tags": [{"Key": "k"}]}
    )
    booked = slow_emulator.admin("GET", "/requests")["requests"][-1]
    named = {name: booked[name] for name in ("service", "action", "code", "accessKeyID")}
    assert named == {
        "service": "tencent-sts",
        "action": "AssumeRole",
        "code": "UnknownParameter",
        "accessKeyID": slow_emulator.info["tencent"]["secretID"],
    }
    assert booked["params"] == {"RoleArn": role, "RoleSessionName": "session", "Tags.0.Key": "k"}


def test_the_same_key_is_told_to_no_other_cloud(slow_emulator: EmulatorProcess) -> None:
    """A key of this cloud is unknown to the other, whatever its signature is worth."""
    known = slow_emulator.info["tencent"]
    answer = Signer(known["secretID"], known["secretKey"], version="2015-04-01").call(slow_emulator, WHO, {})
    assert (answer.status, answer.code) == (404, "InvalidAccessKeyId.NotFound")


def test_structures_arrive_alike_in_json_and_in_a_query(slow_emulator: EmulatorProcess) -> None:
    """`Tags.0.Key` in a query is booked as the list that JSON would have brought."""
    signer: Api = api(slow_emulator)
    role = slow_emulator.info["tencent"]["roles"]["operator"]
    flat = {"RoleArn": role, "RoleSessionName": "session", "Tags.0.Key": "k", "Tags.1.Key": "l"}
    whole = {"RoleArn": role, "RoleSessionName": "session", "Tags": [{"Key": "k"}, {"Key": "l"}]}
    signer.but(method="GET").call(slow_emulator, "AssumeRole", flat)
    signer.but(manner="HmacSHA256").call(slow_emulator, "AssumeRole", flat)
    signer.call(slow_emulator, "AssumeRole", whole)
    booked = slow_emulator.admin("GET", "/requests")["requests"][-3:]
    assert [json.dumps(entry["params"], sort_keys=True) for entry in booked] == [json.dumps(flat, sort_keys=True)] * 3
