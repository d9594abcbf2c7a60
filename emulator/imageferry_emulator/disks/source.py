"""The disks that images are seeded with: made up, but partitioned, repeatable, and as compressible as a fresh system disk."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

from imageferry_emulator.disks.blocks import SECTOR, sectors

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = 1 << 16
_FIRST_LBA = 2048  # where partitioning tools put the first partition
_LINUX = 0x83
_BEYOND_CHS = b"\xfe\xff\xff"


def make_disk(path: Path, size_bytes: int, seed: int) -> None:
    """Write a disk of `size_bytes`; the same size and seed give the same bytes.

    It begins with a master boot record. Half of its blocks are holes, a quarter repeats itself, a quarter is noise. Raises
    ValueError unless the size is a whole, positive number of sectors.
    """
    count = sectors(size_bytes)
    noise = random.Random(seed)  # noqa: S311 (repeatable filler, not a secret)
    with path.open("wb") as disk:
        for offset in range(0, size_bytes, _BLOCK):
            content = _content(noise, offset)
            if content:
                disk.seek(offset)
                disk.write(content[: size_bytes - offset])
        disk.seek(0)
        disk.write(_boot_record(count, seed))
        disk.truncate(size_bytes)


def _content(noise: random.Random, offset: int) -> bytes:
    kind = noise.randrange(4)
    if kind == 0:
        return noise.randbytes(_BLOCK)
    if kind == 1:
        line = b"block %016d of a made-up disk, as plain as text can be\n" % offset
        return (line * (_BLOCK // len(line) + 1))[:_BLOCK]
    return b""


def _boot_record(count: int, seed: int) -> bytes:
    first = min(_FIRST_LBA, count - 1)
    active, fill = b"\x80", bytes(48)
    entry = active + _BEYOND_CHS + bytes([_LINUX]) + _BEYOND_CHS
    entry += struct.pack("<II", first, min(count - first, 0xFFFFFFFF))
    # An endless loop where the boot code would be, then the disk's signature, one partition and the mark of a boot record.
    code = b"\xeb\xfe".ljust(440, b"\0") + struct.pack("<IH", seed & 0xFFFFFFFF, 0)
    return (code + entry + fill + b"\x55\xaa").ljust(SECTOR, b"\0")
