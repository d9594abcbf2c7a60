"""Imports that come twice, late, or whose answer is lost: what a client must tell from nothing, and what a ClientToken does."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526 import models

from tests.emulator.cloud import Answer, Signer, ended, sdk, send, signer, until
from tests.emulator.importing import KEY, accepted, ask, call, call_as, image, images, params, put, start

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

NO_ANSWER = "no answer"
STOPPED = {"speed": 0.001}


@pytest.fixture
def cloud(tenant: EmulatorProcess) -> EmulatorProcess:
    """An account of the test's own with a file to import; no task ends."""
    tenant.admin("POST", "/settings", STOPPED)
    put(tenant)
    return tenant


def _script(cloud: EmulatorProcess, fault: str, **options: object) -> None:
    cloud.admin("POST", "/faults", {"fault": fault, "action": "ImportImage", **options})


def _try(cloud: EmulatorProcess, **changes: str) -> Answer | str:
    try:
        return call(cloud, **changes)
    except (http.client.HTTPException, ConnectionError):
        return NO_ANSWER


def _made(cloud: EmulatorProcess) -> int:
    """How many imports were accepted: by the ledger, by the tasks and by the images, which must agree."""
    account = cloud.info["accountID"]
    made = len(accepted(cloud))
    assert len([task for task in cloud.admin("GET", "/tasks")["tasks"] if task["account_id"] == account]) == made
    assert len(images(cloud, Status="Creating")) == made
    return made


def test_the_same_request_gets_the_same_answer(cloud: EmulatorProcess) -> None:
    """A token makes of many copies of a request one image, one task and one line in the ledger."""
    answers = {start(cloud, ClientToken="t", ImageName="mine") for _ in range(3)}
    assert (len(answers), _made(cloud)) == (1, 1)


def test_without_a_token_every_request_counts(cloud: EmulatorProcess) -> None:
    """The same request without a token makes another image."""
    assert start(cloud) != start(cloud)
    assert _made(cloud) == 2


def test_a_form_repeats_a_query(cloud: EmulatorProcess) -> None:
    """What is compared is what is asked for, and not how it was sent or signed."""
    first = start(cloud, ClientToken="t")
    by = signer(cloud).but(form=True)
    answer = by.call(cloud, "ImportImage", params(cloud, ClientToken="t") | {"Format": "JSON"})
    assert (answer.body["ImageId"], answer.body["TaskId"], _made(cloud)) == (*first, 1)


def test_an_older_signature_repeats_a_newer(cloud: EmulatorProcess) -> None:
    """Clients that sign among the parameters, and are answered in XML or JSON, are told the same ids."""
    mapping = models.ImportImageRequestDiskDeviceMapping(ossbucket=cloud.info["buckets"]["good"], ossobject=KEY)
    wish = models.ImportImageRequest(region_id="cn-hangzhou", client_token="t", disk_device_mapping=[mapping])
    first = start(cloud, ClientToken="t")
    again = sdk(cloud, algorithm="v2").import_image(wish).body
    by = signer(cloud).but(changed={"Accept": "text/xml"})
    in_xml = call_as(by, cloud, ClientToken="t").body
    assert (again.image_id, again.task_id) == (in_xml["ImageId"], in_xml["TaskId"]) == first
    assert _made(cloud) == 1


CHANGED: dict[str, dict[str, str]] = {
    "another name": {"ImageName": "other"},
    "a further tag": {"Tag1_Key": "k"},
    "another file": {"Disk1_OSSObject": "none.raw"},
    "a parameter that is wrong": {"Architecture": "vax"},
}


@pytest.mark.parametrize("changes", CHANGED.values(), ids=CHANGED)
def test_a_token_is_good_for_one_request_only(cloud: EmulatorProcess, changes: dict[str, str]) -> None:
    """The same token with other parameters is refused, whatever else is wrong with them."""
    start(cloud, ClientToken="t", ImageName="mine")
    answer = call(cloud, **{"ClientToken": "t", "ImageName": "mine", **changes})
    assert (answer.status, answer.code, _made(cloud)) == (400, "IdempotentParameterMismatch", 1)


def test_a_token_belongs_to_one_account(cloud: EmulatorProcess) -> None:
    """Another account may use the same one for something else."""
    other = cloud.info["otherAccount"]
    start(cloud, ClientToken="t")
    by = Signer(other["accessKeyID"], other["accessKeySecret"])
    assert call_as(by, cloud, ClientToken="t").code == "InvalidOSSBucket.NotFound"


def test_a_refused_request_does_not_use_its_token_up(cloud: EmulatorProcess) -> None:
    """Only what was accepted is remembered."""
    assert call(cloud, ClientToken="t", ImageName="plain-image").code == "InvalidImageName.Duplicated"
    start(cloud, ClientToken="t", ImageName="mine")


def test_a_token_is_remembered_for_its_life_in_real_seconds(cloud: EmulatorProcess) -> None:
    """Afterwards the same request is a new one: it is refused for its own first copy's name."""
    cloud.admin("POST", "/settings", {"clientTokenLifeSeconds": 3600})
    wish = {"ClientToken": "t", "ImageName": "mine"}
    first = start(cloud, **wish)
    assert start(cloud, **wish) == first
    cloud.admin("POST", "/settings", {"clientTokenLifeSeconds": 0})
    assert call(cloud, **wish).code == "InvalidImageName.Duplicated"


def test_a_token_answers_for_an_import_that_was_cancelled(cloud: EmulatorProcess) -> None:
    """The answer is about what was accepted, not about what became of it."""
    first = start(cloud, ClientToken="t", ImageName="mine")
    ask(cloud, "CancelTask", TaskId=first[1])
    assert images(cloud, ImageId=first[0]) == []
    assert start(cloud, ClientToken="t", ImageName="mine") == first


def test_a_request_can_still_be_in_the_making(cloud: EmulatorProcess) -> None:
    """The fault lets a repeat be refused for so long; what was made by the first is there meanwhile."""
    _script(cloud, "tokenProcessing", seconds=3600)
    start(cloud, ClientToken="t")
    answer = call(cloud, ClientToken="t")
    assert (answer.status, answer.code, _made(cloud)) == (403, "LastTokenProcessing", 1)
    cloud.admin("POST", "/settings", {"clockOffsetSeconds": 3601})
    late = call_as(signer(cloud).but(age_seconds=-3601), cloud, ClientToken="t")
    cloud.admin("POST", "/settings", {"clockOffsetSeconds": 0})
    assert (late.status, _made(cloud)) == (200, 1)


@pytest.mark.parametrize(("fault", "made"), [("dropBeforeAccept", 0), ("answerLost", 1), ("cutBody", 1)])
def test_no_whole_answer_comes(cloud: EmulatorProcess, fault: str, made: int) -> None:
    """The connection closes early; the ledger knows whether an image was made, and the same token finds out."""
    _script(cloud, fault)
    assert _try(cloud, ClientToken="t") == NO_ANSWER
    assert _made(cloud) == made
    start(cloud, ClientToken="t")
    assert _made(cloud) == 1


ANSWERED: dict[str, tuple[str, dict[str, Any], int, str, int]] = {
    "a 500 that accepted nothing": ("error500NotAccepted", {}, 500, "InternalError", 0),
    "a 500 although accepted": ("error500Accepted", {}, 500, "InternalError", 1),
    "throttling": ("throttle", {}, 400, "Throttling.User", 0),
    "a bucket that is read too fast": (
        "unknownCode",
        {"code": "InvalidOSSBucket.FlowLimit"},
        400,
        "InvalidOSSBucket.FlowLimit",
        0,
    ),
    "a failure that names no cause": (
        "unknownCode",
        {"status": 403, "code": "ImportImageFailed"},
        403,
        "ImportImageFailed",
        0,
    ),
    "an expired key": ("expiredKey", {}, 400, "InvalidSecurityToken.Expired", 0),
    "a success without a task id": ("successWithoutTaskID", {}, 200, "", 1),
    "a success without an image id": ("successWithoutImageID", {}, 200, "", 1),
}


@pytest.mark.parametrize(("fault", "options", "status", "code", "made"), ANSWERED.values(), ids=ANSWERED)
def test_an_answer_can_be(
    cloud: EmulatorProcess, fault: str, options: dict[str, Any], status: int, code: str, made: int
) -> None:
    """The scripted answer comes, without both ids, and the ledger knows whether an image was made."""
    _script(cloud, fault, **options)
    answer = _try(cloud)
    assert not isinstance(answer, str)
    assert (answer.status, answer.code, {"TaskId", "ImageId"} <= set(answer.body)) == (status, code, False)
    assert _made(cloud) == made


def test_an_import_can_be_accepted_after_its_client_has_gone(cloud: EmulatorProcess) -> None:
    """The connection closes at once; image and task are made later, by the signature that the request came with."""
    _script(cloud, "acceptedLate", seconds=0.3)
    assert _try(cloud) == NO_ANSWER
    assert _made(cloud) == 0
    until(lambda: _lateness(cloud), bool)
    assert _made(cloud) == 1


def test_an_import_is_not_accepted_late_once_its_signature_is_dead(cloud: EmulatorProcess) -> None:
    """What arrives when the signature's life is over makes nothing."""
    _script(cloud, "acceptedLate", seconds=0.3)
    assert _try(cloud) == NO_ANSWER
    cloud.admin("POST", "/settings", {"clockOffsetSeconds": 1000})
    late = until(lambda: _lateness(cloud), bool)
    cloud.admin("POST", "/settings", {"clockOffsetSeconds": 0})
    assert (late["code"], _made(cloud)) == ("InvalidTimeStamp.Expired", 0)


def test_an_import_that_is_accepted_late_behind_its_own_repeat_makes_nothing(cloud: EmulatorProcess) -> None:
    """The token holds over copies that overtake each other: the later one gets the answer of the earlier."""
    _script(cloud, "acceptedLate", seconds=0.3)
    assert _try(cloud, ClientToken="t") == NO_ANSWER
    start(cloud, ClientToken="t")
    late = until(lambda: _lateness(cloud), bool)
    assert (late["code"], _made(cloud)) == ("", 1)


def test_a_request_is_taken_once_by_its_nonce(cloud: EmulatorProcess) -> None:
    """The very same request, byte for byte, is refused the second time, token or not."""
    target, body, headers = signer(cloud).request(cloud.address, "ImportImage", params(cloud, ClientToken="t"))
    codes = [send(cloud, "POST", target, body, headers).code for _ in range(2)]
    assert (codes, _made(cloud)) == (["", "SignatureNonceUsed"], 1)


def test_an_image_can_stay_unseen_for_some_reads(cloud: EmulatorProcess) -> None:
    """Only reads that are for the image count; each fault strikes the image of its own request."""
    _script(cloud, "imageInvisible", reads=2)
    hidden, _ = start(cloud)
    shown, _ = start(cloud)
    seen = [[len(images(cloud, ImageId=each)) for each in (hidden, shown)] for _ in range(3)]
    assert seen == [[0, 1], [0, 1], [1, 1]]


def test_an_image_can_show_a_state_that_nobody_knows(cloud: EmulatorProcess) -> None:
    """For so many reads; then the import is what it is."""
    _script(cloud, "unknownImageState", reads=2, state="Repairing")
    image_id, _ = start(cloud)
    assert [image(cloud, image_id)["Status"] for _ in range(3)] == ["Repairing", "Repairing", "Creating"]


def test_a_task_can_be_made_to_fail(cloud: EmulatorProcess) -> None:
    """The fault of tasks ends the image too."""
    _script(cloud, "taskFails", errorCode="InternalError", atPercent=10)
    image_id, task = start(cloud)
    cloud.admin("POST", "/settings", {"speed": 1000})
    assert ended(cloud, task)["TaskStatus"] == "Failed"
    assert image(cloud, image_id)["Status"] == "CreateFailed"


def test_a_task_can_refuse_to_be_cancelled(cloud: EmulatorProcess) -> None:
    """Then the image goes on being imported."""
    _script(cloud, "notCancellable")
    image_id, task = start(cloud)
    assert ask(cloud, "CancelTask", TaskId=task).code == "InvalidTaskId.TaskActionNotSupport"
    assert image(cloud, image_id)["Status"] == "Creating"


def test_a_task_can_vanish_and_work_on(cloud: EmulatorProcess) -> None:
    """No read sees the task any more, and its image becomes Available all the same."""
    _script(cloud, "taskVanishes", works=True)
    image_id, task = start(cloud)
    assert ask(cloud, "DescribeTaskAttribute", TaskId=task).code == "InvalidTaskId.NotFound"
    cloud.admin("POST", "/settings", {"speed": 1000})
    until(lambda: image(cloud, image_id)["Status"], lambda status: status == "Available")


def _lateness(cloud: EmulatorProcess) -> dict[str, Any]:
    """What became of this account's first import once it arrived late; empty until it has."""
    requests, key = cloud.admin("GET", "/requests")["requests"], cloud.info["accessKeyID"]
    first = next(each for each in requests if (each["action"], each["accessKeyID"]) == ("ImportImage", key))
    return dict(first.get("late", {}))
