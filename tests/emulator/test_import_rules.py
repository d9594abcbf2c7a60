from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator import bucket_clients
from tests.emulator.cloud import Signer, ledger
from tests.emulator.importing import KEY, accepted, call, call_as, images, put, start

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

ELSEWHERE = "xx-nowhere-2"
GROUP = "rg-acfmemulator0001"
LONG = "n" * 129
ARM = {"Architecture": "arm64"}
WINDOWS = {"OSType": "windows", "Platform": "Windows Server 2022"}

REFUSED: dict[str, tuple[dict[str, str], int, str]] = {
    "no region": ({"RegionId": ""}, 400, "MissingParameter"),
    "an unknown region": ({"RegionId": "cn-atlantis"}, 400, "InvalidRegionId.NotFound"),
    "a region without imports": ({"RegionId": ELSEWHERE}, 400, "InvalidRegion.NotSupport"),
    "a token of 65 characters": ({"ClientToken": "t" * 65}, 400, "InvalidClientToken.Malformed"),
    "a dry run with a token of 65 characters": (
        {"ClientToken": "t" * 65, "DryRun": "true"},
        400,
        "InvalidClientToken.Malformed",
    ),
    "a token in other letters": ({"ClientToken": "schlüssel"}, 400, "InvalidClientToken.Malformed"),
    "no disk": ({"Disk1_OSSBucket": "", "Disk1_OSSObject": ""}, 403, "MissingParameter.DiskDeviceMapping"),
    "no bucket": ({"Disk1_OSSBucket": ""}, 400, "MissingParameter"),
    "no object": ({"Disk1_OSSObject": ""}, 400, "MissingParameter"),
    "a second disk without its object": ({"Disk2_OSSBucket": "ferry-good"}, 400, "MissingParameter"),
    "what is no name of a bucket": ({"Disk1_OSSBucket": "Not_A_Bucket"}, 400, "InvalidOSSBucket.Malformed"),
    "what is no name of an object": ({"Disk1_OSSObject": "/disk.raw"}, 400, "InvalidOSSObject.Malformed"),
    "an unknown format": ({"Disk1_Format": "ISO"}, 400, "InvalidImageFormat.Malformed"),
    "a format that is only exported": ({"Disk1_Format": "VDI"}, 400, "InvalidImageFormat.Malformed"),
    "a format not offered here": (
        {"RegionId": "xx-raw-1", "Disk1_Format": "VMDK"},
        400,
        "InvalidImageFormat.RegionNotSupported",
    ),
    "a strange device": ({"Disk1_Device": "C:"}, 403, "InvalidParameter.Malformed"),
    "a system disk of no size": ({"Disk1_DiskImageSize": "0"}, 400, "InvalidImageSize"),
    "a system disk of 2049 GiB": ({"Disk1_DiskImageSize": "2049"}, 400, "InvalidImageSize"),
    "a size that is no number": ({"Disk1_DiskImSize": "big"}, 400, "InvalidImageSize"),
    "a data disk of 2049 GiB": (
        {"Disk2_OSSBucket": "ferry-good", "Disk2_OSSObject": KEY, "Disk2_DiskImageSize": "2049"},
        400,
        "InvalidDataDiskSize",
    ),
    "a name of one letter": ({"ImageName": "n"}, 400, "InvalidImageName.Malformed"),
    "a name of 129 letters": ({"ImageName": LONG}, 400, "InvalidImageName.Malformed"),
    "a name that begins with a digit": ({"ImageName": "1st"}, 400, "InvalidImageName.Malformed"),
    "a name of the vendor": ({"ImageName": "aliyun-1"}, 400, "InvalidImageName.Malformed"),
    "a name that is a link": ({"ImageName": "http://x"}, 400, "InvalidImageName.Malformed"),
    "a name with a blank": ({"ImageName": "my image"}, 400, "InvalidImageName.Malformed"),
    "a description of one letter": ({"Description": "d"}, 400, "InvalidDescription.Malformed"),
    "a description of 257 letters": ({"Description": "d" * 257}, 400, "InvalidDescription.Malformed"),
    "a description that is a link": ({"Description": "https://x"}, 400, "InvalidDescription.Malformed"),
    "an unknown architecture": ({"Architecture": "vax"}, 400, "InvalidArchitecture.Malformed"),
    "an unknown system": ({"OSType": "plan9"}, 400, "InvalidOSType.Malformed"),
    "an unknown platform": ({"Platform": "Plan 9"}, 400, "InvalidPlatform.Malformed"),
    "Windows on arm64": ({**ARM, "Platform": "Windows Server 2022"}, 403, "InvalidArchitecture.PlatformUnsupported"),
    "an unknown boot mode": ({"BootMode": "Floppy"}, 400, "InvalidBootMode.Malformed"),
    "BIOS on arm64": ({**ARM, "BootMode": "BIOS"}, 400, "InvalidBootMode.NotSupport"),
    "an unknown licence": ({"LicenseType": "Pirate"}, 400, "InvalidLicenseType.NotSupported"),
    "Windows without a licence": (WINDOWS, 400, "InvalidLicenseType.NotSupported"),
    "a Windows that the vendor does not license": (
        {"OSType": "windows", "Platform": "Other Windows", "LicenseType": "Aliyun"},
        400,
        "InvalidLicenseType.BYOLOnly",
    ),
    "an unknown check": ({"DetectionStrategy": "Thorough"}, 400, "InvalidParameter.DetectionStrategy"),
    "a check of Windows": (
        {**WINDOWS, "LicenseType": "BYOL", "DetectionStrategy": "Standard"},
        403,
        "ImageCheckUnsupported.WindowsImage",
    ),
    "an unknown metadata mode": ({"Features_ImdsSupport": "v3"}, 400, "InvalidParameter.FeaturesImdsSupport"),
    "an unknown NVMe mode": ({"Features_NvmeSupport": "perhaps"}, 400, "InvalidParameter"),
    "a cloud box": (
        {"StorageLocationArn": "arn:acs:cloudbox:x"},
        403,
        "InvalidOperation.CloudBoxImageImportUnsupported",
    ),
    "a tag twice": ({"Tag1_Key": "k", "Tag2_Key": "K"}, 403, "TagKey.Duplication"),
    "a tag of the vendor": ({"Tag1_Key": "acs:k"}, 400, "InvalidTagKey.Malformed"),
    "a tag's value of the vendor": ({"Tag1_Key": "k", "Tag1_Value": "acs:v"}, 400, "InvalidTagValue.Malformed"),
    "21 tags": ({f"Tag{n}_Key": f"k{n}" for n in range(1, 22)}, 400, "NumberExceed.Tags"),
    "an unknown resource group": ({"ResourceGroupId": "rg-none"}, 404, "InvalidResourceGroup.NotFound"),
    "an unknown role": ({"RoleName": "SomebodyElse"}, 403, "NoSetRoletoECSServiceAcount"),
    "a role that does not trust ECS": ({"RoleName": "import-untrusted"}, 403, "NoSetRoletoECSServiceAcount"),
    "a role that may not read": ({"RoleName": "import-powerless"}, 403, "InvalidOSS.NotAuthorized"),
    "an unknown bucket": ({"Disk1_OSSBucket": "nobodys-bucket"}, 400, "InvalidOSSBucket.NotFound"),
    "a bucket of another account": ({"bucket": "foreign"}, 400, "InvalidOSSBucket.NotFound"),
    "a bucket of another region": ({"bucket": "otherRegion"}, 400, "InvalidOSSBucket.NotMatched"),
    "an encrypted bucket": ({"bucket": "encrypted"}, 403, "InvalidOSSBucket.EncryptUnsupported"),
    "an unknown object": ({"Disk1_OSSObject": "none.raw"}, 400, "InvalidOSSObject.NotFound"),
    "an unknown object behind a known one": (
        {"Disk2_OSSBucket": "ferry-good", "Disk2_OSSObject": "none.raw"},
        400,
        "InvalidOSSObject.NotFound",
    ),
    "an empty object": ({"Disk1_OSSObject": "empty.raw"}, 400, "InvalidOSSObject.Size"),
    "an object of another suffix": ({"Disk1_OSSObject": "disk.iso"}, 400, "UnsupportedSuffix.OSSObject"),
    "an archived object": ({"Disk1_OSSObject": "cold.raw"}, 400, "InvalidOSSObject.NeedRestore"),
    "a name that is taken": ({"ImageName": "plain-image"}, 400, "InvalidImageName.Duplicated"),
    "a dry run of what would be accepted": ({"DryRun": "true"}, 400, "DryRunOperation"),
}


@pytest.fixture(scope="module")
def cloud(slow_emulator: EmulatorProcess) -> EmulatorProcess:
    """An emulator with a file for each rule, in which no task ends."""
    slow_emulator.admin("POST", "/settings", {"quota": {"imports": 1000, "images": 1000}})
    put(slow_emulator)
    put(slow_emulator, "empty.raw", b"")
    put(slow_emulator, "disk.iso")
    put(slow_emulator, "cold.raw", x_oss_storage_class="Archive")
    slow_emulator.admin("POST", "/regions", {"id": ELSEWHERE, "importSupported": False})
    slow_emulator.admin("POST", "/regions", {"id": "xx-raw-1", "importFormats": ["raw"]})
    return slow_emulator


@pytest.mark.parametrize(("changes", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_an_import_is_refused_for(cloud: EmulatorProcess, changes: dict[str, str], status: int, code: str) -> None:
    """Each documented rule answers with its code, and neither a task nor an image is made."""
    before = (len(ledger(cloud, "ImportImage")), len(images(cloud)), len(cloud.admin("GET", "/tasks")["tasks"]))
    answer = call(cloud, **changes)
    assert (answer.status, answer.code) == (status, code)
    after = (len(ledger(cloud, "ImportImage")), len(images(cloud)), len(cloud.admin("GET", "/tasks")["tasks"]))
    assert after == before


ACCEPTED: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "nothing but a file": (
        {},
        {
            "OSType": "linux",
            "Platform": "Others Linux",
            "Architecture": "x86_64",
            "BootMode": "BIOS",
            "LicenseType": "Aliyun",
            "Features": {"NvmeSupport": "unsupported", "ImdsSupport": "v1"},
            "ImageOwnerAlias": "self",
            "IsCopied": False,
        },
    ),
    "an arm64 system": (ARM, {"Architecture": "arm64", "BootMode": "UEFI"}),
    "Windows with a licence": ({**WINDOWS, "LicenseType": "BYOL"}, {"OSType": "windows", "LicenseType": "BYOL"}),
    "a name in other letters": ({"ImageName": "镜像.v1:a_b-c"}, {"ImageName": "镜像.v1:a_b-c"}),
    "features": (
        {"Features_NvmeSupport": "supported", "Features_ImdsSupport": "v2"},
        {"Features": {"NvmeSupport": "supported", "ImdsSupport": "v2"}},
    ),
    "a resource group": ({"ResourceGroupId": GROUP}, {"ResourceGroupId": GROUP}),
    "a check": ({"DetectionStrategy": "Standard"}, {"Status": "Creating"}),
    "the older name of the size": ({"Disk1_DiskImSize": "80"}, {"Size": 80}),
    "the newer name of the size before the older": (
        {"Disk1_DiskImageSize": "60", "Disk1_DiskImSize": "80"},
        {"Size": 60},
    ),
}


@pytest.mark.parametrize(("changes", "shown"), ACCEPTED.values(), ids=ACCEPTED)
def test_an_image_is_as_it_was_asked_for(
    cloud: EmulatorProcess, changes: dict[str, str], shown: dict[str, Any]
) -> None:
    """What the request gives, or the documented default, is what DescribeImages shows."""
    image_id, _ = start(cloud, **changes)
    (image,) = images(cloud, ImageId=image_id)
    assert {name: image[name] for name in shown} == shown


def test_disks_beyond_the_seventeenth_are_passed_over(cloud: EmulatorProcess) -> None:
    """Seventeen disks are taken, each under its own device, whatever comes behind."""
    image_id, _ = start(cloud, *[KEY] * 19)
    (image,) = images(cloud, ImageId=image_id)
    disks = image["DiskDeviceMappings"]["DiskDeviceMapping"]
    assert [disk["Device"] for disk in disks] == [f"/dev/xvd{letter}" for letter in "abcdefghijklmnopq"]
    assert [disk["Type"] for disk in disks] == ["system", *["data"] * 16]


GRANTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "without its role": ({"roles": []}, 403, "NoSetRoletoECSServiceAcount"),
    "that is not allow-listed": ({"importAllowed": False}, 403, "UserNotInTheWhiteList"),
    "that has debts": ({"inArrears": True}, 400, "Account.Arrearage"),
    "whose OSS is disabled": ({"ossEnabled": False}, 403, "InvalidAccountStatus.OSSDisabled"),
}
GRANTED = {
    "roles": ["AliyunECSImageImportDefaultRole"],
    "importAllowed": True,
    "inArrears": False,
    "ossEnabled": True,
}


@pytest.mark.parametrize(("grants", "status", "code"), GRANTS.values(), ids=GRANTS)
def test_an_import_is_refused_for_an_account(
    tenant: EmulatorProcess, grants: dict[str, Any], status: int, code: str
) -> None:
    """What the account lacks has its code; once it has it the same request is accepted."""
    put(tenant)
    account = tenant.info["accountID"]
    tenant.admin("POST", "/accounts", {"id": account, **grants})
    refused = call(tenant)
    tenant.admin("POST", "/accounts", {"id": account, **GRANTED})
    assert ((refused.status, refused.code), call(tenant).status) == ((status, code), 200)


QUOTAS: dict[str, tuple[dict[str, int], str]] = {
    "imports at one time": ({"imports": 2}, "ConcurrentQuotaExceed.ImportImage"),
    "custom images": ({"images": 2}, "QuotaExceed.Image"),
}


@pytest.mark.parametrize(("quota", "code"), QUOTAS.values(), ids=QUOTAS)
def test_a_quota_limits(tenant: EmulatorProcess, quota: dict[str, int], code: str) -> None:
    """The limit is of one account in one region, and counts what is there, in whatever state."""
    tenant.admin("POST", "/settings", {"speed": 0.001, "quota": quota})
    put(tenant)
    put(tenant, bucket="otherRegion")
    frankfurt = {"RegionId": "eu-central-1", "bucket": "otherRegion"}
    for _ in range(2):
        start(tenant, **frankfurt)
    refused = call(tenant, **frankfurt)
    assert (refused.status, refused.code) == (403, code)
    tenant.admin("POST", "/settings", {"quota": {"images": 1000}})
    assert call(tenant).status == 200


def test_a_name_is_taken_within_one_account_and_region(cloud: EmulatorProcess) -> None:
    """Another account, and the same one in another region, may use a name that is taken here."""
    other = cloud.info["otherAccount"]
    put(cloud, bucket="otherRegion")
    put(cloud, bucket="foreign", key_pair=(other["accessKeyID"], other["accessKeySecret"]))
    by = Signer(other["accessKeyID"], other["accessKeySecret"])
    codes = [
        call(cloud, ImageName="plain2-image").code,
        call_as(by, cloud, bucket="foreign", ImageName="plain2-image").code,
        call(cloud, bucket="otherRegion", RegionId="eu-central-1", ImageName="plain2-image").code,
    ]
    assert codes == ["InvalidImageName.Duplicated", "", ""]


@pytest.mark.parametrize("code", ["InvalidImageName.Duplicated", "ImageIsImporting"])
def test_the_name_of_an_image_that_is_being_imported_is_a_switch(tenant: EmulatorProcess, code: str) -> None:
    """The documents name two codes that fit; a switch chooses."""
    tenant.admin("POST", "/settings", {"speed": 0.001, "importingNameCode": code})
    put(tenant)
    start(tenant, ImageName="mine")
    assert call(tenant, ImageName="mine").code == code


@pytest.mark.parametrize("code", ["DryRunOperation", "DRYRUN.SUCCESS"])
def test_a_dry_run_says_so_with_either_documented_code(tenant: EmulatorProcess, code: str) -> None:
    """It neither looks at a token nor uses one up, and makes nothing."""
    tenant.admin("POST", "/settings", {"dryRunCode": code})
    put(tenant)
    wish = {"ClientToken": "once", "ImageName": "mine"}
    assert call(tenant, **wish, DryRun="True").code == code
    start(tenant, **wish)
    assert len(accepted(tenant)) == 1


SUFFIXES: dict[str, tuple[str, bool]] = {
    "raw": ("disk.raw", True),
    "img": ("disk.img", True),
    "vhd": ("disk.VHD", True),
    "qcow2": ("disk.qcow2", True),
    "vmdk": ("disk.vmdk", True),
    "none": ("v1.2/disk", True),
    "raw.tar.gz": ("disk.raw.tar.gz", True),
    "tar.gz": ("disk.tar.gz", False),
    "vdi": ("disk.vdi", False),
    "a number": ("disk.1", False),
}


@pytest.mark.parametrize(("key", "taken"), SUFFIXES.values(), ids=SUFFIXES)
def test_an_object_is_taken_or_refused_by_its_suffix(cloud: EmulatorProcess, key: str, *, taken: bool) -> None:
    """A switch lets every suffix pass, for which the documents name a code and no list."""
    put(cloud, key)
    assert call(cloud, key).code == ("" if taken else "UnsupportedSuffix.OSSObject")
    cloud.admin("POST", "/settings", {"importSuffixChecked": False})
    unchecked = call(cloud, key).code
    cloud.admin("POST", "/settings", {"importSuffixChecked": True})
    assert unchecked == ""


def test_a_restored_object_can_be_imported(tenant: EmulatorProcess) -> None:
    """What was archived is read once its restoration is over, which takes its time on the task clock."""
    put(tenant, x_oss_storage_class="Archive")
    tenant.admin("POST", "/settings", {"restoreSeconds": 0})
    resource = f"/{tenant.info['buckets']['good']}/{KEY}"
    by = bucket_clients.signer(tenant)
    restored = bucket_clients.call(tenant, by, "POST", resource, query={"restore": ""})
    assert (restored.status, call(tenant).status) == (202, 200)
