"""VDI 1.1, dynamic: the image header of VirtualBox, src/VBox/Storage/VDICore.h. All numbers are little-endian.

header | block map | blocks of one MiB, each part beginning at a MiB
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from imageferry_emulator.disks import blocks
from imageferry_emulator.disks.blocks import SECTOR

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = 1 << 20
_TEXT = b"<<< Oracle VM VirtualBox Disk Image >>>\n"
SIGNATURE_AT, SIGNATURE = 64, (0xBEDA107F).to_bytes(4, "little")
_VERSION = 0x00010001
_HEADER = 400
_DYNAMIC = 1
_MAP_AT = 512
_UNUSED = 0xFFFFFFFF


def write(disk: Path, destination: Path) -> None:
    """Write the file; only blocks that hold something are in it."""
    size = disk.stat().st_size
    blocks.sectors(size)
    entries = -(-size // _BLOCK)
    kept = blocks.used(disk, _BLOCK)
    data_at = blocks.up(_MAP_AT + 4 * entries, _BLOCK)
    positions = [_UNUSED] * entries
    for position, number in enumerate(kept):
        positions[number] = position
    with destination.open("wb") as out:
        out.write(_header(disk, size, data_at, len(kept)).ljust(_MAP_AT, b"\0"))
        out.write(struct.pack(f"<{entries}I", *positions).ljust(data_at - _MAP_AT, b"\0"))
        for block in blocks.read(disk, _BLOCK, kept):
            out.write(block)


def _header(disk: Path, size: int, data_at: int, allocated: int) -> bytes:
    identity = blocks.identity(disk).bytes_le
    flags, comment, cylinders, heads, track, unused, extra = 0, b"", 0, 0, 0, 0, 0
    return struct.pack(
        "<64s4sIIII256sIIIIIIIQIIII16s16s16s16s",
        *(_TEXT, SIGNATURE, _VERSION, _HEADER, _DYNAMIC, flags, comment, _MAP_AT, data_at),
        *(cylinders, heads, track, SECTOR, unused, size, _BLOCK, extra, -(-size // _BLOCK), allocated),
        # Identity of the image, of its last snapshot, of its parent and of that parent's snapshot.
        *(identity, identity, bytes(16), bytes(16)),
    )
