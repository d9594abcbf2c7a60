"""What an accepted ExportImages does: its files, the uploads that make them, the switches, faults and kills on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tencentcloud.cvm.v20170312 import models

from tests.emulator import image_files
from tests.emulator.cloud import until
from tests.emulator.cvm import (
    FAST,
    STOPPED,
    Accounts,
    accepted,
    ask,
    content,
    ended,
    export,
    exported,
    image_id,
    images,
    keys,
    objects,
    sdk,
    signer,
    task,
    uploads,
)
from tests.emulator.tencent import cos
from tests.emulator_process import EmulatorProcess

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.tencent import Answer

MIB = 1 << 20
DISK_BYTES = 3 * MIB


def _snapshots(emulator: EmulatorProcess, image: str) -> list[str]:
    (shown,) = images(emulator, ImageIds=[image_id(emulator, image)])
    return [snapshot["SnapshotId"] for snapshot in shown["SnapshotSet"]]


def _task(answer: Answer) -> str:
    assert answer.code == "", answer.body
    return str(answer.body["TaskId"])


def _uploading(emulator: EmulatorProcess, answer: Answer) -> list[str]:
    """Let a task run until its first upload has its parts, and no further; the uploads that there are."""
    emulator.admin("POST", "/settings", {"speed": 30})
    until(lambda: task(emulator, _task(answer))["done"], bool)
    emulator.admin("POST", "/settings", STOPPED)
    return uploads(emulator)


def test_an_image_is_exported_by_the_vendors_sdk(account: EmulatorProcess) -> None:
    """The answer names a task and every file as documented, and the files come to be under these keys."""
    request = models.ExportImagesRequest()
    request.BucketName = account.info["tencent"]["buckets"]["good"]
    request.ImageIds = [image_id(account, "dataDisks")]
    request.FileNamePrefixList = ["ferry-1"]
    answer = sdk(account).ExportImages(request)
    system, data = _snapshots(account, "dataDisks")
    stem = f"ferry-1_{image_id(account, 'dataDisks')}"
    assert answer.CosPaths == [f"/{stem}_system_{system}.raw", f"/{stem}_data_{data}.raw"]
    names = [path.removeprefix("/") for path in answer.CosPaths]
    assert exported(account, *names) == dict.fromkeys(names, DISK_BYTES)
    assert ended(account, str(answer.TaskId))["outcome"] == "Finished"
    head = cos(account).call(account, "HEAD", names[0])
    assert (head.status, head.headers["content-length"], head.headers["etag"][-3:]) == (200, str(DISK_BYTES), '-2"')


def test_the_ledger_tells_who_exported_what_under_which_mark(account: EmulatorProcess) -> None:
    """An accepted export is booked with its key, its prefix, its task and its files."""
    answer = export(account, FileNamePrefixList=["mark"])
    (entry,) = accepted(account, "ExportImages")
    assert (entry["service"], entry["accessKeyID"]) == ("cvm", account.info["tencent"]["secretID"])
    assert entry["params"]["FileNamePrefixList.0"] == "mark"
    assert entry["params"]["ImageIds.0"] == image_id(account, "plain")
    assert (entry["result"]["TaskId"], entry["result"]["CosPaths"]) == (
        answer.body["TaskId"],
        answer.body["CosPaths"],
    )


FORMATS = ["qcow2", "vhd", "vmdk"]


@pytest.mark.parametrize("image_format", FORMATS)
def test_every_format_holds_the_same_disk(account: EmulatorProcess, tmp_path: Path, image_format: str) -> None:
    """RAW is the disk itself, and readers written from the formats' documents find that disk in the others."""
    other = keys(export(account, "dataDisks", ExportFormat=image_format.upper(), OnlyExportRootDisk=True))
    exported(account, *other)
    until(lambda: export(account, "dataDisks", DryRun=True).code, lambda code: code == "")
    plain = keys(export(account, "dataDisks", OnlyExportRootDisk=True))
    exported(account, *plain)
    file = tmp_path / "file"
    file.write_bytes(content(account, other[0]))
    assert other[0].endswith(f".{image_format}")
    assert image_files.READERS[image_format](file).content == content(account, plain[0])


def test_several_images_are_one_task(account: EmulatorProcess) -> None:
    """Each image has its own prefix; an empty one is none. All of them are busy for as long as the task runs."""
    account.admin("POST", "/settings", STOPPED)
    ids = [image_id(account, "plain"), image_id(account, "dataDisks")]
    names = keys(export(account, ImageIds=ids, FileNamePrefixList=["", "p"], OnlyExportRootDisk=True))
    assert [name.split("_system_")[0] for name in names] == [ids[0], f"p_{ids[1]}"]
    assert {export(account, name).code for name in ("plain", "dataDisks")} == {
        "InvalidParameterValue.InvalidImageState"
    }
    account.admin("POST", "/settings", FAST)
    assert set(exported(account, *names)) == set(names)


def test_a_call_in_the_query_exports_as_one_in_json_does(account: EmulatorProcess) -> None:
    """Lists are flat there, and booleans are texts."""
    bucket, image = account.info["tencent"]["buckets"]["good"], image_id(account, "dataDisks")
    flat = {"BucketName": bucket, "ImageIds.0": image, "OnlyExportRootDisk": "true"}
    answer = ask(account, "ExportImages", signer(account).but(method="GET"), **flat)
    assert len(keys(answer)) == 1


def test_a_file_is_an_upload_in_parts_until_it_is_whole(account: EmulatorProcess) -> None:
    """While it runs the upload is listed with its parts, and there is no object before its end."""
    account.admin("POST", "/settings", STOPPED)
    answer = export(account, "dataDisks")
    system, data = keys(answer)
    assert (uploads(account), objects(account)) == ([], {})
    assert (_uploading(account, answer), objects(account)) == ([system], {})
    listed = cos(account).call(account, "GET", "", {"uploads": ""})
    (upload,) = [found.text or "" for found in listed.xml.iter("UploadId")]
    parts = cos(account).call(account, "GET", system, {"uploadId": upload})
    assert sum(int(found.text or "") for found in parts.xml.iter("Size")) == DISK_BYTES
    account.admin("POST", "/settings", FAST)
    exported(account, system, data)
    assert uploads(account) == []


def test_no_action_tells_of_a_task_or_ends_it(account: EmulatorProcess) -> None:
    """What would be the names of such actions are unknown, as in the documents."""
    account.admin("POST", "/settings", STOPPED)
    export(account)
    names = ("DescribeTasks", "DescribeTaskInfo", "CancelTask", "DescribeExportImageTasks")
    assert {ask(account, name).code for name in names} == {"InvalidAction"}


def test_an_upload_that_is_aborted_ends_the_export(account: EmulatorProcess) -> None:
    """The file never comes, nothing tells why, and the image is free again."""
    account.admin("POST", "/settings", STOPPED)
    answer = export(account)
    (key,) = _uploading(account, answer)
    listed = cos(account).call(account, "GET", "", {"uploads": ""})
    (upload,) = [found.text or "" for found in listed.xml.iter("UploadId")]
    assert cos(account).call(account, "DELETE", key, {"uploadId": upload}).status == 204
    account.admin("POST", "/settings", FAST)
    assert ended(account, _task(answer))["error_code"] == "UploadGone"
    assert (objects(account), uploads(account)) == ({}, [])
    assert export(account, DryRun=True).code == ""


def test_a_bucket_that_is_deleted_ends_the_export(account: EmulatorProcess) -> None:
    """Before anything is in it a bucket can be deleted, and the files have no place to go."""
    account.admin("POST", "/settings", STOPPED)
    answer = export(account)
    assert cos(account).call(account, "DELETE").status == 204
    account.admin("POST", "/settings", FAST)
    assert ended(account, _task(answer))["error_code"] == "BucketGone"


LEFT: dict[str, tuple[str, int]] = {"nothing": ("nothing", 0), "the uploads that it had begun": ("uploads", 1)}


@pytest.mark.parametrize(("switch", "count"), LEFT.values(), ids=LEFT)
def test_an_export_that_fails_leaves(account: EmulatorProcess, switch: str, count: int) -> None:
    """Files that were whole before stay; the image is as it was."""
    account.admin("POST", "/settings", {"cvmFailedExportLeaves": switch})
    account.admin("POST", "/faults", {"fault": "taskFails", "action": "ExportImages", "atPercent": 80})
    answer = export(account, "dataDisks")
    assert ended(account, _task(answer))["outcome"] == "Failed"
    system, data = keys(answer)
    assert (list(objects(account)), uploads(account)) == ([system], [data] * count)
    (shown,) = images(account, ImageIds=[image_id(account, "dataDisks")])
    assert shown["ImageState"] == "NORMAL"


STATES = ["NORMAL", "EXPORTING"]


@pytest.mark.parametrize("state", STATES)
def test_the_state_of_an_image_that_is_being_exported_is_a_switch(account: EmulatorProcess, state: str) -> None:
    """No state is documented for it, so that NORMAL proves nothing."""
    account.admin("POST", "/settings", {**STOPPED, "cvmExportingState": state})
    export(account)
    shown = {image["ImageName"]: image["ImageState"] for image in images(account) if image["ImageState"] != "CREATING"}
    assert (shown["plain"], shown["disks"]) == (state, "NORMAL")


def test_an_image_can_be_free_before_its_last_object_is_there(account: EmulatorProcess) -> None:
    """With the switch neither state nor mutex says that files are still to come."""
    switches = {**STOPPED, "cvmImageFreed": "beforeLastObject", "cvmExportingState": "EXPORTING"}
    account.admin("POST", "/settings", switches)
    answer = export(account)
    assert export(account, DryRun=True).code == "InvalidParameterValue.InvalidImageState"
    _uploading(account, answer)
    (shown,) = images(account, ImageIds=[image_id(account, "plain")])
    assert (shown["ImageState"], objects(account), export(account, DryRun=True).code) == ("NORMAL", {}, "")


NAMES: dict[str, tuple[dict[str, Any], str, str]] = {
    "with a slash and a small extension": ({}, "/", ".qcow2"),
    "without a slash": ({"cvmCosPathsSlash": False}, "", ".qcow2"),
    "with a capital extension": ({"cvmExtensionCase": "upper"}, "/", ".QCOW2"),
}


@pytest.mark.parametrize(("switches", "begin", "end"), NAMES.values(), ids=NAMES)
def test_files_are_named(account: EmulatorProcess, switches: dict[str, Any], begin: str, end: str) -> None:
    """What the documents leave open about CosPaths is a switch; the key is the same but for the slash."""
    account.admin("POST", "/settings", switches)
    answer = export(account, ExportFormat="QCOW2")
    (path,), (snapshot,) = answer.body["CosPaths"], _snapshots(account, "plain")
    assert path == f"{begin}{image_id(account, 'plain')}_system_{snapshot}{end}"
    assert path.removeprefix("/") in exported(account, path.removeprefix("/"))


def test_files_can_be_missing_or_empty(account: EmulatorProcess) -> None:
    """The faults of tasks strike the disk that they name, and the task knows nothing of it."""
    for fault, disk in (("objectMissing", 0), ("objectEmpty", 1)):
        account.admin("POST", "/faults", {"fault": fault, "action": "ExportImages", "disk": disk})
    answer = export(account, "dataDisks")
    _, data = keys(answer)
    assert ended(account, _task(answer))["outcome"] == "Finished"
    assert (objects(account), uploads(account)) == ({data: 0}, [])


def test_a_file_can_be_seen_to_grow(account: EmulatorProcess) -> None:
    """With the fault a part of the file is an object before the whole is."""
    account.admin("POST", "/settings", STOPPED)
    account.admin("POST", "/faults", {"fault": "objectGrows", "action": "ExportImages"})
    answer = export(account)
    (key,) = keys(answer)
    _uploading(account, answer)
    assert 0 < objects(account)[key] < DISK_BYTES
    account.admin("POST", "/settings", FAST)
    assert until(lambda: objects(account)[key], lambda size: size == DISK_BYTES) == DISK_BYTES


def test_a_format_can_be_passed_over_in_silence(account: EmulatorProcess) -> None:
    """With the fault the file bears the name that was asked for and is RAW."""
    account.admin("POST", "/faults", {"fault": "silentRawFallback", "action": "ExportImages"})
    (key,) = keys(export(account, ExportFormat="QCOW2"))
    assert (key.endswith(".qcow2"), exported(account, key)[key]) == (True, DISK_BYTES)


def test_an_encrypted_bucket_takes_exports(accounts: Accounts) -> None:
    """No document forbids it; the file is encrypted as its bucket says."""
    account = accounts.another()
    known = account.info["tencent"]
    bucket = {"name": f"sealed-{known['appID']}", "region": "ap-guangzhou", "account": known["ownerUin"]}
    account.admin("POST", "/tencent/buckets", {**bucket, "sse": "AES256"})
    known["buckets"] = {**known["buckets"], "sealed": bucket["name"]}
    (key,) = keys(export(account, BucketName=bucket["name"]))
    until(lambda: objects(account, "sealed"), lambda seen: key in seen)
    head = cos(account, "sealed").call(account, "HEAD", key)
    assert head.headers["x-cos-server-side-encryption"] == "AES256"


@pytest.mark.parametrize("moment", ["before the upload", "during the upload"])
def test_a_kill_neither_loses_nor_doubles_an_export(tmp_path: Path, moment: str) -> None:
    """After a SIGKILL the task goes on from where the clock is, and each file comes once and whole."""
    emulator = EmulatorProcess(tmp_path / "state", "--speed", "0.001").start()
    try:
        emulator.admin("POST", "/settings", STOPPED)
        answer = export(emulator, "dataDisks")
        names = keys(answer)
        if moment == "during the upload":
            _uploading(emulator, answer)
        emulator.kill()
        emulator.start()
        assert export(emulator, "dataDisks").code == "InvalidParameterValue.InvalidImageState"
        emulator.admin("POST", "/settings", FAST)
        assert exported(emulator, *names) == dict.fromkeys(names, DISK_BYTES)
        assert ended(emulator, _task(answer))["outcome"] == "Finished"
        assert (uploads(emulator), len(accepted(emulator, "ExportImages"))) == ([], 1)
    finally:
        emulator.stop()
