"""Whole listings: all pages of tasks, images, snapshots or files, or a failure.

A first page alone has never proved that something is absent.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from imageferry.clouds.alibaba import translate
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.alibaba.translate import RUNNING, Detail, Image, Listed, Snapshot
from imageferry.clouds.paging import Page, R, Rows, all_rows, clock, joined
from imageferry.clouds.threads import together
from imageferry.core.errors import Failure

MOST_ROWS: Final = 100
"""The largest page of DescribeTasks, DescribeImages and DescribeSnapshots, and the most ids they take at one time."""

UNKNOWN_TASK: Final = "InvalidTaskId.NotFound"
NO_BUCKET: Final = "NoSuchBucket"
NO_FILE: Final = "NoSuchKey"


@dataclass(frozen=True, slots=True)
class Files:
    """All file names of a listing, and the cloud's clock when its first page was answered."""

    names: tuple[str, ...]
    cloud_time: datetime


async def tasks(calls: Calls, action: Action, filters: Mapping[str, Any]) -> Rows[Listed]:
    """The tasks of ExportImage or ImportImage that DescribeTasks lists under these filters, whatever their state."""
    return await _rows(calls, Action.DESCRIBE_TASKS, {"TaskAction": action, **filters}, translate.listed)


async def running(calls: Calls, action: Action, filters: Mapping[str, Any]) -> tuple[Listed, ...]:
    """The tasks of one action that have not ended."""
    found = await together(tasks(calls, action, {**filters, "TaskStatus": state}) for state in RUNNING)
    return tuple({row.id: row for part in found for row in part.rows.values() if not row.ended}.values())


async def detail(calls: Calls, task_id: str) -> tuple[Detail, datetime]:
    """A task's details and the cloud's clock. The failure's code is InvalidTaskId.NotFound if the cloud knows it no more."""
    answer = await calls.ecs(Action.DESCRIBE_TASK, {"TaskId": task_id})
    return translate.detail(answer.body), clock(answer.date)


async def known_detail(calls: Calls, task_id: str) -> tuple[Detail, datetime] | None:
    """The same; None if the cloud does not know the task (any more)."""
    try:
        return await detail(calls, task_id)
    except Failure as failure:
        if failure.code == UNKNOWN_TASK:
            return None
        raise


async def images(calls: Calls, filters: Mapping[str, Any]) -> Rows[Image]:
    """The images that DescribeImages lists under these filters, whatever their state."""
    named = {"Status": translate.ALL_STATUSES, **filters}
    return await _rows(calls, Action.DESCRIBE_IMAGES, named, translate.images)


async def images_by_id(calls: Calls, ids: Iterable[str]) -> Rows[Image] | None:
    """These images, 100 to a call, as far as they are there; None if no id was given."""
    parts = await together(images(calls, {"ImageId": ",".join(chunk)}) for chunk in chunks(ids))
    return joined(parts) if parts else None


async def snapshots_by_id(calls: Calls, ids: Iterable[str]) -> Mapping[str, Snapshot]:
    """These snapshots, 100 to a call, as far as they are there."""
    parts = await together(
        _rows(calls, Action.DESCRIBE_SNAPSHOTS, {"SnapshotIds": json.dumps(chunk)}, translate.snapshots)
        for chunk in chunks(ids)
    )
    return joined(parts).rows if parts else {}


async def unused_snapshots(calls: Calls, key: str, value: str) -> Mapping[str, Snapshot]:
    """The snapshots that bear this tag, and are used by no image and no disk."""
    wish = {"Usage": "none", "Tag": [{"Key": key, "Value": value}]}
    return (await _rows(calls, Action.DESCRIBE_SNAPSHOTS, wish, translate.snapshots)).rows


def chunks(ids: Iterable[str]) -> list[list[str]]:
    """The ids in order, each once, as many together as one request takes."""
    wanted = sorted(set(ids))
    return [wanted[first : first + MOST_ROWS] for first in range(0, len(wanted), MOST_ROWS)]


async def files(calls: Calls, bucket: str, prefix: str) -> Files:
    """The names of all files in the bucket that begin with `prefix`."""
    names: list[str] = []
    first = page = await calls.page(bucket, prefix, "")
    names += page.names
    while page.next_token:
        page = await calls.page(bucket, prefix, page.next_token)
        names += page.names
    return Files(tuple(names), clock(first.date))


async def _rows(
    calls: Calls, action: Action, filters: Mapping[str, Any], read: Callable[[Mapping[str, Any]], Sequence[R]]
) -> Rows[R]:
    """All pages of a listing that numbers them from 1."""

    async def ask(first: int) -> Page[R]:
        number = {"PageNumber": first // MOST_ROWS + 1}
        answer = await calls.ecs(action, {"PageSize": MOST_ROWS, **filters, **number})
        return Page(read(answer.body), translate.total(answer.body), answer.date)

    return await all_rows(ask, size=MOST_ROWS)
