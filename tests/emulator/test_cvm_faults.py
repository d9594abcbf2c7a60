"""Faults as CVM's clients see them: what was accepted though they heard nothing, errors in HTTP 200, and answers that mislead."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from http.client import RemoteDisconnected
from typing import TYPE_CHECKING, Any

import pytest
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.cvm.v20170312 import models

from tests.emulator.cloud import until
from tests.emulator.cvm import STOPPED, accepted, export, image_id, images, put, sdk, signer, take_in

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess


def _script(emulator: EmulatorProcess, fault: str, action: str = "ExportImages", **options: Any) -> None:  # noqa: ANN401 (JSON)
    emulator.admin("POST", "/faults", {"fault": fault, "action": action, **options})


def _request(emulator: EmulatorProcess) -> models.ExportImagesRequest:
    request = models.ExportImagesRequest()
    request.BucketName = emulator.info["tencent"]["buckets"]["good"]
    request.ImageIds = [image_id(emulator, "plain")]
    return request


HEARD: dict[str, tuple[str, dict[str, Any], int, str, int]] = {
    "InternalError, and not accepted": ("error500NotAccepted", {"status": 200}, 200, "InternalError", 0),
    "InternalError, though accepted": ("error500Accepted", {"status": 200}, 200, "InternalError", 1),
    "a gateway's 500, though accepted": ("error500Accepted", {}, 500, "InternalError", 1),
    "RequestLimitExceeded": ("throttle", {}, 200, "RequestLimitExceeded", 0),
    "a narrower limit": (
        "throttle",
        {"code": "RequestLimitExceeded.UinLimitExceeded"},
        200,
        "RequestLimitExceeded.UinLimitExceeded",
        0,
    ),
    "a code that nobody documented": ("unknownCode", {}, 200, "Emulated.NeverDocumented", 0),
    "a client's code": ("unknownCode", {"code": "ClientError.NetworkError"}, 200, "ClientError.NetworkError", 0),
    "an expired token": ("expiredKey", {}, 200, "AuthFailure.TokenFailure", 0),
}


@pytest.mark.parametrize(("fault", "options", "status", "code", "booked"), HEARD.values(), ids=HEARD)
def test_a_scripted_error_is_heard_as(
    account: EmulatorProcess, fault: str, options: dict[str, Any], status: int, code: str, booked: int
) -> None:
    """The ledger alone tells whether the export was accepted."""
    account.admin("POST", "/settings", STOPPED)
    _script(account, fault, **options)
    answer = export(account)
    assert (answer.status, answer.code, answer.headers["content-type"]) == (status, code, "application/json")
    assert len(accepted(account, "ExportImages")) == booked


LOST: dict[str, tuple[str, int]] = {
    "before the request was accepted": ("dropBeforeAccept", 0),
    "after the request was accepted": ("answerLost", 1),
}


@pytest.mark.parametrize(("fault", "booked"), LOST.values(), ids=LOST)
def test_a_connection_that_closes_without_an_answer(account: EmulatorProcess, fault: str, booked: int) -> None:
    """The client cannot tell the two apart; the image of an accepted export is busy."""
    account.admin("POST", "/settings", STOPPED)
    _script(account, fault)
    with pytest.raises(RemoteDisconnected):
        export(account)
    assert len(accepted(account, "ExportImages")) == booked
    assert export(account).code == ("InvalidParameterValue.InvalidImageState" if booked else "")


def test_a_request_can_be_accepted_late(account: EmulatorProcess) -> None:
    """A request that seemed lost is accepted later, as long as its signature is good."""
    account.admin("POST", "/settings", STOPPED)
    _script(account, "acceptedLate", seconds=0.2)
    with pytest.raises(RemoteDisconnected):
        export(account)
    assert len(until(lambda: accepted(account, "ExportImages"), bool)) == 1


def test_a_late_request_is_refused_once_its_signature_is_over(account: EmulatorProcess) -> None:
    """The setting for a signature's life bounds how late a lost request can be accepted."""
    account.admin("POST", "/settings", {**STOPPED, "signatureLifeSeconds": 100})
    _script(account, "acceptedLate", seconds=0.2)
    with pytest.raises(RemoteDisconnected):
        export(account, "plain", FileNamePrefixList=["late"])
    account.admin("POST", "/settings", {"clockOffsetSeconds": 101})
    seen = until(lambda: _late(account), bool)
    assert (seen["code"], accepted(account, "ExportImages")) == ("AuthFailure.SignatureExpire", [])


def _late(emulator: EmulatorProcess) -> dict[str, Any]:
    requests = emulator.admin("GET", "/requests")["requests"]
    owner = emulator.info["tencent"]["secretID"]
    return next((dict(each["late"]) for each in requests if each.get("late") and each["accessKeyID"] == owner), {})


def test_an_error_labelled_with_a_charset_is_a_success_to_the_vendors_sdk(account: EmulatorProcess) -> None:
    """The SDK looks for errors only behind one content type; the fault strikes real refusals and scripted ones."""
    client, request = sdk(account), _request(account)
    request.BucketName = "ferry-none-1250000001"
    with pytest.raises(TencentCloudSDKException, match="BucketNotFound"):
        client.ExportImages(request)
    _script(account, "contentType", times=2)
    _script(account, "unknownCode", skip=1)
    answers = [client.ExportImages(request) for _ in range(2)]
    assert [(answer.TaskId, answer.CosPaths) for answer in answers] == [(None, None)] * 2
    with pytest.raises(TencentCloudSDKException, match="BucketNotFound"):
        client.ExportImages(request)


def test_an_answer_can_lack_its_id(account: EmulatorProcess) -> None:
    """The export or import was accepted, and the answer does not say under which id."""
    account.admin("POST", "/settings", STOPPED)
    _script(account, "successWithoutTaskID")
    _script(account, "successWithoutImageID", "ImportImage")
    assert sdk(account).ExportImages(_request(account)).TaskId is None
    assert "ImageId" not in take_in(account, put(account)).body
    assert [len(accepted(account, name)) for name in ("ExportImages", "ImportImage")] == [1, 1]


def test_an_image_can_be_unseen_for_some_reads(account: EmulatorProcess) -> None:
    """The fault hides what an import makes, and lets its state be one that nobody documented."""
    account.admin("POST", "/settings", STOPPED)
    _script(account, "imageInvisible", "ImportImage", reads=1)
    _script(account, "unknownImageState", "ImportImage", reads=2, state="REPAIRING")
    made = take_in(account, put(account)).body["ImageId"]
    seen = [[image["ImageState"] for image in images(account, ImageIds=[made])] for _ in range(3)]
    assert seen == [[], ["REPAIRING"], ["IMPORTING"]]


def test_a_call_can_be_held_at_a_gate(account: EmulatorProcess) -> None:
    """Gates know the actions of CVM by name and parameters by their flat names; what is held after it was accepted is booked."""
    account.admin("POST", "/settings", STOPPED)
    gate = {"action": "ExportImages", "params": {"FileNamePrefixList.0": "held"}, "position": "after"}
    account.admin("POST", "/gates", gate)
    with ThreadPoolExecutor(1) as aside:
        answer = aside.submit(export, account, FileNamePrefixList=["held"])
        (held,) = account.admin("GET", "/gates?wait=30")["gates"]
        booked = accepted(account, "ExportImages")
        account.admin("POST", "/gates/release", {"outcome": "drop"})
        with pytest.raises(RemoteDisconnected):
            answer.result()
    assert (len(held["held"]), len(booked), len(accepted(account, "ExportImages"))) == (1, 1, 1)


def test_a_signature_is_good_for_five_minutes_at_most(account: EmulatorProcess) -> None:
    """The setting can only shorten that."""
    old = signer(account).but(age_seconds=290)
    assert old.call(account, "DescribeImageQuota").code == ""
    assert old.but(age_seconds=310).call(account, "DescribeImageQuota").code == "AuthFailure.SignatureExpire"
    account.admin("POST", "/settings", {"signatureLifeSeconds": 60})
    assert old.call(account, "DescribeImageQuota").code == "AuthFailure.SignatureExpire"
