"""How the store writes: JSON renamed into place, bytes summed up once, names that a file system can hold. No bucket, no rule."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from imageferry_emulator.objects.crc64 import crc64

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Sums:
    """Size in bytes, MD5 in upper-case hex, CRC-64 of some content."""

    size: int
    md5: str
    crc64: int


class Incoming:
    """A folder for what is being written; whatever is in it when it is opened was left by a process that died."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A path to write bytes to; gone afterwards unless it was renamed."""
        path = self._folder / uuid4().hex
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def write_json(self, path: Path, value: dict[str, Any]) -> None:
        """Make `path` hold `value`, at once or not at all."""
        # No fsync: what a process handed to the kernel outlives that process, and a power cut is not promised against.
        fresh = self._folder / uuid4().hex
        fresh.write_text(json.dumps(value, default=str), encoding="utf-8")
        fresh.replace(path)


def sums(path: Path) -> Sums:
    """The sums of a file's content."""
    size, crc = 0, 0
    md5 = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            md5.update(chunk)
            crc = crc64(chunk, crc)
    return Sums(size, md5.hexdigest().upper(), crc)


def stem(key: str) -> str:
    """A file name for a key, which may be 1023 bytes of anything."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def now() -> datetime:
    """This second, as objects are dated."""
    return datetime.fromtimestamp(int(datetime.now(tz=UTC).timestamp()), tz=UTC)
