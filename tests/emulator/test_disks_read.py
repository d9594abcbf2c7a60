"""What a disk file holds is read back, whoever wrote it; what is no disk file is told apart from one, and never trusted."""

from __future__ import annotations

import gzip
import io
import random
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from imageferry_emulator import disks
from tests.emulator import image_variants
from tests.emulator.image_variants import DISK, VARIANTS

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20
WRITTEN = [fmt for fmt in disks.FORMATS if fmt != "vdi"]
LARGEST = 1 << 32
"""Of what a broken file claims to hold no more than this is unpacked."""


def _read(file: bytes, destination: Path) -> bytes:
    """The disk in a file."""
    with io.BytesIO(file) as source:
        content = disks.read_file(disks.File(source, len(file)))
        if content.size > LARGEST:
            raise disks.MalformedError("too large to be looked at")
        disks.unpack(content, destination)
    return destination.read_bytes()


def _written(tmp_path: Path, fmt: str, size: int) -> tuple[bytes, bytes]:
    """A made-up disk, and its file."""
    disk, file = tmp_path / "disk", tmp_path / "file"
    disks.make_disk(disk, size, seed=5)
    disks.write_file(disk, fmt, file)
    return disk.read_bytes(), file.read_bytes()


SIZES = [
    pytest.param(512, id="a single sector"),
    pytest.param(5 * MIB + 3 * 512, id="a size that no block divides"),
    pytest.param(33 * MIB, id="more than one grain table"),
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fmt", WRITTEN)
def test_what_was_written_is_read_back(tmp_path: Path, fmt: str, size: int) -> None:
    """A disk comes out of its file as it went in, and its format is found out."""
    disk, file = _written(tmp_path, fmt, size)
    with io.BytesIO(file) as source:
        found = disks.detect(disks.File(source, len(file)))
    assert found == (disks.PACKED if fmt == "raw" else fmt)
    assert _read(file, tmp_path / "back") == disk


def test_a_disk_as_it_is_needs_no_format(tmp_path: Path) -> None:
    """A file without any format's mark is the disk itself."""
    assert _read(DISK, tmp_path / "back") == DISK


@pytest.mark.parametrize("file", VARIANTS.values(), ids=VARIANTS)
def test_what_other_tools_write_is_read(tmp_path: Path, file: bytes) -> None:
    """The parts of the formats that the emulator itself does not write are known to its readers."""
    assert _read(file, tmp_path / "back") == DISK


QEMU = {
    "qcow2": ["-O", "qcow2"],
    "packed qcow2": ["-c", "-O", "qcow2", "-o", "cluster_size=4k"],
    "qcow2 of version 2": ["-O", "qcow2", "-o", "compat=0.10"],
    "vmdk": ["-O", "vmdk"],
    "vmdk for streams": ["-O", "vmdk", "-o", "subformat=streamOptimized"],
    "vhd": ["-O", "vpc", "-o", "force_size=on"],
    "fixed vhd": ["-O", "vpc", "-o", "subformat=fixed,force_size=on"],
}


def test_what_qemu_writes_is_read(tmp_path: Path) -> None:
    """Where there is a qemu-img, each of its kinds of file gives the disk back; elsewhere the variants above have to do."""
    (tmp_path / "disk").write_bytes(DISK)
    qemu = shutil.which("qemu-img")
    read: dict[str, bytes] = {}
    for name, options in QEMU.items() if qemu else ():
        command = [str(qemu), "convert", "-f", "raw", *options, str(tmp_path / "disk"), str(tmp_path / "file")]
        subprocess.run(command, capture_output=True, check=True)
        read[name] = _read((tmp_path / "file").read_bytes(), tmp_path / "back")
    assert read == (dict.fromkeys(QEMU, DISK) if qemu else {})


def test_a_disk_that_is_read_keeps_its_holes(tmp_path: Path) -> None:
    """Zeros take no place, whatever format they came in."""
    disk = tmp_path / "disk"
    with disk.open("wb") as out:
        out.truncate(64 * MIB)
        out.seek(50 * MIB)
        out.write(b"x" * 512)
    for fmt in WRITTEN:
        disks.write_file(disk, fmt, tmp_path / "file")
        _read((tmp_path / "file").read_bytes(), tmp_path / "back")
        found = (tmp_path / "back").stat()
        assert (found.st_size, found.st_blocks * 512 < MIB) == (64 * MIB, True)


def _archive(*members: tuple[str, bytes, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.size = kind, len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


CONTENT, BLOCK_SIZE, DISK_SIZE = disks.Flaw.CONTENT, disks.Flaw.BLOCK_SIZE, disks.Flaw.DISK_SIZE
MALFORMED: dict[str, tuple[bytes, disks.Flaw]] = {
    "nothing": (b"", CONTENT),
    "half a sector": (b"x" * 700, CONTENT),
    "a VHDX": (b"vhdxfile".ljust(4096, b"\0"), CONTENT),
    "a VMDK in several files": (b"# Disk DescriptorFile\nversion=1\n".ljust(512, b"\0"), CONTENT),
    "a VMDK whose disk is elsewhere": (image_variants.vmdk_stream(extent="FLAT"), CONTENT),
    "a VMDK with odd grains": (image_variants.vmdk_stream(grain=100), BLOCK_SIZE),
    "a VHD that builds on another": (image_variants.vhd_dynamic(kind=4), CONTENT),
    "a VHD with small blocks": (image_variants.vhd_dynamic(block=1 << 19), BLOCK_SIZE),
    "a VHD with too long a table": (image_variants.vhd_dynamic(entries=2), DISK_SIZE),
    "a fixed VHD of another size": (DISK + image_variants.vhd_footer(2, 512), DISK_SIZE),
    "a VHD of half a sector": (DISK + image_variants.vhd_footer(2, 700), DISK_SIZE),
    "a QCOW2 that builds on another": (image_variants.qcow2(backing=512), CONTENT),
    "a QCOW2 that is encrypted": (image_variants.qcow2(crypt=1), CONTENT),
    "a QCOW2 of a newer kind": (image_variants.qcow2(features=8), CONTENT),
    "a QCOW2 of version 4": (image_variants.qcow2(version=4), CONTENT),
    "a QCOW2 with tiny clusters": (image_variants.qcow2(bits=8), BLOCK_SIZE),
    "a QCOW2 whose table is too short": (image_variants.qcow2(bits=9), DISK_SIZE),
    "gzip without an archive": (gzip.compress(DISK), CONTENT),
    "an empty archive": (_archive(), CONTENT),
    "an archive of a folder": (_archive(("folder", tarfile.DIRTYPE, b"")), CONTENT),
    "an archive of half a sector": (_archive(("disk.raw", tarfile.REGTYPE, b"x" * 700)), CONTENT),
}


@pytest.mark.parametrize(("file", "flaw"), MALFORMED.values(), ids=MALFORMED)
def test_is_refused(tmp_path: Path, file: bytes, flaw: disks.Flaw) -> None:
    """What is no disk, or not one that can be read, is refused with what is wrong with it."""
    with pytest.raises(disks.MalformedError) as refused:
        _read(file, tmp_path / "back")
    assert refused.value.flaw is flaw


@pytest.mark.parametrize("fmt", ["vdi"])
def test_a_format_that_is_only_written_is_told_by_its_name(tmp_path: Path, fmt: str) -> None:
    """VDI is exported and never imported."""
    _, file = _written(tmp_path, fmt, MIB)
    with pytest.raises(disks.MalformedError, match="vdi is not read here"):
        _read(file, tmp_path / "back")


@pytest.mark.parametrize("fmt", WRITTEN)
def test_a_file_that_was_cut_short_is_never_taken_for_whole(tmp_path: Path, fmt: str) -> None:
    """Wherever the end is missing the file is refused, or, where only padding is missing, the disk is still the same."""
    disk, file = _written(tmp_path, fmt, MIB + 512)
    for kept in [*range(0, len(file), len(file) // 40), *range(len(file) - 9, len(file))]:
        try:
            read = _read(file[:kept], tmp_path / "back")
        except disks.MalformedError:
            continue
        # Without its footer a VHD bears no mark, and counts as the disk itself.
        assert read == (file[:kept] if fmt == "vhd" else disk)


@pytest.mark.parametrize("fmt", [*WRITTEN, *VARIANTS])
def test_a_broken_file_never_breaks_its_reader(tmp_path: Path, fmt: str) -> None:
    """Bytes changed anywhere lead to a disk or to the one error that says so, and to nothing else."""
    file = VARIANTS[fmt] if fmt in VARIANTS else _written(tmp_path, fmt, MIB)[1]
    chance = random.Random(fmt)  # noqa: S311 (repeatable, not a secret)
    outcomes = set()
    for _ in range(150):
        changed = bytearray(file)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(file) if chance.random() < 0.3 else min(len(file), 600))
            changed[at if chance.random() < 0.7 else -at] = chance.choice(
                [0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)]
            )
        try:
            _read(bytes(changed), tmp_path / "back")
            outcomes.add("a disk")
        except disks.MalformedError:
            outcomes.add("refused")
    assert outcomes == {"a disk", "refused"}
