"""The tasks of one direction in one region: asked for by the hundred, ended early, counted. What a task made may not enter here."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from imageferry.clouds.alibaba import listing, translate
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.alibaba.translate import Detail, Listed
from imageferry.clouds.paging import Rows
from imageferry.clouds.provider import Origin
from imageferry.clouds.threads import together
from imageferry.core.errors import Failure
from imageferry.core.observation import Task

log = structlog.get_logger(__name__)

CLOCKS_APART: Final = timedelta(minutes=16)
"""How much earlier than the claim a task of ours may have been made: the cloud accepts a signature whose time is up to 15
minutes ahead of its own clock, and shows times without seconds."""

_ENDED_ALREADY: Final = ("InvalidTaskId.IncorrectTaskStatus", listing.UNKNOWN_TASK)

_OLDEST_WAITING: Final = timedelta(days=7)
"""No task waits longer. The filter for waiting tasks is said to have no effect, and then lists all there ever were."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a list says about one task; `row` is None where it is not listed."""

    row: Listed | None
    cloud_time: datetime


class Tasks:
    """The tasks of `action` (ExportImage or ImportImage)."""

    def __init__(self, calls: Calls, action: Action) -> None:
        self._calls, self._action = calls, action

    async def sightings(self, task_ids: Sequence[str]) -> Mapping[str, Sighting]:
        """The states of these tasks, 100 to a call."""
        chunks = listing.chunks(task_ids)
        parts = await together(self._listed({"TaskIds": ",".join(chunk)}) for chunk in chunks)
        return {
            task_id: Sighting(part.rows.get(task_id), part.cloud_time)
            for part, chunk in zip(parts, chunks, strict=True)
            for task_id in chunk
        }

    async def cancel(self, task: Task, is_ours: Callable[[Detail], Awaitable[bool]]) -> None:
        """CancelTask, once the task has been looked at again and proved to be ours; "already ended" is success."""
        if task.id is None:
            return
        try:
            shown, _ = await listing.detail(self._calls, task.id)
            if shown.listed.ended or not await is_ours(shown):
                return
            answer = await self._calls.ecs(Action.CANCEL_TASK, {"TaskId": task.id})
        except Failure as failure:
            if failure.code not in _ENDED_ALREADY:
                raise
            return
        request_id = answer.body.get("RequestId")
        log.info("cancel requested", key=task.key, task_id=task.id, region=self._calls.region, request_id=request_id)

    async def fits(self, task_id: str, origin: Origin) -> bool:
        """Whether a task that shows no mark works on the image, and was made at the time, that ours did."""
        row = (await self._listed({"TaskIds": task_id})).rows.get(task_id)
        if row is None or row.created_at is None:
            return False
        return row.resource_id == origin.image_id and origin.since - CLOCKS_APART <= row.created_at <= origin.until

    async def running(self) -> Sequence[str]:
        """The ids of all that run in the region, whoever started them."""
        since = translate.moment(datetime.now(UTC) - _OLDEST_WAITING)
        return [row.id for row in await listing.running(self._calls, self._action, {"StartTime": since})]

    async def _listed(self, filters: Mapping[str, object]) -> Rows[Listed]:
        return await listing.tasks(self._calls, self._action, filters)
