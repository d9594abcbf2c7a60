"""A disk as its formats see it: sectors, blocks that hold something, and an identity made of the content.

Holes of a sparse file are skipped, so that a disk costs what is on it and not what it could hold.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECTOR = 512
_PIECE = 1 << 16
_ZEROS = bytes(_PIECE)


def sectors(size_bytes: int) -> int:
    """The number of sectors. Raises ValueError if there is none or the last is not whole."""
    if size_bytes <= 0 or size_bytes % SECTOR:
        raise ValueError(f"a disk is a whole, positive number of {SECTOR}-byte sectors, not {size_bytes} bytes")
    return size_bytes // SECTOR


def used(disk: Path, block_bytes: int) -> list[int]:
    """The numbers of the blocks that are not all zeros, in order. A block is a multiple of 64 KiB."""
    return list(dict.fromkeys(offset // block_bytes for offset, _ in pieces(disk)))


def read(disk: Path, block_bytes: int, numbers: list[int]) -> Iterator[bytes]:
    """Those blocks, each filled up with zeros to its full size."""
    with disk.open("rb") as source:
        for number in numbers:
            source.seek(number * block_bytes)
            yield source.read(block_bytes).ljust(block_bytes, b"\0")


def identity(disk: Path) -> UUID:
    """A UUID of the content, so that the same disk always gives the same file."""
    digest = hashlib.sha256(disk.stat().st_size.to_bytes(8, "big"))
    for offset, piece in pieces(disk):
        digest.update(offset.to_bytes(8, "big") + piece)
    return UUID(bytes=digest.digest()[:16], version=4)


def up(value: int, unit: int) -> int:
    """`value` rounded up to a multiple of `unit`."""
    return -(-value // unit) * unit


def pieces(disk: Path) -> Iterator[tuple[int, bytes]]:
    """What is on the disk: pieces that are not all zeros, each with its offset, a multiple of 64 KiB; none is longer than that."""
    with disk.open("rb") as source:
        end = source.seek(0, os.SEEK_END)
        offset = 0
        while (data := _next_data(source.fileno(), offset)) < end:
            hole = os.lseek(source.fileno(), data, os.SEEK_HOLE)
            for offset in range(data - data % _PIECE, hole, _PIECE):
                source.seek(offset)
                piece = source.read(_PIECE)
                if piece != _ZEROS[: len(piece)]:
                    yield offset, piece
            offset = up(hole, _PIECE)


def _next_data(descriptor: int, offset: int) -> int:
    """Where the next data begins, far behind the end of the file if there is none."""
    try:
        return os.lseek(descriptor, offset, os.SEEK_DATA)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return sys.maxsize
