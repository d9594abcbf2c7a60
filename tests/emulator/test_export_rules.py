from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.cloud import Signer, export, export_params, ledger, signer, until

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

ELSEWHERE = "xx-nowhere-1"

REFUSED: dict[str, tuple[dict[str, str], int, str]] = {
    "no region": ({"RegionId": ""}, 400, "MissingParameter"),
    "no image": ({"ImageId": ""}, 400, "MissingParameter"),
    "no bucket": ({"OSSBucket": ""}, 400, "MissingParameter"),
    "an unknown region": ({"RegionId": "cn-atlantis"}, 400, "InvalidRegionId.NotFound"),
    "a region without exports": ({"RegionId": ELSEWHERE}, 400, "InvalidRegion.NotSupport"),
    "a prefix with a blank": ({"OSSPrefix": "a b"}, 400, "InvalidOSSPrefix.Malformed"),
    "a prefix with an underscore": ({"OSSPrefix": "a_b"}, 400, "InvalidOSSPrefix.Malformed"),
    "a prefix of 31 characters": ({"OSSPrefix": "a" * 31}, 400, "InvalidOSSPrefix.Malformed"),
    "a prefix in other letters": ({"OSSPrefix": "präfix"}, 400, "InvalidOSSPrefix.Malformed"),
    "an unknown format": ({"ImageFormat": "iso"}, 400, "InvalidImageFormat.Malformed"),
    "a format not offered here": ({"ImageFormat": "qcow2"}, 400, "InvalidImageFormat.RegionNotSupported"),
    "an unknown image": ({"ImageId": "m-none"}, 404, "InvalidImageId.NotFound"),
    "an image of another region": ({"image": "frankfurt"}, 404, "InvalidImageId.NotFound"),
    "an image of another account": ({"image": "foreign"}, 404, "InvalidImageId.NotFound"),
    "an image that is being created": ({"image": "creating"}, 400, "IncorrectImageStatus"),
    "an encrypted image": ({"image": "encrypted"}, 400, "ImageNotSupported"),
    "an image of the marketplace": ({"image": "marketplace"}, 403, "ImageNotSupported"),
    "a Windows image": ({"image": "windows"}, 403, "InvalidImageLicense.NotSupported"),
    "five data disks": ({"image": "tooManyDisks"}, 400, "InvalidImage.DiskAmountOrSize"),
    "a data disk over 500 GiB": ({"image": "tooLarge"}, 400, "InvalidImage.DiskAmountOrSize"),
    "an unknown bucket": ({"OSSBucket": "nobodys-bucket"}, 400, "InvalidOSSBucket.NotFound"),
    "a bucket of another account": ({"bucket": "foreign"}, 400, "InvalidOSSBucket.NotFound"),
    "a bucket of another region": ({"bucket": "otherRegion"}, 400, "InvalidOSSBucket.NotMatched"),
    "an encrypted bucket": ({"bucket": "encrypted"}, 403, "InvalidOSSBucket.EncryptUnsupported"),
    "an unknown role": ({"RoleName": "SomebodyElse"}, 403, "NoSetRoletoECSServiceAcount"),
    "a dry run of what would be accepted": ({"DryRun": "True"}, 400, "DryRunOperation"),
}


def _call(emulator: EmulatorProcess, changes: dict[str, str], by: Signer | None = None) -> tuple[int, str]:
    changes = dict(changes)
    if "bucket" in changes:
        changes["OSSBucket"] = emulator.info["buckets"][changes.pop("bucket")]
    params = export_params(emulator, changes.pop("image", "plain"), **changes)
    answer = (by or signer(emulator)).call(emulator, "ExportImage", params)
    return answer.status, answer.code


@pytest.mark.parametrize(("changes", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_an_export_is_refused_for(
    slow_emulator: EmulatorProcess, changes: dict[str, str], status: int, code: str
) -> None:
    """Each documented rule answers with its code, and nothing is started."""
    slow_emulator.admin("POST", "/regions", {"id": ELSEWHERE, "exportSupported": False})
    before = len(ledger(slow_emulator))
    assert _call(slow_emulator, changes) == (status, code)
    assert len(ledger(slow_emulator)) == before


def test_an_image_is_exported_once_at_a_time(slow_emulator: EmulatorProcess) -> None:
    """A second export of a busy image is refused, whatever its prefix."""
    export(slow_emulator, "plain2", OSSPrefix="a")
    assert _call(slow_emulator, {"image": "plain2", "OSSPrefix": "b"}) == (403, "ImageIsExporting")


GRANTS: dict[str, tuple[dict[str, Any], str]] = {
    "without its role": ({"roles": []}, "NoSetRoletoECSServiceAcount"),
    "that is not allow-listed": ({"exportAllowed": False}, "UserNotInTheWhiteList"),
}


@pytest.mark.parametrize(("grants", "code"), GRANTS.values(), ids=GRANTS)
def test_an_export_is_refused_for_an_account(emulator: EmulatorProcess, grants: dict[str, Any], code: str) -> None:
    """What the account was not granted has its code; once granted the same request is accepted."""
    account = emulator.info["accountID"]
    emulator.admin("POST", "/accounts", {"id": account, **grants})
    assert _call(emulator, {}) == (403, code)
    granted = {"roles": ["AliyunECSImageExportDefaultRole"], "exportAllowed": True}
    emulator.admin("POST", "/accounts", {"id": account, **granted})
    assert _call(emulator, {}) == (200, "")


def test_concurrent_exports_are_limited_per_region_and_account(emulator: EmulatorProcess) -> None:
    """The limit counts running tasks of one region and account only."""
    emulator.admin("POST", "/settings", {"speed": 0.001, "quota": {"concurrent": 2}})
    export(emulator, "plain")
    export(emulator, "plain2")
    assert _call(emulator, {"image": "plain3"}) == (403, "ConcurrentQuotaExceed.ExportImage")
    export(emulator, "frankfurt", RegionId="eu-central-1", OSSBucket=emulator.info["buckets"]["otherRegion"])
    other = emulator.info["otherAccount"]
    by = Signer(other["accessKeyID"], other["accessKeySecret"])
    assert _call(emulator, {"image": "foreign", "bucket": "foreign"}, by) == (200, "")


def test_weekly_exports_are_limited_on_the_task_clock(emulator: EmulatorProcess) -> None:
    """The weekly limit counts accepted exports, and a week of the compressed clock frees it."""
    emulator.admin("POST", "/settings", {"speed": 0.001, "regionQuotas": {"cn-hangzhou": {"weekly": 1}}})
    task = export(emulator, "plain")
    signer(emulator).call(emulator, "CancelTask", {"RegionId": "cn-hangzhou", "TaskId": task})
    assert _call(emulator, {"image": "plain2"}) == (403, "WeeklyQuotaExceed.ExportImage")
    emulator.admin("POST", "/settings", {"speed": 10_000_000})
    start = emulator.admin("GET", "/state")["clock"]["taskSeconds"]
    until(lambda: emulator.admin("GET", "/state")["clock"]["taskSeconds"], lambda now: now > start + 8 * 86400)
    assert _call(emulator, {"image": "plain2"}) == (200, "")


def test_a_dry_run_says_so_with_either_documented_code(emulator: EmulatorProcess) -> None:
    """The documents name two codes for a dry run that passed; a switch chooses."""
    emulator.admin("POST", "/settings", {"dryRunCode": "DRYRUN.SUCCESS"})
    assert _call(emulator, {"DryRun": "true"}) == (400, "DRYRUN.SUCCESS")


@pytest.mark.parametrize(("sees", "code"), [(False, "DryRunOperation"), (True, "ImageIsExporting")])
def test_a_dry_run_on_a_busy_image_is_a_switch(emulator: EmulatorProcess, sees: bool, code: str) -> None:  # noqa: FBT001 (the switch's value)
    """Whether a dry run sees the running export is not documented; both are to be had."""
    emulator.admin("POST", "/settings", {"speed": 0.001, "dryRunSeesBusyImage": sees})
    export(emulator, "plain")
    assert _call(emulator, {"DryRun": "true"})[1] == code


def test_an_image_becomes_available_on_the_task_clock(emulator: EmulatorProcess) -> None:
    """An image that is being created can be exported once the compressed clock says so."""
    image = {"id": "m-bp1later", "region": "cn-hangzhou", "account": emulator.info["accountID"], "status": "Creating"}
    emulator.admin("POST", "/images", {**image, "availableAfterSeconds": 1_000_000})
    assert _call(emulator, {"ImageId": "m-bp1later"}) == (400, "IncorrectImageStatus")
    emulator.admin("POST", "/images", {**image, "availableAfterSeconds": 0})
    assert _call(emulator, {"ImageId": "m-bp1later"}) == (200, "")
