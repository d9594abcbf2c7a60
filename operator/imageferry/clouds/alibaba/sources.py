"""What a disk file must be to be imported: pure, from what OSS shows and from the file's first and last bytes.

Limits: https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-importimage. A file that bears no mark
of a format is taken for a plain RAW disk, which bears none.
"""

from typing import Final

from imageferry.clouds.formats import Found, disk_bytes, format_of
from imageferry.core.errors import Blocked, Rejected
from imageferry.core.job import DiskFile
from imageferry.core.reasons import Reason

IMPORTED: Final = ("RAW", "VHD", "QCOW2", "VMDK")
"""ImportImage reference, parameter DiskDeviceMapping.N.Format."""

MOST_GIB: Final = 2048
"""The same, parameter DiskDeviceMapping.N.DiskImageSize."""

_GIB: Final = 1 << 30


def check(disk: DiskFile, found: Found, index: int) -> None:
    """Whether the file can become disk `index` of an image. Raises Blocked, or Rejected for what the spec says of it."""
    if not found.size:
        raise _invalid(disk, "is empty: upload it again")
    if found.archived:
        raise _invalid(disk, "is archived: restore it in its bucket, or copy it to a storage class that can be read")
    _check_format(disk, format_of(found.ends.first, found.ends.last))
    _check_size(disk, disk_bytes(found.ends), index)


def _check_format(disk: DiskFile, seen: str) -> None:
    really = seen or "RAW"
    if really not in IMPORTED:
        raise _invalid(disk, f"is {really}, which the cloud does not import: convert it to {', '.join(IMPORTED)}")
    if disk.format and disk.format != really:
        what = f"is {seen}" if seen else "bears the mark of no other format than RAW"
        raise _invalid(disk, f"{what}, not {disk.format}: correct the format, or upload the right file")


def _check_size(disk: DiskFile, held: int, index: int) -> None:
    if held > MOST_GIB * _GIB:
        raise _invalid(disk, f"holds a disk of {_in_gib(held)} GiB: {MOST_GIB} GiB can be imported")
    if disk.size_gib and held > disk.size_gib * _GIB:
        raise Rejected(
            Reason.INVALID_SPEC,
            f"sizeGiB of disk {index + 1} is {disk.size_gib}, but file {disk.key} holds a disk of {_in_gib(held)} GiB: "
            "write at least that.",
        )


def _in_gib(count: int) -> int:
    return -(-count // _GIB)


def _invalid(disk: DiskFile, what: str) -> Blocked:
    return Blocked(Reason.OBJECT_INVALID, f"File {disk.key} in bucket {disk.bucket} {what}.")
