"""Image files hold their disk, byte for byte, in the structure that their format's document demands."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from imageferry_emulator import disks
from tests.emulator.image_files import READERS

MIB, GIB = 1 << 20, 1 << 30
QEMU_NAMES = {"vhd": "vpc", "qcow2": "qcow2", "vmdk": "vmdk", "vdi": "vdi"}
SIZES = [
    pytest.param(512, id="a single sector"),
    pytest.param(5 * MIB + 3 * 512, id="a size that no block divides"),
    pytest.param(16 * MIB, id="16 MiB"),
    pytest.param(33 * MIB, id="more than one grain table"),
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fmt", disks.FORMATS)
def test_an_image_file_gives_its_disk_back(tmp_path: Path, fmt: str, size: int) -> None:
    """Walking a file's own tables leads to exactly the bytes of the disk, for this reader and for qemu-img where there is one."""
    disk, file = tmp_path / "disk", tmp_path / f"image.{disks.extension(fmt)}"
    disks.make_disk(disk, size, seed=7)

    disks.write_file(disk, fmt, file)

    assert READERS[fmt](file).content == disk.read_bytes()
    _agrees_with_qemu(fmt, disk, file)


@pytest.mark.parametrize("fmt", disks.FORMATS)
def test_an_empty_disk_makes_a_file_that_holds_nothing(tmp_path: Path, fmt: str) -> None:
    """A disk of zeros is read back as zeros, and takes less than a third of its size."""
    disk, file = tmp_path / "disk", tmp_path / "file"
    disk.write_bytes(bytes(8 * MIB))

    disks.write_file(disk, fmt, file)

    assert READERS[fmt](file).content == bytes(8 * MIB)
    assert file.stat().st_size < 8 * MIB // 3


@pytest.mark.parametrize("fmt", disks.FORMATS)
def test_a_disk_with_holes_is_read_back_whole(tmp_path: Path, fmt: str) -> None:
    """Long and short holes, runs of written zeros and an end in a hole come back as the zeros they are."""
    disk, file = tmp_path / "disk", tmp_path / "file"
    _write_sparse(disk, 52 * MIB, {0: b"first", 3 * MIB - 512: b"a" * 70_000, 40 * MIB: bytes(MIB), 44 * MIB: b"last"})

    disks.write_file(disk, fmt, file)

    assert READERS[fmt](file).content == disk.read_bytes()
    assert file.stat().st_size < 10 * MIB
    _agrees_with_qemu(fmt, disk, file)


@pytest.mark.parametrize("fmt", disks.FORMATS)
def test_holes_are_not_read(tmp_path: Path, fmt: str) -> None:
    """Of a disk of 64 GiB with three sectors on it no more than a few MiB are read, and its file is as small."""
    disk, file = tmp_path / "disk", tmp_path / "file"
    written = {MIB: b"x" * 512, 31 * GIB: b"y" * 512, 64 * GIB - 512: b"z" * 512}
    _write_sparse(disk, 64 * GIB, written)
    before = _octets_read()

    disks.write_file(disk, fmt, file)

    assert _octets_read() - before < 20 * MIB
    assert file.stat().st_size < 70 * MIB
    if fmt != "raw":  # whose zeros would have to be unpacked, every one of them
        assert READERS[fmt](file).written == written


@pytest.mark.parametrize("fmt", disks.FORMATS)
def test_a_hole_and_written_zeros_are_the_same_disk(tmp_path: Path, fmt: str) -> None:
    """How a disk's file is stored does not show in the image."""
    for name, written in (("holes", {MIB: b"x" * 512}), ("zeros", {0: bytes(4 * MIB), MIB: b"x" * 512})):
        _write_sparse(tmp_path / name, 4 * MIB, written)
        disks.write_file(tmp_path / name, fmt, tmp_path / f"{name}.file")

    assert (tmp_path / "holes.file").read_bytes() == (tmp_path / "zeros.file").read_bytes()


@pytest.mark.parametrize("fmt", disks.FORMATS)
def test_the_same_disk_gives_the_same_file(tmp_path: Path, fmt: str) -> None:
    """Neither the time nor the names of the files involved are in an image file."""
    for name in ("first", "second"):
        disks.make_disk(tmp_path / name, MIB, seed=3)
        disks.write_file(tmp_path / name, fmt, tmp_path / f"{name}.file")

    assert (tmp_path / "first.file").read_bytes() == (tmp_path / "second.file").read_bytes()


def test_a_made_disk_depends_on_its_seed_alone(tmp_path: Path) -> None:
    """The same seed makes the same disk, another seed another one."""
    for name, seed in (("one", 1), ("one again", 1), ("two", 2)):
        disks.make_disk(tmp_path / name, MIB, seed)

    one, again, two = ((tmp_path / name).read_bytes() for name in ("one", "one again", "two"))
    assert one == again
    assert one != two
    assert len(two) == MIB


def test_a_made_disk_begins_with_a_boot_record(tmp_path: Path) -> None:
    """The first sector ends in 55 AA and names one active Linux partition that lies on the disk."""
    disk = tmp_path / "disk"
    disks.make_disk(disk, 8 * MIB, seed=1)

    record = disk.read_bytes()[:512]

    first, count = (int.from_bytes(record[at : at + 4], "little") for at in (454, 458))
    assert record[510:] == b"\x55\xaa"
    assert (record[446], record[450]) == (0x80, 0x83)
    assert (first, first + count) == (2048, 8 * MIB // 512)
    assert record[462:510] == bytes(48)


@pytest.mark.parametrize(
    ("fmt", "extension"),
    [("raw", "raw.tar.gz"), ("vhd", "vhd"), ("qcow2", "qcow2"), ("vmdk", "vmdk"), ("vdi", "vdi")],
)
def test_a_file_is_named_after_its_format(fmt: str, extension: str) -> None:
    """Only RAW is delivered packed."""
    assert disks.extension(fmt) == extension


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    """The error names the formats there are, and no file is left."""
    disks.make_disk(tmp_path / "disk", 512, seed=1)

    with pytest.raises(ValueError, match="known are raw, vhd, qcow2, vmdk, vdi"):
        disks.write_file(tmp_path / "disk", "iso", tmp_path / "file")

    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize("size", [0, 100, 513])
@pytest.mark.parametrize("fmt", disks.FORMATS)
def test_a_disk_that_ends_within_a_sector_is_refused(tmp_path: Path, fmt: str, size: int) -> None:
    """No format can say that a disk has half a sector, or none at all."""
    disk = tmp_path / "disk"
    disk.write_bytes(b"x" * size)

    with pytest.raises(ValueError, match=f"not {size} bytes"):
        disks.write_file(disk, fmt, tmp_path / "file")


def _write_sparse(path: Path, size: int, written: dict[int, bytes]) -> None:
    with path.open("wb") as disk:
        disk.truncate(size)
        for offset, data in written.items():
            disk.seek(offset)
            disk.write(data)


def _octets_read() -> int:
    """How many bytes this process has read so far, from files and else, as Linux counts."""
    return int(Path("/proc/self/io").read_text(encoding="ascii").split()[1])


def _agrees_with_qemu(fmt: str, disk: Path, file: Path) -> None:
    """Where there is a qemu-img, it finds no fault in the file and converts it to the very bytes of the disk."""
    qemu = shutil.which("qemu-img")
    if qemu is None or fmt not in QEMU_NAMES:
        return
    name, back = QEMU_NAMES[fmt], file.with_name("back")
    if fmt != "vhd":  # which qemu-img cannot check
        checked = subprocess.run([qemu, "check", "-f", name, str(file)], capture_output=True, text=True, check=False)
        assert "No errors were found" in checked.stdout, checked.stderr
    described = subprocess.run([qemu, "info", "--output=json", "-f", name, str(file)], capture_output=True, check=True)
    assert json.loads(described.stdout)["virtual-size"] >= disk.stat().st_size
    convert = [qemu, "convert", "-f", name, "-O", "raw", str(file), str(back)]
    subprocess.run(convert, capture_output=True, check=True)
    converted, size = back.read_bytes(), disk.stat().st_size
    assert (converted[:size], converted[size:].strip(b"\0")) == (disk.read_bytes(), b"")
