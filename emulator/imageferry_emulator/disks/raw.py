"""RAW as the cloud delivers it: the disk's bytes as the one member of a gzip'd tar archive."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from imageferry_emulator.disks.blocks import sectors

Writer: TypeAlias = Callable[[Path, Path], None]

_MEMBER = "disk.raw"
_LEVEL = 1  # this archive is thrown away soon: time matters more than size


def write(disk: Path, destination: Path) -> None:
    """Write the archive."""
    size = disk.stat().st_size
    sectors(size)
    member = tarfile.TarInfo(_MEMBER)
    member.size = size
    with (
        disk.open("rb") as source,
        destination.open("wb") as out,
        gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=out, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        archive.addfile(member, source)
