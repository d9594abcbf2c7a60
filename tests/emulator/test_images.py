from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alibabacloud_ecs20140526 import models

from tests.emulator.cloud import sdk, signer

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

REGION = {"RegionId": "cn-hangzhou"}
TAGGED = {
    "id": "m-bp1tagged",
    "region": "cn-hangzhou",
    "name": "tagged-image",
    "family": "base",
    "architecture": "arm64",
    "status": "UnAvailable",
    "tags": {"team": "a", "stage": "test"},
    "disks": [{}, {"sizeGiB": 7, "device": "/dev/xvdc"}],
}
FILTERS: dict[str, tuple[dict[str, str], list[str]]] = {
    "a list of ids": ({"ImageId": "{plain},m-none,{plain2}"}, ["plain", "plain2"]),
    "an unknown id": ({"ImageId": "m-none"}, []),
    "an id of another region": ({"ImageId": "{frankfurt}"}, []),
    "an image of another account": ({"ImageId": "{foreign}"}, []),
    "an id that is not Available": ({"ImageId": "{creating}"}, []),
    "an id in any status": ({"ImageId": "{creating}", "Status": "ALL"}, ["creating"]),
    "a list of statuses": ({"Status": "Creating,CreateFailed"}, ["creating"]),
    "an owner alias that nothing has": ({"ImageOwnerAlias": "marketplace"}, []),
    "the vendor as owner": ({"ImageOwnerAlias": "system"}, ["system"]),
    "others as owners": ({"ImageOwnerAlias": "others"}, ["sharedByOther"]),
    "the instances made from it": ({"Usage": "instance"}, ["inUse"]),
    "a name": ({"ImageName": "datadisks-image"}, ["dataDisks"]),
    "a system": ({"OSType": "windows"}, ["windows"]),
    "an architecture": ({"Architecture": "arm64", "Status": "ALL"}, ["tagged"]),
    "a family": ({"ImageFamily": "base", "Status": "ALL"}, ["tagged"]),
    "a tag": ({"Tag.1.Key": "team", "Status": "ALL"}, ["tagged"]),
    "two tags with values": (
        {"Tag.1.Key": "team", "Tag.1.Value": "a", "Tag.2.Key": "stage", "Tag.2.Value": "test", "Status": "ALL"},
        ["tagged"],
    ),
    "a tag of another value": ({"Tag.1.Key": "team", "Tag.1.Value": "b", "Status": "ALL"}, []),
}


@pytest.mark.parametrize(("filters", "found"), FILTERS.values(), ids=FILTERS)
def test_images_are_found_by(slow_emulator: EmulatorProcess, filters: dict[str, str], found: list[str]) -> None:
    """What does not meet a filter is left out; not finding anything is no error."""
    slow_emulator.admin("POST", "/images", {**TAGGED, "account": slow_emulator.info["accountID"]})
    known = {**slow_emulator.info["images"], "tagged": TAGGED["id"]}
    wanted = {name: value.format(**known) for name, value in filters.items()}
    answer = signer(slow_emulator).call(slow_emulator, "DescribeImages", {**REGION, **wanted})
    assert [image["ImageId"] for image in answer.body["Images"]["Image"]] == [known[name] for name in found]
    assert answer.body["TotalCount"] == len(found)


def test_an_image_reads_as_the_vendors_sdk_expects(slow_emulator: EmulatorProcess) -> None:
    """Fields land in the SDK's model: sizes of disks as text, that of the image as a number."""
    image_id = slow_emulator.info["images"]["dataDisks"]
    request = models.DescribeImagesRequest(region_id="cn-hangzhou", image_id=image_id)
    (image,) = sdk(slow_emulator).describe_images(request).body.images.image
    mapped = [
        (disk.device, disk.type, disk.size, disk.encrypted) for disk in image.disk_device_mappings.disk_device_mapping
    ]
    assert (image.image_id, image.status, image.size, image.image_owner_alias) == (image_id, "Available", 40, "self")
    assert mapped == [
        ("/dev/xvda", "system", "40", False),
        ("/dev/xvdb", "data", "100", False),
        ("/dev/xvdc", "data", "100", False),
    ]


def test_pages_join_to_the_whole(slow_emulator: EmulatorProcess) -> None:
    """Going through the pages shows every image once."""
    whole = signer(slow_emulator).call(slow_emulator, "DescribeImages", {**REGION, "PageSize": "100"}).body
    pages = [
        signer(slow_emulator)
        .call(slow_emulator, "DescribeImages", {**REGION, "PageSize": "4", "PageNumber": str(n)})
        .body
        for n in range(1, 2 + whole["TotalCount"] // 4)
    ]
    assert [image for page in pages for image in page["Images"]["Image"]] == whole["Images"]["Image"]
    assert {page["TotalCount"] for page in pages} == {whole["TotalCount"]}


REFUSED = {
    "no region": ({}, 400, "MissingParameter"),
    "an unknown region": ({"RegionId": "cn-atlantis"}, 404, "InvalidRegionId.NotFound"),
    "a page of more than 100": ({**REGION, "PageSize": "101"}, 400, "InvalidParameter"),
    "a page number of zero": ({**REGION, "PageNumber": "0"}, 400, "InvalidParameter"),
}


@pytest.mark.parametrize(("params", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_images_are_not_shown_for(
    slow_emulator: EmulatorProcess, params: dict[str, str], status: int, code: str
) -> None:
    """Wrong parameters have their codes."""
    answer = signer(slow_emulator).call(slow_emulator, "DescribeImages", params)
    assert (answer.status, answer.code) == (status, code)
