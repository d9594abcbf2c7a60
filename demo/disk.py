"""The disk whose image is exported: a boot record, one partition, a file system with two files.

The layout is FAT16, the smallest that every system reads: Microsoft, "FAT32 File System Specification", version 1.03
(https://download.microsoft.com/download/1/6/1/161ba512-40e2-4cc9-843a-923143f3456c/fatgen103.doc).
"""

import os
import struct
from pathlib import Path

SECTOR = 512
DISK_SECTORS = 64 * 2**20 // SECTOR
FIRST_SECTOR = 2048  # where partitioning tools put the first partition
NOISE_BYTES = 16 * 2**20  # cannot be compressed: the file in the bucket is about as large

_PARTITION_SECTORS = DISK_SECTORS - FIRST_SECTOR
_FAT16_LBA = 0x0E
_BEYOND_CHS = b"\xfe\xff\xff"
_CLUSTER_SECTORS = 4
_CLUSTER = _CLUSTER_SECTORS * SECTOR
_RESERVED_SECTORS = 4
_ROOT_ENTRIES = 512
_ROOT_SECTORS = _ROOT_ENTRIES * 32 // SECTOR
# Two bytes for each cluster, and for the two numbers below the first that none has.
_FAT_SECTORS = -(-(_PARTITION_SECTORS // _CLUSTER_SECTORS + 2) * 2 // SECTOR)
_FIRST_CLUSTER = 2
_END_OF_FILE = 0xFFFF
_ARCHIVE, _LABEL = 0x20, 0x08
_FIRST_OF_1980 = 0x21
_BOOT_MARK = b"\x55\xaa"
_README = b"This disk was made up by the imageferry demo. NOISE.BIN is random: no two demos move the same bytes.\r\n"


def make(path: Path) -> None:
    """Write a disk of 64 MiB, of which about 16 MiB are used; no two are equal."""
    noise = os.urandom(NOISE_BYTES)
    serial = int.from_bytes(noise[:4], "little")
    readme = _clusters(_README)
    table = _chain(_FIRST_CLUSTER, readme) + _chain(_FIRST_CLUSTER + readme, _clusters(noise))
    root = (
        _entry(b"FERRYDEMO  ", _LABEL, cluster=0, size=0)
        + _entry(b"README  TXT", _ARCHIVE, cluster=_FIRST_CLUSTER, size=len(_README))
        + _entry(b"NOISE   BIN", _ARCHIVE, cluster=_FIRST_CLUSTER + readme, size=len(noise))
    )
    first_table = FIRST_SECTOR + _RESERVED_SECTORS
    root_sector = first_table + 2 * _FAT_SECTORS
    data_sector = root_sector + _ROOT_SECTORS
    pieces = {
        0: _boot_record(serial),
        FIRST_SECTOR: _partition_head(serial),
        first_table: _table(table),
        first_table + _FAT_SECTORS: _table(table),
        root_sector: root,
        data_sector: _README,
        data_sector + readme * _CLUSTER_SECTORS: noise,
    }
    with path.open("wb") as disk:
        for sector, content in pieces.items():
            disk.seek(sector * SECTOR)
            disk.write(content)
        disk.truncate(DISK_SECTORS * SECTOR)


def _boot_record(serial: int) -> bytes:
    partition = b"\0" + _BEYOND_CHS + bytes([_FAT16_LBA]) + _BEYOND_CHS
    partition += struct.pack("<II", FIRST_SECTOR, _PARTITION_SECTORS)
    code_and_serial = bytes(440) + struct.pack("<IH", serial, 0)
    return (code_and_serial + partition).ljust(SECTOR - len(_BOOT_MARK), b"\0") + _BOOT_MARK


def _partition_head(serial: int) -> bytes:
    head = b"\xeb\x3c\x90" + b"FERRY   "
    head += struct.pack("<HBHBHH", SECTOR, _CLUSTER_SECTORS, _RESERVED_SECTORS, 2, _ROOT_ENTRIES, 0)
    head += struct.pack("<BHHHII", 0xF8, _FAT_SECTORS, 63, 255, FIRST_SECTOR, _PARTITION_SECTORS)
    head += struct.pack("<BBBI", 0x80, 0, 0x29, serial) + b"FERRYDEMO  " + b"FAT16   "
    return head.ljust(SECTOR - len(_BOOT_MARK), b"\0") + _BOOT_MARK


def _clusters(content: bytes) -> int:
    return -(-len(content) // _CLUSTER)


def _chain(first: int, count: int) -> list[int]:
    """The table's entries of a file that lies in one piece: each names the next cluster, the last one the end."""
    return [*range(first + 1, first + count), _END_OF_FILE]


def _table(entries: list[int]) -> bytes:
    return struct.pack(f"<{len(entries) + 2}H", 0xFFF8, _END_OF_FILE, *entries)


def _entry(name: bytes, attributes: int, *, cluster: int, size: int) -> bytes:
    return name + struct.pack("<BBBHHHHHHHI", attributes, 0, 0, 0, 0, 0, 0, 0, _FIRST_OF_1980, cluster, size)
