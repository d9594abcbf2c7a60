from __future__ import annotations

import gzip
import tarfile
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526 import models

from tests.emulator.cloud import attribute, ended, export, ledger, objects, sdk, signer, until
from tests.emulator_process import EmulatorProcess

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REGION = {"RegionId": "cn-hangzhou"}
FRANKFURT = "eu-central-1"


def _tasks(emulator: EmulatorProcess, **filters: str) -> dict[str, Any]:
    answer = signer(emulator).call(emulator, "DescribeTasks", {**REGION, **filters})
    assert answer.code == ""
    return answer.body


def _ids(emulator: EmulatorProcess, **filters: str) -> list[str]:
    return [task["TaskId"] for task in _tasks(emulator, **filters)["TaskSet"]["Task"]]


def _related(body: dict[str, Any], name: str) -> list[str]:
    return [
        item["Value"]
        for operation in body["OperationProgressSet"]["OperationProgress"]
        for item in operation["RelatedItemSet"]["RelatedItem"]
        if item["Name"] == name
    ]


def _cancel(emulator: EmulatorProcess, task: str) -> tuple[int, str]:
    answer = signer(emulator).call(emulator, "CancelTask", {**REGION, "TaskId": task})
    return answer.status, answer.code


def test_an_export_goes_from_waiting_to_files(emulator: EmulatorProcess) -> None:
    """A task waits, works with a rising percentage, and has written one file per disk when it is Finished."""
    emulator.admin("POST", "/settings", {"speed": 60})
    task = export(emulator, "dataDisks", OSSPrefix="Own1")
    seen: list[dict[str, Any]] = []

    def look() -> str:
        seen.append(attribute(emulator, task).body)
        return str(seen[-1]["TaskStatus"])

    until(look, lambda status: status == "Finished")
    percents = [int(body["TaskProcess"].removesuffix("%")) for body in seen]
    states = list(dict.fromkeys(body["TaskStatus"] for body in seen))
    image = emulator.info["images"]["dataDisks"]
    keys = [f"Own1_{image}_{disk}.raw.tar.gz" for disk in ("system", "data_xvdb", "data_xvdc")]
    assert states == ["Waiting", "Processing", "Finished"]
    assert percents == sorted(percents)
    assert len(set(percents)) > 3
    assert percents[-1] == 100
    assert _related(seen[-1], "OSSObject") == keys
    assert _related(seen[-1], "OSSBucket") == [emulator.info["buckets"]["good"]]
    assert sorted(objects(emulator)) == sorted(keys)
    assert all(objects(emulator).values())


def test_a_raw_export_holds_the_very_bytes_of_the_disk(tmp_path: Path) -> None:
    """A file given on the command line comes out of the export unchanged, packed as the vendor packs it."""
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(range(256)) * 8192)
    emulator = EmulatorProcess(tmp_path / "state", "--speed", "1000", "--disk", str(disk)).start()
    try:
        body = ended(emulator, export(emulator, "plain"))
        (key,) = _related(body, "OSSObject")
        bucket = tmp_path / "state" / "objects" / "buckets" / emulator.info["buckets"]["good"]
        (file,) = bucket.glob("*.data")
        assert key == f"{emulator.info['images']['plain']}_system.raw.tar.gz"
        with gzip.open(file) as packed, tarfile.open(fileobj=packed) as archive:
            (member,) = archive.getmembers()
            content = archive.extractfile(member)
            assert content is not None
            assert content.read() == disk.read_bytes()
    finally:
        emulator.stop()


@pytest.mark.parametrize("image_format", ["vhd", "qcow2", "vmdk", "vdi"])
def test_other_formats_are_exported_where_they_are_offered(emulator: EmulatorProcess, image_format: str) -> None:
    """The file ends as its format is called and is not empty."""
    bucket = emulator.info["buckets"]["otherRegion"]
    task = export(emulator, "frankfurt", RegionId=FRANKFURT, OSSBucket=bucket, ImageFormat=image_format)
    body = ended(emulator, task, FRANKFURT)
    key = f"{emulator.info['images']['frankfurt']}_system.{image_format}"
    assert (body["TaskStatus"], _related(body, "ImageFormat")) == ("Finished", [image_format])
    assert _related(body, "OSSObject") == [key]
    assert objects(emulator, "otherRegion")[key] > 0


def test_a_kill_neither_loses_nor_stops_tasks(tmp_path: Path) -> None:
    """After a SIGKILL the same task is there, goes on from where the clock is, and ends with its files."""
    emulator = EmulatorProcess(tmp_path / "state", "--speed", "40").start()
    try:
        task = export(emulator, "dataDisks")
        created = attribute(emulator, task).body["CreationTime"]
        until(lambda: objects(emulator), bool)
        emulator.kill()
        emulator.start()
        body = ended(emulator, task)
        assert (body["TaskStatus"], body["CreationTime"]) == ("Finished", created)
        assert sorted(objects(emulator)) == sorted(_related(body, "OSSObject"))
        assert [entry["result"]["TaskId"] for entry in ledger(emulator)] == [task]
    finally:
        emulator.stop()


def test_tasks_are_listed_newest_first_in_pages_of_ten(emulator: EmulatorProcess) -> None:
    """Without a page size ten are shown; pages join to the whole."""
    emulator.admin("POST", "/settings", {"speed": 0.001, "quota": {"concurrent": 20}})
    started = [export(emulator, "plain" if n == 1 else f"plain{n}") for n in range(1, 13)]
    first = _tasks(emulator)
    assert [task["TaskId"] for task in first["TaskSet"]["Task"]] == started[:1:-1]
    assert (first["TotalCount"], first["PageSize"], first["PageNumber"]) == (12, 10, 1)
    assert _ids(emulator, PageNumber="2") == started[1::-1]
    assert _ids(emulator, PageSize="100") == started[::-1]


def test_tasks_are_found_by_each_documented_filter(emulator: EmulatorProcess) -> None:
    """Ids, resources, action, status and times narrow the list; a status that cannot be asked for does not."""
    emulator.admin("POST", "/settings", {"speed": 0.001})
    one, two = export(emulator, "plain"), export(emulator, "plain2")
    assert _cancel(emulator, two) == (200, "")
    now = datetime.now(tz=UTC)
    hour_ago, soon = ((now + timedelta(hours=h)).strftime("%Y-%m-%dT%H:%M:%SZ") for h in (-1, 1))
    found = {
        "ids": _ids(emulator, TaskIds=f"{one},t-none"),
        "resource": _ids(emulator, **{"ResourceIds.1": emulator.info["images"]["plain2"], "ResourceIds.2": "m-none"}),
        "action": _ids(emulator, TaskAction="ExportImage"),
        "other action": _ids(emulator, TaskAction="ImportImage"),
        "Finished": _ids(emulator, TaskStatus="Finished"),
        "Deleted": _ids(emulator, TaskStatus="Deleted"),
        "since": _ids(emulator, StartTime=hour_ago),
        "since later": _ids(emulator, StartTime=soon),
        "until": _ids(emulator, EndTime=soon[:16] + "Z"),
        "until earlier": _ids(emulator, EndTime=hour_ago),
    }
    both = [two, one]
    assert found == {
        "ids": [one],
        "resource": [two],
        "action": both,
        "other action": [],
        "Finished": [],
        "Deleted": both,
        "since": both,
        "since later": [],
        "until": both,
        "until earlier": [],
    }


def test_the_vendors_sdk_reads_tasks(emulator: EmulatorProcess) -> None:
    """Both task calls and the cancellation work through the SDK."""
    emulator.admin("POST", "/settings", {"speed": 0.001})
    client, image = sdk(emulator), emulator.info["images"]["plain"]
    wish = models.ExportImageRequest(
        region_id="cn-hangzhou", image_id=image, ossbucket=emulator.info["buckets"]["good"], ossprefix="p"
    )
    task_id = client.export_image(wish).body.task_id
    listing = models.DescribeTasksRequest(region_id="cn-hangzhou", resource_ids=[image], task_action="ExportImage")
    (row,) = client.describe_tasks(listing).body.task_set.task
    client.cancel_task(models.CancelTaskRequest(region_id="cn-hangzhou", task_id=task_id))
    told = client.describe_task_attribute(models.DescribeTaskAttributeRequest(region_id="cn-hangzhou", task_id=task_id))
    assert (row.task_id, row.task_status, row.resource_id, row.support_cancel) == (task_id, "Waiting", image, "true")
    assert (told.body.task_status, told.body.task_process) == ("Deleted", "0%")


def test_a_cancelled_task_frees_its_image_and_leaves_the_files_written(emulator: EmulatorProcess) -> None:
    """A cancellation stops the task where it is; a second one comes too late."""
    emulator.admin("POST", "/settings", {"waitingSeconds": 0, "speed": 600})
    task = export(emulator, "dataDisks")
    until(lambda: objects(emulator), bool)
    emulator.admin("POST", "/settings", {"speed": 0.001})
    assert _cancel(emulator, task) == (200, "")
    left = set(objects(emulator))
    assert attribute(emulator, task).body["TaskStatus"] == "Deleted"
    assert _cancel(emulator, task) == (403, "InvalidTaskId.IncorrectTaskStatus")
    again = export(emulator, "dataDisks", OSSPrefix="again")
    assert again != task
    assert left <= set(objects(emulator))
    assert left


def test_a_cancelled_task_can_be_made_to_leave_nothing(emulator: EmulatorProcess) -> None:
    """With the switch off a cancellation removes what was written."""
    emulator.admin("POST", "/settings", {"waitingSeconds": 0, "speed": 100, "cancelLeavesFiles": False})
    task = export(emulator, "dataDisks")
    until(lambda: objects(emulator), bool)
    assert _cancel(emulator, task) == (200, "")
    assert until(lambda: objects(emulator), lambda left: not left) == {}


UNKNOWN: dict[str, dict[str, str]] = {
    "InvalidTaskId.NotFound": {**REGION, "TaskId": "t-none"},
    "MissingParameter": REGION,
    "InvalidRegionId.NotFound": {"RegionId": "cn-atlantis", "TaskId": "t-none"},
}


@pytest.mark.parametrize("action", ["DescribeTaskAttribute", "CancelTask"])
@pytest.mark.parametrize(("code", "params"), UNKNOWN.items(), ids=UNKNOWN)
def test_a_task_that_is_not_there_is_refused(
    slow_emulator: EmulatorProcess, action: str, code: str, params: dict[str, str]
) -> None:
    """The task calls have the documented codes for wrong parameters."""
    answer = signer(slow_emulator).call(slow_emulator, action, params)
    assert (answer.status, answer.code) == (400, code)


def test_a_task_of_another_account_is_not_there(slow_emulator: EmulatorProcess) -> None:
    """No account sees, reads or cancels another's tasks."""
    task = export(slow_emulator, "plain9")
    other = slow_emulator.info["otherAccount"]
    stranger = signer(slow_emulator).but(key_id=other["accessKeyID"], secret=other["accessKeySecret"])
    wish = {**REGION, "TaskId": task}
    assert stranger.call(slow_emulator, "DescribeTaskAttribute", wish).code == "InvalidTaskId.NotFound"
    assert stranger.call(slow_emulator, "CancelTask", wish).code == "InvalidTaskId.NotFound"
    assert stranger.call(slow_emulator, "DescribeTasks", REGION).body["TotalCount"] == 0


SWITCHES: dict[str, tuple[dict[str, Any], Callable[[dict[str, Any]], Any], Any]] = {
    "action by name": ({}, lambda task: task["TaskAction"], "ExportImage"),
    "action in capitals": ({"taskActionStyle": "EXPORT_IMAGE"}, lambda task: task["TaskAction"], "EXPORT_IMAGE"),
    "times with seconds": ({}, lambda task: len(task["CreationTime"]), len("2026-01-01T00:00:00Z")),
    "times in minutes": (
        {"taskTimeStyle": "minutes"},
        lambda task: len(task["CreationTime"]),
        len("2026-01-01T00:00Z"),
    ),
    "cancellable as text": ({}, lambda task: task["SupportCancel"], "true"),
    "cancellable as a boolean": ({"supportCancelStyle": "boolean"}, lambda task: task["SupportCancel"], True),
    "no related items while running": ({}, lambda task: _related(task, "OSSObject"), []),
    "related items while running": (
        {"relatedItemsWhileRunning": True},
        lambda task: len(_related(task, "OSSObject")),
        3,
    ),
    "one operation for all disks": (
        {"relatedItemsWhileRunning": True},
        lambda task: (len(task["OperationProgressSet"]["OperationProgress"]), task["TotalCount"]),
        (1, 1),
    ),
    "one operation per disk": (
        {"relatedItemsWhileRunning": True, "progressPerDisk": True},
        lambda task: (len(task["OperationProgressSet"]["OperationProgress"]), task["TotalCount"]),
        (3, 3),
    ),
}


@pytest.mark.parametrize(("settings", "shown", "value"), SWITCHES.values(), ids=SWITCHES)
def test_what_the_documents_leave_open_is_a_switch_of_form(
    emulator: EmulatorProcess, settings: dict[str, Any], shown: Callable[[dict[str, Any]], Any], value: object
) -> None:
    """Both values of each switch are to be had."""
    emulator.admin("POST", "/settings", {"speed": 0.001, **settings})
    assert shown(attribute(emulator, export(emulator, "dataDisks")).body) == value


def test_waiting_tasks_can_be_left_out_of_lists(emulator: EmulatorProcess) -> None:
    """With the switch off a waiting task is read by its id only."""
    emulator.admin("POST", "/settings", {"speed": 0.001, "waitingTasksListed": False})
    task = export(emulator)
    assert _ids(emulator) == []
    assert attribute(emulator, task).body["TaskStatus"] == "Waiting"


def test_reads_can_lag_behind(emulator: EmulatorProcess) -> None:
    """Within the lag a new task is neither listed nor read by its id; afterwards it is both."""
    emulator.admin("POST", "/settings", {"speed": 0.001, "readLagSeconds": 3600})
    task = export(emulator)
    assert (_ids(emulator), attribute(emulator, task).code) == ([], "InvalidTaskId.NotFound")
    emulator.admin("POST", "/settings", {"readLagSeconds": 0})
    assert (_ids(emulator), attribute(emulator, task).code) == ([task], "")


def test_ended_tasks_can_be_forgotten(emulator: EmulatorProcess) -> None:
    """Past the retention an ended task is gone from all reads; a running one never is."""
    emulator.admin("POST", "/settings", {"speed": 0.001})
    task, running = export(emulator), export(emulator, "plain2")
    _cancel(emulator, task)
    emulator.admin("POST", "/settings", {"retentionSeconds": 0})
    assert (_ids(emulator), attribute(emulator, task).code) == ([running], "InvalidTaskId.NotFound")
