"""What the calls of COS answer, as plain values; what an answer means may not enter here."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as a listing shows it: stored bytes, and entity tag without its quotes."""

    name: str
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a bucket's files, where the next begins (empty after the last), and the cloud's clock.

    `bucket_exists` is False where the answer was that there is no such bucket.
    """

    entries: tuple[Entry, ...]
    next_marker: str
    date: datetime | None
    bucket_exists: bool = True


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is being written in parts, and when that was begun."""

    name: str
    begun_at: datetime | None


@dataclass(frozen=True, slots=True)
class Uploads:
    """One page of uploads, as of files; `next_marker` names a file and its upload."""

    uploads: tuple[Upload, ...]
    next_marker: tuple[str, str] | None
    date: datetime | None
