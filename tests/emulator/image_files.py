"""Readers of disk image files, written from the formats' documents and sharing nothing with the writers they check.

Each gives the disk back, having asserted everything on its way that the document demands of the structure. What a file does not
hold is not made up: a disk of many GiB is read in as much memory as its file takes.
"""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SECTOR = 512


@dataclass
class Disk:
    """A disk: its size, and the bytes that its file holds, by offset; all others are zeros."""

    size: int
    held: dict[int, bytes] = field(default_factory=dict)

    def put(self, offset: int, data: bytes) -> None:
        """Take over bytes, of which those behind the end of the disk are padding and must be zeros."""
        inside = data[: max(0, self.size - offset)]
        assert not any(data[len(inside) :]), "padding is zeros"
        self.held[offset] = inside

    @property
    def content(self) -> bytes:
        """The whole disk."""
        disk = bytearray(self.size)
        for offset, data in self.held.items():
            disk[offset : offset + len(data)] = data
        return bytes(disk)

    @property
    def written(self) -> dict[int, bytes]:
        """The sectors that are not all zeros, by offset."""
        sectors = (
            (offset + at, data[at : at + SECTOR])
            for offset, data in self.held.items()
            for at in range(0, len(data), SECTOR)
        )
        return {offset: sector for offset, sector in sectors if any(sector)}


def raw(file: Path) -> Disk:
    """A gzip'd tar with the disk as its one member."""
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(file.read_bytes()))) as archive:
        (member,) = archive.getmembers()
        content = archive.extractfile(member)
        assert content is not None
        return Disk(member.size, {0: content.read()})


def vhd(file: Path) -> Disk:
    """Microsoft's VHD specification 1.0: dynamic disk."""
    data = file.read_bytes()
    footer = data[-512:]
    assert data[:512] == footer, "a copy of the footer begins the file"
    cookie, features, version, header_at = struct.unpack_from(">8sIIQ", footer)
    assert (cookie, features & 2, version) == (b"conectix", 2, 0x00010000)
    original, size = struct.unpack_from(">QQ", footer, 40)
    cylinders, heads, track, kind, checksum = struct.unpack_from(">HBBII", footer, 56)
    assert original == size
    assert kind == 3
    assert 0 < max(1, cylinders) * heads * track * SECTOR <= max(size, heads * track * SECTOR)
    assert checksum == ~(sum(footer) - sum(footer[64:68])) & 0xFFFFFFFF
    header = data[header_at : header_at + 1024]
    cookie, following, table_at, version, entries, block = struct.unpack_from(">8sQQIII", header)
    assert (cookie, following, version) == (b"cxsparse", 0xFFFFFFFFFFFFFFFF, 0x00010000)
    assert struct.unpack_from(">I", header, 36)[0] == ~(sum(header) - sum(header[36:40])) & 0xFFFFFFFF
    assert entries == -(-size // block)
    disk = Disk(size)
    bitmap = -(-(block // SECTOR // 8) // SECTOR) * SECTOR
    for number, at in enumerate(struct.unpack_from(f">{entries}I", data, table_at)):
        if at == 0xFFFFFFFF:
            continue
        start = at * SECTOR
        assert start + bitmap + block <= len(data) - 512
        for sector in range(block // SECTOR):
            if data[start + sector // 8] & (0x80 >> sector % 8):
                here = start + bitmap + sector * SECTOR
                there = number * block + sector * SECTOR
                disk.put(there, data[here : here + SECTOR])
    return disk


def qcow2(file: Path) -> Disk:
    """QEMU's docs/interop/qcow2.txt, version 3, with every refcount held against what is really referred to."""
    data = file.read_bytes()
    magic, version, backing, _, bits, size, crypt, l1_size, l1_at = struct.unpack_from(">4sIQIIQIIQ", data)
    assert (magic, version, backing, crypt) == (b"QFI\xfb", 3, 0, 0)
    table_at, table_clusters, snapshots, _ = struct.unpack_from(">QIIQ", data, 48)
    incompatible, _, _, order, header_bytes = struct.unpack_from(">QQQII", data, 72)
    assert (snapshots, incompatible, order, header_bytes) == (0, 0, 4, 104)
    cluster, per_l2 = 1 << bits, (1 << bits) // 8
    assert len(data) % cluster == 0
    assert l1_size >= -(-size // (cluster * per_l2))
    used = {0, *_clusters(table_at, table_clusters * cluster, cluster), *_clusters(l1_at, 8 * l1_size, cluster)}
    disk = Disk(size)
    for l1_index, entry in enumerate(struct.unpack_from(f">{l1_size}Q", data, l1_at)):
        if not entry:
            continue
        l2_at = _qcow2_offset(entry, cluster)
        used |= _once(used, l2_at // cluster)
        for l2_index, leaf in enumerate(struct.unpack_from(f">{per_l2}Q", data, l2_at)):
            if leaf:
                at = _qcow2_offset(leaf, cluster)
                used |= _once(used, at // cluster)
                there = (l1_index * per_l2 + l2_index) * cluster
                disk.put(there, data[at : at + cluster])
    counts: dict[int, int] = {}
    for index, block_at in enumerate(struct.unpack_from(f">{table_clusters * per_l2}Q", data, table_at)):
        if block_at:
            used |= _once(used, block_at // cluster)
            block = struct.unpack_from(f">{cluster // 2}H", data, block_at)
            counts |= {index * (cluster // 2) + n: count for n, count in enumerate(block) if count}
    assert counts == dict.fromkeys(range(len(data) // cluster), 1)
    assert set(counts) == used
    return disk


def _qcow2_offset(entry: int, cluster: int) -> int:
    assert entry >> 63 == 1, "the refcount is one, and the entry says so"
    offset = entry & 0x00FFFFFFFFFFFE00
    assert offset % cluster == 0
    return offset


def _clusters(at: int, length: int, cluster: int) -> range:
    assert at % cluster == 0
    return range(at // cluster, (at + length + cluster - 1) // cluster)


def _once(used: set[int], number: int) -> set[int]:
    assert number not in used
    return {number}


def vmdk(file: Path) -> Disk:
    """VMware's Virtual Disk Format 5.0: hosted sparse extent with its descriptor inside."""
    data = file.read_bytes()
    magic, version, flags, capacity, grain = struct.unpack_from("<4sIIQQ", data)
    text_at, text_size, per_table, spare_at, directory_at, overhead = struct.unpack_from("<QQIQQQ", data, 28)
    unclean, newlines, compression = struct.unpack_from("<B4sH", data, 72)
    assert (magic, version, flags, unclean, newlines, compression) == (b"KDMV", 1, 3, 0, b"\n \r\n", 0)
    assert per_table == 512
    assert capacity % grain == 0
    text = data[text_at * SECTOR : (text_at + text_size) * SECTOR].rstrip(b"\0").decode()
    assert text.startswith("# Disk DescriptorFile\nversion=1\nCID=")
    assert 'createType="monolithicSparse"' in text
    (extent,) = [line for line in text.splitlines() if line.startswith("RW ")]
    size = int(extent.split()[1]) * SECTOR
    assert size <= capacity * SECTOR
    grains = -(-capacity // grain)
    tables = -(-grains // per_table)
    both = [_grain_table(data, at, tables, per_table) for at in (spare_at, directory_at)]
    assert both[0] == both[1], "the redundant tables say the same"
    disk = Disk(size)
    for number, at in enumerate(both[0]):
        if at:
            assert at >= overhead
            assert (at + grain) * SECTOR <= len(data)
            there = number * grain * SECTOR
            disk.put(there, data[at * SECTOR : (at + grain) * SECTOR])
    return disk


def _grain_table(data: bytes, directory_at: int, tables: int, per_table: int) -> list[int]:
    entries: list[int] = []
    for at in struct.unpack_from(f"<{tables}I", data, directory_at * SECTOR):
        entries += struct.unpack_from(f"<{per_table}I", data, at * SECTOR)
    return entries


def vdi(file: Path) -> Disk:
    """VirtualBox's VDICore.h: image header 1.1, dynamic."""
    data = file.read_bytes()
    assert data[:64].rstrip(b"\0").endswith(b">>>\n")
    assert data.startswith(b"<<< ")
    signature, version, header, kind, flags = struct.unpack_from("<IIIII", data, 64)
    assert (signature, version, header, kind, flags) == (0xBEDA107F, 0x00010001, 400, 1, 0)
    map_at, data_at, _, _, _, sector, _, size, block, extra, blocks, allocated = struct.unpack_from(
        "<IIIIIIIQIIII", data, 340
    )
    assert (sector, block, extra) == (SECTOR, 1 << 20, 0)
    assert blocks == -(-size // block)
    assert data_at % sector == 0
    assert data_at >= map_at + 4 * blocks
    assert any(data[392:408]), "the image has an identity"
    places = struct.unpack_from(f"<{blocks}I", data, map_at)
    held = [place for place in places if place < 0xFFFFFFFE]
    assert sorted(held) == list(range(allocated))
    assert len(data) == data_at + allocated * block
    disk = Disk(size)
    for number, place in enumerate(places):
        if place < 0xFFFFFFFE:
            at = data_at + place * block
            disk.put(number * block, data[at : at + block])
    return disk


READERS = {"raw": raw, "vhd": vhd, "qcow2": qcow2, "vmdk": vmdk, "vdi": vdi}
