"""The actions on CVM's images: looking for them, changing what is said of one, deleting some; and what there is besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tencentcloud.cvm.v20170312 import models

from tests.emulator.cvm import (
    STOPPED,
    accepted,
    ask,
    became,
    export,
    image_id,
    images,
    put,
    put_image,
    sdk,
    signer,
    take_in,
)

if TYPE_CHECKING:
    from tests.emulator.tencent import Answer
    from tests.emulator_process import EmulatorProcess


def _filter(name: str, *values: str) -> dict[str, Any]:
    return {"Name": name, "Values": list(values)}


def _names(emulator: EmulatorProcess, *filters: dict[str, Any]) -> set[str]:
    return {image["ImageName"] for image in images(emulator, Filters=list(filters), Limit=100)}


def _own(emulator: EmulatorProcess, mark: str, **rest: Any) -> str:  # noqa: ANN401 (JSON)
    """An image of the account's whose id no other test has."""
    return put_image(emulator, f"img-{mark}{emulator.info['tencent']['appID'][-5:]}", name=mark, **rest)


def test_the_vendors_sdk_reads_every_field(slow_emulator: EmulatorProcess) -> None:
    """An image shows its type, state, source and snapshots, each with its use and size."""
    request = models.DescribeImagesRequest()
    request.ImageIds = [image_id(slow_emulator, "dataDisks")]
    answer = sdk(slow_emulator).DescribeImages(request)
    (image,) = answer.ImageSet
    assert (answer.TotalCount, image.ImageName, image.ImageType) == (1, "datadisks-image", "PRIVATE_IMAGE")
    assert (image.ImageState, image.ImageSource, image.SyncPercent) == ("NORMAL", "CREATE_IMAGE", None)
    assert (image.ImageSize, image.Architecture, image.Platform) == (50, "x86_64", "Ubuntu")
    assert [(each.DiskUsage, each.DiskSize) for each in image.SnapshotSet] == [
        ("SYSTEM_DISK", 50),
        ("DATA_DISK", 100),
        ("DATA_DISK", 100),
    ]
    assert len({each.SnapshotId for each in image.SnapshotSet}) == 3


def test_an_account_sees_its_own_the_public_and_the_shared_images(slow_emulator: EmulatorProcess) -> None:
    """Each by its type; images of other regions and other accounts are not seen."""
    kinds = {kind: _names(slow_emulator, _filter("image-type", kind)) for kind in ("PUBLIC_IMAGE", "SHARED_IMAGE")}
    assert kinds == {"PUBLIC_IMAGE": {"public-image"}, "SHARED_IMAGE": {"shared-image"}}
    own = _names(slow_emulator, _filter("image-type", "PRIVATE_IMAGE"))
    assert {"plain-image", "creating-image", "sharedout-image"} <= own
    assert not own & {"foreign-image", "singapore-image", "public-image", "shared-image"}


FOUND: dict[str, tuple[list[dict[str, Any]], set[str]]] = {
    "a part of the name": ([_filter("image-name", "edout")], {"sharedout-image"}),
    "one of two names": ([_filter("image-name", "market", "redhat")], {"market-image", "redhat-image"}),
    "name and platform": ([_filter("image-name", "w"), _filter("platform", "Windows")], {"windows-image"}),
    "a part of the platform": ([_filter("platform", "Red")], {"redhat-image"}),
    "its id": ([_filter("image-id", "img-plain001")], {"plain-image"}),
    "no value": ([_filter("image-name")], set()),
}


@pytest.mark.parametrize(("filters", "names"), FOUND.values(), ids=FOUND)
def test_images_are_found_by(slow_emulator: EmulatorProcess, filters: list[dict[str, Any]], names: set[str]) -> None:
    """All filters must be met, each by one of its values."""
    assert _names(slow_emulator, *filters) == names


TAGGED: dict[str, tuple[list[dict[str, Any]], set[str]]] = {
    "key": ([_filter("tag-key", "mark")], {"one", "two"}),
    "value": ([_filter("tag-value", "1")], {"one"}),
    "key and value": ([_filter("tag:mark", "2", "3")], {"two"}),
    "an unknown key": ([_filter("tag:none", "1")], set()),
}


@pytest.mark.parametrize(("filters", "names"), TAGGED.values(), ids=TAGGED)
def test_images_are_found_by_their_tags(
    account: EmulatorProcess, filters: list[dict[str, Any]], names: set[str]
) -> None:
    """tag-key, tag-value and tag:KEY are filters as all others are."""
    _own(account, "one", tags={"mark": "1"})
    _own(account, "two", tags={"mark": "2"})
    assert _names(account, *filters) == names


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "by ids and filters": (
        {"ImageIds": ["img-plain001"], "Filters": [_filter("image-name", "a")]},
        "InvalidParameter.InvalidParameterCoexistImageIdsFilters",
    ),
    "by a malformed id": ({"ImageIds": ["plain"]}, "InvalidImageId.Malformed"),
    "by a filter that is not": ({"Filters": [_filter("image-color", "red")]}, "InvalidFilter"),
    "by six values": ({"Filters": [_filter("image-id", *"abcdef")]}, "InvalidFilterValue.LimitExceeded"),
    "by eleven filters": ({"Filters": [_filter("image-id", "a")] * 11}, "InvalidParameterValue.LimitExceeded"),
    "by more than a hundred ids": ({"ImageIds": ["img-plain001"] * 101}, "InvalidParameterValue.LimitExceeded"),
    "a hundred and one to a page": ({"Limit": 101}, "InvalidParameterValue"),
    "from before the first": ({"Offset": -1}, "InvalidParameterValue"),
    "by instance type": ({"InstanceType": "SA5.MEDIUM2"}, "UnknownParameter"),
}


@pytest.mark.parametrize(("params", "code"), REFUSED.values(), ids=REFUSED)
def test_images_are_not_looked_for(slow_emulator: EmulatorProcess, params: dict[str, Any], code: str) -> None:
    """What DescribeImages does not take it refuses."""
    assert ask(slow_emulator, "DescribeImages", **params).code == code


def test_images_come_in_pages(slow_emulator: EmulatorProcess) -> None:
    """Twenty to a page unless asked otherwise; the total counts them all."""
    every = images(slow_emulator, Limit=100)
    first = ask(slow_emulator, "DescribeImages").body
    rest = images(slow_emulator, Offset=20, Limit=100)
    assert (len(first["ImageSet"]), first["TotalCount"]) == (20, len(every))
    assert [image["ImageId"] for image in [*first["ImageSet"], *rest]] == [image["ImageId"] for image in every]


UNKNOWN: dict[str, tuple[str, str]] = {"left out": ("empty", ""), "refused": ("refused", "InvalidImageId.NotFound")}


@pytest.mark.parametrize(("switch", "code"), UNKNOWN.values(), ids=UNKNOWN)
def test_an_image_that_is_not_there_is(account: EmulatorProcess, switch: str, code: str) -> None:
    """The documents do not say what DescribeImages does with an id that it does not know."""
    account.admin("POST", "/settings", {"cvmUnknownImageId": switch})
    answer = ask(account, "DescribeImages", ImageIds=["img-nothing1"])
    assert (answer.code, answer.body.get("ImageSet", [])) == (code, [])


def _delete(emulator: EmulatorProcess, *ids: str, **params: Any) -> Answer:  # noqa: ANN401 (JSON)
    return ask(emulator, "DeleteImages", ImageIds=[image_id(emulator, each) for each in ids], **params)


KEPT: dict[str, tuple[dict[str, Any], int]] = {
    "its snapshots stay": ({}, 2),
    "its snapshots go with it": ({"DeleteBindedSnap": True}, 0),
}


@pytest.mark.parametrize(("params", "kept"), KEPT.values(), ids=KEPT)
def test_an_image_is_deleted_and(account: EmulatorProcess, params: dict[str, Any], kept: int) -> None:
    """What becomes of its snapshots is for the caller to say; the deletion is booked."""
    assert _delete(account, "dataDisks", **params).code == ""
    assert _names(account, _filter("image-type", "PRIVATE_IMAGE")) == {"plain"}
    snapshots = account.admin("GET", "/state")["tencent"]["keptSnapshots"]
    owner = account.info["tencent"]["ownerUin"]
    assert len([each for each in snapshots if each["account"] == owner]) == kept
    (entry,) = accepted(account, "DeleteImages")
    assert entry["params"]["ImageIds.0"] == image_id(account, "dataDisks")


UNDELETABLE: dict[str, tuple[str, str]] = {
    "that is being created": ("creating", "InvalidImageId.IncorrectState"),
    "that is being copied": ("syncing", "InvalidImageId.IncorrectState"),
    "that is shared with others": ("sharedOut", "InvalidImageId.InShared"),
    "on which another operation works": ("busy", "MutexOperation.TaskRunning"),
    "that another account shares": ("shared", "UnauthorizedOperation.ImageNotBelongToAccount"),
    "of the vendor": ("public", "UnauthorizedOperation.ImageNotBelongToAccount"),
    "of another account": ("foreign", "InvalidImageId.NotFound"),
    "with a wrong id": ("m-bp1", "InvalidImageId.Malformed"),
}


@pytest.mark.parametrize(("image", "code"), UNDELETABLE.values(), ids=UNDELETABLE)
def test_an_image_is_not_deleted(slow_emulator: EmulatorProcess, image: str, code: str) -> None:
    """Nor is another one that the same call names."""
    assert _delete(slow_emulator, "plain", image, DeleteBindedSnap=True).code == code
    assert _names(slow_emulator, _filter("image-id", "img-plain001")) == {"plain-image"}


def test_an_image_is_not_deleted_while_a_task_works_on_it(account: EmulatorProcess) -> None:
    """Neither while it is exported nor while it is imported; one whose import failed is."""
    account.admin("POST", "/settings", STOPPED)
    assert export(account).code == ""
    assert _delete(account, "plain").code == "MutexOperation.TaskRunning"
    made = take_in(account, put(account, body=b"")).body["ImageId"]
    assert _delete(account, made).code == "InvalidImageId.IncorrectState"
    account.admin("POST", "/settings", {"speed": 1000})
    assert became(account, made)["ImageState"] == "IMPORTFAILED"
    assert _delete(account, made, DeleteBindedSnap=True).code == ""
    assert images(account, ImageIds=[made]) == []


def test_a_dry_run_deletes_nothing(account: EmulatorProcess) -> None:
    """It is answered as those of exports are, and not booked."""
    assert _delete(account, "plain", DryRun=True).code == ""
    account.admin("POST", "/settings", {"cvmDryRunAnswer": "DryRunOperation"})
    assert _delete(account, "plain", DryRun=True).code == "DryRunOperation"
    assert (len(images(account, ImageIds=[image_id(account, "plain")])), accepted(account, "DeleteImages")) == (1, [])


def test_without_ids_nothing_is_deleted(slow_emulator: EmulatorProcess) -> None:
    """ImageIds is mandatory, and an empty list is none."""
    given: list[list[str] | None] = [None, []]
    assert {ask(slow_emulator, "DeleteImages", ImageIds=ids).code for ids in given} == {"MissingParameter"}


def test_what_is_said_of_an_image_can_be_changed(account: EmulatorProcess) -> None:
    """Only what is given changes; a name must still be to be had."""
    plain = image_id(account, "plain")
    assert ask(account, "ModifyImageAttribute", ImageId=plain, ImageName="new", ImageDeprecated=True).code == ""
    assert ask(account, "ModifyImageAttribute", ImageId=plain, ImageDescription="d").code == ""
    (image,) = images(account, ImageIds=[plain])
    shown = (image["ImageName"], image["ImageDescription"], image["ImageDeprecated"])
    assert shown == ("new", "d", True)
    taken = ask(account, "ModifyImageAttribute", ImageId=plain, ImageName="disks")
    assert (taken.code, len(accepted(account, "ModifyImageAttribute"))) == ("InvalidImageName.Duplicate", 2)


UNCHANGEABLE: dict[str, tuple[str, str]] = {
    "that another account shares": ("shared", "UnsupportedOperation.SharedImageModifyUnsupported"),
    "of the vendor": ("public", "UnauthorizedOperation.ImageNotBelongToAccount"),
    "that is not there": ("img-nothing1", "InvalidImageId.NotFound"),
}


@pytest.mark.parametrize(("image", "code"), UNCHANGEABLE.values(), ids=UNCHANGEABLE)
def test_an_image_cannot_be_changed(slow_emulator: EmulatorProcess, image: str, code: str) -> None:
    """What is not the account's own stays as it is."""
    answer = ask(slow_emulator, "ModifyImageAttribute", ImageId=image_id(slow_emulator, image), ImageName="n")
    assert answer.code == code


def test_regions_and_zones_are_told(slow_emulator: EmulatorProcess) -> None:
    """All regions, and the zone of the one that is asked."""
    regions = sdk(slow_emulator).DescribeRegions(models.DescribeRegionsRequest()).RegionSet
    zones = sdk(slow_emulator).DescribeZones(models.DescribeZonesRequest()).ZoneSet
    assert [region.Region for region in regions] == slow_emulator.info["tencent"]["regions"]
    assert {region.RegionState for region in regions} == {"AVAILABLE"}
    assert [(zone.Zone, zone.ZoneState) for zone in zones] == [("ap-guangzhou-3", "AVAILABLE")]


def test_a_signature_of_the_first_version_asks_for_the_same(slow_emulator: EmulatorProcess) -> None:
    """Filters are flat then, and the answer is the same as to JSON."""
    by = signer(slow_emulator).but(manner="HmacSHA256", method="GET")
    flat = {"Filters.0.Name": "image-name", "Filters.0.Values.0": "market", "Limit": "1"}
    answer = by.call(slow_emulator, "DescribeImages", flat)
    assert [image["ImageName"] for image in answer.body["ImageSet"]] == ["market-image"]
