"""Image files from outside: what a reader of any format gets, what it gives, and what can be wrong with a file.

A reader never trusts a number that it reads: what points out of the file is malformed, and what lies behind the end of the disk is
padding. No format is known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Flaw(StrEnum):
    """What is wrong with a file."""

    CONTENT = "the file is not of its format, or makes use of a part of it that is not read here"
    BLOCK_SIZE = "the file's blocks are of a size that is not read here"
    DISK_SIZE = "the size that the file names does not fit its own table"


class MalformedError(ValueError):
    """A file is no image of its format; `flaw` is the kind of what is wrong, the message the particulars."""

    def __init__(self, message: str, flaw: Flaw = Flaw.CONTENT) -> None:
        super().__init__(message)
        self.flaw = flaw


@dataclass(frozen=True, slots=True)
class File:
    """An image file: its first `size` bytes count."""

    source: IO[bytes]
    size: int

    def read(self, offset: int, count: int) -> bytes:
        """So many bytes from there. Raises MalformedError if the file ends before."""
        if offset < 0 or offset + count > self.size:
            raise MalformedError(f"{count} bytes at {offset} lie outside of a file of {self.size} bytes")
        self.source.seek(offset)
        data = self.source.read(count)
        if len(data) != count:
            raise MalformedError(f"the file ends before {offset + count}")
        return data


@dataclass(frozen=True, slots=True)
class Content:
    """The disk in a file: its size in bytes, and `pieces` of it, each with its offset; what is in none of them is zeros.

    Pieces are only read when they are asked for, and may raise MalformedError then.
    """

    size: int
    pieces: Callable[[], Iterator[tuple[int, bytes]]]
