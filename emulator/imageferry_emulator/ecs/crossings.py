"""What exports and imports ask alike: of the region, of the role that ECS takes on, of a bucket; and the task that both start.

What only one of them asks is in exports.py or imports.py. No HTTP here.
"""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from imageferry_emulator.ecs import errors
from imageferry_emulator.objects.models import BucketMissingError
from imageferry_emulator.ram import policies
from imageferry_emulator.rpc.errors import RefusedError
from imageferry_emulator.tasks import Task

if TYPE_CHECKING:
    from imageferry_emulator.ecs.models import Region
    from imageferry_emulator.rpc.actions import Request
    from imageferry_emulator.world import World

_ECS = policies.Principal("Service", policies.ECS_SERVICE)
ID_LETTERS = string.ascii_lowercase + string.digits


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a task waits and works on each of its steps, in seconds of the task clock."""

    waiting_seconds: float
    seconds_per_step: float


def region(request: Request, world: World) -> Region:
    """The region that the request names. Raises RefusedError."""
    found = world.compute.region(request.need("RegionId"))
    if found is None:
        raise RefusedError(errors.REGION_NOT_FOUND)
    return found


def check_role(request: Request, world: World, default: str, actions: tuple[str, ...]) -> bool:
    """Whether the role that ECS takes on may do all of `actions`. Raises RefusedError unless there is a role that trusts ECS.

    It is the role `default` unless the request names another. Without the rights it depends on the switch whether the request is
    refused at once; if not, its task has to fail.
    """
    values, name = world.settings.values, request.text("RoleName", default)
    account_id = request.caller.account.id
    role = world.access.role(account_id, name) if name == default or values.other_role_names else None
    if role is None or not policies.trusts(role.trust, [_ECS], {}):
        raise RefusedError(errors.ROLE_MISSING, name)
    attached = world.access.documents(role)
    if all(policies.permits(attached, action) for action in actions):
        return True
    if values.role_without_rights == "refused":
        raise RefusedError(errors.BUCKET_NOT_AUTHORIZED)
    return False


def check_bucket(request: Request, world: World, where: Region, name: str) -> None:
    """Whether a bucket is the caller's, in the image's region and not encrypted. Raises RefusedError."""
    try:
        bucket = world.objects.bucket(name)
    except BucketMissingError:
        raise RefusedError(errors.BUCKET_NOT_FOUND) from None
    if bucket.owner != request.caller.account.id:
        raise RefusedError(errors.BUCKET_NOT_FOUND)
    if bucket.region != where.id:
        raise RefusedError(errors.BUCKET_NOT_MATCHED, f"it is in {bucket.region}, the image in {where.id}")
    if bucket.sse != "None":
        raise RefusedError(errors.BUCKET_ENCRYPTED)


def end_dry_run(world: World) -> NoReturn:
    """Say that a dry run passed, which is an error. Raises RefusedError."""
    passed = (errors.DRY_RUN, errors.DRY_RUN_SUCCESS)
    raise RefusedError(next(each for each in passed if each.code == world.settings.values.dry_run_code))


def counts_for(request: Request, where: Region, task: Task, action: str) -> bool:
    """Whether a task counts for the caller's quota of an action in a region."""
    return task.action == action and task.region == where.id and task.account_id == request.caller.account.id


def running(request: Request, world: World, where: Region, action: str) -> int:
    """How many tasks of an action the caller has running in a region."""
    return sum(counts_for(request, where, task, action) for task in world.tasks.running())


def start(
    request: Request,
    world: World,
    *,
    action: str,
    where: str,
    image_id: str,
    steps: int,
    pace: Pace,
    detail: dict[str, Any],
) -> Task:
    """Start the task of an accepted request."""
    task = Task(
        id="t-" + random_id(),
        action=action,
        region=where,
        account_id=request.caller.account.id,
        resource_id=image_id,
        created=world.clock.real_seconds(),
        started=world.clock.task_seconds(),
        waiting_seconds=pace.waiting_seconds,
        seconds_per_step=pace.seconds_per_step,
        steps=steps,
        detail=detail,
        effects=dict(request.effects),
    )
    world.tasks.start(task)
    return task


def random_id() -> str:
    """The part of an id behind its kind: 20 letters and digits."""
    return "".join(secrets.choice(ID_LETTERS) for _ in range(20))
