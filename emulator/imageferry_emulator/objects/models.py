"""What the object store holds, as values, and what can be wrong with asking for it. Where the bytes are is store.py's affair."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

NORMAL, MULTIPART, APPENDABLE = "Normal", "Multipart", "Appendable"


class BucketMissingError(LookupError):
    """No bucket of that name."""


class BucketTakenError(ValueError):
    """A bucket of that name exists already, whoever owns it."""


class BucketFullError(ValueError):
    """The bucket still holds objects."""


class ObjectMissingError(LookupError):
    """No object under that key."""


class ObjectTakenError(ValueError):
    """There is an object under that key, and it was not to be replaced."""


class NotAppendableError(ValueError):
    """The object was not made by appending."""


class PositionError(ValueError):
    """The object does not end where it was to be continued; `size` is where it does."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket: `region` as in `cn-hangzhou`, `owner` an account id, `sse` the default encryption: None, KMS or AES256 as text."""

    name: str
    region: str
    owner: str
    sse: str
    created: datetime
    acl: str = "private"
    storage_class: str = "Standard"


@dataclass(frozen=True, slots=True)
class Traits:
    """What an upload says about its object: headers to give back, storage class, tags, and an ACL (`default`: its bucket's)."""

    headers: tuple[tuple[str, str], ...] = ()
    storage_class: str = "Standard"
    tags: tuple[tuple[str, str], ...] = ()
    acl: str = "default"


PLAIN = Traits()


@dataclass(frozen=True, slots=True)
class Thaw:
    """A restored object of an archive: readable from `ready` until `over`, in seconds of the task clock."""

    ready: float
    over: float


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object: `size` in bytes, `etag` in upper-case hex without quotes, `crc64` its CRC-64, `modified` in UTC.

    The first `size` bytes of `path` are its content as long as the object is neither replaced nor deleted.
    """

    bucket: str
    key: str
    size: int
    etag: str
    crc64: int
    modified: datetime
    path: Path
    traits: Traits
    kind: str = NORMAL
    thaw: Thaw | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A page: objects and common prefixes, together at most the limit; `last` is the name to go on after, None at the end."""

    objects: tuple[StoredObject, ...]
    prefixes: tuple[str, ...]
    last: str | None


def traits_of(stored: dict[str, Any]) -> Traits:
    """Traits as they were written to JSON."""
    pairs = {name: tuple((n, v) for n, v in stored[name]) for name in ("headers", "tags")}
    return Traits(**{**stored, **pairs})


def object_of(stored: dict[str, Any], folder: Path) -> StoredObject:
    """An object as it was written to JSON; its bytes are in `folder`."""
    changed = {
        "modified": datetime.fromisoformat(stored["modified"]),
        "path": folder / stored["path"],
        "traits": traits_of(stored["traits"]),
        "thaw": Thaw(**stored["thaw"]) if stored["thaw"] else None,
    }
    return StoredObject(**{**stored, **changed})
