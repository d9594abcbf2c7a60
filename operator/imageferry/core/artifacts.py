"""What a task made: files in a bucket, or an image and its snapshots, each as it was really found."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from imageferry.core.reasons import Reason


@unique
class Role(StrEnum):
    """Which disk of the machine a file holds."""

    SYSTEM = "System"
    DATA = "Data"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file: `device` is the data disk's name in the machine (such as xvdb), as /etc/fstab may refer to it.

    `size_bytes` counts the stored bytes; `crc64` is CRC-64/XZ as a decimal string, as OSS and COS report it.
    """

    role: Role
    device: str
    bucket: str
    key: str
    uri: str
    format: str
    size_bytes: int
    crc64: str
    etag: str

    @property
    def place(self) -> tuple[str, ...]:
        """Where it is: what tells two things apart, whatever is known of them."""
        return (self.bucket, self.key)


@dataclass(frozen=True, slots=True)
class Image:
    """The image that an import made."""

    id: str

    @property
    def place(self) -> tuple[str, ...]:
        """As of a file."""
        return ("image", self.id)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot that an import made for one disk of its image. The cloud bills it until it is deleted."""

    id: str
    device: str

    @property
    def place(self) -> tuple[str, ...]:
        """As of a file."""
        return ("snapshot", self.id)


Artifact = File | Image | Snapshot


def image_among(items: Iterable[Artifact]) -> str:
    """The id of the image among them; empty if there is none."""
    return next((item.id for item in items if isinstance(item, Image)), "")


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why what was found is not what was asked for."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Artifacts:
    """Everything that an attempt left, and what is wrong with it as the result of that attempt."""

    items: tuple[Artifact, ...]
    flaw: Flaw | None


DISCARDED: Final = Artifacts((), Flaw(Reason.OUTPUT_MISSING, "What the attempt left was removed."))
"""After a discard: nothing lies there any more, and that is no good end."""
