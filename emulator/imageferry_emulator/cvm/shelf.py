"""The bytes behind the disks of images: a file each, made up on first use or written by an import. No image is known here."""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from imageferry_emulator import disks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Shelf:
    """All such files under one folder; every method may be called from any thread."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, image_id: str, index: int) -> Path:
        """Where the bytes of a disk are, if they are there."""
        return self._root / f"{image_id}_{index}"

    def made_up(self, image_id: str, index: int, size_bytes: int) -> Path:
        """The file of a disk that nobody gave any bytes: always the same ones. Blocks while it is made."""
        path = self.path(image_id, index)
        if not path.exists():
            with self.writing(image_id, index) as fresh:
                disks.make_disk(fresh, size_bytes, zlib.crc32(f"{image_id}/{index}".encode()))
        return path

    @contextmanager
    def writing(self, image_id: str, index: int) -> Iterator[Path]:
        """A path to write the bytes of a disk to; they count once all of them are there, and not if writing fails."""
        self._root.mkdir(parents=True, exist_ok=True)
        path = self.path(image_id, index)
        fresh = path.with_name(f"{path.name}.new")
        yield fresh
        fresh.replace(path)

    def drop(self, image_id: str, index: int) -> None:
        """Forget the bytes of a disk."""
        self.path(image_id, index).unlink(missing_ok=True)
