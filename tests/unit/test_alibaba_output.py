"""A file's format is known by its bytes and its disk by its name."""

import gzip
import io
import tarfile

import pytest

from imageferry.clouds.alibaba.output import disk_of
from imageferry.clouds.formats import format_of
from imageferry.core.artifacts import Role


def _packed() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        member = tarfile.TarInfo("disk.raw")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"abc"))
    return file.getvalue()


FILES = {
    "raw in a gzipped tar": (_packed(), b"", "RAW"),
    "a gzip that is no tar": (gzip.compress(b"x" * 1000), b"", ""),
    "half a gzip header": (b"\x1f\x8b\x08", b"", ""),
    "qcow2": (b"QFI\xfb" + bytes(100), b"", "QCOW2"),
    "vmdk": (b"KDMV" + bytes(100), b"", "VMDK"),
    "a dynamic vhd": (b"conectix" + bytes(100), b"", "VHD"),
    "a fixed vhd": (bytes(512), b"conectix" + bytes(504), "VHD"),
    "vdi": (bytes(64) + b"\x7f\x10\xda\xbe" + bytes(100), b"", "VDI"),
    "a bare disk": (bytes(510) + b"\x55\xaa", bytes(512), ""),
    "nothing": (b"", b"", ""),
}


@pytest.mark.parametrize(("first", "last", "expected"), FILES.values(), ids=FILES)
def test_a_format_is_known_by_its_bytes(first: bytes, last: bytes, expected: str) -> None:
    """Only the documented mark of a format counts."""
    assert format_of(first, last) == expected


NAMES = {
    "webk_m-1_system.raw.tar.gz": (Role.SYSTEM, ""),
    "webk_m-1_data_xvdb.raw.tar.gz": (Role.DATA, "xvdb"),
    "webk_m-1_data_xvdc.qcow2": (Role.DATA, "xvdc"),
    "webk_m-1_t-1.vhd": (Role.SYSTEM, ""),
}


@pytest.mark.parametrize(("name", "expected"), NAMES.items(), ids=NAMES)
def test_a_disk_is_known_by_its_files_name(name: str, expected: tuple[Role, str]) -> None:
    """The device is what /etc/fstab of the machine may refer to."""
    assert disk_of(name) == expected
