"""The actions of the compute service: all of them by name, and those on regions, exports, imports and tasks.

Parameters in, answer out; those on images are in images.py and tags.py, rules in exports.py and imports.py, forms in
wire.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imageferry_emulator.ecs import errors, exports, images, imports, tags, wire
from imageferry_emulator.ecs.images import PAGE_MOST, page_asked_for
from imageferry_emulator.ecs.reads import visible
from imageferry_emulator.rpc.actions import Action, Service
from imageferry_emulator.rpc.errors import FORBIDDEN, INVALID_PARAMETER, RefusedError
from imageferry_emulator.tasks import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from imageferry_emulator.rpc.actions import Request
    from imageferry_emulator.tasks import Task
    from imageferry_emulator.world import World

FILTERED_STATES = ("Finished", "Processing", "Failed")
"""Other values of TaskStatus have no effect (DescribeTasks, parameter TaskStatus)."""


def describe_regions(_: Request, world: World) -> dict[str, Any]:
    """DescribeRegions."""
    return {"Regions": {"Region": [wire.region(region) for region in world.compute.regions()]}}


def export_image(request: Request, world: World) -> dict[str, Any]:
    """ExportImage."""
    task = exports.accept(request, world)
    return {"TaskId": task.id, "RegionId": task.region}


def import_image(request: Request, world: World) -> dict[str, Any]:
    """ImportImage."""
    return imports.accept(request, world)


def describe_tasks(request: Request, world: World) -> dict[str, Any]:
    """DescribeTasks: newest first, ten to a page unless asked otherwise."""
    region_id = _task_region(request, world)
    number, size = page_asked_for(request)
    now = world.clock.task_seconds()
    asked_for = _task_filter(request, world, now)
    found = [task for task in _own_tasks(request, world, region_id) if asked_for(task)]
    shown = [seen for seen in (visible(task, world) for task in found) if seen is not None]
    page = shown[(number - 1) * size : number * size]
    return {
        "RegionId": region_id,
        "PageNumber": number,
        "PageSize": size,
        "TotalCount": len(shown),
        "TaskSet": {"Task": [wire.task_row(task, now, world.settings.values) for task in page]},
    }


def describe_task_attribute(request: Request, world: World) -> dict[str, Any]:
    """DescribeTaskAttribute."""
    task = visible(_own_task(request, world), world)
    if task is None:
        raise RefusedError(errors.TASK_NOT_FOUND)
    now = world.clock.task_seconds()
    return {"RegionId": task.region, **wire.task_attribute(task, now, world.settings.values)}


def cancel_task(request: Request, world: World) -> dict[str, Any]:
    """CancelTask: only a task that has not ended can be cancelled."""
    task = _own_task(request, world)
    if "notCancellable" in task.effects:
        raise RefusedError(errors.TASK_NOT_CANCELLABLE)
    if not task.running:
        raise RefusedError(errors.TASK_ENDED)
    world.tasks.cancel(task, keep_results=world.settings.values.cancel_leaves_files)
    return {}


def _task_region(request: Request, world: World) -> str:
    region_id = request.need("RegionId")
    if world.compute.region(region_id) is None:
        raise RefusedError(errors.REGION_NOT_FOUND)
    return region_id


def _own_tasks(request: Request, world: World, region_id: str) -> list[Task]:
    ids = request.text("TaskIds")
    wanted = ids.split(",") if ids else None
    if wanted is not None and len(wanted) > PAGE_MOST:
        raise RefusedError(INVALID_PARAMETER, "TaskIds")
    if wanted is None:
        candidates = list(world.tasks.all())
    else:
        found = (world.tasks.get(task_id.strip()) for task_id in dict.fromkeys(wanted))
        candidates = sorted((task for task in found if task), key=lambda task: task.created, reverse=True)
    account_id = request.caller.account.id
    return [task for task in candidates if task.region == region_id and task.account_id == account_id]


def _own_task(request: Request, world: World) -> Task:
    region_id, task_id = _task_region(request, world), request.need("TaskId")
    task = world.tasks.get(task_id)
    if task is None or task.region != region_id or task.account_id != request.caller.account.id:
        raise RefusedError(errors.TASK_NOT_FOUND)
    return task


def _task_filter(request: Request, world: World, now: float) -> Callable[[Task], bool]:
    listed = world.settings.values.waiting_tasks_listed
    wanted, action, resources = request.text("TaskStatus"), request.text("TaskAction"), request.numbered("ResourceIds")
    begin, end = _bound(request, "StartTime"), _bound(request, "EndTime")

    def asked_for(task: Task) -> bool:
        status = wire.task_status(task, now)
        return (
            (listed or status != Status.WAITING)
            and (wanted not in FILTERED_STATES or status == wanted)
            and (not action or task.action == action)
            and (not resources or task.resource_id in resources)
            and (begin is None or int(task.created) >= begin)
            and (end is None or int(task.created) <= end)
        )

    return asked_for


def _bound(request: Request, name: str) -> float | None:
    shown = request.text(name)
    if not shown:
        return None
    bound = wire.parse_time(shown)
    if bound is None:
        raise RefusedError(INVALID_PARAMETER, name)
    return bound


SERVICE = Service(
    name="ecs",
    denied=FORBIDDEN,
    actions={
        "DescribeRegions": Action(describe_regions),
        "DescribeImages": Action(images.describe_images),
        "DeleteImage": Action(images.delete_image, mutates=True),
        "DescribeSnapshots": Action(images.describe_snapshots),
        "DeleteSnapshot": Action(images.delete_snapshot, mutates=True),
        "TagResources": Action(tags.tag_resources, mutates=True),
        "UntagResources": Action(tags.untag_resources, mutates=True),
        "ListTagResources": Action(tags.list_tag_resources),
        "ExportImage": Action(export_image, mutates=True),
        "ImportImage": Action(import_image, mutates=True),
        "DescribeTasks": Action(describe_tasks),
        "DescribeTaskAttribute": Action(describe_task_attribute),
        "CancelTask": Action(cancel_task, mutates=True),
    },
)
