"""The actions on tags of images. Other resources can be named, but there are none.

https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-tagresources and its neighbours
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imageferry_emulator.ecs import errors
from imageferry_emulator.rpc.errors import RefusedError

if TYPE_CHECKING:
    from imageferry_emulator.ecs.models import Image
    from imageferry_emulator.rpc.actions import Request
    from imageferry_emulator.world import World

KINDS = frozenset(
    [
        "instance",
        "disk",
        "snapshot",
        "image",
        "securitygroup",
        "volume",
        "eni",
        "ddh",
        "ddhcluster",
        "keypair",
        "launchtemplate",
        "reservedinstance",
        "snapshotpolicy",
        "elasticityassurance",
        "capacityreservation",
        "command",
        "invocation",
        "activation",
        "managedinstance",
    ]
)
"""The values of ResourceType that the documents name."""
MOST_RESOURCES, MOST_TAGS = 50, 20
MOST_CHARACTERS = 128
NEVER_AT_START = ("aliyun", "acs:")
PAGE = 50


def tag_resources(request: Request, world: World) -> dict[str, Any]:
    """TagResources: a key that is there gets the new value."""
    images = _images(request, world)
    keys = request.numbered_keys("Tag")
    if not keys:
        raise RefusedError(errors.TAGS_MISSING)
    _check_keys(keys)
    values = [request.text(f"Tag.{number}.Value") for number in range(1, len(keys) + 1)]
    if any(len(value) > MOST_CHARACTERS or _links(value) for value in values):
        raise RefusedError(errors.TAG_VALUE)
    for image in images:
        tags = {**dict(image.tags), **dict(zip(keys, values, strict=True))}
        if len(tags) > MOST_TAGS:
            raise RefusedError(errors.TAGS_ON_RESOURCE)
        world.compute.tag_image(image.id, tags)
    return {}


def untag_resources(request: Request, world: World) -> dict[str, Any]:
    """UntagResources: some keys, or all of them; one that is not there is passed over."""
    images = _images(request, world)
    keys, everything = request.numbered("TagKey"), request.flag("All")
    if not keys and not everything:
        raise RefusedError(errors.TAGS_MISSING)
    if len(keys) > MOST_TAGS:
        raise RefusedError(errors.TAGS_NUMBER)
    for image in images:
        kept = {} if not keys else {key: value for key, value in image.tags if key not in keys}
        world.compute.tag_image(image.id, kept)
    return {}


def list_tag_resources(request: Request, world: World) -> dict[str, Any]:
    """ListTagResources: by resources, by tags, or by both; NextToken leads to the next 50."""
    keys = request.numbered_keys("Tag")
    _check_keys(keys)
    if not keys and not request.numbered("ResourceId"):
        raise RefusedError(errors.RESOURCES_MISSING)
    wanted = {key: request.text(f"Tag.{number}.Value") for number, key in enumerate(keys, start=1)}
    rows = [
        {"RegionId": image.region, "ResourceType": "image", "ResourceId": image.id, "TagKey": key, "TagValue": value}
        for image in _images(request, world, unknown_fail=False)
        if all(key in dict(image.tags) and value in ("", dict(image.tags)[key]) for key, value in wanted.items())
        for key, value in image.tags
    ]
    shown = request.text("NextToken", "0")
    begin = int(shown) if shown.isdecimal() else len(rows)
    following = str(begin + PAGE) if begin + PAGE < len(rows) else ""
    return {"NextToken": following, "TagResources": {"TagResource": rows[begin : begin + PAGE]}}


def _images(request: Request, world: World, *, unknown_fail: bool = True) -> list[Image]:
    """The images that ResourceId.N names, or all of the caller's. Raises RefusedError for one that there is not."""
    region_id, kind = request.text("RegionId"), request.text("ResourceType")
    if not region_id:
        raise RefusedError(errors.REGION_MISSING)
    if not kind:
        raise RefusedError(errors.RESOURCE_TYPE_MISSING)
    if world.compute.region(region_id) is None:
        raise RefusedError(errors.REGION_NOT_FOUND_404)
    if kind.lower() not in KINDS:
        raise RefusedError(errors.RESOURCE_TYPE)
    ids = request.numbered("ResourceId")
    if len(ids) > MOST_RESOURCES:
        raise RefusedError(errors.RESOURCES_NUMBER)
    if unknown_fail and not ids:
        raise RefusedError(errors.RESOURCES_MISSING)
    account_id = request.caller.account.id
    known = {
        image.id: image
        for image in world.compute.images()
        if kind.lower() == "image" and image.region == region_id and image.account_id == account_id
    }
    if unknown_fail and not set(ids) <= set(known):
        raise RefusedError(errors.RESOURCE_NOT_FOUND)
    return [known[image_id] for image_id in (ids or known) if image_id in known]


def _check_keys(keys: list[str]) -> None:
    if len(keys) > MOST_TAGS:
        raise RefusedError(errors.TAGS_NUMBER)
    if len(set(keys)) < len(keys):
        raise RefusedError(errors.TAG_TWICE)
    if any(len(key) > MOST_CHARACTERS or key.startswith(NEVER_AT_START) or _links(key) for key in keys):
        raise RefusedError(errors.TAG_KEY)


def _links(text: str) -> bool:
    return "http://" in text or "https://" in text
