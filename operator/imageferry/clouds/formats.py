"""The format of a disk file, and the size of the disk in it: judged by its bytes, never by its name. Pure but for the reading.

Marks: qcow2 and vmdk at 0, a dynamic VHD's copy of its footer at 0, VDI's signature at 64 (little endian), tar's at 257. A
plain RAW disk bears no mark; Alibaba Cloud delivers RAW, and takes it back, as a gzipped tar
(https://www.alibabacloud.com/help/en/ecs/user-guide/export-a-custom-image).
"""

import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

_HEAD_BYTES: Final = 4096
_FOOTER_BYTES: Final = 512  # a fixed VHD bears its mark in a footer of this size, and only there
_TAR_BLOCK: Final = 512
_SECTOR: Final = 512
_OCTAL: Final = frozenset(b"01234567")


@dataclass(frozen=True, slots=True)
class Ends:
    """The first 4 KiB of a file, and its last 512 bytes where the first bear no mark; `size` is the whole file's."""

    first: bytes
    last: bytes
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A disk file as it was found; `ends` are empty where it cannot be read."""

    etag: str
    size: int
    archived: bool
    ends: Ends


async def ends(read: Callable[[tuple[int, int]], Awaitable[bytes]], size: int) -> Ends:
    """What tells the format of a file of so many bytes; `read` is given the first and the last byte that are wanted."""
    first = await read((0, min(size, _HEAD_BYTES) - 1)) if size else b""
    if format_of(first, b"") or size < _FOOTER_BYTES:
        return Ends(first, b"", size)
    return Ends(first, await read((size - _FOOTER_BYTES, size - 1)), size)


def format_of(first: bytes, last: bytes) -> str:
    """The format by the first 4 KiB and the last 512 bytes of a file, as specs name it; empty if it bears no mark."""
    if first.startswith(b"QFI\xfb"):
        return "QCOW2"
    if first.startswith((b"KDMV", b"# Disk DescriptorFile")):
        return "VMDK"
    if first.startswith(b"conectix"):
        return "VHD"
    if first[64:68] == b"\x7f\x10\xda\xbe":
        return "VDI"
    if _tar_header(first):
        return "RAW"
    return "VHD" if last.startswith(b"conectix") else ""


def disk_bytes(found: Ends) -> int:
    """The bytes of the disk in a file; 0 where its header does not say. A file without a mark is taken for a plain disk.

    Where each header says it: qcow2 at 24 (big endian), VHD's footer at 48 (big endian), a sparse vmdk at 12 in sectors
    (little endian), tar's entry at 124.
    """
    first, last = found.first, found.last
    match format_of(first, last):
        case "QCOW2":
            return int.from_bytes(first[24:32], "big")
        case "VHD":
            footer = first if first.startswith(b"conectix") else last
            return int.from_bytes(footer[48:56], "big")
        case "VMDK" if first.startswith(b"KDMV"):
            return int.from_bytes(first[12:20], "little") * _SECTOR
        case "RAW":
            return _tar_number(_tar_header(first)[124:136])
        case "":
            return found.size
        case _:
            return 0


def _tar_number(field: bytes) -> int:
    """Octal digits; or, for what those cannot hold, bytes behind a first one of 0x80 (GNU)."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    return int(digits, 8) if digits and _OCTAL.issuperset(digits) else 0


def _tar_header(first: bytes) -> bytes:
    """The header of the first file in a gzipped tar; empty if it is none."""
    if not first.startswith(b"\x1f\x8b"):
        return b""
    try:
        block = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS).decompress(first, _TAR_BLOCK)
    except zlib.error:
        return b""
    return block if block[257:262] == b"ustar" and block[0] != 0 else b""
