"""What a task made: files in a bucket, or an image, each as it was really found."""

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
class Artifact:
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


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why what was found is not what was asked for."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Artifacts:
    """Everything that lies under an attempt's key, and what is wrong with it as the result of that attempt."""

    items: tuple[Artifact, ...]
    flaw: Flaw | None


DISCARDED: Final = Artifacts((), Flaw(Reason.OUTPUT_MISSING, "What the attempt left was removed."))
"""After a discard: nothing lies there any more, and that is no good end."""
