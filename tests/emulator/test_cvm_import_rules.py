"""Which imports CVM refuses, and with which code: the rules of ImportImage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.cvm import STOPPED, accepted, ask, images, put, put_image, take_in

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

V = "InvalidParameterValue"
URL_CODE = "InvalidParameter.InvalidParameterUrlError"
URL = "https://ferry-good-1250000001.cos.ap-guangzhou.myqcloud.com/disk.raw"


def _tags(*keys: str, kind: str = "image") -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": "v"} for key in keys]}]


WISHES: dict[str, tuple[dict[str, Any], str]] = {
    "without an architecture": ({"Architecture": None}, "MissingParameter"),
    "without an operating system": ({"OsType": None}, "MissingParameter"),
    "without a version": ({"OsVersion": None}, "MissingParameter"),
    "without a URL": ({"ImageUrl": None}, "MissingParameter"),
    "without a name": ({"ImageName": None}, "MissingParameter"),
    "for an architecture that is not": ({"Architecture": "arm64"}, V),
    "of an unknown system": ({"OsType": "Plan 9"}, "InvalidImageOsType.Unsupported"),
    "of an unknown version": ({"OsVersion": "1"}, "InvalidImageOsVersion.Unsupported"),
    "of a system that is not for the architecture": (
        {"Architecture": "arm_64"},
        "InvalidImageOsVersion.Unsupported",
    ),
    "with a name of 61 characters": ({"ImageName": "n" * 61}, f"{V}.TooLarge"),
    "with a description of 257 characters": ({"ImageDescription": "d" * 257}, f"{V}.TooLarge"),
    "with an unknown boot mode": ({"BootMode": "BIOS"}, f"{V}.InvalidBootMode"),
    "with an unknown licence": ({"LicenseType": "Auto"}, f"{V}.InvalidLicenseType"),
    "with a malformed family": ({"ImageFamily": "-"}, f"{V}.InvalidImageFamily"),
    "with tags for an instance": ({"TagSpecification": _tags("a", kind="instance")}, V),
    "with a tag twice": ({"TagSpecification": _tags("a", "a")}, f"{V}.DuplicateTags"),
    "with six data disks": ({"ImportImageDataDiskList": [{"ImageUrl": URL}] * 6}, f"{V}.LimitExceeded"),
    "with a data disk without a URL": ({"ImportImageDataDiskList": [{}]}, "MissingParameter"),
    "with a data disk from elsewhere": ({"ImportImageDataDiskList": [{"ImageUrl": "https://example.org/a"}]}, URL_CODE),
    "from another site": ({"ImageUrl": "https://example.org/disk.raw"}, URL_CODE),
    "from an address without a bucket": ({"ImageUrl": "http://127.0.0.1:1/disk.raw?q-sign-algorithm=sha1"}, URL_CODE),
    "from a bucket without a key": ({"ImageUrl": URL.removesuffix("disk.raw")}, URL_CODE),
    "by another scheme": ({"ImageUrl": URL.replace("https", "cos")}, URL_CODE),
    "from what is no URL": ({"ImageUrl": "http://[disk.raw"}, URL_CODE),
    "from a bucket without an APPID": ({"ImageUrl": URL.replace("-1250000001", "")}, f"{V}.InvalidAppIdFormat"),
    "of an ISO without force": ({"ImageUrl": URL.replace(".raw", ".iso")}, f"{V}.ISOMustImportByForce"),
    "with an unknown parameter": ({"ClientToken": "t"}, "UnknownParameter"),
}


@pytest.mark.parametrize(("changes", "code"), WISHES.values(), ids=WISHES)
def test_an_import_is_refused(slow_emulator: EmulatorProcess, changes: dict[str, Any], code: str) -> None:
    """Nothing is made or booked, in a dry run or not."""
    answers = [take_in(slow_emulator, URL, **{**changes, "DryRun": dry}) for dry in (True, False)]
    assert [answer.code for answer in answers] == [code, code]
    assert accepted(slow_emulator, "ImportImage") == []


def test_an_iso_is_taken_by_force(slow_emulator: EmulatorProcess) -> None:
    """Force passes over what is said of ISO files."""
    assert take_in(slow_emulator, URL.replace(".raw", ".iso"), Force=True, DryRun=True).code == ""


def test_a_name_can_be_had_once(account: EmulatorProcess) -> None:
    """Whatever the state of the image that has it; another account's names do not matter."""
    account.admin("POST", "/settings", STOPPED)
    url = put(account)
    assert take_in(account, url, ImageName="plain").code == "InvalidImageName.Duplicate"
    assert take_in(account, url, ImageName="mine").code == ""
    assert take_in(account, url, ImageName="mine").code == "InvalidImageName.Duplicate"
    assert take_in(account, url, ImageName="windows-image", DryRun=True).code == ""


def test_there_can_be_only_so_many_images(account: EmulatorProcess) -> None:
    """The quota counts the account's images in the region, and DescribeImageQuota tells it."""
    assert ask(account, "DescribeImageQuota").body["ImageNumQuota"] == 500
    account.admin("POST", "/settings", {**STOPPED, "cvmImages": 3})
    url = put(account)
    assert take_in(account, url, ImageName="third").code == ""
    assert take_in(account, url, ImageName="fourth").code == "ImageQuotaLimitExceeded"
    assert ask(account, "DescribeImageQuota").body["ImageNumQuota"] == 3


def test_a_region_may_not_import(account: EmulatorProcess) -> None:
    """It says so before it looks at anything else."""
    account.admin("POST", "/tencent/regions", {"id": "ap-guangzhou", "importSupported": False})
    try:
        code = take_in(account, URL, Architecture=None).code
    finally:
        account.admin("POST", "/tencent/regions", {"id": "ap-guangzhou"})
    assert code == "RegionAbilityLimit.UnsupportedToImportImage"


KEYS: dict[str, tuple[str, str, str]] = {
    "a new key is made": ("created", "new", ""),
    "a known key is taken": ("refused", "known", ""),
    "a new key is refused": ("refused", "new", f"{V}.TagKeyNotFound"),
}


@pytest.mark.parametrize(("switch", "key", "code"), KEYS.values(), ids=KEYS)
def test_tags_whose_key_is_not_known(account: EmulatorProcess, switch: str, key: str, code: str) -> None:
    """Whether an import makes the keys of its tags is a switch."""
    account.admin("POST", "/settings", {"cvmUnknownTagKey": switch})
    put_image(account, f"img-tag{account.info['tencent']['appID'][-5:]}", tags={"known": "1"})
    assert take_in(account, URL, TagSpecification=_tags(key), DryRun=True).code == code


DRY: dict[str, tuple[str, str]] = {
    "an empty success": ("empty", ""),
    "an error that says so": ("DryRunOperation", "DryRunOperation"),
}


@pytest.mark.parametrize(("switch", "code"), DRY.values(), ids=DRY)
def test_a_dry_run_that_passes_is_answered_with(account: EmulatorProcess, switch: str, code: str) -> None:
    """As for exports; no image is made, nothing is booked."""
    account.admin("POST", "/settings", {"cvmDryRunAnswer": switch})
    answer = take_in(account, put(account), DryRun=True)
    assert (answer.code, set(answer.body) - {"Error"}) == (code, {"RequestId"})
    named = [{"Name": "image-name", "Values": ["taken-in"]}]
    assert (images(account, Filters=named), accepted(account, "ImportImage")) == ([], [])


def test_every_system_that_is_listed_is_taken(slow_emulator: EmulatorProcess) -> None:
    """DescribeImportImageOs lists what ImportImage takes."""
    told = ask(slow_emulator, "DescribeImportImageOs").body
    names = [name for kind in told["ImportImageOsListSupported"].values() for name in kind]
    assert names == [system["OsName"] for system in told["ImportImageOsVersionSet"]]
    for system in told["ImportImageOsVersionSet"]:
        wish = {"OsType": system["OsName"], "OsVersion": system["OsVersions"][-1]}
        answer = take_in(slow_emulator, URL, **wish, Architecture=system["Architecture"][-1], DryRun=True)
        assert answer.code == "", wish
