"""Listings of objects (versions 1 and 2) and of uploads: query parameters in, the XML tree of one page out.

https://www.alibabacloud.com/help/en/oss/developer-reference/listobjects, .../listobjects-v2 and .../listmultipartuploads
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imageferry_emulator.objects.store import grouped
from imageferry_emulator.objects.xml import iso
from imageferry_emulator.oss import documents
from imageferry_emulator.oss.errors import ARGUMENT, OssError

if TYPE_CHECKING:
    from collections.abc import Callable

    from imageferry_emulator.objects.models import Bucket, Listing
    from imageferry_emulator.objects.store import ObjectStore
    from imageferry_emulator.objects.uploads import Upload
    from imageferry_emulator.objects.xml import Tree
    from imageferry_emulator.oss.wire import Target

_MAX_KEYS = 1000
_DEFAULT_KEYS = "100"


@dataclass(frozen=True, slots=True)
class Page:
    """What the two versions have in common: the parameters asked for, the names found, and how names are written."""

    bucket: Bucket
    prefix: str
    delimiter: str
    limit: int
    encoding: str
    found: Listing
    name: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a listing of uploads: an upload, or a common prefix, which has neither id nor upload."""

    name: str
    upload_id: str
    upload: Upload | None


def answer(store: ObjectStore, bucket: Bucket, target: Target) -> Tree:
    """One page of the bucket. Raises OssError for a parameter out of bounds."""
    parameters = dict(reversed(target.query))
    encoding = parameters.get("encoding-type", "")
    if encoding not in {"", "url"}:
        raise _invalid("encoding-type", encoding)
    version = parameters.get("list-type", "1")
    if version not in {"1", "2"}:
        raise _invalid("list-type", version)
    after = parameters.get("marker", "") if version == "1" else _after(parameters)
    prefix, delimiter, limit = parameters.get("prefix", ""), parameters.get("delimiter", ""), _limit(parameters)
    page = Page(
        bucket=bucket,
        prefix=prefix,
        delimiter=delimiter,
        limit=limit,
        encoding=encoding,
        found=store.list(bucket.name, prefix=prefix, after=after, delimiter=delimiter, limit=limit),
        name=documents.escaped if encoding else str,
    )
    if version == "1":
        return ("ListBucketResult", [*_common(page), *_version_1(page, after), *_contents(page, with_owner=True)])
    with_owner = parameters.get("fetch-owner") == "true"
    return (
        "ListBucketResult",
        [*_common(page), *_version_2(page, parameters), *_contents(page, with_owner=with_owner)],
    )


def uploads(bucket: Bucket, found: list[Upload], target: Target, *, limit: int, encoding: str) -> Tree:
    """One page of the uploads into a bucket, which come in the order of their keys and ids."""
    parameter = {
        name: target.parameter(name) or "" for name in ("prefix", "delimiter", "key-marker", "upload-id-marker")
    }
    name = documents.escaped if encoding else str
    entries = _entries(found, parameter)
    shown, more = entries[:limit], len(entries) > limit
    return (
        "ListMultipartUploadsResult",
        [
            *([("EncodingType", encoding)] if encoding else []),
            ("Bucket", bucket.name),
            ("KeyMarker", name(parameter["key-marker"])),
            ("UploadIdMarker", parameter["upload-id-marker"]),
            ("NextKeyMarker", name(shown[-1].name) if more else ""),
            ("NextUploadIdMarker", shown[-1].upload_id if more else ""),
            ("Delimiter", name(parameter["delimiter"])),
            ("Prefix", name(parameter["prefix"])),
            ("MaxUploads", str(limit)),
            ("IsTruncated", "true" if more else "false"),
            *(_upload(entry.upload, name) for entry in shown if entry.upload is not None),
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


def _upload(upload: Upload, name: Callable[[str], str]) -> Tree:
    return (
        "Upload",
        [
            ("Key", name(upload.key)),
            ("UploadId", upload.id),
            ("StorageClass", upload.traits.storage_class),
            ("Initiated", iso(upload.initiated)),
        ],
    )


def _common(page: Page) -> list[Tree]:
    encoding: list[Tree] = [("EncodingType", page.encoding)] if page.encoding else []
    return [
        ("Name", page.bucket.name),
        ("Prefix", page.name(page.prefix)),
        ("MaxKeys", str(page.limit)),
        ("Delimiter", page.name(page.delimiter)),
        *encoding,
        ("IsTruncated", "false" if page.found.last is None else "true"),
    ]


def _version_1(page: Page, marker: str) -> list[Tree]:
    following: list[Tree] = [] if page.found.last is None else [("NextMarker", page.name(page.found.last))]
    return [("Marker", page.name(marker)), *following]


def _version_2(page: Page, parameters: dict[str, str]) -> list[Tree]:
    shown: list[Tree] = [("KeyCount", str(len(page.found.objects) + len(page.found.prefixes)))]
    if parameters.get("start-after"):
        shown.append(("StartAfter", page.name(parameters["start-after"])))
    if parameters.get("continuation-token"):
        shown.append(("ContinuationToken", parameters["continuation-token"]))
    if page.found.last is not None:
        shown.append(("NextContinuationToken", base64.urlsafe_b64encode(page.found.last.encode()).decode().rstrip("=")))
    return shown


def _contents(page: Page, *, with_owner: bool) -> list[Tree]:
    owner = [documents.owner(page.bucket.owner)] if with_owner else []
    objects: list[Tree] = [
        (
            "Contents",
            [
                ("Key", page.name(stored.key)),
                ("LastModified", iso(stored.modified)),
                ("ETag", f'"{stored.etag}"'),
                ("Type", stored.kind),
                ("Size", str(stored.size)),
                ("StorageClass", stored.traits.storage_class),
                *owner,
            ],
        )
        for stored in page.found.objects
    ]
    return objects + [("CommonPrefixes", [("Prefix", page.name(prefix))]) for prefix in page.found.prefixes]


def _limit(parameters: dict[str, str]) -> int:
    given = parameters.get("max-keys") or _DEFAULT_KEYS
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= _MAX_KEYS:
        raise _invalid("max-keys", given)
    return int(given)


def _after(parameters: dict[str, str]) -> str:
    token = parameters.get("continuation-token", "")
    if not token:
        return parameters.get("start-after", "")
    try:
        # Padding is left off so that the token reads the same whether or not a client decodes it as a URL.
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise _invalid("continuation-token", token) from None


def _invalid(name: str, value: str) -> OssError:
    return OssError(ARGUMENT, ("ArgumentName", name), ("ArgumentValue", value))
