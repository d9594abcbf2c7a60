"""Whole listings: all pages of anything, or a failure. A first page alone has never proved that something is absent."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from imageferry.core.errors import Transient
from imageferry.core.reasons import Reason


class Row(Protocol):
    """Anything that a cloud lists."""

    @property
    def id(self) -> str:
        """What it is known by."""


R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """One page: its rows, how many all pages hold together, and the cloud's clock."""

    rows: Sequence[R]
    total: int
    date: datetime | None


@dataclass(frozen=True, slots=True)
class Rows(Generic[R]):
    """All rows of a listing by id, and the cloud's clock when the first of its pages was answered."""

    rows: Mapping[str, R]
    cloud_time: datetime


async def all_rows(ask: Callable[[int], Awaitable[Page[R]]], *, size: int) -> Rows[R]:
    """All pages of a listing; `ask` is given the number of the first row wanted, from 0, and answers `size` rows from there.

    Raises Transient where the list was incomplete.
    """
    rows: dict[str, R] = {}
    times: list[datetime] = []
    first, total, doubled = 0, 0, 0
    while first == 0 or first < total:
        page = await ask(first)
        times.append(clock(page.date))
        found = {row.id: row for row in page.rows}
        rows |= found
        doubled += len(page.rows) - len(found)
        first, total = first + size, page.total
        if not found:
            break
    if len(rows) + doubled < total:
        # The list moved between two pages, or a page came back empty: what is missing may be what is looked for.
        raise Transient(Reason.CLOUD_UNAVAILABLE, "The cloud's list was incomplete.")
    return Rows(rows, min(times))


def joined(parts: Sequence[Rows[R]]) -> Rows[R]:
    """Several listings as one. At least one is needed."""
    rows = {row.id: row for part in parts for row in part.rows.values()}
    return Rows(rows, min(part.cloud_time for part in parts))


def clock(date: datetime | None) -> datetime:
    """The Date of an answer. Nothing can be proved by an answer without one."""
    if date is None:
        raise Transient(Reason.CLOUD_UNAVAILABLE, "The cloud's answer bore no Date.")
    return date
