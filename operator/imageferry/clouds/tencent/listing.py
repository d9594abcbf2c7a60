"""Whole listings: all pages of images or files, or a failure. A first page alone has never proved that something is absent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from imageferry.clouds.paging import Page, Rows, all_rows, clock, joined
from imageferry.clouds.tencent import translate
from imageferry.clouds.tencent.answers import Entry, Upload
from imageferry.clouds.tencent.calls import Calls
from imageferry.clouds.tencent.client import Action
from imageferry.clouds.tencent.codes.cos import NO_BUCKET
from imageferry.clouds.tencent.translate import Image
from imageferry.clouds.threads import together
from imageferry.core.errors import Failure

MOST_ROWS: Final = 100
"""The largest page of DescribeImages (parameter Limit)."""

MOST_VALUES: Final = 5
"""The most values of one filter (the same, parameter Filters)."""

OWN: Final = ("image-type", ("PRIVATE_IMAGE",))
"""The filter for the account's own images."""

Filter = tuple[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Files:
    """All files of a listing, whether there is such a bucket, and the cloud's clock when the first page was answered."""

    entries: tuple[Entry, ...]
    bucket_exists: bool
    cloud_time: datetime


async def images(calls: Calls, *filters: Filter) -> Rows[Image]:
    """The images that DescribeImages lists under all of these filters, whatever their state."""
    wanted: dict[str, Any] = {"Filters": [{"Name": name, "Values": list(values)} for name, values in filters]}

    async def ask(first: int) -> Page[Image]:
        answer = await calls.cvm(Action.DESCRIBE_IMAGES, {**wanted, "Offset": first, "Limit": MOST_ROWS})
        return Page(translate.images(answer.body), translate.total(answer.body), answer.date)

    return await all_rows(ask, size=MOST_ROWS)


async def images_by_id(calls: Calls, ids: Iterable[str]) -> Rows[Image] | None:
    """These images, as far as they are there; None if no id was given.

    By a filter and not by ImageIds: that refuses all where one is unknown.
    """
    parts = await together(images(calls, ("image-id", chunk)) for chunk in chunks(ids))
    return joined(parts) if parts else None


def chunks(ids: Iterable[str]) -> list[list[str]]:
    """The ids in order, each once, as many together as one filter takes."""
    wanted = sorted(set(ids))
    return [wanted[first : first + MOST_VALUES] for first in range(0, len(wanted), MOST_VALUES)]


async def files(calls: Calls, bucket: str, prefix: str) -> Files:
    """All files in the bucket whose names begin with `prefix`."""
    first = page = await calls.page(bucket, prefix, "")
    entries = [*page.entries]
    while page.next_marker:
        page = await calls.page(bucket, prefix, page.next_marker)
        entries += page.entries
    return Files(tuple(entries), first.bucket_exists, clock(first.date))


async def uploads(calls: Calls, bucket: str, prefix: str) -> tuple[Upload, ...]:
    """All files that are being written in parts and whose names begin with `prefix`; none where there is no bucket."""
    found: list[Upload] = []
    marker: tuple[str, str] | None = ("", "")
    try:
        while marker:
            page = await calls.uploads(bucket, prefix, marker)
            found += page.uploads
            marker = page.next_marker
    except Failure as failure:
        if failure.code != NO_BUCKET:
            raise
    return tuple(found)
