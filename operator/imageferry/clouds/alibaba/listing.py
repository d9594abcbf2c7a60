"""Whole listings: all pages of tasks, images or files, or a failure. A first page alone has never proved that something is absent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from imageferry.clouds.alibaba import translate
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.alibaba.translate import RUNNING, Detail, Image, Listed
from imageferry.clouds.threads import together
from imageferry.core.errors import Transient
from imageferry.core.reasons import Reason

MOST_ROWS: Final = 100
"""The largest page of DescribeTasks, and the most ids it takes at one time."""

UNKNOWN_TASK: Final = "InvalidTaskId.NotFound"
NO_BUCKET: Final = "NoSuchBucket"
NO_FILE: Final = "NoSuchKey"

_EXPORTS: Final = {"TaskAction": "ExportImage", "PageSize": MOST_ROWS}


@dataclass(frozen=True, slots=True)
class Tasks:
    """All tasks of a listing by id, and the cloud's clock when its first page was answered."""

    rows: Mapping[str, Listed]
    cloud_time: datetime


@dataclass(frozen=True, slots=True)
class Files:
    """All file names of a listing, and the cloud's clock when its first page was answered."""

    names: tuple[str, ...]
    cloud_time: datetime


async def exports(calls: Calls, filters: Mapping[str, Any]) -> Tasks:
    """The export tasks that DescribeTasks lists under these filters, whatever their state."""
    rows: dict[str, Listed] = {}
    times: list[datetime] = []
    number, total, doubled = 1, 0, 0
    while number == 1 or (number - 1) * MOST_ROWS < total:
        answer = await calls.ecs(Action.DESCRIBE_TASKS, {**_EXPORTS, **filters, "PageNumber": number})
        times.append(clock(answer.date))
        found = translate.listed(answer.body)
        page = {row.id: row for row in found}
        rows |= page
        doubled += len(found) - len(page)
        number, total = number + 1, translate.total(answer.body)
        if not page:
            break
    if len(rows) + doubled < total:
        # The list moved between two pages, or a page came back empty: what is missing may be what is looked for.
        raise Transient(Reason.CLOUD_UNAVAILABLE, "The cloud's list of tasks was incomplete.")
    return Tasks(rows, min(times))


async def running(calls: Calls, filters: Mapping[str, Any]) -> tuple[Listed, ...]:
    """The export tasks that have not ended."""
    found = await together(exports(calls, {**filters, "TaskStatus": state}) for state in RUNNING)
    return tuple({row.id: row for part in found for row in part.rows.values() if not row.ended}.values())


async def detail(calls: Calls, task_id: str) -> tuple[Detail, datetime]:
    """A task's details and the cloud's clock. The failure's code is InvalidTaskId.NotFound if the cloud knows it no more."""
    answer = await calls.ecs(Action.DESCRIBE_TASK, {"TaskId": task_id})
    return translate.detail(answer.body), clock(answer.date)


async def images(calls: Calls, filters: Mapping[str, Any]) -> list[Image]:
    """The images that DescribeImages lists under these filters, whatever their state."""
    found: list[Image] = []
    number, total = 1, 0
    while number == 1 or (number - 1) * MOST_ROWS < total:
        page = {"Status": translate.ALL_STATUSES, "PageSize": MOST_ROWS, "PageNumber": number, **filters}
        answer = await calls.ecs(Action.DESCRIBE_IMAGES, page)
        found += translate.images(answer.body)
        number, total = number + 1, translate.total(answer.body)
    return found


async def files(calls: Calls, bucket: str, prefix: str) -> Files:
    """The names of all files in the bucket that begin with `prefix`."""
    names: list[str] = []
    first = page = await calls.page(bucket, prefix, "")
    names += page.names
    while page.next_token:
        page = await calls.page(bucket, prefix, page.next_token)
        names += page.names
    return Files(tuple(names), clock(first.date))


def clock(date: datetime | None) -> datetime:
    """The Date of an answer. Nothing can be proved by an answer without one."""
    if date is None:
        raise Transient(Reason.CLOUD_UNAVAILABLE, "The cloud's answer bore no Date.")
    return date
