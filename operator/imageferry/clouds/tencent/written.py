"""What an export has written so far, and whether it is done: all that this cloud shows of one.

ExportImages names a task that no call can be asked about. What is seen are its files: COS shows an object when it is whole, and
before that the upload of its parts. A file is told from the others by the id of the snapshot in its name, `..._system_snap-X.raw`
or `..._data_snap-X.raw`; whether its ending is in upper or lower case is not documented, so names are never guessed. An export is
done once each of its disks has a file with content, two looks have shown the same files, and nothing is being uploaded.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from imageferry.clouds.tencent import listing
from imageferry.clouds.tencent.answers import Entry, Upload
from imageferry.clouds.tencent.calls import Calls
from imageferry.clouds.threads import pair
from imageferry.core.keys import belongs_to

_DISK: Final = re.compile(r"_(system|data)_(snap-[0-9A-Za-z]+)\.[0-9A-Za-z]+$")
_MOST_REMEMBERED: Final = 10_000


LOST_AFTER: Final = timedelta(hours=24)
"""An export that has not written all its files for so long, and neither uploads any nor keeps its image busy, has failed, and an
upload begun longer ago goes on no more: the cloud tells of no failure, and a failed export may leave its uploads. The documents
give no time but "depends on size and queue"; a disk of the largest size takes hours."""


@dataclass(frozen=True, slots=True)
class Written:
    """What bears one attempt's prefix: files, uploads that are under way, and the cloud's clock."""

    files: tuple[Entry, ...]
    uploading: tuple[Upload, ...]
    bucket_exists: bool
    cloud_time: datetime

    @property
    def anything(self) -> bool:
        """Whether there is a trace of the attempt."""
        return bool(self.files or self.uploading)


@dataclass(frozen=True, slots=True)
class Expected:
    """The files of a complete export: one for each of these snapshots, or so many where the image is gone."""

    snapshots: Collection[str]
    count: int


async def look(calls: Calls, bucket: str, object_prefix: str) -> Written:
    """What is there. What only begins with the prefix is another's."""
    beginning = f"{object_prefix}_"
    found, uploading = await pair(listing.files(calls, bucket, beginning), listing.uploads(calls, bucket, beginning))
    files = tuple(entry for entry in found.entries if belongs_to(entry.name, object_prefix))
    own = [upload for upload in uploading if belongs_to(upload.name, object_prefix)]
    return Written(files, alive(own, found.cloud_time), found.bucket_exists, found.cloud_time)


def alive(uploads: Iterable[Upload], cloud_time: datetime) -> tuple[Upload, ...]:
    """The uploads that may still go on."""
    return tuple(each for each in uploads if each.begun_at is None or cloud_time - each.begun_at < LOST_AFTER)


def disk_of(name: str) -> tuple[str, str]:
    """Usage ("system" or "data") and snapshot of the disk that a file holds by its name; both empty where it does not say."""
    found = _DISK.search(name)
    return (found[1], found[2]) if found else ("", "")


def all_there(files: Sequence[Entry], expected: Expected) -> bool:
    """Whether each disk has a file, whatever is in it."""
    held = {disk_of(entry.name)[1] for entry in files}
    return held >= set(expected.snapshots) if expected.snapshots else len(files) >= expected.count


class Looks:
    """The last look at each attempt: an upload may have been replaced by another between two of them."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[Entry, ...]] = {}

    def done(self, object_prefix: str, seen: Written, expected: Expected) -> bool:
        """Whether the export has ended well, by this look and the one before it."""
        before = self._last.pop(object_prefix, None)
        self._last[object_prefix] = seen.files
        if len(self._last) > _MOST_REMEMBERED:
            self._last.pop(next(iter(self._last)))
        whole = all_there(seen.files, expected) and all(entry.size for entry in seen.files)
        return whole and not seen.uploading and before == seen.files
