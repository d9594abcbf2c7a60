"""Image files as other tools write them, each by hand from its format's document, and each of the same disk.

They are what the emulator itself never writes: packed, fixed, of an older version, or with a mark for zeros.
"""

from __future__ import annotations

import struct
import zlib

SECTOR = 512
CLUSTER = 1 << 16
DISK = bytes(range(256)) * 256 + bytes(CLUSTER) + b"end.".ljust(SECTOR, b"\0") * 128
"""Three pieces of 64 KiB: one that is full, one of zeros, and one that is nearly so."""
PIECES = [DISK[at : at + CLUSTER] for at in range(0, len(DISK), CLUSTER)]


def vhd_footer(kind: int, size: int, header_at: int = 0xFFFFFFFFFFFFFFFF) -> bytes:
    """A footer with its checksum: kind 2 is fixed, 3 dynamic, 4 differencing."""
    footer = struct.pack(
        ">8sIIQI4sI4sQQHBBII16sB",
        *(b"conectix", 2, 0x00010000, header_at, 0, b"test", 1, b"Wi2k", size, size, 1, 4, 17, kind, 0, bytes(16), 0),
    ).ljust(SECTOR, b"\0")
    return footer[:64] + struct.pack(">I", ~sum(footer) & 0xFFFFFFFF) + footer[68:]


def vhd_fixed() -> bytes:
    """The disk, and behind it a footer."""
    return DISK + vhd_footer(2, len(DISK))


def vhd_dynamic(*, kind: int = 3, block: int = 2 << 20, entries: int = 1) -> bytes:
    """One block of which the bitmap says that only the first and the third piece are there; the second one is rubbish."""
    footer = vhd_footer(kind, len(DISK), SECTOR)
    header = struct.pack(">8sQQIII", b"cxsparse", 0xFFFFFFFFFFFFFFFF, 1536, 0x00010000, entries, block)
    table = struct.pack(f">{entries}I", 4, *[0xFFFFFFFF] * (entries - 1)).ljust(SECTOR, b"\xff")
    held = 16  # bytes of bitmap for the sectors of a piece
    bitmap = (b"\xff" * held + bytes(held) + b"\xff" * held).ljust(block // SECTOR // 8, b"\0")
    content = (PIECES[0] + b"\xaa" * CLUSTER + PIECES[2]).ljust(block, b"\xaa")
    return footer + header.ljust(1024, b"\0") + table + bitmap + content + footer


def qcow2(*, version: int = 3, backing: int = 0, crypt: int = 0, features: int = 0, bits: int = 16) -> bytes:
    """A packed cluster, one that is marked as zeros but points to rubbish, and one that is cut where the disk ends."""
    header = struct.pack(
        ">4sIQIIQIIQQIIQ", b"QFI\xfb", version, backing, 0, bits, len(DISK), crypt, 1, CLUSTER, 0, 0, 0, 0
    )
    header += struct.pack(">QQQII", features, 0, 0, 4, 104)
    packer = zlib.compressobj(9, zlib.DEFLATED, -12)
    packed = packer.compress(PIECES[0]) + packer.flush()
    packed_at, data_at = 3 * CLUSTER + 100, 4 * CLUSTER
    sectors = (packed_at + len(packed) - 1) // SECTOR - packed_at // SECTOR
    entries = ((1 << 62) | sectors << 54 | packed_at, data_at | 1, data_at)
    parts = {
        0: header,
        CLUSTER: struct.pack(">Q", 2 * CLUSTER),
        2 * CLUSTER: struct.pack(">3Q", *entries),
        packed_at: packed,
        data_at: PIECES[2],
    }
    file = bytearray(data_at)
    for at, part in parts.items():
        file[at : at + len(part)] = part
    return bytes(file)


def vmdk_stream(*, extent: str = "SPARSE", grain: int = 128) -> bytes:
    """streamOptimized: packed grains behind their markers, then table, directory and a second header that knows where these are."""
    text = f'# Disk DescriptorFile\nversion=1\ncreateType="streamOptimized"\nRW {len(DISK) // SECTOR} {extent} "x"\n'
    file = bytearray(_vmdk_header(0xFFFFFFFFFFFFFFFF, grain) + text.encode().ljust(SECTOR, b"\0"))
    table = []
    for number, piece in enumerate(PIECES):
        if not any(piece):
            table.append(0)
            continue
        table.append(len(file) // SECTOR)
        packed = zlib.compress(piece)
        marker = struct.pack("<QI", number * 128, len(packed)) + packed
        file += marker.ljust(-(-len(marker) // SECTOR) * SECTOR, b"\0")
    table_at = len(file) // SECTOR
    file += struct.pack("<512I", *table, *[0] * (512 - len(table)))
    directory_at = len(file) // SECTOR
    file += struct.pack("<I", table_at).ljust(SECTOR, b"\0")
    return bytes(file) + _vmdk_header(directory_at, grain) + bytes(SECTOR)


def _vmdk_header(directory_at: int, grain: int) -> bytes:
    flags = 1 | 1 << 16 | 1 << 17
    return struct.pack(
        "<4sIIQQQQIQQQB4sH",
        *(b"KDMV", 3, flags, 384, grain, 1, 1, 512, 0, directory_at, 128, 0, b"\n \r\n", 1),
    ).ljust(SECTOR, b"\0")


VARIANTS = {
    "a fixed VHD": vhd_fixed(),
    "a VHD with bitmaps": vhd_dynamic(),
    "a packed QCOW2": qcow2(),
    "a QCOW2 of version 2": qcow2(version=2),
    "a QCOW2 that was not closed": qcow2(features=1),
    "a VMDK for streams": vmdk_stream(),
}
