"""What becomes of an accepted import: its task, its image and its disks. How it can end otherwise is in test_import_ends.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526 import models

from tests.emulator.cloud import ENDED, attribute, ended, export, sdk, signer, until
from tests.emulator.importing import (
    KEY,
    accepted,
    ask,
    available,
    call,
    image,
    images,
    params,
    put,
    start,
)
from tests.emulator_process import EmulatorProcess

if TYPE_CHECKING:
    from pathlib import Path

STOPPED = {"speed": 0.001}


def _status(tenant: EmulatorProcess, image_id: str) -> list[str]:
    """The status of an image that may be there no more."""
    return [found["Status"] for found in images(tenant, ImageId=image_id)]


def test_an_import_goes_from_creating_to_available(tenant: EmulatorProcess) -> None:
    """Image and task rise together, disk by disk, with a time that remains; the image is Available once the task is Finished."""
    tenant.admin("POST", "/settings", {"speed": 100})
    keys = [put(tenant, f"{name}.raw") for name in ("system", "one", "two")]
    image_id, task = start(tenant, *keys, ImageName="mine", Description="from files", Disk3_DiskImageSize="7")
    seen: list[dict[str, Any]] = []

    def look() -> str:
        seen.append(image(tenant, image_id))
        return str(seen[-1]["Status"])

    until(look, lambda status: status != "Creating")
    percents = [int(each["Progress"].removesuffix("%")) for each in seen]
    disks = [each["DiskDeviceMappings"]["DiskDeviceMapping"] for each in seen]
    remaining = [disk[2]["RemainTime"] for disk in disks]
    assert [each["Status"] for each in seen[-2:]] == ["Creating", "Available"]
    assert percents == sorted(percents)
    assert len(set(percents)) > 3
    assert percents[-1] == 100
    assert remaining == sorted(remaining, reverse=True)
    assert any(first["Progress"] == "100%" != second["Progress"] for first, second, _ in disks)
    assert {(disk["Progress"], disk["RemainTime"]) for disk in disks[-1]} == {("100%", 0)}
    assert [(disk["Device"], disk["Size"]) for disk in disks[-1]] == [
        ("/dev/xvda", "1"),
        ("/dev/xvdb", "1"),
        ("/dev/xvdc", "7"),
    ]
    assert [disk["ImportOSSObject"] for disk in disks[-1]] == keys
    assert {(disk["ImportOSSBucket"], disk["Format"]) for disk in disks[-1]} == {
        (tenant.info["buckets"]["good"], "RAW")
    }
    body = attribute(tenant, task).body
    assert (body["TaskStatus"], body["TaskProcess"], body["TaskAction"]) == ("Finished", "100%", "ImportImage")


def test_the_vendors_sdk_imports_an_image(tenant: EmulatorProcess) -> None:
    """Every parameter of the request arrives, and the answers are read by its models."""
    tenant.admin("POST", "/settings", {"speed": 1000})
    put(tenant)
    client, bucket = sdk(tenant), tenant.info["buckets"]["good"]
    mapping = models.ImportImageRequestDiskDeviceMapping(
        ossbucket=bucket, ossobject=KEY, format="RAW", disk_image_size=40
    )
    wish = models.ImportImageRequest(
        region_id="cn-hangzhou",
        image_name="by-sdk",
        description="a description",
        architecture="x86_64",
        ostype="linux",
        platform="CentOS Stream",
        boot_mode="UEFI",
        license_type="Aliyun",
        detection_strategy="Standard",
        features=models.ImportImageRequestFeatures(nvme_support="supported", imds_support="v2"),
        role_name="AliyunECSImageImportDefaultRole",
        resource_group_id="rg-acfmemulator0001",
        client_token="a-token",
        dry_run=False,
        disk_device_mapping=[mapping],
        tag=[models.ImportImageRequestTag(key="team", value="a")],
    )
    made = client.import_image(wish).body
    again = client.import_image(wish).body
    ended(tenant, str(made.task_id))
    (found,) = client.describe_images(
        models.DescribeImagesRequest(region_id="cn-hangzhou", image_id=made.image_id)
    ).body.images.image
    (disk,) = found.disk_device_mappings.disk_device_mapping
    assert (again.image_id, again.task_id, made.region_id) == (made.image_id, made.task_id, "cn-hangzhou")
    assert (found.image_name, found.platform, found.boot_mode, found.status) == (
        "by-sdk",
        "CentOS Stream",
        "UEFI",
        "Available",
    )
    assert (found.features.nvme_support, found.resource_group_id) == ("supported", "rg-acfmemulator0001")
    assert [(tag.tag_key, tag.tag_value) for tag in found.tags.tag] == [("team", "a")]
    assert (disk.import_ossbucket, disk.import_ossobject, disk.format, disk.size) == (bucket, KEY, "RAW", "40")
    assert disk.remain_time == 0


def test_an_import_can_be_asked_for_in_a_form(tenant: EmulatorProcess) -> None:
    """A signed form in the body asks for the same as a query, and the ledger tells who asked for what and what was made."""
    put(tenant)
    wish = params(tenant, ImageName="by-form", ClientToken="t")
    answer = signer(tenant).but(form=True).call(tenant, "ImportImage", wish)
    (entry,) = accepted(tenant)
    assert (answer.status, answer.code) == (200, "")
    assert {name: entry["params"][name] for name in wish} == wish
    assert entry["accessKeyID"] == tenant.info["accessKeyID"]
    assert {name: entry["result"][name] for name in ("ImageId", "TaskId")} == {
        name: answer.body[name] for name in ("ImageId", "TaskId")
    }


def test_an_image_that_is_being_imported_is_seen_only_if_asked_for(tenant: EmulatorProcess) -> None:
    """Without a status DescribeImages shows Available images alone."""
    tenant.admin("POST", "/settings", STOPPED)
    put(tenant)
    image_id, _ = start(tenant)
    found = {status: len(images(tenant, ImageId=image_id, Status=status)) for status in ("", "Creating", "ALL")}
    listed = ask(tenant, "DescribeImages", ImageId=image_id).body["TotalCount"]
    assert (found["Creating"], found["ALL"], listed) == (1, 1, 0)
    assert [each["ImageId"] for each in images(tenant, Status="Creating,CreateFailed")].count(image_id) == 1


WAITING: dict[str, str] = {"Creating": "Creating", "Waiting": "Waiting"}


@pytest.mark.parametrize("status", WAITING.values(), ids=WAITING)
def test_the_status_of_an_image_whose_task_waits_is_a_switch(tenant: EmulatorProcess, status: str) -> None:
    """Both statuses are documented; the filter goes by the one that is shown."""
    tenant.admin("POST", "/settings", {**STOPPED, "waitingImportStatus": status})
    put(tenant)
    image_id, _ = start(tenant)
    assert [found["Status"] for found in images(tenant, ImageId=image_id, Status=status)] == [status]


def test_tags_are_there_at_once_or_once_the_image_is_available(tenant: EmulatorProcess) -> None:
    """With the switch off an image bears no tag before it is Available, and is not found by it."""
    tag = {"Tag1_Key": "mark", "Tag1_Value": "1"}
    put(tenant)
    tenant.admin("POST", "/settings", STOPPED)
    at_once, _ = start(tenant, **tag)
    tenant.admin("POST", "/settings", {"importTagsShown": "whenAvailable"})
    later, _ = start(tenant, **tag)
    found = [each["ImageId"] for each in images(tenant, **tag)]
    tenant.admin("POST", "/settings", {"speed": 1000})
    available(tenant, later)
    assert found == [at_once]
    assert {each["ImageId"] for each in images(tenant, **tag)} == {at_once, later}


SHOWN: dict[str, tuple[dict[str, Any], str, Any]] = {
    "its action by name": ({}, "TaskAction", "ImportImage"),
    "its action in capitals": ({"taskActionStyle": "EXPORT_IMAGE"}, "TaskAction", "IMPORT_IMAGE"),
    "that it can be cancelled": ({}, "SupportCancel", "true"),
    "one operation": ({}, "TotalCount", 1),
    "one operation for each disk": ({"progressPerDisk": True}, "TotalCount", 2),
}


@pytest.mark.parametrize(("settings", "name", "value"), SHOWN.values(), ids=SHOWN)
def test_a_task_shows(tenant: EmulatorProcess, settings: dict[str, Any], name: str, value: object) -> None:
    """The switches of form hold for tasks of imports as for those of exports."""
    tenant.admin("POST", "/settings", {**STOPPED, **settings})
    put(tenant)
    _, task = start(tenant, KEY, KEY)
    assert attribute(tenant, task).body[name] == value


def test_operations_tell_the_progress_of_each_disk(tenant: EmulatorProcess) -> None:
    """Where there is one operation for each disk, the one that was read is a success before the task has ended."""
    switches = {"progressPerDisk": True, "relatedItemsWhileRunning": True, "waitingSeconds": 0, "speed": 600}
    tenant.admin("POST", "/settings", switches)
    keys = [put(tenant, f"{name}.raw") for name in ("system", "data")]
    _, task = start(tenant, *keys)
    body = until(lambda: attribute(tenant, task).body, lambda seen: seen["SuccessCount"] > 0)
    tenant.admin("POST", "/settings", STOPPED)
    operations = body["OperationProgressSet"]["OperationProgress"]
    named = [
        [item["Value"] for item in each["RelatedItemSet"]["RelatedItem"] if item["Name"] == "OSSObject"]
        for each in operations
    ]
    assert named == [[key] for key in keys]
    assert (body["SuccessCount"], operations[0]["OperationStatus"]) in {(1, "Success"), (2, "Success")}


def test_tasks_of_imports_are_found_by_action_and_image(tenant: EmulatorProcess) -> None:
    """Exports and imports share one list."""
    tenant.admin("POST", "/settings", STOPPED)
    put(tenant)
    image_id, task = start(tenant)
    other = export(tenant)

    def found(**filters: str) -> list[str]:
        return [each["TaskId"] for each in ask(tenant, "DescribeTasks", **filters).body["TaskSet"]["Task"]]

    assert found() == [other, task]
    assert found(TaskAction="ImportImage") == [task]
    assert found(ResourceIds_1=image_id) == [task]


def test_a_kill_neither_loses_nor_stops_imports(tmp_path: Path) -> None:
    """After a SIGKILL image and task go on from where the clock is, and the disks read before are not lost."""
    emulator = EmulatorProcess(tmp_path / "state", "--speed", "60").start()
    try:
        keys = [put(emulator, f"{name}.raw") for name in ("system", "data")]
        image_id, task = start(emulator, *keys, ClientToken="t")
        until(
            lambda: image(emulator, image_id)["DiskDeviceMappings"]["DiskDeviceMapping"],
            lambda disks: disks[0]["Progress"] == "100%",
        )
        emulator.kill()
        emulator.start()
        assert start(emulator, *keys, ClientToken="t") == (image_id, task)
        assert ended(emulator, task)["TaskStatus"] == "Finished"
        assert image(emulator, image_id)["Status"] == "Available"
        assert len(accepted(emulator)) == 1
    finally:
        emulator.stop()


def test_an_image_may_not_be_seen_at_once(tenant: EmulatorProcess) -> None:
    """Within the lag a new image is in no list; its name is taken nevertheless."""
    tenant.admin("POST", "/settings", {**STOPPED, "imageReadLagSeconds": 3600})
    put(tenant)
    image_id, _ = start(tenant, ImageName="mine")
    assert (_status(tenant, image_id), call(tenant, ImageName="mine").code) == ([], "InvalidImageName.Duplicated")
    tenant.admin("POST", "/settings", {"imageReadLagSeconds": 0})
    assert _status(tenant, image_id) == ["Creating"]


def test_the_clocks_of_task_and_image_agree_at_the_end(tenant: EmulatorProcess) -> None:
    """No read sees a Finished task with an image that is still Creating, nor the other way round."""
    tenant.admin("POST", "/settings", {"speed": 1000})
    put(tenant)
    image_id, task = start(tenant)
    pairs: set[tuple[str, str, str]] = set()
    while not pairs or not any(status in ENDED for status, _, _ in pairs):
        before = str(attribute(tenant, task).body["TaskStatus"])
        shown = str(image(tenant, image_id)["Status"])
        pairs.add((before, shown, str(attribute(tenant, task).body["TaskStatus"])))
    assert not [pair for pair in pairs if pair[0] == "Finished" and pair[1] != "Available"]
    assert not [pair for pair in pairs if pair[1] == "Available" and pair[2] != "Finished"]
