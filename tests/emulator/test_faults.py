from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526.models import DescribeRegionsRequest
from alibabacloud_oss_v2 import Client as OssClient
from alibabacloud_oss_v2 import GetObjectRequest, HeadObjectRequest, config, credentials
from alibabacloud_oss_v2.exceptions import OperationError
from alibabacloud_tea_openapi.exceptions import ThrottlingException

from tests.emulator.cloud import attribute, ended, export, export_params, ledger, objects, sdk, send, signer, until

if TYPE_CHECKING:
    from tests.emulator.cloud import Answer
    from tests.emulator_process import EmulatorProcess

REGION = {"RegionId": "cn-hangzhou"}
NO_ANSWER = "no answer"


def _script(emulator: EmulatorProcess, fault: str, action: str = "ExportImage", **options: object) -> None:
    emulator.admin("POST", "/faults", {"fault": fault, "action": action, **options})


def _try(emulator: EmulatorProcess, image: str = "plain", **changes: str) -> Answer | str:
    try:
        return signer(emulator).call(emulator, "ExportImage", export_params(emulator, image, **changes))
    except (http.client.HTTPException, ConnectionError):
        return NO_ANSWER


def _started(emulator: EmulatorProcess) -> int:
    """How many exports the cloud has accepted, by ledger and by tasks."""
    started = len(ledger(emulator))
    assert len(emulator.admin("GET", "/tasks")["tasks"]) == started
    return started


@pytest.mark.parametrize(("fault", "accepted"), [("dropBeforeAccept", 0), ("answerLost", 1), ("cutBody", 1)])
def test_no_whole_answer_comes(emulator: EmulatorProcess, fault: str, accepted: int) -> None:
    """The connection closes early; the ledger knows whether the task was started. The next try is whole."""
    _script(emulator, fault)
    assert _try(emulator) == NO_ANSWER
    assert _started(emulator) == accepted
    assert signer(emulator).call(emulator, "DescribeTasks", REGION).body["TotalCount"] == accepted
    export(emulator, "plain2")
    assert _started(emulator) == accepted + 1


ANSWERED: dict[str, tuple[str, dict[str, Any], int, str, int]] = {
    "a 500 that accepted nothing": ("error500NotAccepted", {}, 500, "InternalError", 0),
    "a 503 that accepted nothing": (
        "error500NotAccepted",
        {"status": 503, "code": "ServiceUnavailable"},
        503,
        "ServiceUnavailable",
        0,
    ),
    "a 500 although accepted": ("error500Accepted", {}, 500, "InternalError", 1),
    "throttling": ("throttle", {}, 400, "Throttling.User", 0),
    "throttling with 429": ("throttle", {"status": 429, "code": "Throttling.Api"}, 429, "Throttling.Api", 0),
    "an unknown code": ("unknownCode", {}, 400, "Emulated.NeverDocumented", 0),
    "a code of one's choice": ("unknownCode", {"status": 403, "code": "Forbidden.RAM"}, 403, "Forbidden.RAM", 0),
    "an expired key": ("expiredKey", {}, 400, "InvalidSecurityToken.Expired", 0),
    "a success without a task id": ("successWithoutTaskID", {}, 200, "", 1),
}


@pytest.mark.parametrize(("fault", "options", "status", "code", "accepted"), ANSWERED.values(), ids=ANSWERED)
def test_an_answer_can_be(
    emulator: EmulatorProcess, fault: str, options: dict[str, Any], status: int, code: str, accepted: int
) -> None:
    """The scripted answer comes, and the ledger knows whether the task was started."""
    _script(emulator, fault, **options)
    answer = _try(emulator)
    assert not isinstance(answer, str)
    assert (answer.status, answer.code, "TaskId" in answer.body) == (status, code, False)
    assert _started(emulator) == accepted


def test_throttling_can_say_when_to_come_back(emulator: EmulatorProcess) -> None:
    """The header makes the SDK raise its throttling error with the time in it."""
    _script(emulator, "throttle", "DescribeRegions", retryAfter=1500)
    with pytest.raises(ThrottlingException) as raised:
        sdk(emulator).describe_regions(DescribeRegionsRequest())
    assert raised.value.retry_after == 1500


def test_a_gateways_page_is_no_json(emulator: EmulatorProcess) -> None:
    """A 502 with HTML comes from in front of the service, which sees nothing."""
    _script(emulator, "htmlBody")
    with pytest.raises(json.JSONDecodeError):
        _try(emulator)
    assert _started(emulator) == 0


def test_a_huge_answer_is_valid_and_ten_mebibytes_long(emulator: EmulatorProcess) -> None:
    """Whoever reads it all finds the task in it."""
    _script(emulator, "hugeBody")
    answer = _try(emulator)
    assert not isinstance(answer, str)
    assert int(answer.headers["content-length"]) > 10 * 1024 * 1024
    assert answer.body["TaskId"] == ledger(emulator)[0]["result"]["TaskId"]


def test_a_request_can_be_accepted_after_its_client_has_gone(emulator: EmulatorProcess) -> None:
    """The connection closes at once; the task is started later, by the signature it came with."""
    _script(emulator, "acceptedLate", seconds=0.3)
    assert _try(emulator) == NO_ANSWER
    assert _started(emulator) == 0
    until(lambda: len(ledger(emulator)), lambda started: started == 1)
    assert _started(emulator) == 1


def test_a_request_is_not_accepted_late_once_its_signature_is_dead(emulator: EmulatorProcess) -> None:
    """What arrives when the signature's life is over starts nothing."""
    _script(emulator, "acceptedLate", seconds=0.3)
    assert _try(emulator) == NO_ANSWER
    emulator.admin("POST", "/settings", {"clockOffsetSeconds": 1000})
    late = until(lambda: emulator.admin("GET", "/requests")["requests"][0].get("late"), bool)
    assert (late["code"], _started(emulator)) == ("InvalidTimeStamp.Expired", 0)


def test_a_request_is_not_accepted_late_if_its_nonce_was_used_meanwhile(emulator: EmulatorProcess) -> None:
    """Of two copies of one request only one is ever accepted."""
    _script(emulator, "acceptedLate", seconds=0.3)
    target, body, headers = signer(emulator).request(emulator.address, "ExportImage", export_params(emulator))
    with pytest.raises(http.client.HTTPException):
        send(emulator, "POST", target, body, headers)
    assert send(emulator, "POST", target, body, headers).status == 200
    late = until(lambda: emulator.admin("GET", "/requests")["requests"][0].get("late"), bool)
    assert (late["code"], _started(emulator)) == ("SignatureNonceUsed", 1)


def test_a_fault_strikes_as_often_as_it_was_told(emulator: EmulatorProcess) -> None:
    """Times, skip and parameters choose the requests; the rest goes through."""
    image = emulator.info["images"]["plain2"]
    _script(emulator, "throttle", times=2, skip=1, params={"ImageId": image})
    params = export_params(emulator, "plain2", RegionId="")
    codes = [signer(emulator).call(emulator, "ExportImage", params).code for _ in range(4)]
    assert codes == ["MissingParameter", "Throttling.User", "Throttling.User", "MissingParameter"]
    assert emulator.admin("GET", "/faults")["faults"] == []


def test_several_faults_strike_one_request(emulator: EmulatorProcess) -> None:
    """A lost answer to a task that stays invisible for two reads: the worst that a client must tell from nothing."""
    emulator.admin("POST", "/settings", {"speed": 0.001})
    _script(emulator, "answerLost")
    _script(emulator, "taskInvisible", reads=2)
    assert _try(emulator) == NO_ANSWER
    counts = [signer(emulator).call(emulator, "DescribeTasks", REGION).body["TotalCount"] for _ in range(4)]
    assert (counts, _started(emulator)) == ([0, 0, 1, 1], 1)


def test_a_task_can_vanish(emulator: EmulatorProcess) -> None:
    """After some reads the task is gone and writes nothing."""
    emulator.admin("POST", "/settings", {"speed": 0.001})
    _script(emulator, "taskVanishes", afterReads=1)
    task = export(emulator)
    assert [attribute(emulator, task).code for _ in range(3)] == ["", *["InvalidTaskId.NotFound"] * 2]
    assert emulator.admin("GET", "/tasks")["tasks"][0]["outcome"] == "Deleted"


def test_a_vanished_task_can_go_on_working(emulator: EmulatorProcess) -> None:
    """Told to, a task that no read sees still writes its files."""
    _script(emulator, "taskVanishes", works=True)
    task = export(emulator)
    until(lambda: objects(emulator), bool)
    assert attribute(emulator, task).code == "InvalidTaskId.NotFound"


def test_a_task_can_show_an_unknown_state(emulator: EmulatorProcess) -> None:
    """For some reads the state is one that no client knows."""
    emulator.admin("POST", "/settings", {"speed": 0.001})
    _script(emulator, "unknownState", state="Meditating", reads=2)
    task = export(emulator)
    states = [attribute(emulator, task).body["TaskStatus"] for _ in range(3)]
    assert states == ["Meditating", "Meditating", "Waiting"]


def test_progress_can_go_backwards(emulator: EmulatorProcess) -> None:
    """Percentages fall from one read to the next."""
    emulator.admin("POST", "/settings", {"waitingSeconds": 0, "secondsPerDisk": 100})
    _script(emulator, "progressBackwards")
    task = export(emulator, "dataDisks")
    until(lambda: emulator.admin("GET", "/tasks")["tasks"][0]["percent"], lambda percent: percent > 40)
    emulator.admin("POST", "/settings", {"speed": 0.001})
    shown = [int(attribute(emulator, task).body["TaskProcess"].rstrip("%")) for _ in range(4)]
    assert shown[0] < shown[1] > shown[2] < shown[3]


def test_a_task_can_fail_with_a_code_and_leave_what_it_wrote(emulator: EmulatorProcess) -> None:
    """A failure half way leaves the disks written before it."""
    _script(emulator, "taskFails", errorCode="OSSWriteFailed", errorMessage="No more room.", atPercent=50)
    body = ended(emulator, export(emulator, "dataDisks"))
    (operation,) = body["OperationProgressSet"]["OperationProgress"]
    assert (body["TaskStatus"], body["FailedCount"]) == ("Failed", 1)
    assert (operation["OperationStatus"], operation["ErrorCode"]) == ("Failed", "OSSWriteFailed")
    assert list(objects(emulator)) == [f"{emulator.info['images']['dataDisks']}_system.raw.tar.gz"]


def test_a_running_task_can_be_made_to_fail(emulator: EmulatorProcess) -> None:
    """A fault can also be given to a task that exists."""
    emulator.admin("POST", "/settings", {"waitingSeconds": 0})
    task = export(emulator, "dataDisks")
    emulator.admin("POST", f"/tasks/{task}", {"fault": "taskFails", "errorCode": "Late", "atPercent": 0})
    assert ended(emulator, task)["TaskStatus"] == "Failed"


def test_a_task_can_refuse_to_be_cancelled(emulator: EmulatorProcess) -> None:
    """Some tasks cannot be cancelled."""
    emulator.admin("POST", "/settings", {"speed": 0.001})
    _script(emulator, "notCancellable")
    task = export(emulator)
    answer = signer(emulator).call(emulator, "CancelTask", {**REGION, "TaskId": task})
    assert (answer.status, answer.code) == (403, "InvalidTaskId.TaskActionNotSupport")
    assert attribute(emulator, task).body["SupportCancel"] == "false"


def test_a_format_can_fall_back_to_raw_in_silence(emulator: EmulatorProcess) -> None:
    """The export is accepted as asked for, and delivers RAW."""
    _script(emulator, "silentRawFallback")
    bucket = emulator.info["buckets"]["otherRegion"]
    task = export(emulator, "frankfurt", RegionId="eu-central-1", OSSBucket=bucket, ImageFormat="qcow2")
    ended(emulator, task, "eu-central-1")
    assert list(objects(emulator, "otherRegion")) == [f"{emulator.info['images']['frankfurt']}_system.raw.tar.gz"]


@pytest.mark.parametrize(("fault", "files", "empty"), [("objectMissing", 2, 0), ("objectEmpty", 3, 1)])
def test_a_finished_task_can_owe_a_file(emulator: EmulatorProcess, fault: str, files: int, empty: int) -> None:
    """The task is Finished and names three files, of which one is not there or empty."""
    _script(emulator, fault, disk=1)
    body = ended(emulator, export(emulator, "dataDisks"))
    found = objects(emulator)
    owed = f"{emulator.info['images']['dataDisks']}_data_xvdb.raw.tar.gz"
    assert (body["TaskStatus"], len(found), list(found.values()).count(0)) == ("Finished", files, empty)
    assert found.get(owed, 0) == 0


def test_the_object_stores_requests_can_be_struck(emulator: EmulatorProcess) -> None:
    """Faults are named for the object store as well, and answer in its form."""
    ended(emulator, export(emulator))
    (key,) = objects(emulator)
    client = _oss(emulator)
    head = HeadObjectRequest(bucket=emulator.info["buckets"]["good"], key=key)
    assert client.head_object(head).content_length == objects(emulator)[key]
    for fault, status in (("throttle", 503), ("expiredKey", 403), ("error500NotAccepted", 500)):
        _script(emulator, fault, "OSS:HeadObject")
        with pytest.raises(OperationError) as raised:
            client.head_object(head)
        assert raised.value.unwrap().status_code == status
    _script(emulator, "answerLost", "OSS:GetObject")
    with pytest.raises(OperationError):
        client.get_object(GetObjectRequest(bucket=head.bucket, key=key))
    assert client.head_object(head).content_length == objects(emulator)[key]


def test_every_request_is_counted_by_action_and_code(emulator: EmulatorProcess) -> None:
    """The book of requests knows the refused and unanswered ones too."""
    _script(emulator, "dropBeforeAccept")
    _try(emulator)
    _try(emulator, RegionId="")
    export(emulator)
    counts = {entry["code"]: entry["count"] for entry in emulator.admin("GET", "/requests")["counts"]}
    assert counts == {"(connection closed)": 1, "MissingParameter": 1, "": 1}
    requests = emulator.admin("GET", "/requests")["requests"]
    assert [request.get("faults") for request in requests] == [["dropBeforeAccept"], None, None]
    assert {request["accessKeyID"] for request in requests} == {emulator.info["accessKeyID"]}


def _oss(emulator: EmulatorProcess) -> OssClient:
    settings = config.Config(
        region="cn-hangzhou",
        endpoint=emulator.endpoint,
        retry_max_attempts=1,
        credentials_provider=credentials.StaticCredentialsProvider(
            emulator.info["accessKeyID"], emulator.info["accessKeySecret"]
        ),
    )
    return OssClient(settings)


def test_an_answer_in_xml_can_lack_its_task(emulator: EmulatorProcess) -> None:
    """The fault finds the task id in either format."""
    _script(emulator, "successWithoutTaskID")
    by = signer(emulator).but(changed={"Accept": "text/xml"})
    body = by.call(emulator, "ExportImage", export_params(emulator)).body
    assert (body[""], body["RegionId"], "TaskId" in body) == ("ExportImageResponse", "cn-hangzhou", False)
    assert _started(emulator) == 1
