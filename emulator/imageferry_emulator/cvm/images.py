"""The actions on images: looking for them, changing what is said of one, and deleting some. What may be exported is in exports.py.

https://www.tencentcloud.com/document/product/213/33272 (DescribeImages), 33273 (DeleteImages), 33269 (ModifyImageAttribute)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imageferry_emulator.cvm import crossings, errors, imports, parameters, wire
from imageferry_emulator.cvm.models import IMPORTING, PRIVATE, SHARED
from imageferry_emulator.tencent.errors import MISSING_PARAMETER, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from imageferry_emulator.cvm.models import Image
    from imageferry_emulator.tasks import Task
    from imageferry_emulator.tencent.actions import Asked, Request
    from imageferry_emulator.world import World

PAGE, PAGE_MOST = 20, 100
MOST_FILTERS, MOST_VALUES = 10, 5
MOST_IDS = 100
UNDELETABLE = ("CREATING", "SYNCING", IMPORTING)
TAG = "tag:"
FILTERS: dict[str, Callable[[Image, str, str], bool]] = {
    "image-id": lambda image, _, value: image.id == value,
    "image-type": lambda image, account_id, value: image.type_to(account_id) == value,
    "image-name": lambda image, _, value: value in image.name,
    "platform": lambda image, _, value: value in image.platform,
    "tag-key": lambda image, _, value: value in dict(image.tags),
    "tag-value": lambda image, _, value: value in dict(image.tags).values(),
}
"""Each filter asks of an image, as an account sees it, whether it meets one value; any of the values will do."""


def describe_images(request: Request, world: World) -> dict[str, Any]:
    """DescribeImages: those that the caller sees in the region, by ids or by filters."""
    ids, filters = request.texts("ImageIds"), request.items("Filters")
    if ids and filters:
        raise RefusedError(errors.COEXIST)
    offset = request.number("Offset", default=0, least=0, most=10**6)
    limit = request.number("Limit", default=PAGE, least=1, most=PAGE_MOST)
    chosen = _with_ids(request, world, ids) if ids else _filtered(request, world, filters)
    imported = {task.resource_id: task for task in world.tasks.all() if task.action == crossings.IMPORT}
    seen = [(image, task) for image in chosen if _visible(image, task := imported.get(image.id), world)]
    return {
        "TotalCount": len(seen),
        "ImageSet": [_shown(image, task, request, world) for image, task in seen[offset : offset + limit]],
    }


def delete_images(request: Request, world: World) -> dict[str, Any]:
    """DeleteImages: all of them or none."""
    ids = request.texts("ImageIds")
    if not ids:
        raise RefusedError(MISSING_PARAMETER, "ImageIds")
    if len(ids) > MOST_IDS:
        raise RefusedError(errors.TOO_MANY, "ImageIds")
    images = [crossings.named(request, world, image_id) for image_id in dict.fromkeys(ids)]
    for image in images:
        _check_deletable(image, request, world)
    if request.flag("DryRun"):
        return crossings.dry_run_passed(world)
    for image in images:
        world.tencent.compute.delete_image(image, with_snapshots=request.flag("DeleteBindedSnap"))
    return {}


def modify_image_attribute(request: Request, world: World) -> dict[str, Any]:
    """ModifyImageAttribute: what is given is changed."""
    image = crossings.named(request, world, request.need("ImageId"))
    seen_as = image.type_to(request.caller.account.id)
    if seen_as != PRIVATE:
        raise RefusedError(errors.IMAGE_SHARED_MODIFY if seen_as == SHARED else errors.IMAGE_OF_ANOTHER, image.id)
    named = {
        "name": parameters.name(request),
        "description": parameters.description(request),
        "family": parameters.family(request),
    }
    changes: dict[str, Any] = {name: value for name, value in named.items() if value}
    if named["name"] != image.name:
        imports.check_name(request, world, named["name"])
    if request.params.get("ImageDeprecated") is not None:
        changes["deprecated"] = request.flag("ImageDeprecated")
    world.tencent.compute.change_image(image.id, **changes)
    return {}


def _with_ids(request: Request, world: World, ids: list[str]) -> list[Image]:
    """What is not found is left out, unless the switch says that it is an error. Raises RefusedError."""
    if len(ids) > MOST_IDS:
        raise RefusedError(errors.TOO_MANY, "ImageIds")
    found: list[Image] = []
    for image_id in dict.fromkeys(ids):
        try:
            found.append(crossings.named(request, world, image_id))
        except RefusedError as refused:
            unknown = refused.refusal is errors.IMAGE_NOT_FOUND
            if not unknown or world.settings.values.cvm_unknown_image_id == "refused":
                raise
    return found


def _filtered(request: Request, world: World, filters: list[Asked]) -> list[Image]:
    if len(filters) > MOST_FILTERS:
        raise RefusedError(errors.TOO_MANY, "Filters")
    account_id = request.caller.account.id
    asked = [_meets(each, account_id) for each in filters]
    return [
        image
        for image in world.tencent.compute.images()
        if image.region == request.region and image.type_to(account_id) and all(meets(image) for meets in asked)
    ]


def _meets(asked: Asked, account_id: str) -> Callable[[Image], bool]:
    """One filter of a request. Raises RefusedError for one that there is not."""
    name, values = asked.need("Name"), asked.texts("Values")
    if len(values) > MOST_VALUES:
        raise RefusedError(errors.FILTER_VALUES, str(MOST_VALUES))
    if name.startswith(TAG):
        key = name.removeprefix(TAG)
        return lambda image: dict(image.tags).get(key) in values
    meets = FILTERS.get(name)
    if meets is None:
        raise RefusedError(errors.FILTER, name)
    return lambda image: any(meets(image, account_id, value) for value in values)


def _visible(image: Image, task: Task | None, world: World) -> bool:
    """Whether this read sees an image; `task` is the one that imports it or did. Counts as one read of the image."""
    if world.clock.real_seconds() < image.accepted + world.settings.values.image_read_lag_seconds:
        return False
    if task is None:
        return True
    hidden = world.tasks.look_at_resource(task).effects.get("imageInvisible")
    return hidden is None or task.resource_reads >= hidden.get("reads", 1)


def _shown(image: Image, task: Task | None, request: Request, world: World) -> dict[str, Any]:
    values = world.settings.values
    told = task is not None and task.running and values.cvm_import_percent_told
    percent = task.percent(world.clock.task_seconds()) if task and told else None
    now = world.tasks.get(task.id) if task else None
    state = wire.image_state(image, now, values, exporting=crossings.is_exporting(image, world))
    return wire.image(image, state, percent, request.caller.account.id)


def _check_deletable(image: Image, request: Request, world: World) -> None:
    if image.type_to(request.caller.account.id) != PRIVATE:
        raise RefusedError(errors.IMAGE_OF_ANOTHER, image.id)
    if image.state in UNDELETABLE:
        raise RefusedError(errors.IMAGE_STATE, f"{image.id} is {image.state}")
    if image.shared_with:
        raise RefusedError(errors.IMAGE_IN_SHARED, image.id)
    if image.busy or crossings.is_exporting(image, world):
        raise RefusedError(errors.IMAGE_TASK_RUNNING, image.id)
