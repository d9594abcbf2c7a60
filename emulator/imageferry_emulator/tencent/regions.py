"""The regions of Tencent Cloud that this world has, kept in the journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imageferry_emulator.shapes import text

if TYPE_CHECKING:
    from imageferry_emulator.state import Journal


@dataclass(frozen=True, slots=True)
class Region:
    """A region: its id (`ap-guangzhou`), its name, and whether it imports images at all.

    One of the `mainland` imports from buckets of other regions too.
    """

    id: str
    name: str
    import_supported: bool
    mainland: bool


class Regions:
    """All regions by id."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def put(self, region: dict[str, Any]) -> None:
        """Add or replace {id, name?, importSupported?, mainland?}. Raises ShapeError if it is not of that shape."""
        self._journal.put("tencentRegions", text(region, "id"), region)

    def all(self) -> list[Region]:
        """All regions, in the order in which they came."""
        return [_region(stored) for stored in self._journal.table("tencentRegions").values()]

    def get(self, region_id: str) -> Region | None:
        """The region of that id, or None."""
        stored = self._journal.table("tencentRegions").get(region_id)
        return _region(stored) if stored else None


def _region(stored: dict[str, Any]) -> Region:
    return Region(
        id=stored["id"],
        name=str(stored.get("name", stored["id"])),
        import_supported=bool(stored.get("importSupported", True)),
        mainland=bool(stored.get("mainland", True)),
    )
