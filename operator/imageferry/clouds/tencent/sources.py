"""What a disk file must be to be imported: pure, from what COS shows and from the file's first and last bytes.

Limits: https://www.tencentcloud.com/document/product/213/4945 (formats, 50 GB of content, 500 GB of disk). A file that bears no
mark of a format is taken for a plain RAW disk, which bears none; the packed RAW files of the other cloud are not taken here.
"""

from typing import Final

from imageferry.clouds.formats import Found, disk_bytes, format_of
from imageferry.core.errors import Blocked
from imageferry.core.job import DiskFile
from imageferry.core.reasons import Reason

IMPORTED: Final = ("RAW", "VHD", "QCOW2", "VMDK")
MOST_CONTENT_GIB: Final = 50
MOST_DISK_GIB: Final = 500

_GIB: Final = 1 << 30


def check(disk: DiskFile, found: Found) -> None:
    """Whether the file can become a disk of an image. Raises Blocked."""
    if not found.size:
        raise _invalid(disk, "is empty: upload it again")
    if found.archived:
        raise _invalid(disk, "is archived: restore it in its bucket, or copy it to a storage class that can be read")
    _check_format(disk, found)
    if disk_bytes(found.ends) > MOST_DISK_GIB * _GIB:
        raise _invalid(disk, f"holds a disk of more than {MOST_DISK_GIB} GiB, the most that can be imported")
    if format_of(found.ends.first, found.ends.last) and found.size > MOST_CONTENT_GIB * _GIB:
        raise _invalid(disk, f"holds more than {MOST_CONTENT_GIB} GiB, the most that can be imported")


def _check_format(disk: DiskFile, found: Found) -> None:
    seen = format_of(found.ends.first, found.ends.last)
    if seen == "RAW":  # a gzipped tar, by its own marks
        raise _invalid(
            disk, "is a packed RAW disk, as Alibaba Cloud writes them: unpack it (tar -xzf) and upload what is in it"
        )
    really = seen or "RAW"
    if really not in IMPORTED:
        raise _invalid(disk, f"is {really}, which the cloud does not import: convert it to {', '.join(IMPORTED)}")
    if disk.format and disk.format != really:
        what = f"is {seen}" if seen else "bears the mark of no other format than RAW"
        raise _invalid(disk, f"{what}, not {disk.format}: correct the format, or upload the right file")


def _invalid(disk: DiskFile, what: str) -> Blocked:
    return Blocked(Reason.OBJECT_INVALID, f"File {disk.key} in bucket {disk.bucket} {what}.")
