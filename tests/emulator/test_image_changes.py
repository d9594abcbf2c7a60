from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526 import models

from tests.emulator.cloud import ENDED, Answer, Signer, attribute, export, ledger, sdk, signer, until

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

REGION = {"RegionId": "cn-hangzhou"}


def _call(emulator: EmulatorProcess, action: str, **params: str) -> Answer:
    known = emulator.info["images"]
    named = {name: value.format(**known) for name, value in params.items() if value}
    return signer(emulator).call(emulator, action, named)


def _ids(emulator: EmulatorProcess) -> set[str]:
    answer = _call(emulator, "DescribeImages", **REGION, Status="ALL", PageSize="100")
    return {image["ImageId"] for image in answer.body["Images"]["Image"]}


def test_a_deleted_image_is_gone_and_its_snapshot_stays(emulator: EmulatorProcess) -> None:
    """DeleteImage takes the image, is written down, and leaves the snapshot that it was made of."""
    image = emulator.info["images"]["plain"]
    assert _call(emulator, "DeleteImage", **REGION, ImageId="{plain}").status == 200
    assert image not in _ids(emulator)
    assert [entry["params"]["ImageId"] for entry in ledger(emulator, "DeleteImage")] == [image]
    snapshots = _call(emulator, "DescribeSnapshots", **REGION, SnapshotIds='["s-bp1plain000000000010"]').body
    found = [(one["SnapshotId"], one["Usage"]) for one in snapshots["Snapshots"]["Snapshot"]]
    assert found == [("s-bp1plain000000000010", "none")]


KEPT: dict[str, tuple[dict[str, str], int, str]] = {
    "no image": ({"ImageId": ""}, 400, "MissingParameter"),
    "an unknown region": ({"RegionId": "cn-atlantis"}, 404, "InvalidRegionId.NotFound"),
    "an unknown image": ({"ImageId": "m-none"}, 404, "InvalidImageId.NotFound"),
    "an image of another account": ({"ImageId": "{foreign}"}, 404, "InvalidImageId.NotFound"),
    "an image that another account shares": ({"ImageId": "{sharedByOther}"}, 404, "InvalidImageId.NotFound"),
    "an image of the vendor": ({"ImageId": "{system}"}, 404, "InvalidImageId.NotFound"),
    "an image of another region": ({"ImageId": "{frankfurt}"}, 404, "InvalidImageId.NotFound"),
    "an image with instances": ({"ImageId": "{inUse}"}, 403, "ImageUsingByInstance"),
    "a shared image, by force": ({"ImageId": "{shared}", "Force": "true"}, 403, "ImageUseShared"),
    "a dry run of what would be accepted": ({"ImageId": "{plain}", "DryRun": "true"}, 400, "DryRunOperation"),
}


@pytest.mark.parametrize(("changes", "status", "code"), KEPT.values(), ids=KEPT)
def test_nothing_is_deleted_for(
    slow_emulator: EmulatorProcess, changes: dict[str, str], status: int, code: str
) -> None:
    """Each documented rule answers with its code, and every image is still there."""
    before = _ids(slow_emulator)
    answer = _call(slow_emulator, "DeleteImage", **{**REGION, "ImageId": "{plain}", **changes})
    assert (answer.status, answer.code) == (status, code)
    assert _ids(slow_emulator) == before


def test_force_deletes_an_image_with_instances(emulator: EmulatorProcess) -> None:
    """Force is for instances made from the image."""
    assert _call(emulator, "DeleteImage", **REGION, ImageId="{inUse}", Force="True").status == 200
    assert emulator.info["images"]["inUse"] not in _ids(emulator)


def test_an_image_that_is_being_exported_is_not_deleted(emulator: EmulatorProcess) -> None:
    """The task has to be cancelled first, whatever the force."""
    emulator.admin("POST", "/settings", {"speed": 0.001})
    task = export(emulator)
    answer = _call(emulator, "DeleteImage", **REGION, ImageId="{plain}", Force="true")
    assert (answer.status, answer.code) == (403, "ImageIsExporting")
    _call(emulator, "CancelTask", **REGION, TaskId=task)
    until(lambda: attribute(emulator, task).body["TaskStatus"], lambda status: status in ENDED)
    assert _call(emulator, "DeleteImage", **REGION, ImageId="{plain}").status == 200


@pytest.mark.parametrize(("value", "status"), [("refused", 404), ("ignored", 200)])
def test_deleting_nothing_is_a_switch(emulator: EmulatorProcess, value: str, status: int) -> None:
    """The documents say both that an unknown image is an error and that it is passed over."""
    emulator.admin("POST", "/settings", {"deleteUnknownImage": value})
    assert _call(emulator, "DeleteImage", **REGION, ImageId="m-none").status == status


SNAPSHOTS: dict[str, tuple[dict[str, str], int]] = {
    "an id": ({"SnapshotIds": '["s-bp1datadisks00000010"]'}, 1),
    "two ids": ({"SnapshotIds": '["s-bp1datadisks00000010","s-bp1datadisks00000011"]'}, 2),
    "an unknown id": ({"SnapshotIds": '["s-none"]'}, 0),
    "being encrypted": ({"Encrypted": "true"}, 1),
    "a use that none has": ({"Usage": "none"}, 0),
}


@pytest.mark.parametrize(("filters", "number"), SNAPSHOTS.values(), ids=SNAPSHOTS)
def test_snapshots_are_found_by(slow_emulator: EmulatorProcess, filters: dict[str, str], number: int) -> None:
    """There is a snapshot behind each disk of each image; filters leave out what does not meet them."""
    body = signer(slow_emulator).call(slow_emulator, "DescribeSnapshots", {**REGION, **filters}).body
    assert (body["TotalCount"], len(body["Snapshots"]["Snapshot"])) == (number, number)


def test_snapshot_ids_that_are_no_list_are_refused(slow_emulator: EmulatorProcess) -> None:
    """SnapshotIds is a JSON array."""
    answer = signer(slow_emulator).call(slow_emulator, "DescribeSnapshots", {**REGION, "SnapshotIds": "s-1"})
    assert (answer.status, answer.code) == (400, "InvalidSnapshotIds.Malformed")


def _rows(emulator: EmulatorProcess, **params: str) -> list[tuple[str, str, str]]:
    answer = _call(emulator, "ListTagResources", **{**REGION, "ResourceType": "image", **params})
    assert (answer.status, answer.code) == (200, "")
    return [(row["ResourceId"], row["TagKey"], row["TagValue"]) for row in answer.body["TagResources"]["TagResource"]]


def test_tags_are_set_found_and_taken_away(emulator: EmulatorProcess) -> None:
    """What TagResources sets is seen by DescribeImages and ListTagResources, until UntagResources takes it."""
    client, image = sdk(emulator), emulator.info["images"]["plain"]
    tags = [
        models.TagResourcesRequestTag(key="team", value="a"),
        models.TagResourcesRequestTag(key="stage", value="test"),
    ]
    named = {"region_id": "cn-hangzhou", "resource_type": "image", "resource_id": [image]}
    client.tag_resources(models.TagResourcesRequest(**named, tag=tags))
    assert _rows(emulator, **{"ResourceId.1": "{plain}"}) == [(image, "team", "a"), (image, "stage", "test")]
    wanted = models.DescribeImagesRequest(
        region_id="cn-hangzhou", tag=[models.DescribeImagesRequestTag(key="team", value="a")]
    )
    (found,) = client.describe_images(wanted).body.images.image
    assert {tag.tag_key: tag.tag_value for tag in found.tags.tag} == {"team": "a", "stage": "test"}
    client.untag_resources(models.UntagResourcesRequest(**named, tag_key=["team"]))
    assert _rows(emulator, **{"Tag.1.Key": "stage"}) == [(image, "stage", "test")]
    assert _rows(emulator, **{"Tag.1.Key": "stage", "Tag.1.Value": "other"}) == []
    client.untag_resources(models.UntagResourcesRequest(**named, all=True))
    assert _rows(emulator, **{"ResourceId.1": "{plain}"}) == []


def test_a_snapshot_keeps_its_tags_when_its_image_goes(emulator: EmulatorProcess) -> None:
    """By them it is found and told from others, and untagged again."""
    snapshot, tag = "s-bp1plain000000000010", {"Tag.1.Key": "owner", "Tag.1.Value": "me"}
    named = {"ResourceType": "snapshot", "ResourceId.1": snapshot}
    assert _call(emulator, "TagResources", **REGION, **named, **tag).status == 200
    assert _call(emulator, "DeleteImage", **REGION, ImageId="{plain}").status == 200
    (found,) = _call(emulator, "DescribeSnapshots", **REGION, **tag).body["Snapshots"]["Snapshot"]
    assert (found["SnapshotId"], found["Tags"]["Tag"]) == (snapshot, [{"TagKey": "owner", "TagValue": "me"}])
    (row,) = _call(emulator, "ListTagResources", **REGION, **named).body["TagResources"]["TagResource"]
    assert (row["ResourceType"], row["TagValue"]) == ("snapshot", "me")
    assert _call(emulator, "UntagResources", **REGION, **named, **{"TagKey.1": "owner"}).status == 200
    assert _call(emulator, "DescribeSnapshots", **REGION, **tag).body["Snapshots"]["Snapshot"] == []


def test_long_lists_of_tags_go_on_by_token(emulator: EmulatorProcess) -> None:
    """More than fifty tags come in parts that join to the whole."""
    images = [emulator.info["images"][name] for name in ("plain", "plain2", "plain3", "plain4")]
    tags = {f"Tag.{n}.Key": f"k{n}" for n in range(1, 16)}
    named = {f"ResourceId.{n}": image for n, image in enumerate(images, start=1)}
    assert _call(emulator, "TagResources", **REGION, ResourceType="image", **named, **tags).status == 200
    first = _call(emulator, "ListTagResources", **REGION, ResourceType="image", **named).body
    rest = _rows(emulator, **named, NextToken=first["NextToken"])
    assert (len(first["TagResources"]["TagResource"]), len(rest)) == (50, 10)


def _many(name: str, number: int, suffix: str = "") -> dict[str, str]:
    return {f"{name}.{n}{suffix}": f"v{n}" for n in range(1, number + 1)}


UNTAGGED: dict[str, tuple[dict[str, str], int, str]] = {
    "no region": ({"RegionId": ""}, 404, "MissingParameter.RegionId"),
    "no type": ({"ResourceType": ""}, 404, "MissingParameter.ResourceType"),
    "no resource": ({"ResourceId.1": ""}, 404, "MissingParameter.ResourceIds"),
    "no tag": ({"Tag.1.Key": ""}, 404, "MissingParameter.Tags"),
    "an unknown region": ({"RegionId": "cn-atlantis"}, 404, "InvalidRegionId.NotFound"),
    "an unknown type": ({"ResourceType": "cat"}, 404, "InvalidResourceType.NotFound"),
    "an unknown resource": ({"ResourceId.2": "m-none"}, 404, "InvalidResourceId.NotFound"),
    "another account's resource": ({"ResourceId.2": "{foreign}"}, 404, "InvalidResourceId.NotFound"),
    "a resource of another type": ({"ResourceType": "instance"}, 404, "InvalidResourceId.NotFound"),
    "51 resources": (_many("ResourceId", 51), 400, "NumberExceed.ResourceIds"),
    "21 tags": (_many("Tag", 21, ".Key"), 400, "NumberExceed.Tags"),
    "a key twice": ({"Tag.2.Key": "k"}, 400, "Duplicate.TagKey"),
    "a key of the vendor": ({"Tag.1.Key": "acs:k"}, 400, "InvalidTagKey.Malformed"),
    "a key that is a link": ({"Tag.1.Key": "see http://x"}, 400, "InvalidTagKey.Malformed"),
    "a value of 129 characters": ({"Tag.1.Value": "v" * 129}, 400, "InvalidTagValue.Malformed"),
}


@pytest.mark.parametrize(("changes", "status", "code"), UNTAGGED.values(), ids=UNTAGGED)
def test_nothing_is_tagged_with(
    slow_emulator: EmulatorProcess, changes: dict[str, str], status: int, code: str
) -> None:
    """Each flaw has its documented code, and no image gets a tag."""
    params: dict[str, Any] = {**REGION, "ResourceType": "image", "ResourceId.1": "{plain}", "Tag.1.Key": "k"}
    answer = _call(slow_emulator, "TagResources", **{**params, **changes})
    assert (answer.status, answer.code) == (status, code)
    assert _rows(slow_emulator, **{"ResourceId.1": "{plain}"}) == []


FOREIGN: dict[str, tuple[str, int, str]] = {
    "the vendor": ("system", 403, "InvalidImageCategory.NotSupported"),
    "another account that shares it": ("sharedByOther", 403, "InvalidImageCategory.NotSupported"),
}


@pytest.mark.parametrize(("image", "status", "code"), FOREIGN.values(), ids=FOREIGN)
def test_no_image_is_exported_of(slow_emulator: EmulatorProcess, image: str, status: int, code: str) -> None:
    """What one may see and does not own is of the wrong category."""
    answer = _call(
        slow_emulator, "ExportImage", **REGION, ImageId=f"{{{image}}}", OSSBucket=slow_emulator.info["buckets"]["good"]
    )
    assert (answer.status, answer.code) == (status, code)


def test_a_shared_image_shows_itself_to_whom_it_is_shared_with(slow_emulator: EmulatorProcess) -> None:
    """Its owner sees it as its own, the other account as one of others'."""
    other = slow_emulator.info["otherAccount"]
    params = {**REGION, "ImageId": slow_emulator.info["images"]["shared"]}
    by = Signer(other["accessKeyID"], other["accessKeySecret"])
    seen = [
        each.call(slow_emulator, "DescribeImages", params).body["Images"]["Image"][0]["ImageOwnerAlias"]
        for each in (signer(slow_emulator), by)
    ]
    assert seen == ["self", "others"]
