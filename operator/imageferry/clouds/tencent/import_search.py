"""Is there an image of ours? The look that a lost answer or a lost journal of an import is resolved by.

An image is ours if it bears one of our marks. While one of our name is in the making and shows no tags, it is a Candidate until
it can be told. An image is not forgotten with time: where none bears our mark and none that could be ours is in the making, there
is none. A person who deleted it wants it gone; that is Absent as well.
"""

from datetime import timedelta
from typing import Final

from imageferry.clouds.paging import joined
from imageferry.clouds.provider import Search
from imageferry.clouds.tencent import import_state, listing
from imageferry.clouds.tencent.calls import Calls
from imageferry.clouds.tencent.import_state import mark_of, untold
from imageferry.clouds.tencent.listing import OWN, Filter
from imageferry.clouds.tencent.requests import MARK
from imageferry.clouds.tencent.translate import FAILED, NORMAL, Image
from imageferry.clouds.threads import together
from imageferry.core.keys import Mark
from imageferry.core.observation import Absent, Candidate, Failed, Observation, Ours, Task, foremost

CLOCKS_APART: Final = timedelta(minutes=6)
"""How much earlier than the claim an image of ours may have been made, by the cloud's clock: it takes a signature whose time is
up to five minutes ahead of it."""


async def find(calls: Calls, search: Search) -> Observation:
    """What the cloud shows of the attempts looked for."""
    found = joined(await together(listing.images(calls, OWN, wanted) for wanted in _filters(search)))
    marks = {mark.key: mark for mark in search.marks}
    borne = [(marks[mark_of(image.tags)], image) for image in found.rows.values() if mark_of(image.tags) in marks]
    ours: list[tuple[int, Ours]] = [
        (mark.number, import_state.seen(_task(mark), image, found.cloud_time)) for mark, image in borne
    ]
    news = foremost(ours, search.closed)
    unclear = [image for image in found.rows.values() if _may_be_ours(image, search)]
    if unclear and (news is None or isinstance(news, Failed)):
        detail = f"Image {unclear[0].id} of this name is being imported and shows no tags yet."
        return Candidate(found.cloud_time, detail)
    return news or Absent(found.cloud_time)


def _filters(search: Search) -> list[Filter]:
    named: list[Filter] = [("image-name", [search.image_name])] if search.image_name else []
    if len(search.marks) > listing.MOST_VALUES:
        return [("tag-key", [MARK]), *named]
    return [(f"tag:{MARK}", [mark.key for mark in search.marks]), *named]


def _may_be_ours(image: Image, search: Search) -> bool:
    made = image.created_at
    in_window = made is None or (search.since - CLOCKS_APART <= made and (search.until is None or made <= search.until))
    in_the_making = image.state not in (NORMAL, *FAILED)
    return image.name == search.image_name and in_the_making and untold(image) and in_window


def _task(mark: Mark) -> Task:
    return Task(id=None, key=mark.key, object_prefix=mark.object_prefix)
