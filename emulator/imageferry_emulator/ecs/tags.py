"""The actions on tags of images and snapshots. Other resources can be named, but there are none.

https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-tagresources and its neighbours
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imageferry_emulator.ecs import errors
from imageferry_emulator.ecs.models import Snapshot
from imageferry_emulator.rpc.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from imageferry_emulator.ecs.models import Image
    from imageferry_emulator.rpc.actions import Request
    from imageferry_emulator.rpc.errors import Refusal
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
    resources = _resources(request, world)
    wanted = given(request, twice=errors.TAG_TWICE)
    if not wanted:
        raise RefusedError(errors.TAGS_MISSING)
    for resource in resources:
        tags = {**dict(resource.tags), **wanted}
        if len(tags) > MOST_TAGS:
            raise RefusedError(errors.TAGS_ON_RESOURCE)
        _tag(world, resource, tags)
    return {}


def given(request: Request, *, twice: Refusal) -> dict[str, str]:
    """The tags that a request gives, up to 20. Raises RefusedError, with `twice` for a key that comes twice."""
    keys = request.numbered_keys("Tag")
    _check_keys(keys, twice)
    values = [request.text(f"Tag.{number}.Value") for number in range(1, len(keys) + 1)]
    if any(len(value) > MOST_CHARACTERS or value.startswith("acs:") or _links(value) for value in values):
        raise RefusedError(errors.TAG_VALUE)
    return dict(zip(keys, values, strict=True))


def untag_resources(request: Request, world: World) -> dict[str, Any]:
    """UntagResources: some keys, or all of them; one that is not there is passed over."""
    resources = _resources(request, world)
    keys, everything = request.numbered("TagKey"), request.flag("All")
    if not keys and not everything:
        raise RefusedError(errors.TAGS_MISSING)
    if len(keys) > MOST_TAGS:
        raise RefusedError(errors.TAGS_NUMBER)
    for resource in resources:
        kept = {} if not keys else {key: value for key, value in resource.tags if key not in keys}
        _tag(world, resource, kept)
    return {}


def list_tag_resources(request: Request, world: World) -> dict[str, Any]:
    """ListTagResources: by resources, by tags, or by both; NextToken leads to the next 50."""
    keys = request.numbered_keys("Tag")
    _check_keys(keys, errors.TAG_TWICE)
    if not keys and not request.numbered("ResourceId"):
        raise RefusedError(errors.RESOURCES_MISSING)
    wanted = {key: request.text(f"Tag.{number}.Value") for number, key in enumerate(keys, start=1)}
    rows = [
        {
            "RegionId": resource.region,
            "ResourceType": request.text("ResourceType").lower(),
            "ResourceId": resource.id,
            "TagKey": key,
            "TagValue": value,
        }
        for resource in _resources(request, world, unknown_fail=False)
        if bears(resource.tags, wanted)
        for key, value in resource.tags
    ]
    shown = request.text("NextToken", "0")
    begin = int(shown) if shown.isdecimal() else len(rows)
    following = str(begin + PAGE) if begin + PAGE < len(rows) else ""
    return {"NextToken": following, "TagResources": {"TagResource": rows[begin : begin + PAGE]}}


def bears(tags: Iterable[tuple[str, str]], wanted: Mapping[str, str]) -> bool:
    """Whether a resource with these tags has all that are wanted; an empty value stands for any."""
    known = dict(tags)
    return all(key in known and value in ("", known[key]) for key, value in wanted.items())


def _tag(world: World, resource: Image | Snapshot, tags: dict[str, str]) -> None:
    if isinstance(resource, Snapshot):
        world.compute.tag_snapshot(resource.id, tags)
    else:
        world.compute.tag_image(resource.id, tags)


def _resources(request: Request, world: World, *, unknown_fail: bool = True) -> list[Image | Snapshot]:
    """What ResourceId.N names, or all of the kind that is the caller's. Raises RefusedError for one that there is not."""
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
    all_of_kind: dict[str, Iterator[Image] | Iterator[Snapshot]] = {
        "image": world.compute.images(),
        "snapshot": world.compute.snapshots(),
    }
    known: dict[str, Image | Snapshot] = {
        each.id: each
        for each in all_of_kind.get(kind.lower(), ())
        if each.region == region_id and each.account_id == account_id
    }
    if unknown_fail and not set(ids) <= set(known):
        raise RefusedError(errors.RESOURCE_NOT_FOUND)
    return [known[each] for each in (ids or known) if each in known]


def _check_keys(keys: list[str], twice: Refusal) -> None:
    if len(keys) > MOST_TAGS:
        raise RefusedError(errors.TAGS_NUMBER)
    # ImportImage says of its code that case does not count; TagResources says nothing, and is taken to tell cases apart.
    told_apart = {key.lower() for key in keys} if twice is errors.TAG_TWICE_ON_IMPORT else set(keys)
    if len(told_apart) < len(keys):
        raise RefusedError(twice)
    if any(len(key) > MOST_CHARACTERS or key.startswith(NEVER_AT_START) or _links(key) for key in keys):
        raise RefusedError(errors.TAG_KEY)


def _links(text: str) -> bool:
    return "http://" in text or "https://" in text
