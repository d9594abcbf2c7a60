"""Is there a task of ours? The look that a lost answer or a lost journal is resolved by.

A task is ours if it writes files that bear one of our marks into our bucket. A running task may not show its files yet: on
our image it is a Candidate until it can be told. Absent is said only where nothing of ours is listed, no file bears a mark
of ours, and the act looked for is younger than the cloud's memory of tasks. Attempts that the journal has closed left files
that prove nothing any more.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from imageferry.clouds.alibaba import listing, translate
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.alibaba.tasks import CLOCKS_APART
from imageferry.clouds.alibaba.translate import Detail, Listed
from imageferry.clouds.provider import Search
from imageferry.clouds.threads import pair, together
from imageferry.core.errors import Failure
from imageferry.core.keys import KEY_LENGTH, Mark, belongs_to, key_in
from imageferry.core.observation import (
    Absent,
    Cancelled,
    Candidate,
    Failed,
    Observation,
    Ours,
    Succeeded,
    Task,
    Unprovable,
    foremost,
)

_FEW_MARKS: Final = 5
"""Up to so many marks are looked for one by one, more of them by the prefix that they share."""

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Shown:
    """A task with what it shows, and the attempt that it is known to be of."""

    listed: Listed
    detail: Detail
    mark: Mark | None


async def find(calls: Calls, search: Search) -> Observation:
    """What the cloud shows of the attempts looked for."""
    marks = {mark.key: mark for mark in search.marks}
    filters: dict[str, object] = {"StartTime": translate.moment(search.since - CLOCKS_APART)}
    if search.image_id:
        filters |= {"ResourceIds": [search.image_id]}
    tasks, (names, times) = await pair(listing.tasks(calls, Action.EXPORT_IMAGE, filters), _files(calls, search))
    rows = [row for row in tasks.rows.values() if _in_window(row, search)]
    answers = [answer for answer in await together(_shown(calls, row, search, marks) for row in rows) if answer]
    shown = [each for each, _ in answers]
    cloud_time = min([tasks.cloud_time, *times, *(date for _, date in answers)])
    ours = [(each.mark.number, _seen(each, each.mark, cloud_time)) for each in shown if each.mark]
    unclear = [each for each in shown if each.mark is None and not each.detail.objects]
    running = [each for each in unclear if not each.listed.ended]
    news = foremost(ours, search.closed)
    if news and not (running and isinstance(news, Failed | Cancelled)):
        return news
    if running:
        return Candidate(cloud_time, f"Task {running[0].listed.id} runs on the image and does not show its files yet.")
    if news:
        return news
    if files := {mark: count for mark, count in _by_mark(names, marks).items() if mark.number not in search.closed}:
        return await _by_files(calls, search, cloud_time, files, unclear)
    if _forgotten(search, cloud_time, calls):
        return Unprovable(cloud_time, "Nothing of the attempt is listed, and the cloud may have forgotten its task.")
    return Absent(cloud_time)


async def _by_files(
    calls: Calls, search: Search, cloud_time: datetime, files: dict[Mark, int], ended: list[_Shown]
) -> Observation:
    """Files of ours, but no task that shows them: a task that ended badly shows none, an old one is not listed any more."""
    mark = max(files, key=lambda each: each.number)
    if search.until is None or cloud_time > search.until:
        if ended and len(files) == 1 and len({each.listed.state for each in ended}) == 1:
            return _seen(max(ended, key=lambda each: each.listed.created_at or _EARLIEST), mark, cloud_time)
        if not ended and files[mark] == await _disks(calls, search.image_id):
            return Succeeded(cloud_time, Task(id=None, key=mark.key, object_prefix=mark.object_prefix))
        if _forgotten(search, cloud_time, calls):
            return Unprovable(cloud_time, "The cloud has forgotten the task that left files of the attempt.")
    return Candidate(cloud_time, "Files of the attempt are there, but the task that made them cannot be told yet.")


def _forgotten(search: Search, cloud_time: datetime, calls: Calls) -> bool:
    return (cloud_time - search.since).total_seconds() >= calls.task_retention_seconds


async def _shown(
    calls: Calls, row: Listed, search: Search, marks: Mapping[str, Mark]
) -> tuple[_Shown, datetime] | None:
    """A task's details; None if the cloud forgot it between the two calls."""
    shown = await listing.known_detail(calls, row.id)
    if shown is None:
        return None
    detail, date = shown
    here = not detail.bucket or detail.bucket == search.bucket
    mark = next((found for name in detail.objects if (found := _mark_of(name, marks))), None) if here else None
    # The list knows the image, the details know the state of a moment later.
    return _Shown(replace(detail.listed, resource_id=row.resource_id), detail, mark), date


def _seen(found: _Shown, mark: Mark, cloud_time: datetime) -> Ours:
    known = Task(id=found.listed.id, key=mark.key, object_prefix=mark.object_prefix)
    return translate.seen(found.listed, known, cloud_time, found.detail)


def _in_window(row: Listed, search: Search) -> bool:
    return search.until is None or row.created_at is None or row.created_at <= search.until


async def _files(calls: Calls, search: Search) -> tuple[list[str], list[datetime]]:
    """Names that may bear one of our marks, and the clocks of the answers; none if there is no bucket."""
    prefixes = [f"{mark.object_prefix}_" for mark in search.marks]
    if len(prefixes) > _FEW_MARKS:
        prefixes = sorted({mark.object_prefix[:-KEY_LENGTH] for mark in search.marks})
    try:
        found = await together(listing.files(calls, search.bucket, prefix) for prefix in prefixes)
    except Failure as failure:
        if failure.code == listing.NO_BUCKET:
            return [], []
        raise
    return [name for part in found for name in part.names], [part.cloud_time for part in found]


def _by_mark(names: Iterable[str], marks: Mapping[str, Mark]) -> dict[Mark, int]:
    """How many files bear each mark; marks that none bears are left out."""
    return Counter(mark for name in names if (mark := _mark_of(name, marks)))


def _mark_of(name: str, marks: Mapping[str, Mark]) -> Mark | None:
    mark = marks.get(key_in(name) or "")
    return mark if mark and belongs_to(name, mark.object_prefix) else None


async def _disks(calls: Calls, image_id: str) -> int | None:
    """How many files a complete export of the image has; None if the image is gone or not known."""
    found = await listing.images_by_id(calls, [image_id]) if image_id else None
    image = found.rows.get(image_id) if found else None
    return 1 + len(image.data_disks_gib) if image else None
