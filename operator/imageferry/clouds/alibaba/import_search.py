"""Is there an image of ours? The look that a lost answer or a lost journal of an import is resolved by.

An image is ours if it bears one of our marks. While an importing image of our name shows no tags, it is a Candidate until it
can be told. Unlike a task, an image is not forgotten with time: where none bears our mark and none that could be ours is in
the making, there is none, however long ago the attempt was. A person who deleted it wants it gone; that is Absent as well,
and so is an import that failed and left nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from imageferry.clouds.alibaba import import_state, listing
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.alibaba.import_state import IN_THE_MAKING, mark_of, untold
from imageferry.clouds.alibaba.requests import MARK
from imageferry.clouds.alibaba.tasks import CLOCKS_APART
from imageferry.clouds.alibaba.translate import Image, Listed
from imageferry.clouds.provider import Search
from imageferry.clouds.threads import together
from imageferry.core.keys import Mark
from imageferry.core.observation import Absent, Cancelled, Candidate, Failed, Observation, Ours, Task, foremost

_FEW_MARKS: Final = 5
"""Up to so many marks are looked for one by one, more of them by the tag's key alone."""

OWN: Final = {"ImageOwnerAlias": "self"}


async def find(calls: Calls, search: Search) -> Observation:
    """What the cloud shows of the attempts looked for."""
    parts = await together(listing.images(calls, {**OWN, **filters}) for filters in _filters(search))
    cloud_time = min(part.cloud_time for part in parts)
    found = {image.id: image for part in parts for image in part.rows.values()}
    marks = {mark.key: mark for mark in search.marks}
    marked = {image.id: marks[mark_of(image.tags)] for image in found.values() if mark_of(image.tags) in marks}
    rows = await _tasks(calls, sorted(marked))
    seen = await together(
        _seen(calls, mark, found[image_id], rows.get(image_id), cloud_time) for image_id, mark in marked.items()
    )
    ours = [
        (mark.number, each) for mark, each in zip(marked.values(), seen, strict=True) if not isinstance(each, Absent)
    ]
    news = foremost(ours, search.closed)
    unclear = [image for image in found.values() if _may_be_ours(image, search)]
    if unclear and (news is None or isinstance(news, Failed | Cancelled)):
        return Candidate(cloud_time, f"Image {unclear[0].id} of this name is being imported and shows no tags yet.")
    return news or Absent(cloud_time)


def _filters(search: Search) -> list[dict[str, object]]:
    named: list[dict[str, object]] = [{"ImageName": search.image_name}] if search.image_name else []
    if len(search.marks) > _FEW_MARKS:
        return [{"Tag": [{"Key": MARK}]}, *named]
    marked: list[dict[str, object]] = [{"Tag": [{"Key": MARK, "Value": mark.key}]} for mark in search.marks]
    return marked + named


def _may_be_ours(image: Image, search: Search) -> bool:
    made = image.created_at
    in_window = made is None or (search.since - CLOCKS_APART <= made and (search.until is None or made <= search.until))
    return image.name == search.image_name and image.status in IN_THE_MAKING and untold(image) and in_window


async def _tasks(calls: Calls, image_ids: list[str]) -> Mapping[str, Listed]:
    """The newest import task of each image, as far as it is still listed."""
    parts = await together(
        listing.tasks(calls, Action.IMPORT_IMAGE, {"ResourceIds": chunk}) for chunk in listing.chunks(image_ids)
    )
    listed = [row for part in parts for row in part.rows.values()]
    listed.sort(key=lambda row: (row.created_at is not None, row.created_at))
    return {row.resource_id: row for row in listed}


async def _seen(calls: Calls, mark: Mark, image: Image, row: Listed | None, cloud_time: datetime) -> Ours | Absent:
    known = Task(id=row.id if row else None, key=mark.key, object_prefix=mark.object_prefix, image_id=image.id)
    return await judged(calls, known, row, image, cloud_time)


async def judged(
    calls: Calls, known: Task, row: Listed | None, image: Image | None, cloud_time: datetime
) -> Ours | Absent:
    """What is seen of an attempt, with the task's own words if it ended badly."""
    shown = await listing.known_detail(calls, row.id) if row and import_state.broke(row, image) else None
    return import_state.seen(known, row, image, shown=shown[0] if shown else None, cloud_time=cloud_time)
