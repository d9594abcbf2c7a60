"""The XML documents that COS answers with, element by element in the documented order. Listings are in listings.py.

https://www.tencentcloud.com/document/product/436/10111
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imageferry_emulator.cos.wire import escaped, etag
from imageferry_emulator.objects.xml import Tree, iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from imageferry_emulator.objects.models import Bucket, StoredObject
    from imageferry_emulator.objects.uploads import Part, Upload

ALL_USERS = "http://cam.qcloud.com/groups/global/AllUsers"
_SCHEMA = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_GRANTED = {"public-read": ("READ",), "public-read-write": ("READ", "WRITE")}


def owner(uin: str, name: str = "Owner") -> Tree:
    """An `Owner` element, or an `Initiator`."""
    full = f"qcs::cam::uin/{uin}:uin/{uin}"
    return (name, [("ID", full), ("DisplayName", uin)])


def bucket_list(buckets: Sequence[Bucket], uin: str, *, following: str) -> Tree:
    """The answer of GetService; `following` is the marker of the next page, '' on the last."""
    shown: list[Tree] = [
        (
            "Bucket",
            [
                ("Name", bucket.name),
                ("Location", bucket.region),
                ("CreationDate", bucket.created.strftime("%Y-%m-%dT%H:%M:%SZ")),
            ],
        )
        for bucket in buckets
    ]
    page: list[Tree] = [("IsTruncated", "true" if following else "false")]
    page += [("NextMarker", following)] if following else []
    return ("ListAllMyBucketsResult", [owner(uin), *page, ("Buckets", shown)])


def acl(uin: str, grant: str) -> Tree:
    """The answer of GetBucketACL and GetObjectACL: the owner's grant, and what everybody may."""
    full = f"qcs::cam::uin/{uin}:uin/{uin}"
    own: Tree = (f'Grantee {_SCHEMA} xsi:type="CanonicalUser"', [("ID", full), ("DisplayName", uin)])
    everybody: Tree = (f'Grantee {_SCHEMA} xsi:type="Group"', [("URI", ALL_USERS)])
    grants: list[Tree] = [("Grant", [own, ("Permission", "FULL_CONTROL")])]
    grants += [("Grant", [everybody, ("Permission", right)]) for right in _GRANTED.get(grant, ())]
    return ("AccessControlPolicy", [owner(uin), ("AccessControlList", grants)])


def encryption(sse: str) -> Tree:
    """The answer of GetBucketEncryption."""
    rule: Tree = ("ApplyServerSideEncryptionByDefault", [("SSEAlgorithm", sse)])
    return ("ServerSideEncryptionConfiguration", [("Rule", [rule])])


def copied(root: str, stored: StoredObject | Part) -> Tree:
    """The answer of PutObjectCopy and UploadPartCopy."""
    return (
        root,
        [("ETag", etag(stored.etag)), ("CRC64", str(stored.crc64)), ("LastModified", iso(stored.modified))],
    )


def deleted(keys: Iterable[str]) -> Tree:
    """The answer of DeleteMultipleObjects."""
    return ("DeleteResult", [("Deleted", [("Key", key)]) for key in keys])


def initiated(upload: Upload) -> Tree:
    """The answer of InitiateMultipartUpload."""
    return (
        "InitiateMultipartUploadResult",
        [("Bucket", upload.bucket), ("Key", upload.key), ("UploadId", upload.id)],
    )


def completed(stored: StoredObject, location: str) -> Tree:
    """The answer of CompleteMultipartUpload; `location` is the URL of the object."""
    return (
        "CompleteMultipartUploadResult",
        [("Location", location), ("Bucket", stored.bucket), ("Key", stored.key), ("ETag", etag(stored.etag))],
    )


def parts(
    upload: Upload, page: Sequence[Part], *, uin: str, marker: int, limit: int, more: bool, encoding: str
) -> Tree:
    """The answer of ListParts."""
    shown: list[Tree] = [
        (
            "Part",
            [
                ("PartNumber", str(part.number)),
                ("LastModified", iso(part.modified)),
                ("ETag", etag(part.etag)),
                ("Size", str(part.size)),
            ],
        )
        for part in page
    ]
    return (
        "ListPartsResult",
        [
            ("Bucket", upload.bucket),
            *encoded(encoding),
            ("Key", namer(encoding)(upload.key)),
            ("UploadId", upload.id),
            owner(uin, "Initiator"),
            owner(uin),
            ("StorageClass", upload.traits.storage_class),
            ("PartNumberMarker", str(marker)),
            *([("NextPartNumberMarker", str(page[-1].number))] if more else []),
            ("MaxParts", str(limit)),
            ("IsTruncated", "true" if more else "false"),
            *shown,
        ],
    )


def encoded(encoding: str) -> list[Tree]:
    """The element that says how names are written, if they are."""
    return [("EncodingType", encoding)] if encoding else []


def namer(encoding: str) -> Callable[[str], str]:
    """How names are written."""
    return escaped if encoding else str
