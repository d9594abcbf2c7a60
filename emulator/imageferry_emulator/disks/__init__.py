"""Real disks and the image files made of them: raw, vhd, qcow2, vmdk and vdi, each as its own format document says.

One module per format, none knows another; `blocks` is what they share. Nothing here knows of a cloud.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imageferry_emulator.disks import qcow2, raw, vdi, vhd, vmdk
from imageferry_emulator.disks.source import make_disk

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FORMATS", "extension", "make_disk", "write_file"]

_WRITERS = {"raw": raw.write, "vhd": vhd.write, "qcow2": qcow2.write, "vmdk": vmdk.write, "vdi": vdi.write}

FORMATS = tuple(_WRITERS)
"""The formats by name, in lower case."""


def write_file(disk: Path, fmt: str, destination: Path) -> None:
    """Write the image file of a disk (any file of whole 512-byte sectors). The same disk gives the same bytes.

    Raises ValueError for an unknown format or a disk that is empty or ends within a sector.
    """
    _writer(fmt)(disk, destination)


def extension(fmt: str) -> str:
    """What a file of that format is called after the dot. Raises ValueError for an unknown format."""
    _writer(fmt)
    return "raw.tar.gz" if fmt == "raw" else fmt


def _writer(fmt: str) -> raw.Writer:
    try:
        return _WRITERS[fmt]
    except KeyError:
        raise ValueError(f"unknown disk format {fmt!r}; known are {', '.join(FORMATS)}") from None
