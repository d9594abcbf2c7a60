"""Image files in buckets, as imports read them: what may be in them, and with which code each flaw is told.

The formats themselves are known in disks/; who may read which object has been asked before.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imageferry_emulator import disks
from imageferry_emulator.disks import Content, File, Flaw, MalformedError
from imageferry_emulator.ecs import errors
from imageferry_emulator.ecs.models import GIB
from imageferry_emulator.ecs.parameters import MOST_GIB
from imageferry_emulator.objects.models import BucketMissingError, ObjectMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imageferry_emulator.ecs.parameters import DiskWish
    from imageferry_emulator.objects.store import ObjectStore
    from imageferry_emulator.rpc.errors import Refusal
    from imageferry_emulator.settings import Values

_SUFFIXES = frozenset({"raw", "img", "vhd", "qcow2", "vmdk"})
_FLAWS = {
    Flaw.CONTENT: errors.CONTENT_MALFORMED,
    Flaw.BLOCK_SIZE: errors.BLOCK_SIZE,
    Flaw.DISK_SIZE: errors.CONTENT_MALFORMED,
}


@dataclass(frozen=True, slots=True)
class Named:
    """What a file is before it has been read: its format in lower case, and its own size in whole GiB."""

    format: str
    size_gib: int


class UnfitError(Exception):
    """A file cannot be imported: the refusal that says so, and the particulars."""

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        super().__init__(refusal.text % detail if "%s" in refusal.text else refusal.text)
        self.refusal = refusal
        self.detail = detail


def suffix_is_known(key: str, values: Values) -> bool:
    """Whether an object is named like an image file; a name without a dot is."""
    name = key.rpartition("/")[2].lower()
    if not values.import_suffix_checked or "." not in name:
        return True
    if name.endswith(f".{disks.PACKED}"):
        return values.packed_raw_imports != "refused"
    return name.rpartition(".")[2] in _SUFFIXES


def named(objects: ObjectStore, wish: DiskWish) -> Named:
    """What an object is that has been checked; its format is found out where none was told."""
    stored, source = objects.open(wish.bucket, wish.key)
    with source:
        return Named(wish.format or _format_of(File(source, stored.size)), -(-stored.size // GIB))


@contextmanager
def disk_of(objects: ObjectStore, wish: DiskWish, values: Values) -> Iterator[Content]:
    """The disk in an object, which stays readable inside though the object be replaced. Blocks. Raises UnfitError.

    What is wrong with bytes that are only read inside is told as UnfitError as well.
    """
    try:
        stored, source = objects.open(wish.bucket, wish.key)
    except BucketMissingError:
        raise UnfitError(errors.BUCKET_NOT_FOUND) from None
    except ObjectMissingError:
        raise UnfitError(errors.OBJECT_NOT_FOUND) from None
    with source:
        file = File(source, stored.size)
        try:
            found = disks.detect(file)
            if found == disks.PACKED and values.packed_raw_imports != "accepted":
                raise UnfitError(errors.CONTENT_MALFORMED, f"it is {found}")
            _check_format(_format_of(file), wish.format)
            content = disks.read_file(file)
            _check_size(content, wish.size_gib)
            yield content
        except MalformedError as malformed:
            vhd_size = malformed.flaw is Flaw.DISK_SIZE and found == "vhd"
            raise UnfitError(errors.VHD_SIZE if vhd_size else _FLAWS[malformed.flaw], str(malformed)) from malformed


def _format_of(file: File) -> str:
    """The format by which a request names the file: the archive of a RAW disk is RAW."""
    found = disks.detect(file)
    return "raw" if found == disks.PACKED else found


def _check_format(found: str, wanted: str) -> None:
    if found not in disks.READABLE or (wanted and found != wanted):
        raise UnfitError(errors.CONTENT_MALFORMED, f"it is {found}, not {wanted or 'a format that is imported'}")


def _check_size(content: Content, size_gib: int | None) -> None:
    if content.size > (size_gib or MOST_GIB) * GIB:
        raise UnfitError(errors.IMAGE_SIZE, f"its {content.size} bytes are more than {size_gib or MOST_GIB} GiB")
