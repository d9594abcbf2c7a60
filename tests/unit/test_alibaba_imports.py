"""What a wish to import, a disk file, an image and a task are taken for: the rules alone, without a cloud."""

import gzip
import struct
import tarfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from imageferry.clouds.alibaba.import_preflight import check_wish
from imageferry.clouds.alibaba.import_state import seen
from imageferry.clouds.alibaba.requests import MARK, import_request
from imageferry.clouds.alibaba.sources import check
from imageferry.clouds.alibaba.translate import Detail, Image, Listed, images, snapshots
from imageferry.clouds.formats import Ends, Found, disk_bytes
from imageferry.core.errors import Blocked, Failure, Rejected
from imageferry.core.job import AlibabaOptions, DiskFile, ImageWish, ImportJob, TencentOptions
from imageferry.core.journal import Claim
from imageferry.core.manifest import parse_import
from imageferry.core.observation import (
    Absent,
    Cancelled,
    DiskProgress,
    Failed,
    Observation,
    Running,
    Succeeded,
    Task,
)
from imageferry.core.reasons import Reason
from imageferry.core.resolved import ResolvedImport, SourceFile

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
GIB = 1 << 30
CLAIM = Claim(key="k3v6qzd2x7m4a", object_prefix="k3v6qzd2x7m4a", account_id="1", claimed_at=NOW, claimed_by="p")


def _job(**changes: Any) -> ImportJob:  # noqa: ANN401 -- fields of any type
    job = parse_import(
        {
            "metadata": {"name": "a", "namespace": "b", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {
                "accountRef": {"name": "account"},
                "source": {"disks": [{"bucket": "team-images", "key": "web.raw"}]},
                "image": {"name": "web-restored"},
            },
        }
    )
    return replace(job, **changes)


def _image_wish(**changes: Any) -> ImportJob:  # noqa: ANN401 -- fields of any type
    return _job(image=replace(ImageWish(name="web-restored"), **changes))


FULL = ResolvedImport(
    region="cn-hangzhou",
    disks=(
        SourceFile(bucket="b", key="web.vhd", format="VHD", size_gib=40, etag="E", size_bytes=7),
        SourceFile(bucket="b", key="data", format="", etag="F", size_bytes=8),
    ),
    image=ImageWish(
        name="web-restored",
        description="of a test",
        architecture="x86_64",
        os_type="Windows",
        platform="Windows Server 2022",
        boot_mode="UEFI",
        license_type="Provided",
        tags=(("team", "images"), ("app", "")),
    ),
    role_name="Role",
    alibaba=AlibabaOptions(
        resource_group_id="rg-1", detection_strategy="Standard", nvme_support="Supported", imds_support="V2"
    ),
)


def test_a_request_is_made_of_what_was_pinned() -> None:
    """All parameters in the cloud's own words; the mark comes first, and the token is the attempt's key."""
    assert import_request(FULL, CLAIM) == {
        "ImageName": "web-restored",
        "Description": "of a test",
        "Architecture": "x86_64",
        "OSType": "windows",
        "Platform": "Windows Server 2022",
        "BootMode": "UEFI",
        "LicenseType": "Aliyun",
        "RoleName": "Role",
        "ResourceGroupId": "rg-1",
        "DetectionStrategy": "Standard",
        "Features": {"NvmeSupport": "supported", "ImdsSupport": "v2"},
        "DiskDeviceMapping": [
            {"OSSBucket": "b", "OSSObject": "web.vhd", "Format": "VHD", "DiskImageSize": 40},
            {"OSSBucket": "b", "OSSObject": "data"},
        ],
        "Tag": [{"Key": MARK, "Value": CLAIM.key}, {"Key": "app", "Value": ""}, {"Key": "team", "Value": "images"}],
        "ClientToken": CLAIM.key,
    }


def test_what_is_not_wished_is_left_to_the_cloud() -> None:
    """An absent field is an absent parameter, never an empty one."""
    bare = ResolvedImport(region="r", disks=(SourceFile(bucket="b", key="k", format=""),), image=ImageWish(name="n"))
    assert sorted(import_request(bare, CLAIM)) == ["ClientToken", "DiskDeviceMapping", "ImageName", "Tag"]


WISHES: dict[str, tuple[ImportJob, str]] = {
    "another cloud's options": (_job(tencent=TencentOptions(force=True)), "spec.tencent"),
    "a version": (_image_wish(os_version="24.04"), "spec.image.osVersion"),
    "a family": (_image_wish(family="web-family"), "spec.image.family"),
    "no file": (_job(disks=()), "names no disk file"),
    "18 files": (_job(disks=(DiskFile(bucket="b", key="k"),) * 18), "17 can be imported"),
    "Windows on Linux": (_image_wish(platform="Windows Server 2022"), "spec.image.osType"),
    "Windows on arm64": (_image_wish(os_type="Windows", architecture="arm64"), "arm64"),
    "another Windows without a licence": (
        _image_wish(os_type="Windows", platform="Other Windows", license_type="Auto"),
        "BYOL",
    ),
    "a check of Windows": (
        replace(_image_wish(os_type="Windows"), alibaba=AlibabaOptions(detection_strategy="Standard")),
        "spec.alibaba.detectionStrategy",
    ),
    "20 tags": (_image_wish(tags=tuple((f"k{number}", "v") for number in range(20))), "spec.image.tags"),
    "tags that differ in case": (_image_wish(tags=(("team", "a"), ("Team", "b"))), "differ in case"),
    "a long tag": (_image_wish(tags=(("team", "x" * 129),)), "128 characters: team"),
}


@pytest.mark.parametrize(("job", "words"), WISHES.values(), ids=WISHES)
def test_what_the_cloud_cannot_honour_is_refused_by_its_field(job: ImportJob, words: str) -> None:
    """Before anything is asked; the message names what to change."""
    with pytest.raises(Rejected) as rejected:
        check_wish(job)
    assert rejected.value.reason is Reason.INVALID_SPEC
    assert words in rejected.value.message


def test_an_ordinary_wish_is_let_through() -> None:
    """Up to the limits themselves."""
    tags = tuple((f"k{number}", "x" * 128) for number in range(19))
    check_wish(_image_wish(os_type="Windows", platform="Windows Server 2022", license_type="Auto", tags=tags))
    check_wish(_job(disks=(DiskFile(bucket="b", key="k"),) * 17))


def _packed(size: int) -> bytes:
    """The beginning of an archive that would hold a disk of this size."""
    entry = tarfile.TarInfo("disk.raw")
    entry.size = size
    return gzip.compress(entry.tobuf(tarfile.GNU_FORMAT) + bytes(512))


def _qcow2(size: int) -> bytes:
    return b"QFI\xfb" + struct.pack(">IQIIQ", 3, 0, 0, 16, size) + bytes(400)


def _footer(size: int) -> bytes:
    return (b"conectix" + bytes(40) + struct.pack(">Q", size)).ljust(512, b"\0")


SIZES: dict[str, tuple[Ends, int]] = {
    "plain": (Ends(bytes(512), bytes(512), 3 * GIB), 3 * GIB),
    "a packed RAW disk": (Ends(_packed(5000), b"", 100), 5000),
    "a large one": (Ends(_packed(40 * GIB), b"", 100), 40 * GIB),
    "qcow2": (Ends(_qcow2(40 * GIB), b"", 100), 40 * GIB),
    "a fixed VHD": (Ends(bytes(512), _footer(2 * GIB), 2 * GIB + 512), 2 * GIB),
    "a dynamic VHD": (Ends(_footer(9 * GIB), b"", 100), 9 * GIB),
    "a sparse vmdk": (Ends(b"KDMV" + struct.pack("<IIQ", 1, 3, 2048) + bytes(400), b"", 100), 1 << 20),
    "a vmdk's description": (Ends(b"# Disk DescriptorFile\n", b"", 100), 0),
    "VDI": (Ends(bytes(64) + b"\x7f\x10\xda\xbe", b"", 100), 0),
}


@pytest.mark.parametrize(("found", "expected"), SIZES.values(), ids=SIZES)
def test_the_size_of_a_disk_is_read_from_its_file(found: Ends, expected: int) -> None:
    """Each format says it somewhere else; where it does not, nothing is made up."""
    assert disk_bytes(found) == expected


def _found(first: bytes = bytes(4096), size: int = 4096, **changes: Any) -> Found:  # noqa: ANN401 -- fields of any type
    return replace(Found(etag="E", size=size, archived=False, ends=Ends(first, b"", size)), **changes)


def _file(**changes: Any) -> DiskFile:  # noqa: ANN401 -- fields of any type
    return replace(DiskFile(bucket="team-images", key="web.img"), **changes)


UNFIT: dict[str, tuple[DiskFile, Found, type[Failure], str]] = {
    "empty": (_file(), _found(b"", 0), Blocked, "is empty"),
    "archived": (_file(), _found(b"", 4096, archived=True), Blocked, "is archived: restore it"),
    "VDI": (_file(), _found(bytes(64) + b"\x7f\x10\xda\xbe"), Blocked, "is VDI, which the cloud does not import"),
    "another format": (_file(format="VHD"), _found(_qcow2(GIB)), Blocked, "is QCOW2, not VHD"),
    "no format at all": (_file(format="QCOW2"), _found(), Blocked, "no other format than RAW, not QCOW2"),
    "a disk that is too large": (_file(), _found(_qcow2(2049 * GIB)), Blocked, "2049 GiB: 2048 GiB can"),
    "a disk larger than asked": (
        _file(size_gib=39),
        _found(_qcow2(39 * GIB + 1)),
        Rejected,
        "sizeGiB of disk 2 is 39, but file web.img holds a disk of 40 GiB",
    ),
}


@pytest.mark.parametrize(("disk", "found", "kind", "words"), UNFIT.values(), ids=UNFIT)
def test_a_file_that_cannot_be_imported_is_told_with_its_remedy(
    disk: DiskFile, found: Found, kind: type[Failure], words: str
) -> None:
    """By its bytes and never by its name."""
    with pytest.raises(kind) as failure:
        check(disk, found, 1)
    assert failure.value.reason is (Reason.INVALID_SPEC if kind is Rejected else Reason.OBJECT_INVALID)
    assert words in failure.value.message


FIT: dict[str, tuple[DiskFile, Found]] = {
    "plain, as RAW": (_file(format="RAW"), _found()),
    "plain, without a word": (_file(), _found()),
    "packed, as RAW": (_file(format="RAW", size_gib=1), _found(_packed(5000))),
    "qcow2, by its bytes": (_file(key="web.raw"), _found(_qcow2(2048 * GIB))),
    "of just the size asked": (_file(size_gib=40, format="QCOW2"), _found(_qcow2(40 * GIB))),
}


@pytest.mark.parametrize(("disk", "found"), FIT.values(), ids=FIT)
def test_a_file_that_can_be_imported_is_let_through(disk: DiskFile, found: Found) -> None:
    """Up to the limits themselves."""
    check(disk, found, 0)


KNOWN = Task(id="t-1", key=CLAIM.key, object_prefix=CLAIM.key, image_id="m-1")


def _row(state: str) -> Listed:
    return Listed(id="t-1", state=state, resource_id="m-1", created_at=NOW)


def _made(status: str, *disks: dict[str, Any], **fields: Any) -> Image:  # noqa: ANN401 -- JSON
    row = {
        "ImageId": "m-1",
        "Status": status,
        "Tags": {"Tag": [{"TagKey": MARK, "TagValue": CLAIM.key}]},
        "DiskDeviceMappings": {"DiskDeviceMapping": list(disks)},
        **fields,
    }
    return images({"Images": {"Image": [row]}})[0]


PAIRS: dict[str, tuple[Listed | None, Image | None, type[Observation]]] = {
    "at work": (_row("Processing"), _made("Creating"), Running),
    "waiting": (_row("Waiting"), _made("Waiting"), Running),
    "a word that nobody knows": (_row("Paused"), _made("Repairing"), Running),
    "an image that is not shown yet": (_row("Processing"), None, Running),
    "a task that ended before its image": (_row("Finished"), _made("Creating"), Running),
    "an image that was ready before its task": (_row("Processing"), _made("Available"), Running),
    "done": (_row("Finished"), _made("Available"), Succeeded),
    "done, and out of date": (_row("Finished"), _made("Deprecated"), Succeeded),
    "done, and its image deleted": (_row("Finished"), None, Succeeded),
    "an old one": (None, _made("Available"), Succeeded),
    "an old one in the making": (None, _made("Creating"), Running),
    "an image that failed while its task runs": (_row("Processing"), _made("CreateFailed"), Failed),
    "failed": (_row("Failed"), _made("CreateFailed"), Failed),
    "failed, and nothing left": (_row("Failed"), None, Failed),
    "an old one that failed": (None, _made("UnAvailable"), Failed),
    "cancelled": (_row("Deleted"), None, Cancelled),
    "cancelled, and a failed image left": (_row("Deleted"), _made("CreateFailed"), Cancelled),
    "forgotten": (None, None, Absent),
}


@pytest.mark.parametrize(("row", "image", "expected"), PAIRS.values(), ids=PAIRS)
def test_image_and_task_are_seen_as_one(row: Listed | None, image: Image | None, expected: type[Observation]) -> None:
    """A good end needs both to say so, as far as they are told; a bad one needs either."""
    found = seen(KNOWN, row, image, shown=None, cloud_time=NOW)
    assert type(found) is expected
    assert isinstance(found, Absent) or (found.task.key, found.task.image_id) == (CLAIM.key, "m-1")


def test_a_failed_import_says_why() -> None:
    """In the cloud's words where the task tells them, else by the state of the image."""
    row = _row("Failed")
    shown = Detail(
        listed=row,
        percent=None,
        bucket="",
        objects=(),
        error_code="InvalidBlockSize.NotSupport",
        error_text="Odd blocks.",
    )
    told = seen(KNOWN, row, None, shown=shown, cloud_time=NOW)
    assert isinstance(told, Failed)
    assert (told.reason, told.code, told.retryable) == (Reason.OBJECT_INVALID, "InvalidBlockSize.NotSupport", False)
    assert told.message.endswith("Odd blocks.")
    untold = seen(KNOWN, None, _made("CreateFailed"), shown=None, cloud_time=NOW)
    assert isinstance(untold, Failed)
    assert (untold.reason, untold.retryable) == (Reason.TASK_FAILED, True)
    assert untold.message.endswith("image m-1 is CreateFailed")


def test_progress_is_told_for_each_disk() -> None:
    """The time left is that of the slowest; what is not told is not made up."""
    image = _made(
        "Creating",
        {"Device": "/dev/xvda", "Progress": "100%", "RemainTime": 0},
        {"Device": "/dev/xvdb", "Progress": "30%", "RemainTime": 90},
        {"Device": "/dev/xvdc", "Progress": ""},
        Progress="61%",
    )
    found = seen(KNOWN, _row("Processing"), image, shown=None, cloud_time=NOW)
    assert isinstance(found, Running)
    assert (found.percent, found.seconds_left) == (61, 90)
    assert found.disks == (DiskProgress("/dev/xvda", 100), DiskProgress("/dev/xvdb", 30))
    bare = seen(KNOWN, _row("Processing"), _made("Creating"), shown=None, cloud_time=NOW)
    assert isinstance(bare, Running)
    assert (bare.percent, bare.disks, bare.seconds_left) == (None, (), None)


ODD: list[Callable[[], object]] = [
    lambda: images({"Images": {"Image": [{"ImageId": "m", "Tags": "none", "Progress": None}]}})[0].tags,
    lambda: images({"Images": {"Image": [{"Tags": {"Tag": [{"TagValue": "x"}, 7]}}]}})[0].tags,
    lambda: dict(snapshots({"Snapshots": {"Snapshot": [{"SnapshotId": "s-1"}]}})[0].tags),
]


@pytest.mark.parametrize("read", ODD)
def test_tags_that_are_none_are_no_tags(read: Callable[[], object]) -> None:
    """What is missing or of another form proves nothing."""
    assert read() == {}


def test_a_snapshot_without_an_id_is_none() -> None:
    """Nothing could be done to it."""
    rows = [{"Tags": {"Tag": []}}, {"SnapshotId": "s-1", "Tags": {"Tag": [{"TagKey": MARK, "TagValue": "k"}]}}]
    assert [(each.id, each.tags) for each in snapshots({"Snapshots": {"Snapshot": rows}})] == [("s-1", {MARK: "k"})]
