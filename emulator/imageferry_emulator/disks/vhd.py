"""VHD: "Virtual Hard Disk Image Format Specification" 1.0, Microsoft 2006. All numbers are big-endian.

Written are dynamic files, read are dynamic and fixed ones. A fixed one is the disk and then the footer; a dynamic one:
footer copy | dynamic header | block allocation table | (sector bitmap, block) ... | footer
"""

from __future__ import annotations

import struct
from functools import partial
from typing import TYPE_CHECKING

from imageferry_emulator.disks import blocks
from imageferry_emulator.disks.blocks import SECTOR
from imageferry_emulator.disks.images import Content, File, Flaw, MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

_BLOCK = 2 << 20
_BITMAP = b"\xff" * (_BLOCK // SECTOR // 8)
FOOTER, _HEADER = 512, 1024
_TABLE_AT = FOOTER + _HEADER
_UNUSED = 0xFFFFFFFF
_FIXED, _DYNAMIC = 2, 3
COOKIE, _HEADER_COOKIE = b"conectix", b"cxsparse"
_CHECKSUM_IN_FOOTER, _CHECKSUM_IN_HEADER = 64, 36
_MOST_CYLINDERS = 65535


def write(disk: Path, destination: Path) -> None:
    """Write the file; only blocks that hold something are in it."""
    size = disk.stat().st_size
    footer = _footer(size, blocks.identity(disk))
    entries = -(-size // _BLOCK)
    kept = blocks.used(disk, _BLOCK)
    start = _TABLE_AT + blocks.up(4 * entries, SECTOR)
    stride = len(_BITMAP) + _BLOCK
    table = [_UNUSED] * entries
    for position, number in enumerate(kept):
        table[number] = (start + position * stride) // SECTOR
    with destination.open("wb") as out:
        out.write(footer + _header(entries))
        out.write(struct.pack(f">{entries}I", *table).ljust(start - _TABLE_AT, b"\xff"))
        for block in blocks.read(disk, _BLOCK, kept):
            out.write(_BITMAP + block)
        out.write(footer)


def read(file: File) -> Content:
    """The disk in the file. Raises MalformedError: also for a differencing file, which holds only a part of its disk."""
    footer = file.read(file.size - FOOTER, FOOTER)
    if not footer.startswith(COOKIE):
        raise MalformedError("the file does not end in the footer of a VHD")
    (header_at,) = struct.unpack_from(">Q", footer, 16)
    size, kind = struct.unpack_from(">Q4xI", footer, 48)
    if size <= 0 or size % SECTOR:
        raise MalformedError(f"the footer names a disk of {size} bytes", Flaw.DISK_SIZE)
    if kind == _FIXED:
        if size != file.size - FOOTER:
            raise MalformedError(f"a fixed file of {file.size} bytes names a disk of {size}", Flaw.DISK_SIZE)
        return Content(size, partial(_fixed, file, size))
    if kind != _DYNAMIC:
        raise MalformedError(f"a VHD of kind {kind} is neither fixed nor dynamic")
    return _dynamic(file, size, header_at)


def _dynamic(file: File, size: int, header_at: int) -> Content:
    cookie, _, table_at, _, entries, block = struct.unpack_from(">8sQQIII", file.read(header_at, _HEADER))
    if cookie != _HEADER_COOKIE:
        raise MalformedError("the dynamic header is not there")
    if block != _BLOCK:
        raise MalformedError(f"blocks of {block} bytes", Flaw.BLOCK_SIZE)
    if not size <= entries * block < size + block:
        raise MalformedError(f"a table of {entries} blocks for a disk of {size} bytes", Flaw.DISK_SIZE)
    table = struct.unpack(f">{entries}I", file.read(table_at, 4 * entries))
    return Content(size, partial(_blocks, file, table))


def _fixed(file: File, size: int) -> Iterator[tuple[int, bytes]]:
    for offset in range(0, size, _BLOCK):
        yield offset, file.read(offset, min(_BLOCK, size - offset))


def _blocks(file: File, table: tuple[int, ...]) -> Iterator[tuple[int, bytes]]:
    for number, at in enumerate(table):
        if at == _UNUSED:
            continue
        bitmap = file.read(at * SECTOR, len(_BITMAP))
        block = file.read(at * SECTOR + len(_BITMAP), _BLOCK)
        if bitmap == _BITMAP:
            yield number * _BLOCK, block
            continue
        for sector in range(_BLOCK // SECTOR):
            if bitmap[sector // 8] & (0x80 >> sector % 8):
                offset = sector * SECTOR
                yield number * _BLOCK + offset, block[offset : offset + SECTOR]


def _footer(size: int, identity: UUID) -> bytes:
    cylinders, heads, track = _geometry(blocks.sectors(size))
    # Readers disagree on which of size and geometry counts; all of them take the size if the creator is "win ". The time of
    # creation is left at 0, so that the same disk gives the same file.
    footer = struct.pack(
        ">8sIIQI4sI4sQQHBBII16sB",
        *(COOKIE, 2, 0x00010000, FOOTER, 0, b"win ", 0x000A0000, b"Wi2k"),
        *(size, size, cylinders, heads, track, _DYNAMIC, 0, identity.bytes, 0),
    )
    return _with_checksum(footer.ljust(FOOTER, b"\0"), _CHECKSUM_IN_FOOTER)


def _header(entries: int) -> bytes:
    header = struct.pack(">8sQQIII", _HEADER_COOKIE, 0xFFFFFFFFFFFFFFFF, _TABLE_AT, 0x00010000, entries, _BLOCK)
    return _with_checksum(header.ljust(_HEADER, b"\0"), _CHECKSUM_IN_HEADER)


def _with_checksum(structure: bytes, offset: int) -> bytes:
    """One's complement of the sum of all bytes, taken while the checksum itself is zero."""
    return structure[:offset] + struct.pack(">I", ~sum(structure) & 0xFFFFFFFF) + structure[offset + 4 :]


def _geometry(count: int) -> tuple[int, int, int]:
    """Cylinders, heads and sectors per track, by the appendix of the specification."""
    count = min(count, _MOST_CYLINDERS * 16 * 255)
    if count >= _MOST_CYLINDERS * 16 * 63:
        return count // 255 // 16, 16, 255
    per_head = count // 17
    heads = max(4, -(-per_head // 1024))
    if per_head < heads * 1024 and heads <= 16:  # noqa: PLR2004 (figures of the specification's appendix)
        return per_head // heads, heads, 17
    if count // 31 < 16 * 1024:
        return count // 31 // 16, 16, 31
    return count // 63 // 16, 16, 63
