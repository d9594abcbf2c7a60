"""Which exports CVM refuses, and with which code: the rules of ExportImages, held against the default seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.cvm import FAST, STOPPED, accepted, ask, ended, export, image_id, put_image, signer

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

U = "UnsupportedOperation"
V = "InvalidParameterValue"
IMAGES: dict[str, tuple[str, str]] = {
    "public": ("public", f"{U}.PublicImageExportUnsupported"),
    "made of one of the market": ("market", f"{U}.MarketImageExportUnsupported"),
    "shared by another account": ("shared", f"{U}.SharedImageExportUnsupported"),
    "encrypted": ("encrypted", f"{U}.EncryptedImagesNotSupported"),
    "of Windows": ("windows", f"{U}.WindowsImageExportUnsupported"),
    "of RedHat": ("redhat", f"{U}.RedHatImageExportUnsupported"),
    "with a disk of more than 500 GB": ("tooLarge", f"{U}.ImageTooLargeExportUnsupported"),
    "with more than five data disks": ("tooManyDisks", f"{V}.LimitExceeded"),
    "on which another operation works": ("busy", f"{V}.InvalidImageState"),
    "that is being created": ("creating", f"{V}.InvalidImageState"),
    "that is being copied": ("syncing", f"{V}.InvalidImageState"),
    "whose creation failed": ("createFailed", f"{V}.InvalidImageId"),
    "of another region": ("singapore", "InvalidImageId.NotFound"),
    "of another account": ("foreign", "InvalidImageId.NotFound"),
    "that is not there": ("img-nothing1", "InvalidImageId.NotFound"),
    "with a wrong id": ("m-bp1plain00000000001", "InvalidImageId.Malformed"),
}


@pytest.mark.parametrize(("image", "code"), IMAGES.values(), ids=IMAGES)
def test_an_image_is_not_exported(slow_emulator: EmulatorProcess, image: str, code: str) -> None:
    """Each limit of the documents has the code of the error table, in a dry run as well."""
    assert (export(slow_emulator, image).code, export(slow_emulator, image, DryRun=True).code) == (code, code)


WISHES: dict[str, tuple[dict[str, Any], str]] = {
    "without a bucket": ({"BucketName": None}, "MissingParameter"),
    "without images": ({"ImageIds": None}, "InvalidParameter.ImageIdsSnapshotIdsMustOne"),
    "of snapshots": ({"SnapshotIds": ["snap-00000000"]}, "UnknownParameter"),
    "of an image twice": ({"ImageIds": ["img-plain001", "img-plain001"]}, V),
    "of eleven images": ({"ImageIds": [f"img-{n:08}" for n in range(11)]}, f"{V}.LimitExceeded"),
    "into a format of small letters": ({"ExportFormat": "raw"}, V),
    "into a format that is not": ({"ExportFormat": "VDI"}, V),
    "with two prefixes for one image": ({"FileNamePrefixList": ["a", "b"]}, f"{V}.InvalidFileNamePrefixList"),
    "with a prefix that no key can hold": ({"FileNamePrefixList": ["p" * 900]}, f"{V}.TooLarge"),
    "with images as a text": ({"ImageIds": "img-plain001"}, "InvalidParameter"),
    "as a role that is not": ({"RoleName": "nobody"}, "AuthFailure.CamRoleNameAuthenticateFailed"),
    "as a role that CVM may not take on": (
        {"RoleName": "export-untrusted"},
        "AuthFailure.CamRoleNameAuthenticateFailed",
    ),
    "as a role that may only read": ({"RoleName": "export-read-only"}, f"{V}.InvalidBucketPermissionForExport"),
    "into a bucket without an APPID": ({"BucketName": "ferry-good"}, f"{V}.InvalidAppIdFormat"),
    "into a bucket that is not": ({"BucketName": "ferry-none-1250000001"}, f"{V}.BucketNotFound"),
    "into a bucket of another region": ({"BucketName": "ferry-singapore-1250000001"}, f"{V}.BucketNotFound"),
    "into another account's bucket": (
        {"BucketName": "ferry-foreign-1250000002"},
        f"{V}.InvalidBucketPermissionForExport",
    ),
}


@pytest.mark.parametrize(("changes", "code"), WISHES.values(), ids=WISHES)
def test_an_export_is_refused(slow_emulator: EmulatorProcess, changes: dict[str, Any], code: str) -> None:
    """Parameters, role and bucket are checked before anything is begun, and nothing is booked."""
    before = len(accepted(slow_emulator, "ExportImages"))
    assert export(slow_emulator, **changes).code == code
    assert len(accepted(slow_emulator, "ExportImages")) == before


def test_a_key_needs_the_right_to_export(slow_emulator: EmulatorProcess) -> None:
    """What no policy of a user allows is an UnauthorizedOperation that names the right."""
    key = {"id": "AKID-FAKE-NOBODY", "secret": "fake", "user": "100000000199", "policies": []}
    owner = slow_emulator.info["tencent"]["ownerUin"]
    slow_emulator.admin("POST", "/tencent/accounts", {"id": owner, "keys": [key]})
    answer = ask(slow_emulator, "ExportImages", signer(slow_emulator).but(key_id=key["id"], secret="fake"))
    assert (answer.code, "cvm:ExportImages" in answer.body["Error"]["Message"]) == ("UnauthorizedOperation", True)


ROOT_ONLY = ["tooManyDisks", "tooLarge"]


@pytest.mark.parametrize("image", ROOT_ONLY)
def test_the_limits_of_data_disks_do_not_hold_for_the_system_disk(slow_emulator: EmulatorProcess, image: str) -> None:
    """With OnlyExportRootDisk what is wrong with a data disk does not matter."""
    assert export(slow_emulator, image, OnlyExportRootDisk=True, DryRun=True).code == ""


DRY: dict[str, tuple[str, str]] = {
    "an empty success": ("empty", ""),
    "an error that says so": ("DryRunOperation", "DryRunOperation"),
}


@pytest.mark.parametrize(("switch", "code"), DRY.values(), ids=DRY)
def test_a_dry_run_that_passes_is_answered_with(account: EmulatorProcess, switch: str, code: str) -> None:
    """The documents leave the answer open; either way nothing is begun or booked."""
    account.admin("POST", "/settings", {"cvmDryRunAnswer": switch})
    answer = export(account, DryRun=True)
    assert (answer.code, set(answer.body) - {"Error"}) == (code, {"RequestId"})
    assert accepted(account, "ExportImages") == []
    assert export(account).code == ""


@pytest.mark.parametrize(("sees", "code"), [(True, f"{V}.InvalidImageState"), (False, "")], ids=["sees", "passes over"])
def test_a_dry_run_and_an_export_that_runs(account: EmulatorProcess, sees: bool, code: str) -> None:  # noqa: FBT001 (a case)
    """Whether a dry run sees that an image is being exported is a switch; a second export is refused either way."""
    account.admin("POST", "/settings", {**STOPPED, "cvmDryRunSeesBusyImage": sees})
    assert export(account).code == ""
    assert (export(account).code, export(account, DryRun=True).code) == (f"{V}.InvalidImageState", code)


def test_an_image_is_free_again_when_its_export_has_ended(account: EmulatorProcess) -> None:
    """The image is busy for as long as the task runs, and can then be exported again."""
    account.admin("POST", "/settings", STOPPED)
    first = export(account)
    assert export(account).code == f"{V}.InvalidImageState"
    account.admin("POST", "/settings", FAST)
    ended(account, str(first.body["TaskId"]))
    assert export(account).code == ""


def test_only_so_many_exports_run_at_one_time(account: EmulatorProcess) -> None:
    """One more than the limit is refused until one of them has ended."""
    account.admin("POST", "/settings", {**STOPPED, "cvmExportTasks": 1})
    first = export(account)
    assert export(account, "dataDisks").code == "LimitExceeded.ExportImageTaskLimitExceeded"
    account.admin("POST", "/settings", FAST)
    ended(account, str(first.body["TaskId"]))
    assert export(account, "dataDisks").code == ""


def test_an_own_image_that_others_share_is_exported(slow_emulator: EmulatorProcess) -> None:
    """The rule is about images that another account shares with the caller."""
    assert export(slow_emulator, "sharedOut", DryRun=True).code == ""


def test_one_image_that_is_refused_refuses_all(account: EmulatorProcess) -> None:
    """A call for two images begins both exports or none."""
    windows = put_image(account, f"img-win{account.info['tencent']['appID'][-5:]}", platform="Windows")
    ids = [image_id(account, "plain"), windows]
    assert export(account, ImageIds=ids).code == f"{U}.WindowsImageExportUnsupported"
    assert (export(account).code, len(accepted(account, "ExportImages"))) == ("", 1)
