"""VMDK: "Virtual Disk Format 5.0", VMware 2011. All numbers are little-endian, all positions are sectors.

Written is monolithicSparse; read are that and streamOptimized, whose grains are packed and whose header is repeated at the end:
header | descriptor | redundant grain directory and tables | grain directory and tables | grains
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from imageferry_emulator.disks import blocks
from imageferry_emulator.disks.blocks import SECTOR
from imageferry_emulator.disks.images import Content, File, Flaw, MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAGIC = b"KDMV"
TEXT_MAGIC = b"# Disk DescriptorFile"
"""What a descriptor begins with that is a file of its own: its disk is in other files."""

_GRAIN = 128  # sectors
_GRAIN_BYTES = _GRAIN * SECTOR
_PER_TABLE = 512
_TABLE = _PER_TABLE * 4 // SECTOR
_DESCRIPTOR_AT, _DESCRIPTOR = 1, 20
_NEWLINES_ARE_VALID, _TABLES_ARE_DOUBLE = 1, 2
_NEWLINES = b"\n \r\n"  # a transfer that translates line ends would break these four bytes, and so be seen

_HEADER_FORM = "<4sIIQQQQIQQQB4sH"
_ARE_PACKED = 1 << 16
_AT_THE_END = 0xFFFFFFFFFFFFFFFF  # in place of the directory: a copy of the header at the end says where it is
_FOOTER_FROM_END = 2 * SECTOR
_ZERO_GRAIN = 1
_EXTENT = re.compile(rb"^RW ([0-9]+) SPARSE ", re.MULTILINE)

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


@dataclass(frozen=True, slots=True)
class _Sparse:
    """What a reader needs of a file's header: flags, and in sectors capacity, grain, descriptor and directory."""

    flags: int
    capacity: int
    grain: int
    text_at: int
    text: int
    per_table: int
    directory_at: int


def read(file: File) -> Content:
    """The disk in the file. Raises MalformedError: also for a file that is only one of several."""
    sparse = _sparse(file, 0)
    if sparse.directory_at == _AT_THE_END:
        sparse = _sparse(file, file.size - _FOOTER_FROM_END)
    if sparse.grain <= 0 or sparse.grain & (sparse.grain - 1) or not 0 < sparse.per_table <= _PER_TABLE:
        raise MalformedError(f"grains of {sparse.grain} sectors", Flaw.BLOCK_SIZE)
    named = _EXTENT.findall(file.read(sparse.text_at * SECTOR, sparse.text * SECTOR))
    count = int(named[0]) if len(named) == 1 else 0
    if not 0 < count <= sparse.capacity:
        raise MalformedError("the descriptor does not name one sparse extent within the file's capacity")
    return Content(count * SECTOR, partial(_grains, file, sparse))


def _sparse(file: File, at: int) -> _Sparse:
    magic, _, flags, capacity, grain, text_at, text, per_table, _, directory_at, *_ = struct.unpack_from(
        _HEADER_FORM, file.read(at, SECTOR)
    )
    if magic != MAGIC:
        raise MalformedError("not a sparse VMDK")
    return _Sparse(flags, capacity, grain, text_at, text, per_table, directory_at)


def _grains(file: File, sparse: _Sparse) -> Iterator[tuple[int, bytes]]:
    tables = -(-sparse.capacity // (sparse.grain * sparse.per_table))
    directory = struct.unpack(f"<{tables}I", file.read(sparse.directory_at * SECTOR, 4 * tables))
    for number, table_at in enumerate(directory):
        if not table_at:
            continue
        table = struct.unpack(f"<{sparse.per_table}I", file.read(table_at * SECTOR, 4 * sparse.per_table))
        for index, at in enumerate(table):
            if at > _ZERO_GRAIN:
                offset = (number * sparse.per_table + index) * sparse.grain * SECTOR
                yield offset, _grain(file, sparse, at)


def _grain(file: File, sparse: _Sparse, at: int) -> bytes:
    if not sparse.flags & _ARE_PACKED:
        return file.read(at * SECTOR, sparse.grain * SECTOR)
    _, packed = struct.unpack("<QI", file.read(at * SECTOR, 12))
    try:
        return zlib.decompressobj().decompress(file.read(at * SECTOR + 12, packed), sparse.grain * SECTOR)
    except zlib.error as broken:
        raise MalformedError(f"a grain cannot be unpacked: {broken}") from broken


def _header(capacity: int, redundant_at: int, directory_at: int, overhead: int) -> bytes:
    version, clean, uncompressed = 1, 0, 0
    header = struct.pack(
        _HEADER_FORM,
        *(MAGIC, version, _NEWLINES_ARE_VALID | _TABLES_ARE_DOUBLE, capacity, _GRAIN),
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
