"""How imports end other than well, and what they leave: images that cannot be used, snapshots, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526 import models

from tests.emulator import bucket_clients
from tests.emulator.cloud import attribute, ended, sdk, until
from tests.emulator.importing import KEY, accepted, ask, available, call, image, images, put, snapshots, start

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

STOPPED = {"speed": 0.001}


def _status(tenant: EmulatorProcess, image_id: str) -> list[str]:
    """The status of an image that may be there no more."""
    return [found["Status"] for found in images(tenant, ImageId=image_id)]


def _cancel(tenant: EmulatorProcess, task: str) -> tuple[int, str]:
    answer = ask(tenant, "CancelTask", TaskId=task)
    return answer.status, answer.code


def _fail(tenant: EmulatorProcess, **switches: str) -> tuple[str, dict[str, Any]]:
    """Import a file that is no qcow2: the image's id, and the task as it ended."""
    tenant.admin("POST", "/settings", switches)
    put(tenant, "disk.qcow2")
    image_id, task = start(tenant, "disk.qcow2", Disk1_Format="QCOW2")
    return image_id, ended(tenant, task)


def test_a_file_of_another_format_ends_the_import(tenant: EmulatorProcess) -> None:
    """The task fails with the documented code, and leaves an image that cannot be used."""
    image_id, task = _fail(tenant)
    (operation,) = task["OperationProgressSet"]["OperationProgress"]
    assert (task["TaskStatus"], task["FailedCount"], operation["OperationStatus"]) == ("Failed", 1, "Failed")
    assert operation["ErrorCode"] == "InvalidImageFormat.Malformed"
    assert operation["ErrorMsg"] == "The image file cannot be imported: it is raw, not qcow2."
    assert _status(tenant, image_id) == ["CreateFailed"]
    assert set(snapshots(tenant, image_id).values()) == {"failed"}
    assert ask(tenant, "DescribeImages", ImageId=image_id).body["TotalCount"] == 0
    refused = ask(tenant, "ExportImage", ImageId=image_id, OSSBucket=tenant.info["buckets"]["good"])
    assert refused.code == "IncorrectImageStatus"
    assert ask(tenant, "DeleteImage", ImageId=image_id).status == 200


def test_a_failed_import_can_be_made_to_leave_nothing(tenant: EmulatorProcess) -> None:
    """With the switch off neither the image nor a snapshot is left."""
    image_id, task = _fail(tenant, failedImportLeaves="nothing")
    assert (task["TaskStatus"], _status(tenant, image_id), snapshots(tenant, image_id)) == ("Failed", [], {})


def test_the_content_can_be_checked_at_once(tenant: EmulatorProcess) -> None:
    """With the switch a wrong file is refused with the code that its task would have failed with."""
    tenant.admin("POST", "/settings", {"importContentChecked": "atOnce"})
    put(tenant, "disk.qcow2")
    answer = call(tenant, "disk.qcow2", Disk1_Format="QCOW2")
    assert (answer.status, answer.code) == (403, "InvalidImageFormat.Malformed")
    assert call(tenant, "disk.qcow2", Disk1_Format="RAW").status == 200


def test_an_object_that_is_deleted_on_the_way_ends_the_import(tenant: EmulatorProcess) -> None:
    """The file is read when its disk's turn has come."""
    put(tenant)
    tenant.admin("POST", "/settings", STOPPED)
    _, task = start(tenant)
    bucket, by = tenant.info["buckets"]["good"], bucket_clients.signer(tenant)
    assert bucket_clients.call(tenant, by, "DELETE", f"/{bucket}/{KEY}").status == 204
    tenant.admin("POST", "/settings", {"speed": 1000})
    (operation,) = ended(tenant, task)["OperationProgressSet"]["OperationProgress"]
    assert operation["ErrorCode"] == "InvalidOSSObject.NotFound"


def test_a_role_that_lost_its_right_can_fail_the_task(tenant: EmulatorProcess) -> None:
    """The switch that lets exports fail for it does the same to imports."""
    tenant.admin("POST", "/settings", {"roleWithoutRights": "taskFails"})
    put(tenant)
    _, task = start(tenant, RoleName="import-powerless")
    (operation,) = ended(tenant, task)["OperationProgressSet"]["OperationProgress"]
    assert operation["ErrorCode"] == "InvalidOSS.NotAuthorized"


LEFT: dict[str, tuple[str, list[str]]] = {
    "nothing": ("nothing", []),
    "a failed image": ("CreateFailed", ["CreateFailed"]),
}


@pytest.mark.parametrize(("switch", "left"), LEFT.values(), ids=LEFT)
def test_a_cancelled_import_leaves(tenant: EmulatorProcess, switch: str, left: list[str]) -> None:
    """CancelTask ends task and image together; of disks that were read already the snapshots stay either way."""
    tenant.admin("POST", "/settings", {"waitingSeconds": 0, "speed": 600, "cancelledImportLeaves": switch})
    keys = [put(tenant, f"{name}.raw") for name in ("system", "data")]
    image_id, task = start(tenant, *keys)
    first, _ = sorted(snapshots(tenant, image_id, 2))
    until(
        lambda: image(tenant, image_id)["DiskDeviceMappings"]["DiskDeviceMapping"],
        lambda disks: disks[0]["Progress"] == "100%",
    )
    tenant.admin("POST", "/settings", STOPPED)
    assert _cancel(tenant, task) == (200, "")
    assert attribute(tenant, task).body["TaskStatus"] == "Deleted"
    assert _cancel(tenant, task) == (403, "InvalidTaskId.IncorrectTaskStatus")
    assert _status(tenant, image_id) == left
    assert first in snapshots(tenant, image_id, 2)
    assert call(tenant, *keys).status == 200


def test_an_image_that_is_being_imported_is_not_deleted(tenant: EmulatorProcess) -> None:
    """The task has to be cancelled first, whatever the force."""
    tenant.admin("POST", "/settings", {**STOPPED, "cancelledImportLeaves": "CreateFailed"})
    put(tenant)
    image_id, task = start(tenant)
    answer = ask(tenant, "DeleteImage", ImageId=image_id, Force="true")
    assert (answer.status, answer.code) == (403, "ImageIsImporting")
    _cancel(tenant, task)
    assert ask(tenant, "DeleteImage", ImageId=image_id).status == 200
    assert _status(tenant, image_id) == []


@pytest.mark.parametrize("status", ["failed", "progressing"])
def test_the_status_of_a_snapshot_during_the_import_is_a_switch(tenant: EmulatorProcess, status: str) -> None:
    """One guide says that it is shown as failed until the import has ended, the API has a status for what is being made."""
    tenant.admin("POST", "/settings", {**STOPPED, "importingSnapshotStatus": status})
    put(tenant)
    image_id, _ = start(tenant)
    (snapshot,) = snapshots(tenant, image_id)
    assert snapshots(tenant, image_id) == {snapshot: status}
    tenant.admin("POST", "/settings", {"speed": 1000})
    available(tenant, image_id)
    assert snapshots(tenant, image_id) == {snapshot: "accomplished"}


def test_snapshots_outlive_their_image_until_they_are_deleted(tenant: EmulatorProcess) -> None:
    """A snapshot cannot be deleted as long as its image is there, and stays when it is deleted."""
    tenant.admin("POST", "/settings", {"speed": 1000})
    put(tenant)
    image_id, _ = start(tenant)
    available(tenant, image_id)
    (snapshot,) = snapshots(tenant, image_id)
    refused = ask(tenant, "DeleteSnapshot", SnapshotId=snapshot, Force="true")
    assert (refused.status, refused.code) == (403, "SnapshotCreatedImage")
    assert ask(tenant, "DeleteImage", ImageId=image_id).status == 200
    assert snapshots(tenant, image_id) == {snapshot: "accomplished"}
    sdk(tenant).delete_snapshot(models.DeleteSnapshotRequest(snapshot_id=snapshot))
    assert snapshots(tenant, image_id) == {}
    assert [entry["params"]["SnapshotId"] for entry in accepted(tenant, "DeleteSnapshot")] == [snapshot]


UNKNOWN: dict[str, tuple[str, dict[str, str], tuple[int, str]]] = {
    "no snapshot": ("ignored", {}, (400, "MissingParameter")),
    "an unknown one, passed over": ("ignored", {"SnapshotId": "s-none"}, (200, "")),
    "an unknown one, refused": ("refused", {"SnapshotId": "s-none"}, (404, "InvalidSnapshotId.NotFound")),
    "another account's": ("refused", {"SnapshotId": "s-bp1foreign0000000010"}, (404, "InvalidSnapshotId.NotFound")),
}


@pytest.mark.parametrize(("switch", "wish", "answered"), UNKNOWN.values(), ids=UNKNOWN)
def test_deleting_a_snapshot_that_is_not_ones_own(
    slow_emulator: EmulatorProcess, switch: str, wish: dict[str, str], answered: tuple[int, str]
) -> None:
    """The newer text says that an unknown snapshot is passed over, the older has a code for it."""
    slow_emulator.admin("POST", "/settings", {"deleteUnknownSnapshot": switch})
    answer = ask(slow_emulator, "DeleteSnapshot", **wish)
    assert (answer.status, answer.code) == answered
