from __future__ import annotations

import base64
import hmac
import http.client
import secrets
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pytest
from alibabacloud_ecs20140526.models import DescribeImagesRequest, DescribeRegionsRequest
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.models import Config

from tests.emulator.cloud import Signer, export_params, ledger, sdk, send, signer
from tests.emulator_process import EmulatorProcess

if TYPE_CHECKING:
    from pathlib import Path

REGION = {"RegionId": "cn-hangzhou"}
SIGNERS = {
    "parameters in the query of a POST": Signer("", ""),
    "parameters in the query of a GET": Signer("", "", method="GET"),
    "parameters in a form": Signer("", "", form=True),
    "time a little ago": Signer("", "", age_seconds=880),
    "time a little ahead": Signer("", "", age_seconds=-880),
}
ODD = {**REGION, "ImageName": "a b+c*~/é中'()!&=?", "Tag.1.Key": "k", "Tag.1.Value": ""}


@pytest.mark.parametrize("how", SIGNERS.values(), ids=SIGNERS)
def test_a_rightly_signed_request_is_accepted(slow_emulator: EmulatorProcess, how: Signer) -> None:
    """Every place of parameters that the documents allow verifies, with values that encode in more than one way."""
    own = signer(slow_emulator)
    answer = how.but(key_id=own.key_id, secret=own.secret).call(slow_emulator, "DescribeImages", ODD)
    assert (answer.status, answer.code, answer.body.get("TotalCount")) == (200, "", 0)


def test_the_vendors_sdk_is_accepted(slow_emulator: EmulatorProcess) -> None:
    """The SDK's own signature verifies, and its answer is read."""
    body = sdk(slow_emulator).describe_regions(DescribeRegionsRequest()).body
    assert [region.region_id for region in body.regions.region] == slow_emulator.info["regions"]


def _v1(emulator: EmulatorProcess, method: str, signed: dict[str, str] | None = None, /, **changes: str) -> str:
    """The parameters of a call signed by version 1.0, encoded: those of `signed` among them; changes are made after signing."""
    params = {
        "Action": "DescribeImages",
        "Version": "2014-05-26",
        "Format": "JSON",
        "AccessKeyId": emulator.info["accessKeyID"],
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": secrets.token_hex(8),
        "Timestamp": datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **ODD,
        **(signed or {}),
    }
    query = "&".join(f"{quote(name, safe='-_.~')}={quote(params[name], safe='-_.~')}" for name in sorted(params))
    text = f"{method}&%2F&{quote(query, safe='-_.~')}"
    made = hmac.new(f"{emulator.info['accessKeySecret']}&".encode(), text.encode(), "sha1").digest()
    return urlencode({**params, "Signature": base64.b64encode(made).decode(), **changes})


@pytest.mark.parametrize("place", ["GET query", "POST query", "POST form"])
def test_the_older_signature_is_accepted(slow_emulator: EmulatorProcess, place: str) -> None:
    """Version 1.0 verifies wherever older clients put their parameters, and its nonce serves once as well."""
    method, where = place.split()
    query = _v1(slow_emulator, method)
    if where == "form":
        request = method, "/", query.encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    else:
        request = method, f"/?{query}", b"", {}
    assert send(slow_emulator, *request).body.get("TotalCount") == 0
    assert send(slow_emulator, *request).code == "SignatureNonceUsed"


FORMATS: dict[str, tuple[dict[str, str], dict[str, str], bool]] = {
    "no format": ({"Format": ""}, {}, True),
    "XML": ({"Format": "XML"}, {"Accept": "application/json"}, True),
    "JSON in small letters": ({"Format": "json"}, {}, False),
    "JSON by its header": ({"Format": ""}, {"Accept": "application/json"}, False),
}


@pytest.mark.parametrize(("params", "headers", "xml"), FORMATS.values(), ids=FORMATS)
def test_an_answer_comes_in_the_format_asked_for_by(
    slow_emulator: EmulatorProcess,
    params: dict[str, str],
    headers: dict[str, str],
    xml: bool,  # noqa: FBT001 (the expected form)
) -> None:
    """Calls with an Action parameter are answered in XML unless they ask for JSON, errors as well as successes."""
    right = send(slow_emulator, "GET", f"/?{_v1(slow_emulator, 'GET', params)}", b"", headers)
    assert right.headers["content-type"] == f"{'text/xml' if xml else 'application/json'};charset=utf-8"
    assert (right.status, str(right.body["TotalCount"])) == (200, "0")
    wrong = send(slow_emulator, "GET", f"/?{_v1(slow_emulator, 'GET', params, Version='1')}", b"", headers)
    assert (wrong.status, wrong.code) == (400, "NoSuchVersion")
    assert (right.body.get(""), wrong.body.get("")) == (("DescribeImagesResponse", "Error") if xml else (None, None))


def test_lists_repeat_their_element_in_xml(slow_emulator: EmulatorProcess) -> None:
    """The root is named after the action, a list is its element again and again, and text is escaped."""
    image = {"id": "m-bp1odd", "region": "cn-hangzhou", "account": slow_emulator.info["accountID"], "name": "<&>"}
    slow_emulator.admin("POST", "/images", image)
    query = _v1(slow_emulator, "POST", {"Format": "", "ImageName": "", "Tag.1.Key": "", "PageSize": "100"})
    connection = http.client.HTTPConnection(slow_emulator.address, timeout=30)
    connection.request("POST", "/", query, {"Content-Type": "application/x-www-form-urlencoded"})
    root = ET.fromstring(connection.getresponse().read())  # noqa: S314 (the emulator's own answer)
    connection.close()
    found = [image.findtext("ImageName") for image in root.findall("Images/Image")]
    assert (root.tag, root.findtext("TotalCount")) == ("DescribeImagesResponse", str(len(found)))
    assert "<&>" in found


def test_other_methods_are_refused(slow_emulator: EmulatorProcess) -> None:
    """Calls are sent by GET or POST."""
    answer = signer(slow_emulator).but(method="PUT").call(slow_emulator, "DescribeImages", ODD)
    assert (answer.status, answer.code) == (405, "UnsupportedHTTPMethod")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ImageName": "other"}, "SignatureDoesNotMatch"),
        ({"Timestamp": ""}, "IncompleteSignature"),
        ({"SignatureMethod": "MD5"}, "InvalidParameter"),
    ],
)
def test_the_older_signature_is_refused(slow_emulator: EmulatorProcess, changes: dict[str, str], code: str) -> None:
    """Version 1.0 covers every parameter."""
    query = _v1(slow_emulator, "GET", **changes)
    assert send(slow_emulator, "GET", f"/?{query}", b"", {}).code == code


@pytest.mark.parametrize("algorithm", ["v2", "ACS3-HMAC-SHA256"])
async def test_the_vendors_sdk_is_accepted_in_all_its_ways(slow_emulator: EmulatorProcess, algorithm: str) -> None:
    """The SDK encodes differently when used asynchronously; both of its signatures verify either way."""
    client = sdk(slow_emulator, algorithm=algorithm)
    request = DescribeImagesRequest(region_id="cn-hangzhou", image_name=ODD["ImageName"])
    waited = await client.describe_images_async(request)
    assert (waited.body.total_count, client.describe_images(request).body.total_count) == (0, 0)


REFUSED = {
    "an unknown key": (Signer("LTAI-NOBODY", "x"), 404, "InvalidAccessKeyId.NotFound"),
    "a wrong secret": (Signer("", "wrong"), 400, "SignatureDoesNotMatch"),
    "a time longer ago than a signature lives": (Signer("", "", age_seconds=920), 400, "InvalidTimeStamp.Expired"),
    "a time too far ahead": (Signer("", "", age_seconds=-920), 400, "InvalidTimeStamp.Expired"),
    "an unsigned time": (Signer("", "", unsigned=("x-acs-date",)), 400, "IncompleteSignature"),
    "an unsigned nonce": (Signer("", "", unsigned=("x-acs-signature-nonce",)), 400, "IncompleteSignature"),
    "another host than was signed": (
        Signer("", "", changed={"host": "ecs.aliyuncs.com"}),
        400,
        "SignatureDoesNotMatch",
    ),
    "a body hash of another body": (
        Signer("", "", changed={"x-acs-content-sha256": "0" * 64}),
        400,
        "SignatureDoesNotMatch",
    ),
    "no time at all": (Signer("", "", changed={"x-acs-date": "yesterday"}), 400, "InvalidTimeStamp.Format"),
    "no ACS3 signature": (Signer("", "", changed={"Authorization": "Basic eDp5"}), 400, "IncompleteSignature"),
    "a token that the key does not have": (
        Signer("", "", token="t"),
        400,
        "InvalidSecurityToken.MismatchWithAccessKey",
    ),
    "an unknown action": (Signer("", "", changed={"x-acs-action": "Dance"}), 404, "InvalidAction.NotFound"),
    "an unknown version": (Signer("", "", version="1999-01-01"), 400, "NoSuchVersion"),
}


@pytest.mark.parametrize(("how", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_a_request_is_refused_with(slow_emulator: EmulatorProcess, how: Signer, status: int, code: str) -> None:
    """Each flaw of a signature has its documented code, in the documented form of an error."""
    own = signer(slow_emulator)
    flawed = how.but(key_id=how.key_id or own.key_id, secret=how.secret or own.secret)
    answer = flawed.call(slow_emulator, "DescribeImages", REGION)
    assert (answer.status, answer.code) == (status, code)
    assert set(answer.body) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert answer.headers["x-acs-request-id"] == answer.body["RequestId"]
    assert "date" in answer.headers


def test_a_body_that_was_changed_on_its_way_is_refused(slow_emulator: EmulatorProcess) -> None:
    """The signature covers a form by its hash."""
    how = signer(slow_emulator).but(form=True)
    target, body, headers = how.request(slow_emulator.address, "DescribeImages", REGION)
    answer = send(slow_emulator, "POST", target, body + b"&ImageId=m-other", headers)
    assert (answer.status, answer.code) == (400, "SignatureDoesNotMatch")


def test_a_nonce_serves_once_even_over_a_kill(tmp_path: Path) -> None:
    """A repeated request is not accepted a second time, not even by an emulator that was killed in between."""
    emulator = EmulatorProcess(tmp_path / "state", "--speed", "0.001").start()
    try:
        request = signer(emulator).request(emulator.address, "ExportImage", export_params(emulator))
        assert send(emulator, "POST", *request).status == 200
        assert send(emulator, "POST", *request).code == "SignatureNonceUsed"
        emulator.kill()
        emulator.start()
        once_more = signer(emulator).but(nonce=request[2]["x-acs-signature-nonce"])
        answer = once_more.call(emulator, "ExportImage", export_params(emulator, "plain2"))
        assert (answer.status, answer.code) == (400, "SignatureNonceUsed")
        assert len(ledger(emulator)) == 1
    finally:
        emulator.stop()


def test_a_refused_request_has_used_its_nonce_up(slow_emulator: EmulatorProcess) -> None:
    """A refusal by the service's own rules does not free the nonce."""
    how = signer(slow_emulator).but(nonce="0123456789abc")
    assert how.call(slow_emulator, "ExportImage", REGION).code == "MissingParameter"
    assert how.call(slow_emulator, "ExportImage", export_params(slow_emulator)).code == "SignatureNonceUsed"


def test_the_life_of_a_signature_is_a_setting(tmp_path: Path) -> None:
    """What a client shortens the emulator can shorten alike."""
    emulator = EmulatorProcess(tmp_path / "state", "--signature-life", "20").start()
    try:
        assert signer(emulator).but(age_seconds=10).call(emulator, "DescribeImages", REGION).status == 200
        late = signer(emulator).but(age_seconds=30).call(emulator, "DescribeImages", REGION)
        assert late.code == "InvalidTimeStamp.Expired"
    finally:
        emulator.stop()


def test_the_clouds_clock_can_differ_from_this_machines(emulator: EmulatorProcess) -> None:
    """With an offset the Date header shows the cloud's time, and signatures are held against that."""
    emulator.admin("POST", "/settings", {"clockOffsetSeconds": 3600})
    answer = signer(emulator).call(emulator, "DescribeImages", REGION)
    assert answer.code == "InvalidTimeStamp.Expired"
    assert signer(emulator).but(age_seconds=-3600).call(emulator, "DescribeImages", REGION).status == 200


TOKENS = {
    "its token": ({}, "fake-token", 200, ""),
    "no token": ({}, None, 400, "MissingSecurityToken"),
    "another token": ({}, "other", 400, "InvalidSecurityToken.MismatchWithAccessKey"),
    "an expired token": ({"expires": "2020-01-01T00:00:00Z"}, "fake-token", 400, "InvalidSecurityToken.Expired"),
    "its token, when the key is disabled": ({"enabled": False}, "fake-token", 403, "Forbidden.AccessKeyDisabled"),
}


@pytest.mark.parametrize(("key", "token", "status", "code"), TOKENS.values(), ids=TOKENS)
def test_a_temporary_key_comes_with(
    slow_emulator: EmulatorProcess, key: dict[str, object], token: str | None, status: int, code: str
) -> None:
    """A temporary key is good with its own token, as long as that lives."""
    stored = {"id": "STS.FAKE", "secret": "fake", "token": "fake-token", **key}
    slow_emulator.admin("POST", "/accounts", {"id": slow_emulator.info["accountID"], "keys": [stored]})
    answer = Signer("STS.FAKE", "fake", token=token).call(slow_emulator, "DescribeImages", REGION)
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize("owner", ["first", "other"])
def test_the_owner_of_a_key_is_told(slow_emulator: EmulatorProcess, owner: str) -> None:
    """GetCallerIdentity names the account, as the vendor's STS client asks for it."""
    known = slow_emulator.info if owner == "first" else slow_emulator.info["otherAccount"]
    client = StsClient(
        Config(
            access_key_id=known["accessKeyID"],
            access_key_secret=known["accessKeySecret"],
            endpoint=slow_emulator.address,
            protocol="http",
        )
    )
    body = client.get_caller_identity().body
    assert (body.account_id, body.arn) == (known["accountID"], f"acs:ram::{known['accountID']}:user/emulated")
