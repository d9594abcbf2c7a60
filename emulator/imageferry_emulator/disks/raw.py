"""RAW as the cloud delivers it, the disk's bytes as the one member of a gzip'd tar archive, and as it is: the bytes alone.

The archive holds every zero of the disk, but a run of zeros is neither read nor packed: blocks of zeros are packed once, and
copied. RFC 1951 (deflate) allows that behind a full flush, from which on nothing refers to what came before; RFC 1952 (gzip).
"""

from __future__ import annotations

import gzip
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TypeAlias

from imageferry_emulator.disks import blocks
from imageferry_emulator.disks.images import Content, File, MalformedError

Writer: TypeAlias = Callable[[Path, Path], None]

_MEMBER = "disk.raw"
_LEVEL = 1  # this archive is thrown away soon: time matters more than size
MAGIC = b"\x1f\x8b"
_HEADER = MAGIC + b"\x08\x00\x00\x00\x00\x00\x00\xff"  # deflate, no name, no time, no particular system
_CRC32 = 0xEDB88320
_RUN_BITS = 24
_RUN = 1 << _RUN_BITS
_ZEROS = bytes(1 << 16)
_READ = 1 << 20


def write(disk: Path, destination: Path) -> None:
    """Write the archive."""
    size = disk.stat().st_size
    blocks.sectors(size)
    member = tarfile.TarInfo(_MEMBER)
    member.size = size
    with destination.open("wb") as out:
        packer = _Packer(out)
        packer.put(member.tobuf(tarfile.GNU_FORMAT))
        done = 0
        for offset, piece in blocks.pieces(disk):
            packer.put_zeros(offset - done)
            packer.put(piece)
            done = offset + len(piece)
        archive = blocks.up(2 * tarfile.BLOCKSIZE + tarfile.BLOCKSIZE + size, tarfile.RECORDSIZE)
        packer.put_zeros(archive - tarfile.BLOCKSIZE - done)
        packer.close()


def read(file: File) -> Content:
    """The disk of which the file is a plain copy. Raises MalformedError if it ends within a sector."""
    if file.size <= 0 or file.size % blocks.SECTOR:
        raise MalformedError(f"a disk is a whole number of {blocks.SECTOR}-byte sectors, not {file.size} bytes")
    return Content(file.size, partial(_plain, file))


def read_packed(file: File) -> Content:
    """The disk in an archive of one member. Raises MalformedError."""
    with _archive(file) as unpacked, _member(unpacked) as (member, _):
        if member.size <= 0 or member.size % blocks.SECTOR:
            raise MalformedError(f"the archive's member is no disk: it has {member.size} bytes")
        return Content(member.size, partial(_unpacked, file))


def _plain(file: File) -> Iterator[tuple[int, bytes]]:
    for offset in range(0, file.size, _READ):
        yield offset, file.read(offset, min(_READ, file.size - offset))


def _unpacked(file: File) -> Iterator[tuple[int, bytes]]:
    with _archive(file) as unpacked, _member(unpacked) as (member, content):
        for offset in range(0, member.size, _READ):
            piece = content.read(_READ)
            if len(piece) != min(_READ, member.size - offset):
                raise MalformedError("the archive ends before its member")
            yield offset, piece
        while unpacked.read(_READ):  # to the end, where the checksum is
            pass


@contextmanager
def _archive(file: File) -> Iterator[gzip.GzipFile]:
    """The tar archive, unpacked. What breaks while it is read is told as MalformedError."""
    file.source.seek(0)
    try:
        with gzip.GzipFile(fileobj=file.source) as unpacked:
            yield unpacked
    except (tarfile.TarError, zlib.error, EOFError, OSError) as broken:
        raise MalformedError(f"not an archive: {broken}") from broken


@contextmanager
def _member(unpacked: gzip.GzipFile) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """The archive's first member, which must be a file, and its bytes."""
    with tarfile.open(fileobj=unpacked, mode="r|", bufsize=_READ) as archive:
        member = archive.next()
        content = archive.extractfile(member) if member else None
        if member is None or content is None:
            raise MalformedError("the archive's first member is no file")
        yield member, content


class _Packer:
    """A gzip file in the making."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._deflate = _deflate(_LEVEL)
        self._crc, self._size = 0, 0
        self._run = b""
        self._behind_run: tuple[int, ...] = ()
        out.write(_HEADER)

    def put(self, data: bytes) -> None:
        self._out.write(self._deflate.compress(data))
        self._crc, self._size = zlib.crc32(data, self._crc), self._size + len(data)

    def put_zeros(self, count: int) -> None:
        runs, rest = divmod(count, _RUN)
        if runs:
            self._prepare_run()
            self._out.write(self._deflate.flush(zlib.Z_FULL_FLUSH))
        for _ in range(runs):
            self._out.write(self._run)
            self._crc = _apply(self._behind_run, self._crc ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
        self._size += runs * _RUN
        while rest:
            self.put(_ZEROS[:rest])
            rest -= min(rest, len(_ZEROS))

    def close(self) -> None:
        self._out.write(self._deflate.flush(zlib.Z_FINISH))
        self._out.write(struct.pack("<II", self._crc, self._size & 0xFFFFFFFF))

    def _prepare_run(self) -> None:
        if self._run:
            return
        deflate = _deflate(9)
        packed = [deflate.compress(_ZEROS) for _ in range(_RUN // len(_ZEROS))]
        self._run = b"".join(packed) + deflate.flush(zlib.Z_FULL_FLUSH)
        self._behind_run = _zeros_matrix()


def _deflate(level: int) -> zlib._Compress:
    return zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)


def _zeros_matrix() -> tuple[int, ...]:
    """What a run of zeros does to the register of the CRC-32, as a matrix over GF(2): what one bit does, squared and squared."""
    rows = (_CRC32, *(1 << bit for bit in range(31)))
    for _ in range(_RUN_BITS + 3):  # 8 bits an octet
        rows = tuple(_apply(rows, row) for row in rows)
    return rows


def _apply(rows: tuple[int, ...], vector: int) -> int:
    image = 0
    for row in rows:
        if vector & 1:
            image ^= row
        vector >>= 1
    return image
