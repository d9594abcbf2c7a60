"""qcow2, version 3: "Qcow2 Image File Format", docs/interop/qcow2.txt of QEMU. All numbers are big-endian.

header | refcount table | refcount blocks | L1 table | L2 tables | data clusters
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imageferry_emulator.disks import blocks

if TYPE_CHECKING:
    from pathlib import Path

_BITS = 16
_CLUSTER = 1 << _BITS
_PER_L2 = _CLUSTER // 8
_PER_REFCOUNTS = _CLUSTER // 2  # refcounts of 16 bits
_COPIED = 1 << 63  # in L1 and L2: the refcount of what is pointed to is exactly one
_HEADER = 104
_REFCOUNT_ORDER = 4


@dataclass(frozen=True, slots=True)
class Layout:
    """How many clusters each part takes; `tables` are the L2 tables that are needed, by their number in L1."""

    refcount_table: int
    refcounts: int
    l1: int
    l1_entries: int
    tables: tuple[int, ...]
    data: int

    @property
    def l1_at(self) -> int:
        """First cluster of the L1 table."""
        return 1 + self.refcount_table + self.refcounts

    @property
    def data_at(self) -> int:
        """First data cluster."""
        return self.l1_at + self.l1 + len(self.tables)

    @property
    def clusters(self) -> int:
        """Clusters of the whole file."""
        return self.data_at + self.data


def write(disk: Path, destination: Path) -> None:
    """Write the file; only clusters that hold something are in it."""
    size = disk.stat().st_size
    blocks.sectors(size)
    kept = blocks.used(disk, _CLUSTER)
    layout = _layout(size, kept)
    with destination.open("wb") as out:
        out.write(_header(size, layout).ljust(_CLUSTER, b"\0"))
        out.write(_table([1 + layout.refcount_table + n for n in range(layout.refcounts)], layout.refcount_table, 0))
        counts = b"\0\1" * layout.clusters
        out.write(counts.ljust(layout.refcounts * _CLUSTER, b"\0"))
        l1 = [0] * layout.l1_entries
        for position, number in enumerate(layout.tables):
            l1[number] = layout.l1_at + layout.l1 + position
        out.write(_table(l1, layout.l1, _COPIED))
        for l2 in _l2_tables(kept, layout):
            out.write(_table(l2, 1, _COPIED))
        for block in blocks.read(disk, _CLUSTER, kept):
            out.write(block)


def _layout(size: int, kept: list[int]) -> Layout:
    l1_entries = -(-size // (_CLUSTER * _PER_L2))
    tables = tuple(dict.fromkeys(number // _PER_L2 for number in kept))
    l1 = -(-8 * l1_entries // _CLUSTER)
    fixed = 1 + l1 + len(tables) + len(kept)
    refcounts, refcount_table = 0, 0
    # The clusters of the refcounts are counted as well, hence the search for the point where they suffice.
    while (needed := -(-(fixed + refcounts + refcount_table) // _PER_REFCOUNTS)) > refcounts:
        refcounts, refcount_table = needed, -(-8 * needed // _CLUSTER)
    return Layout(refcount_table, refcounts, l1, l1_entries, tables, len(kept))


def _header(size: int, layout: Layout) -> bytes:
    version, crypt, backing_at, backing_bytes, snapshots, snapshots_at = 3, 0, 0, 0, 0, 0
    return struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        *(b"QFI\xfb", version, backing_at, backing_bytes, _BITS, size, crypt, layout.l1_entries),
        *(layout.l1_at * _CLUSTER, _CLUSTER, layout.refcount_table, snapshots, snapshots_at),
        *(0, 0, 0, _REFCOUNT_ORDER, _HEADER),
    )


def _l2_tables(kept: list[int], layout: Layout) -> list[list[int]]:
    tables = {number: [0] * _PER_L2 for number in layout.tables}
    for position, number in enumerate(kept):
        tables[number // _PER_L2][number % _PER_L2] = layout.data_at + position
    return [tables[number] for number in layout.tables]


def _table(clusters: list[int], length: int, flag: int) -> bytes:
    """A table of file offsets that takes `length` clusters; 0 stays 0, every other entry gets the flag."""
    entries = (cluster * _CLUSTER | flag if cluster else 0 for cluster in clusters)
    return struct.pack(f">{len(clusters)}Q", *entries).ljust(length * _CLUSTER, b"\0")
