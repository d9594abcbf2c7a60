"""VHD, dynamic: "Virtual Hard Disk Image Format Specification" 1.0, Microsoft 2006. All numbers are big-endian.

footer copy | dynamic header | block allocation table | (sector bitmap, block) ... | footer
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from imageferry_emulator.disks import blocks
from imageferry_emulator.disks.blocks import SECTOR

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

_BLOCK = 2 << 20
_BITMAP = b"\xff" * (_BLOCK // SECTOR // 8)
_FOOTER, _HEADER = 512, 1024
_TABLE_AT = _FOOTER + _HEADER
_UNUSED = 0xFFFFFFFF
_DYNAMIC = 3
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


def _footer(size: int, identity: UUID) -> bytes:
    cylinders, heads, track = _geometry(blocks.sectors(size))
    # Readers disagree on which of size and geometry counts; all of them take the size if the creator is "win ". The time of
    # creation is left at 0, so that the same disk gives the same file.
    footer = struct.pack(
        ">8sIIQI4sI4sQQHBBII16sB",
        *(b"conectix", 2, 0x00010000, _FOOTER, 0, b"win ", 0x000A0000, b"Wi2k"),
        *(size, size, cylinders, heads, track, _DYNAMIC, 0, identity.bytes, 0),
    )
    return _with_checksum(footer.ljust(_FOOTER, b"\0"), _CHECKSUM_IN_FOOTER)


def _header(entries: int) -> bytes:
    header = struct.pack(">8sQQIII", b"cxsparse", 0xFFFFFFFFFFFFFFFF, _TABLE_AT, 0x00010000, entries, _BLOCK)
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
