"""qcow2, written in version 3, read in 2 and 3: "Qcow2 Image File Format", docs/interop/qcow2.txt of QEMU. All numbers are big-endian.

header | refcount table | refcount blocks | L1 table | L2 tables | data clusters
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from imageferry_emulator.disks import blocks
from imageferry_emulator.disks.images import Content, File, Flaw, MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAGIC = b"QFI\xfb"

_BITS = 16
_CLUSTER = 1 << _BITS
_PER_L2 = _CLUSTER // 8
_PER_REFCOUNTS = _CLUSTER // 2  # refcounts of 16 bits
_COPIED = 1 << 63  # in L1 and L2: the refcount of what is pointed to is exactly one
_HEADER = 104
_REFCOUNT_ORDER = 4
_VERSIONS = (2, 3)
_OLD_HEADER = 72
_CLUSTER_BITS = range(9, 22)
_OFFSET = 0x00FFFFFFFFFFFE00
_COMPRESSED = 1 << 62
_ZEROS_FLAG = 1  # in L2: the cluster reads as zeros, whatever it points to
_DIRTY = 1  # of the incompatible features the one that does not matter to a reader: refcounts may be wrong
_DEFLATE_BITS = -12


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


@dataclass(frozen=True, slots=True)
class _Tables:
    """What a reader needs of a file's header: the disk's size, the bits of a cluster, the L1 table."""

    size: int
    bits: int
    l1: tuple[int, ...]

    @property
    def cluster(self) -> int:
        return 1 << self.bits


def read(file: File) -> Content:
    """The disk in the file. Raises MalformedError: also for a file that is encrypted or builds on another one."""
    magic, version, backing_at, _, bits, size, crypt, l1_entries, l1_at = struct.unpack(
        ">4sIQIIQIIQ", file.read(0, struct.calcsize(">4sIQIIQIIQ"))
    )
    if magic != MAGIC or version not in _VERSIONS:
        raise MalformedError("not a qcow2 of version 2 or 3")
    if bits not in _CLUSTER_BITS:
        raise MalformedError(f"clusters of 2^{bits} bytes", Flaw.BLOCK_SIZE)
    features = struct.unpack(">Q", file.read(_OLD_HEADER, 8))[0] if version != _VERSIONS[0] else 0
    if backing_at or crypt or features & ~_DIRTY:
        raise MalformedError("it builds on another file, is encrypted, or is of a newer kind")
    if size <= 0 or size % blocks.SECTOR or l1_entries * (1 << 2 * bits - 3) < size:
        raise MalformedError(f"an L1 table of {l1_entries} entries for a disk of {size} bytes", Flaw.DISK_SIZE)
    l1 = struct.unpack(f">{l1_entries}Q", file.read(l1_at, 8 * l1_entries))
    return Content(size, partial(_clusters, file, _Tables(size, bits, l1)))


def _clusters(file: File, tables: _Tables) -> Iterator[tuple[int, bytes]]:
    per_l2 = tables.cluster // 8
    for l1_index, entry in enumerate(tables.l1):
        if not entry & _OFFSET:
            continue
        l2 = struct.unpack(f">{per_l2}Q", file.read(entry & _OFFSET, tables.cluster))
        for l2_index, leaf in enumerate(l2):
            offset = (l1_index * per_l2 + l2_index) * tables.cluster
            if leaf & _COMPRESSED:
                yield offset, _inflated(file, tables, leaf)
            elif leaf & _OFFSET and not leaf & _ZEROS_FLAG:
                # The last cluster of a file may be cut where the disk ends.
                there = min(tables.cluster, tables.size - offset)
                yield offset, file.read(leaf & _OFFSET, there) if there > 0 else b""


def _inflated(file: File, tables: _Tables, leaf: int) -> bytes:
    """A compressed cluster; its entry holds the place and how many further sectors it reaches into."""
    split = 62 - (tables.bits - 8)
    at = leaf & ((1 << split) - 1)
    count = ((leaf & (_COMPRESSED - 1)) >> split) * blocks.SECTOR + blocks.SECTOR - at % blocks.SECTOR
    try:
        return zlib.decompressobj(_DEFLATE_BITS).decompress(file.read(at, min(count, file.size - at)), tables.cluster)
    except zlib.error as broken:
        raise MalformedError(f"a cluster cannot be unpacked: {broken}") from broken


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
        *(MAGIC, version, backing_at, backing_bytes, _BITS, size, crypt, layout.l1_entries),
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
