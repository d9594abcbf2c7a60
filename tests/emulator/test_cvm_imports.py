"""ImportImage of CVM: what an accepted one does with the file behind its URL, and what becomes of its image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from qcloud_cos import CosConfig, CosS3Client
from tencentcloud.cvm.v20170312 import models

from tests.emulator.cvm import (
    DISK,
    FAST,
    MARK,
    STOPPED,
    accepted,
    became,
    content,
    export,
    exported,
    images,
    keys,
    put,
    sdk,
    take_in,
    taken_in,
    task,
)
from tests.emulator.tencent import REGION, cos
from tests.emulator_process import EmulatorProcess

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.tencent import Answer

URL = "InvalidUrl"


def _reason(emulator: EmulatorProcess, answer: Answer) -> str:
    """Why an import failed, which only the admin API tells; no action does."""
    image = taken_in(emulator, answer)
    assert image["ImageState"] == "IMPORTFAILED"
    found = task(emulator, image["ImageId"])
    assert found["error_code"] not in str(image)
    return str(found["error_code"])


def test_an_image_is_imported_by_the_vendors_sdk(account: EmulatorProcess) -> None:
    """The id is there at once, then the state goes from IMPORTING to NORMAL, and the image is as was asked for."""
    account.admin("POST", "/settings", STOPPED)
    request = models.ImportImageRequest()
    request.from_json_string(
        '{"Architecture": "x86_64", "OsType": "Ubuntu", "OsVersion": "22", "ImageName": "ours", "ImageDescription": "d",'
        ' "TagSpecification": [{"ResourceType": "image", "Tags": [{"Key": "mark", "Value": "1"}]}],'
        ' "LicenseType": "BYOL", "BootMode": "UEFI", "ImageFamily": "family"}'
    )
    request.ImageUrl = put(account)
    made = sdk(account).ImportImage(request).ImageId
    (before,) = images(account, ImageIds=[made])
    assert (before["ImageState"], before["SyncPercent"], before["SnapshotSet"]) == ("IMPORTING", 0, [])
    account.admin("POST", "/settings", FAST)
    after = became(account, made)
    assert (after["ImageState"], after["ImageName"], after["ImageDescription"]) == ("NORMAL", "ours", "d")
    assert (after["ImageSource"], after["Platform"], after["ImageType"]) == (
        "EXTERNAL_IMPORT",
        "Ubuntu",
        "PRIVATE_IMAGE",
    )
    assert (after["Tags"], after["LicenseType"], after["ImageFamily"]) == (
        [{"Key": "mark", "Value": "1"}],
        "BYOL",
        "family",
    )
    assert [(each["DiskUsage"], each["DiskSize"]) for each in after["SnapshotSet"]] == [("SYSTEM_DISK", 1)]


FORMATS = ["RAW", "QCOW2", "VHD", "VMDK"]


@pytest.mark.parametrize("image_format", FORMATS)
def test_what_was_exported_can_be_imported(account: EmulatorProcess, image_format: str) -> None:
    """An image goes out in each format and comes back; exported once more it is the same, byte by byte."""
    (key,) = keys(export(account, ExportFormat=image_format))
    exported(account, key)
    image = taken_in(account, take_in(account, cos(account).url(key)))
    assert image["ImageState"] == "NORMAL"
    (again,) = keys(export(account, image["ImageId"]))
    (first,) = keys(export(account, "plain"))
    exported(account, again, first)
    assert content(account, again) == content(account, first)


def test_data_disks_come_along(account: EmulatorProcess) -> None:
    """Each URL makes a disk; only the system disk must have a boot record."""
    data = put(account, "data.raw", bytes(4096))
    image = taken_in(account, take_in(account, put(account), ImportImageDataDiskList=[{"ImageUrl": data}]))
    assert [each["DiskUsage"] for each in image["SnapshotSet"]] == ["SYSTEM_DISK", "DATA_DISK"]
    assert len(keys(export(account, image["ImageId"]))) == 2


def test_the_ledger_tells_who_imported_what_under_which_mark(account: EmulatorProcess) -> None:
    """An accepted import is booked with its key, its name, its tags and its image."""
    tags = [{"ResourceType": "image", "Tags": [{"Key": "mark", "Value": "1"}]}]
    answer = take_in(account, put(account), TagSpecification=tags)
    (entry,) = accepted(account, "ImportImage")
    assert entry["accessKeyID"] == account.info["tencent"]["secretID"]
    assert (entry["params"]["ImageName"], entry["params"]["TagSpecification.0.Tags.0.Key"]) == ("taken-in", "mark")
    assert entry["result"]["ImageId"] == answer.body["ImageId"]


def test_a_signed_url_is_good_for_one_import(account: EmulatorProcess) -> None:
    """The second import with it is accepted and fails, unless the switch is off."""
    url = put(account)
    assert taken_in(account, take_in(account, url, DryRun=True) and take_in(account, url))["ImageState"] == "NORMAL"
    assert _reason(account, take_in(account, url, ImageName="second")) == URL
    account.admin("POST", "/settings", {"cvmSignedUrlOnce": False})
    assert taken_in(account, take_in(account, url, ImageName="third"))["ImageState"] == "NORMAL"


def test_a_url_that_the_vendors_sdk_signed_can_be_read(account: EmulatorProcess) -> None:
    """The client for COS makes one for the bucket's own host when it is given no address."""
    known = account.info["tencent"]
    put(account)
    config = CosConfig(Region=REGION, SecretId=known["secretID"], SecretKey=known["secretKey"])
    url = CosS3Client(config).get_presigned_url(Bucket=known["buckets"]["good"], Key="disk.raw", Method="GET")
    assert taken_in(account, take_in(account, url))["ImageState"] == "NORMAL"


def test_an_object_that_everybody_may_read_needs_no_signature(account: EmulatorProcess) -> None:
    """Its bare URL is good as often as it is used."""
    url = put(account, x_cos_acl="public-read").partition("?")[0]
    states = [taken_in(account, take_in(account, url, ImageName=name))["ImageState"] for name in ("a", "b")]
    assert states == ["NORMAL", "NORMAL"]


def _spoilt(emulator: EmulatorProcess, how: str) -> str:
    url, key = put(emulator), cos(emulator)
    return {
        "of a private object": url.partition("?")[0],
        "signed with another secret": key.but(secret="wrong").url("disk.raw"),
        "signed for another method": key.url("disk.raw", "PUT"),
        "signed for another key": key.url("other.raw").replace("other.raw", "disk.raw"),
        "whose signature is over": key.but(starts=-600, ends=-1).url("disk.raw"),
        "whose signature is not good yet": key.but(starts=600, ends=700).url("disk.raw"),
        "of an object that is not there": key.url("none.raw"),
        "of a bucket that is not there": url.replace("//ours-", "//none-"),
        "of a bucket of another region": url.replace("ap-guangzhou", "ap-singapore"),
    }[how]


SPOILT = [
    "of a private object",
    "signed with another secret",
    "signed for another method",
    "signed for another key",
    "whose signature is over",
    "whose signature is not good yet",
    "of an object that is not there",
    "of a bucket that is not there",
    "of a bucket of another region",
]


@pytest.mark.parametrize("how", SPOILT)
def test_a_url_cannot_be_read(account: EmulatorProcess, how: str) -> None:
    """The import is accepted and fails for it; with the switch it is refused at once, and no image is made."""
    url = _spoilt(account, how)
    assert _reason(account, take_in(account, url)) == URL
    account.admin("POST", "/settings", {"cvmUrlChecked": "atOnce"})
    assert take_in(account, url, ImageName="other").code == "InvalidParameter.InvalidParameterUrlError"
    assert len(accepted(account, "ImportImage")) == 1


def test_a_url_reads_no_more_than_its_key_may(account: EmulatorProcess) -> None:
    """A signature of a user that no policy lets read is of no use to an import either."""
    key = {"id": "AKID-FAKE-POWERLESS", "secret": "fake", "user": "200000000999", "policies": []}
    account.admin("POST", "/tencent/accounts", {"id": account.info["tencent"]["ownerUin"], "keys": [key]})
    put(account)
    by = cos(account).but(key_id=key["id"], secret="fake")
    assert _reason(account, take_in(account, by.url("disk.raw"))) == URL


def test_temporary_keys_sign_urls_with_their_token(account: EmulatorProcess) -> None:
    """A URL that lacks the token of its key cannot be read, one that has it can."""
    known = account.info["tencent"]
    key = {"id": "AKID-FAKE-TEMPORARY", "secret": "fake", "token": "token-of-it"}
    account.admin("POST", "/tencent/accounts", {"id": known["ownerUin"], "keys": [key]})
    put(account)
    by = cos(account).but(key_id=key["id"], secret="fake")
    assert _reason(account, take_in(account, by.url("disk.raw"))) == URL
    good = by.but(token=key["token"]).url("disk.raw")
    assert taken_in(account, take_in(account, good, ImageName="b"))["ImageState"] == "NORMAL"


FILES: dict[str, tuple[bytes, str]] = {
    "of no whole sectors": (DISK + b"x", "InvalidFormatSize"),
    "of nothing": (b"", "InvalidFormatSize"),
    "that begins as qcow2 and is none": (b"QFI\xfb" + DISK, "InvalidFormatSize"),
    "in an archive": (b"\x1f\x8b" + DISK, "InvalidFormatSize"),
    "without a boot record": (bytes(1024), "PartitionNotPresent"),
}


@pytest.mark.parametrize(("body", "reason"), FILES.values(), ids=FILES)
def test_a_file_is_not_imported(account: EmulatorProcess, body: bytes, reason: str) -> None:
    """The import is accepted and fails by what is really in the file."""
    assert _reason(account, take_in(account, put(account, body=body))) == reason


UNPARTITIONED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "by force": ({}, {"Force": True}),
    "with the check switched off": ({"cvmPartitionChecked": False}, {}),
}


@pytest.mark.parametrize(("settings", "changes"), UNPARTITIONED.values(), ids=UNPARTITIONED)
def test_a_disk_without_a_boot_record_is_imported(
    account: EmulatorProcess, settings: dict[str, Any], changes: dict[str, Any]
) -> None:
    """Force and the switch pass over what the disk lacks."""
    account.admin("POST", "/settings", settings)
    answer = take_in(account, put(account, body=DISK.replace(MARK, b"\0\0")), **changes)
    assert taken_in(account, answer)["ImageState"] == "NORMAL"


def test_a_reason_can_be_scripted(account: EmulatorProcess) -> None:
    """What the emulator does not look for in a disk is a fault with the documented reason."""
    account.admin("POST", "/faults", {"fault": "taskFails", "action": "ImportImage", "errorCode": "VirtioNotInstall"})
    assert _reason(account, take_in(account, put(account))) == "VirtioNotInstall"


def test_an_object_that_is_deleted_on_the_way_fails_the_import(account: EmulatorProcess) -> None:
    """The file is read when its turn has come."""
    account.admin("POST", "/settings", STOPPED)
    answer = take_in(account, put(account))
    assert cos(account).call(account, "DELETE", "disk.raw").status == 204
    account.admin("POST", "/settings", FAST)
    assert _reason(account, answer) == URL


def test_a_mainland_region_imports_from_elsewhere_and_others_do_not(account: EmulatorProcess) -> None:
    """Outside of the mainland bucket and image must be in one region."""
    there = cos(account, "otherRegion").but(region="ap-singapore")
    for name in ("a", "b"):
        assert there.call(account, "PUT", f"{name}.raw", body=DISK).status == 200
    here = cos(account)
    assert here.call(account, "PUT", "c.raw", body=DISK).status == 200
    assert taken_in(account, take_in(account, there.url("a.raw")))["ImageState"] == "NORMAL"
    account.admin("POST", "/settings", {"cvmUrlChecked": "atOnce"})
    account.admin("POST", "/tencent/regions", {"id": "ap-guangzhou", "mainland": False})
    try:
        codes = [take_in(account, url, ImageName=url[-9:]).code for url in (there.url("b.raw"), here.url("c.raw"))]
    finally:
        account.admin("POST", "/tencent/regions", {"id": "ap-guangzhou"})
    assert codes == ["InvalidParameter.InvalidParameterUrlError", ""]


def test_tags_are_there_at_once_or_once_the_image_is_normal(account: EmulatorProcess) -> None:
    """With the switch an image bears no tag before it is NORMAL, and is not found by it."""
    tags = [{"ResourceType": "image", "Tags": [{"Key": "mark", "Value": "2"}]}]
    account.admin("POST", "/settings", {**STOPPED, "importTagsShown": "whenAvailable"})
    answer = take_in(account, put(account), TagSpecification=tags)
    by_tag = [{"Name": "tag:mark", "Values": ["2"]}]
    assert images(account, Filters=by_tag) == []
    account.admin("POST", "/settings", FAST)
    assert taken_in(account, answer)["Tags"] == tags[0]["Tags"]
    assert [image["ImageId"] for image in images(account, Filters=by_tag)] == [answer.body["ImageId"]]


def test_an_image_may_not_be_seen_at_once(account: EmulatorProcess) -> None:
    """Within the lag a new image is in no list; its name is taken nevertheless."""
    account.admin("POST", "/settings", {**STOPPED, "imageReadLagSeconds": 3600})
    url = put(account)
    made = take_in(account, url).body["ImageId"]
    assert (images(account, ImageIds=[made]), take_in(account, url).code) == ([], "InvalidImageName.Duplicate")
    account.admin("POST", "/settings", {"imageReadLagSeconds": 0})
    assert [image["ImageState"] for image in images(account, ImageIds=[made])] == ["IMPORTING"]


def test_the_percent_of_an_import_can_be_untold(account: EmulatorProcess) -> None:
    """SyncPercent is null where no valid value can be had, which may be always."""
    account.admin("POST", "/settings", {**STOPPED, "cvmImportPercentTold": False})
    made = take_in(account, put(account)).body["ImageId"]
    assert [image["SyncPercent"] for image in images(account, ImageIds=[made])] == [None]


def test_a_kill_neither_loses_nor_doubles_an_import(tmp_path: Path) -> None:
    """After a SIGKILL image and task go on from where the clock is, and a signed URL stays used."""
    emulator = EmulatorProcess(tmp_path / "state", "--speed", "0.001").start()
    try:
        url = put(emulator)
        answer = take_in(emulator, url)
        emulator.kill()
        emulator.start()
        emulator.admin("POST", "/settings", FAST)
        assert taken_in(emulator, answer)["ImageState"] == "NORMAL"
        emulator.admin("POST", "/settings", {"cvmUrlChecked": "atOnce"})
        assert take_in(emulator, url, ImageName="b").code == "InvalidParameter.InvalidParameterUrlError"
        assert len(accepted(emulator, "ImportImage")) == 1
    finally:
        emulator.stop()
