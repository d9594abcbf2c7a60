"""Listings of objects and of uploads: query parameters in, the XML tree of one page out.

https://www.tencentcloud.com/document/product/436/7734 (objects), .../7736 (uploads)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imageferry_emulator.cos import documents
from imageferry_emulator.cos.wire import etag
from imageferry_emulator.objects.store import grouped
from imageferry_emulator.objects.xml import Tree, iso

if TYPE_CHECKING:
    from collections.abc import Callable

    from imageferry_emulator.cos.calls import Call
    from imageferry_emulator.objects.models import Bucket, StoredObject
    from imageferry_emulator.objects.uploads import Upload

MOST = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a listing of uploads: an upload, or a common prefix, which has neither id nor upload."""

    name: str
    upload_id: str
    upload: Upload | None


def objects(call: Call, bucket: Bucket) -> Tree:
    """One page of the bucket. Raises CosError for a parameter out of bounds."""
    prefix, delimiter, marker = (call.target.parameter(name) or "" for name in ("prefix", "delimiter", "marker"))
    encoding, limit = call.encoding, call.number("max-keys", default=MOST, most=MOST)
    found = call.store.list(bucket.name, prefix=prefix, after=marker, delimiter=delimiter, limit=max(limit, 1))
    name = documents.namer(encoding)
    contents: list[Tree] = [_object(stored, bucket, name) for stored in found.objects]
    contents += [("CommonPrefixes", [("Prefix", name(shown))]) for shown in found.prefixes]
    return (
        "ListBucketResult",
        [
            ("Name", bucket.name),
            *documents.encoded(encoding),
            ("Prefix", name(prefix)),
            ("Marker", name(marker)),
            ("MaxKeys", str(limit)),
            *([("Delimiter", name(delimiter))] if delimiter else []),
            ("IsTruncated", "false" if found.last is None or not limit else "true"),
            *([("NextMarker", name(found.last))] if found.last is not None and limit else []),
            *(contents if limit else []),
        ],
    )


def uploads(call: Call, bucket: Bucket) -> Tree:
    """One page of the uploads into a bucket, by key and id. Raises CosError for a parameter out of bounds."""
    names = ("prefix", "delimiter", "key-marker", "upload-id-marker")
    parameter = {name: call.target.parameter(name) or "" for name in names}
    encoding, limit = call.encoding, call.number("max-uploads", default=MOST, most=MOST, least=1)
    name = documents.namer(encoding)
    entries = _entries(call.store.uploads.of_bucket(bucket.name), parameter)
    shown, more = entries[:limit], len(entries) > limit
    following: list[Tree] = []
    if more:
        following = [("NextKeyMarker", name(shown[-1].name)), ("NextUploadIdMarker", shown[-1].upload_id)]
    return (
        "ListMultipartUploadsResult",
        [
            ("Bucket", bucket.name),
            *documents.encoded(encoding),
            ("KeyMarker", name(parameter["key-marker"])),
            ("UploadIdMarker", parameter["upload-id-marker"]),
            *following,
            ("MaxUploads", str(limit)),
            ("IsTruncated", "true" if more else "false"),
            ("Prefix", name(parameter["prefix"])),
            ("Delimiter", name(parameter["delimiter"])),
            *(_upload(entry.upload, bucket, name) for entry in shown if entry.upload is not None),
            *(("CommonPrefixes", [("Prefix", name(entry.name))]) for entry in shown if entry.upload is None),
        ],
    )


def _entries(found: list[Upload], parameter: dict[str, str]) -> list[Entry]:
    """Uploads and common prefixes behind the markers. An id counts only beside the key that it belongs to."""
    prefix, marker = parameter["prefix"], (parameter["key-marker"], parameter["upload-id-marker"])
    entries: dict[str, Entry] = {}
    for upload in found:
        group = grouped(upload.key, prefix, parameter["delimiter"])
        place = (group or upload.key, "" if group else upload.id)
        behind = place > marker if marker[1] else place[0] > marker[0]
        if upload.key.startswith(prefix) and behind:
            entries.setdefault(group or upload.id, Entry(*place, None if group else upload))
    return list(entries.values())


def _object(stored: StoredObject, bucket: Bucket, name: Callable[[str], str]) -> Tree:
    return (
        "Contents",
        [
            ("Key", name(stored.key)),
            ("LastModified", iso(stored.modified)),
            ("ETag", etag(stored.etag)),
            ("Size", str(stored.size)),
            # Here the owner goes by the number that the bucket's name ends in.
            ("Owner", [("ID", bucket.name.rpartition("-")[2]), ("DisplayName", bucket.name.rpartition("-")[2])]),
            ("StorageClass", stored.traits.storage_class.upper()),
        ],
    )


def _upload(upload: Upload, bucket: Bucket, name: Callable[[str], str]) -> Tree:
    return (
        "Upload",
        [
            ("Key", name(upload.key)),
            ("UploadId", upload.id),
            ("StorageClass", upload.traits.storage_class),
            documents.owner(bucket.owner, "Initiator"),
            documents.owner(bucket.owner),
            ("Initiated", iso(upload.initiated)),
        ],
    )
