"""VMDK, monolithicSparse: "Virtual Disk Format 5.0", VMware 2011. All numbers are little-endian, all positions are sectors.

header | descriptor | redundant grain directory and tables | grain directory and tables | grains
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from imageferry_emulator.disks import blocks
from imageferry_emulator.disks.blocks import SECTOR

if TYPE_CHECKING:
    from pathlib import Path

_GRAIN = 128  # sectors
_GRAIN_BYTES = _GRAIN * SECTOR
_PER_TABLE = 512
_TABLE = _PER_TABLE * 4 // SECTOR
_DESCRIPTOR_AT, _DESCRIPTOR = 1, 20
_NEWLINES_ARE_VALID, _TABLES_ARE_DOUBLE = 1, 2
_NEWLINES = b"\n \r\n"  # a transfer that translates line ends would break these four bytes, and so be seen

_TEXT = """\
# Disk DescriptorFile
version=1
CID={cid:08x}
parentCID=ffffffff
createType="monolithicSparse"

# Extent description
RW {sectors} SPARSE "disk.vmdk"

# The Disk Data Base
#DDB

ddb.virtualHWVersion = "4"
ddb.geometry.cylinders = "{cylinders}"
ddb.geometry.heads = "16"
ddb.geometry.sectors = "63"
ddb.adapterType = "lsilogic"
"""


def write(disk: Path, destination: Path) -> None:
    """Write the file; only grains that hold something are in it."""
    count = blocks.sectors(disk.stat().st_size)
    grains = -(-count // _GRAIN)
    tables = -(-grains // _PER_TABLE)
    directory = -(-4 * tables // SECTOR)
    redundant_at = _DESCRIPTOR_AT + _DESCRIPTOR
    directory_at = redundant_at + directory + tables * _TABLE
    overhead = blocks.up(directory_at + directory + tables * _TABLE, _GRAIN)
    kept = blocks.used(disk, _GRAIN_BYTES)
    with destination.open("wb") as out:
        out.write(_header(blocks.up(count, _GRAIN), redundant_at, directory_at, overhead))
        out.write(_descriptor(disk, count))
        entries = _entries(kept, tables, overhead)
        for at in (redundant_at, directory_at):
            out.write(_directory(tables, at + directory).ljust(directory * SECTOR, b"\0") + entries)
        out.write(bytes(overhead * SECTOR - out.tell()))
        for grain in blocks.read(disk, _GRAIN_BYTES, kept):
            out.write(grain)


def _header(capacity: int, redundant_at: int, directory_at: int, overhead: int) -> bytes:
    version, clean, uncompressed = 1, 0, 0
    header = struct.pack(
        "<4sIIQQQQIQQQB4sH",
        *(b"KDMV", version, _NEWLINES_ARE_VALID | _TABLES_ARE_DOUBLE, capacity, _GRAIN),
        *(_DESCRIPTOR_AT, _DESCRIPTOR, _PER_TABLE, redundant_at, directory_at, overhead),
        *(clean, _NEWLINES, uncompressed),
    )
    return header.ljust(SECTOR, b"\0")


def _descriptor(disk: Path, count: int) -> bytes:
    # The extent is this file, whatever it is called; 0xffffffff and 0xfffffffe are taken: "no parent" and "not yet set".
    content_id = blocks.identity(disk).int & 0x7FFFFFFF
    text = _TEXT.format(cid=content_id, sectors=count, cylinders=max(1, min(16383, count // (16 * 63))))
    return text.encode().ljust(_DESCRIPTOR * SECTOR, b"\0")


def _directory(tables: int, first: int) -> bytes:
    return struct.pack(f"<{tables}I", *(first + number * _TABLE for number in range(tables)))


def _entries(kept: list[int], tables: int, first: int) -> bytes:
    entries = bytearray(tables * _PER_TABLE * 4)
    for position, number in enumerate(kept):
        struct.pack_into("<I", entries, 4 * number, first + position * _GRAIN)
    return bytes(entries)
