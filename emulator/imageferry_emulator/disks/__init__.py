"""Real disks and the image files made of them: raw, vhd, qcow2, vmdk and vdi, each as its own format document says.

One module per format, none knows another; `blocks` is what the writers share, `images` what the readers do. Nothing here knows of
a cloud.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imageferry_emulator.disks import qcow2, raw, vdi, vhd, vmdk
from imageferry_emulator.disks.images import Content, File, Flaw, MalformedError
from imageferry_emulator.disks.source import make_disk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = [
    "FORMATS",
    "PACKED",
    "READABLE",
    "Content",
    "File",
    "Flaw",
    "MalformedError",
    "detect",
    "extension",
    "make_disk",
    "read_file",
    "unpack",
    "write_file",
]

_WRITERS = {"raw": raw.write, "vhd": vhd.write, "qcow2": qcow2.write, "vmdk": vmdk.write, "vdi": vdi.write}

FORMATS = tuple(_WRITERS)
"""The formats that can be written by name, in lower case."""

PACKED = "raw.tar.gz"
"""RAW in the archive that exports pack it into."""

_READERS: dict[str, Callable[[File], Content]] = {
    "raw": raw.read,
    PACKED: raw.read_packed,
    "vhd": vhd.read,
    "qcow2": qcow2.read,
    "vmdk": vmdk.read,
}

READABLE = tuple(_READERS)
"""The formats that can be read by name, in lower case."""

_HOLE = 1 << 16
"""Zeros of such a length are not written."""
_ZEROS = bytes(_HOLE)
_MARKS = (
    ("qcow2", 0, qcow2.MAGIC),
    ("vmdk", 0, vmdk.MAGIC),
    ("vmdk", 0, vmdk.TEXT_MAGIC),
    ("vhd", -vhd.FOOTER, vhd.COOKIE),
    ("vdi", vdi.SIGNATURE_AT, vdi.SIGNATURE),
    ("vhdx", 0, b"vhdxfile"),  # MS-VHDX 2.2.1, file type identifier
    (PACKED, 0, raw.MAGIC),
)
"""Each format with the mark it bears and where, counted from the file's begin or, if negative, from its end."""


def write_file(disk: Path, fmt: str, destination: Path) -> None:
    """Write the image file of a disk (any file of whole 512-byte sectors). The same disk gives the same bytes.

    Raises ValueError for an unknown format or a disk that is empty or ends within a sector.
    """
    _writer(fmt)(disk, destination)


def extension(fmt: str) -> str:
    """What a file of that format is called after the dot. Raises ValueError for an unknown format."""
    _writer(fmt)
    return PACKED if fmt == "raw" else fmt


def detect(file: File) -> str:
    """The format that a file bears the mark of: one of READABLE, `vdi` or `vhdx`; `raw` if it bears none."""
    for fmt, at, mark in _MARKS:
        start = at if at >= 0 else file.size + at
        if start >= 0 and start + len(mark) <= file.size and file.read(start, len(mark)) == mark:
            return fmt
    return "raw"


def read_file(file: File) -> Content:
    """The disk in an image file, by the format that it bears the mark of. Raises MalformedError."""
    fmt = detect(file)
    if fmt not in _READERS:
        raise MalformedError(f"{fmt} is not read here")
    return _READERS[fmt](file)


def unpack(content: Content, destination: Path) -> None:
    """Write the disk itself, sparse. Raises MalformedError."""
    with destination.open("wb") as disk:
        disk.truncate(content.size)
        for offset, piece in content.pieces():
            inside = piece[: max(0, content.size - offset)]
            for at in range(0, len(inside), _HOLE):
                part = inside[at : at + _HOLE]
                if part != _ZEROS[: len(part)]:
                    disk.seek(offset + at)
                    disk.write(part)


def _writer(fmt: str) -> raw.Writer:
    try:
        return _WRITERS[fmt]
    except KeyError:
        raise ValueError(f"unknown disk format {fmt!r}; known are {', '.join(FORMATS)}") from None
