"""What an image and a file must be on Tencent Cloud, by what the cloud shows of them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from imageferry.clouds.formats import Ends, Found
from imageferry.clouds.tencent import images, requests, sources, systems, translate, written
from imageferry.clouds.tencent.answers import Entry, Upload
from imageferry.clouds.tencent.policies import GRAMMAR
from imageferry.clouds.tencent.translate import Disk, Image, System
from imageferry.clouds.tencent.written import LOST_AFTER, Expected, Looks, Written
from imageferry.core.errors import Blocked, Failure, Rejected
from imageferry.core.job import DiskFile, ImageWish
from imageferry.core.journal import Claim
from imageferry.core.reasons import Reason
from imageferry.core.resolved import ResolvedExport, ResolvedImport, SourceFile

SYSTEM = Disk("snap-0", "SYSTEM_DISK", 50)
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def _image(**changes: Any) -> Image:  # noqa: ANN401 -- fields of Image
    usual = Image(
        id="img-1",
        name="web",
        state="NORMAL",
        kind="PRIVATE_IMAGE",
        platform="Ubuntu",
        os_name="Ubuntu Server 22.04",
        architecture="x86_64",
        family="",
        deprecated=False,
        size_gib=50,
        created_at=NOW,
        disks=(SYSTEM,),
    )
    return replace(usual, **changes)


def _data(count: int, gib: int = 100) -> tuple[Disk, ...]:
    return (SYSTEM, *(Disk(f"snap-{n}", "DATA_DISK", gib) for n in range(1, count + 1)))


REFUSED: dict[str, tuple[Image, type[Failure], Reason]] = {
    "public": (_image(kind="PUBLIC_IMAGE"), Rejected, Reason.IMAGE_NOT_OWNED),
    "shared": (_image(kind="SHARED_IMAGE"), Rejected, Reason.IMAGE_NOT_OWNED),
    "Windows by its platform": (_image(platform="Windows"), Rejected, Reason.LICENSE_NOT_EXPORTABLE),
    "Windows by its system": (
        _image(platform="Other", os_name="Windows Server 2022"),
        Rejected,
        Reason.LICENSE_NOT_EXPORTABLE,
    ),
    "Red Hat": (_image(platform="Red Hat"), Rejected, Reason.LICENSE_NOT_EXPORTABLE),
    "RedHat": (_image(platform="RedHat"), Rejected, Reason.LICENSE_NOT_EXPORTABLE),
    "six data disks": (_image(disks=_data(6)), Rejected, Reason.TOO_MANY_DISKS),
    "a system disk of 501 GiB": (
        _image(disks=(replace(SYSTEM, size_gib=501),)),
        Rejected,
        Reason.DISK_TOO_LARGE,
    ),
    "a data disk of 501 GiB": (_image(disks=_data(1, 501)), Rejected, Reason.DISK_TOO_LARGE),
    "failed": (_image(state="IMPORTFAILED"), Rejected, Reason.IMAGE_NOT_READY),
    "being copied": (_image(state="SYNCING"), Blocked, Reason.IMAGE_NOT_READY),
    "in a state that nobody knows": (_image(state=""), Blocked, Reason.IMAGE_NOT_READY),
}


@pytest.mark.parametrize(("image", "kind", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_the_cloud_does_not_export_is_refused_by_its_limit(
    image: Image, kind: type[Failure], reason: Reason
) -> None:
    """Each limit of the documents, told before the cloud refuses."""
    with pytest.raises(kind) as refused:
        images.check(image, system_only=False)
    assert refused.value.reason is reason
    assert image.id in refused.value.message


@pytest.mark.parametrize("image", [_image(disks=_data(5, 500)), _image(kind="", disks=())])
def test_the_limits_themselves_are_let_through(image: Image) -> None:
    """Exactly five data disks, exactly 500 GiB; and what is not told is not held against an image."""
    images.check(image, system_only=False)


def test_disks_that_are_not_exported_do_not_count() -> None:
    """SystemOnly: too many or too large data disks stay where they are."""
    images.check(_image(disks=_data(6, 501)), system_only=True)


IMAGE_ROW: dict[str, Any] = {
    "ImageId": "img-1",
    "ImageName": "web",
    "ImageState": "NORMAL",
    "ImageType": "PRIVATE_IMAGE",
    "ImageSize": 50,
    "SyncPercent": 40,
    "SnapshotSet": [{"SnapshotId": "snap-0", "DiskUsage": "SYSTEM_DISK", "DiskSize": 50}],
    "Tags": [{"Key": "k", "Value": "v"}],
    "CreatedTime": "2026-11-21T09:00:00Z",
    "ImageDeprecated": True,
}


def test_an_image_is_read_as_it_is_shown() -> None:
    """Fields by their documented names."""
    (found,) = translate.images({"TotalCount": 1, "ImageSet": [IMAGE_ROW, {"ImageName": "nameless"}]})
    assert (found.id, found.state, found.disks, found.tags) == ("img-1", "NORMAL", (SYSTEM,), {"k": "v"})
    assert (found.created_at, found.deprecated, found.size_gib, found.percent) == (NOW, True, 50, 40)


@pytest.mark.parametrize("value", [None, "text", 7, {"a": 1}])
def test_fields_of_another_shape_are_as_if_they_were_empty(value: object) -> None:
    """Null is written for an empty list, and nobody knows what comes next."""
    changed = dict.fromkeys(IMAGE_ROW, value) | {"ImageId": "img-1"}
    (found,) = translate.images({"ImageSet": [changed]})
    assert (found.disks, found.tags, found.created_at) == ((), {}, None)
    assert translate.images({"ImageSet": value}) == ()
    assert translate.regions({"RegionSet": value}) == frozenset()


SYSTEMS = (System("Ubuntu", ("20", "22"), ("x86_64", "arm_64")), System("Windows", ("2022",), ("x86_64",)))


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (ImageWish(name="a", platform="Plan9", os_version="1"), "Ubuntu, Windows"),
        (ImageWish(name="a", platform="Ubuntu", os_version="7"), "20, 22"),
        (ImageWish(name="a", platform="Windows", os_version="2022", architecture="arm64"), "x86_64"),
    ],
)
def test_a_system_that_is_not_imported_is_refused_with_those_that_are(wish: ImageWish, words: str) -> None:
    """The list is the cloud's own, and changes."""
    with pytest.raises(Rejected, match=words):
        systems.check(wish, SYSTEMS)


def test_a_system_that_is_imported_is_let_through() -> None:
    """And so is everything where the cloud lists nothing."""
    systems.check(ImageWish(name="a", platform="Ubuntu", os_version="22", architecture="arm64"), SYSTEMS)
    systems.check(ImageWish(name="a", platform="Plan9"), ())


QCOW2 = b"QFI\xfb" + bytes(20) + (1 << 30).to_bytes(8, "big")


def test_a_large_raw_file_is_held_against_the_disk_and_a_packed_one_against_the_content() -> None:
    """500 GiB of disk, 50 GiB of content; a plain disk may hold much that is empty."""
    disk = DiskFile(bucket="b", key="k")
    sources.check(disk, Found(etag="", size=400 << 30, archived=False, ends=Ends(bytes(512), b"", 400 << 30)))
    with pytest.raises(Blocked, match="500"):
        sources.check(disk, Found(etag="", size=501 << 30, archived=False, ends=Ends(bytes(512), b"", 501 << 30)))
    with pytest.raises(Blocked, match="50 GiB"):
        sources.check(disk, Found(etag="", size=51 << 30, archived=False, ends=Ends(QCOW2, b"", 51 << 30)))
    with pytest.raises(Blocked, match="archived"):
        sources.check(disk, Found(etag="", size=1, archived=True, ends=Ends(b"", b"", 0)))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("webk_img-1_system_snap-0.raw", ("system", "snap-0")),
        ("img-1_data_snap-ab12.QCOW2", ("data", "snap-ab12")),
        ("webk_xvda.raw", ("", "")),
    ],
)
def test_a_file_tells_its_disk_by_its_name(name: str, expected: tuple[str, str]) -> None:
    """Usage and snapshot, whatever stands before and behind them."""
    assert written.disk_of(name) == expected


def _written(*sizes: int, uploading: tuple[Upload, ...] = ()) -> Written:
    files = tuple(Entry(f"p_img-1_system_snap-{n}.raw", size, f"e{n}") for n, size in enumerate(sizes))
    return Written(files, uploading, bucket_exists=True, cloud_time=NOW)


TWO = Expected(["snap-0", "snap-1"], count=2)

LOOKS: dict[str, tuple[list[Written], Expected, bool]] = {
    "both there twice": ([_written(5, 5)] * 2, TWO, True),
    "both there once": ([_written(5, 5)], TWO, False),
    "one there": ([_written(5)] * 3, TWO, False),
    "one empty": ([_written(5, 0)] * 3, TWO, False),
    "one grew": ([_written(5, 5), _written(5, 6)], TWO, False),
    "one is being uploaded": ([_written(5, 5, uploading=(Upload("p_x", NOW),))] * 3, TWO, False),
    "the image is gone, as many as were expected": ([_written(5, 5)] * 2, Expected((), count=2), True),
    "the image is gone, too few": ([_written(5)] * 2, Expected((), count=2), False),
}


@pytest.mark.parametrize(("seen", "expected", "done"), LOOKS.values(), ids=LOOKS)
def test_an_export_is_done_when_two_looks_agree(seen: list[Written], expected: Expected, done: bool) -> None:  # noqa: FBT001 -- the value expected
    """Every disk has a file with content, the same at both looks, and nothing is under way."""
    looks = Looks()
    assert [looks.done("p", look, expected) for look in seen][-1] is done


def test_an_upload_that_was_begun_long_ago_goes_on_no_more() -> None:
    """A failed export may leave its uploads, and nothing tells that it failed."""
    old, fresh, undated = (Upload(name, begun) for name, begun in (("a", NOW - LOST_AFTER), ("b", NOW), ("c", None)))
    assert written.alive([old, fresh, undated], NOW) == (fresh, undated)


CLAIM = Claim(key="k3v6qzd2x7m4a", object_prefix="webk", account_id="1", claimed_at=NOW, claimed_by="me")


def test_an_export_request_is_built_from_what_was_pinned() -> None:
    """No data disks to export: the root disk only."""
    pinned = ResolvedExport(
        region="r", image_id="img-1", data_disks=0, bucket="b-1", format="RAW", role_name="CVM_QcsRole"
    )
    sent = requests.export_request(pinned, "webk")
    assert (sent["ImageIds"], sent["FileNamePrefixList"], sent["OnlyExportRootDisk"]) == (["img-1"], ["webk"], True)
    assert requests.export_request(replace(pinned, data_disks=1), "webk")["OnlyExportRootDisk"] is False


@pytest.mark.parametrize(
    ("wish", "sent"),
    [
        ({"boot_mode": "BIOS"}, {"BootMode": "Legacy BIOS"}),
        ({"license_type": "Provided"}, {"LicenseType": "TencentCloud"}),
        ({"architecture": "arm64"}, {"Architecture": "arm_64"}),
        ({"architecture": "i386"}, {"Architecture": "i386"}),
        ({}, {"Architecture": "x86_64"}),
    ],
)
def test_an_import_request_speaks_the_clouds_words(wish: dict[str, str], sent: dict[str, str]) -> None:
    """What the spec calls by one word for both clouds."""
    disks = (SourceFile(bucket="b", key="k", format=""),)
    resolved = ResolvedImport(region="r", disks=disks, image=ImageWish(name="web", **wish))  # type: ignore[arg-type]
    request = requests.import_request(resolved, CLAIM, lambda number, disk: f"address {number} of {disk.key}")
    assert sent.items() <= request.items()
    assert request["ImageUrl"] == "address 0 of k"
    assert {"BootMode", "LicenseType", "Force", "ImportImageDataDiskList"} - set(sent) - set(request) == {
        "BootMode",
        "LicenseType",
        "Force",
        "ImportImageDataDiskList",
    } - set(sent)


DOCUMENT = '{"version":"2.0","statement":[{"effect":"%s","action":%s,"resource":%s,"principal":%s}]}'

GRANTS = {
    "everything": ("allow", '"*"', '"*"', []),
    "with the prefix that CAM writes": ("allow", '["name/cos:PutObject"]', '"*"', []),
    "on the bucket": ("allow", '"cos:*"', '["qcs::cos:ap-guangzhou:uid/1250000000:b-1250000000/*"]', []),
    "on another bucket": ("allow", '"cos:*"', '["qcs::cos::uid/1250000000:other/*"]', ["cos:PutObject"]),
    "another action": ("allow", '"name/cos:GetObject"', '"*"', ["cos:PutObject"]),
    "a denial": ("deny", '"*"', '"*"', ["cos:PutObject"]),
}


@pytest.mark.parametrize(("effect", "action", "resource", "lacking"), GRANTS.values(), ids=GRANTS)
def test_a_policy_of_cam_grants_what_it_says(effect: str, action: str, resource: str, lacking: list[str]) -> None:
    """In CAM's own notation."""
    found = GRAMMAR.statements(DOCUMENT % (effect, action, resource, "{}"))
    assert found is not None
    assert GRAMMAR.missing(found, {"cos:PutObject": "b-1250000000/webk_img-1_system_snap-0.raw"}) == lacking


@pytest.mark.parametrize(
    ("service", "trusted"),
    [("cvm.qcloud.com", True), ("cvm.cloud.tencent.com", True), ("scf.qcloud.com", False)],
)
def test_a_role_trusts_cvm_by_either_of_its_names(service: str, trusted: bool) -> None:  # noqa: FBT001 -- the value expected
    """The documents write both."""
    text = DOCUMENT % ("allow", '"name/sts:AssumeRole"', '"*"', f'{{"service":["{service}"]}}')
    found = GRAMMAR.statements(text)
    assert found is not None
    assert GRAMMAR.trusts(found) is trusted
