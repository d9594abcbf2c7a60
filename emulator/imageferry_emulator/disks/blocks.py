"""A disk as its formats see it: sectors, blocks that hold something, and an identity made of the content."""

from __future__ import annotations

import hashlib
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
    held = (offset for offset, piece in _pieces(disk) if piece != _ZEROS[: len(piece)])
    return list(dict.fromkeys(offset // block_bytes for offset in held))


def read(disk: Path, block_bytes: int, numbers: list[int]) -> Iterator[bytes]:
    """Those blocks, each filled up with zeros to its full size."""
    with disk.open("rb") as source:
        for number in numbers:
            source.seek(number * block_bytes)
            yield source.read(block_bytes).ljust(block_bytes, b"\0")


def identity(disk: Path) -> UUID:
    """A UUID of the content, so that the same disk always gives the same file."""
    digest = hashlib.sha256()
    for _, piece in _pieces(disk):
        digest.update(piece)
    return UUID(bytes=digest.digest()[:16], version=4)


def up(value: int, unit: int) -> int:
    """`value` rounded up to a multiple of `unit`."""
    return -(-value // unit) * unit


def _pieces(disk: Path) -> Iterator[tuple[int, bytes]]:
    offset = 0
    with disk.open("rb") as source:
        while piece := source.read(_PIECE):
            yield offset, piece
            offset += len(piece)
