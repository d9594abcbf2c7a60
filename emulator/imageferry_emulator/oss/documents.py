"""The XML documents that OSS answers with, element by element in the documented order. Listings of objects are in listings.py.

https://www.alibabacloud.com/help/en/oss/developer-reference/list-of-operations-by-function
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from imageferry_emulator.objects.xml import Tree, iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from imageferry_emulator.objects.models import Bucket, StoredObject
    from imageferry_emulator.objects.uploads import Part, Upload


def escaped(name: str) -> str:
    """A name under `encoding-type=url`."""
    return quote(name, safe="/")


def owner(account_id: str) -> Tree:
    """An `Owner` element."""
    return ("Owner", [("ID", account_id), ("DisplayName", account_id)])


def bucket_info(bucket: Bucket) -> Tree:
    """The answer of GetBucketInfo."""
    rules: list[Tree] = [
        ("AccessControlList", [("Grant", bucket.acl)]),
        ("DataRedundancyType", "LRS"),
        ("ServerSideEncryptionRule", [("SSEAlgorithm", bucket.sse)]),
    ]
    return ("BucketInfo", [("Bucket", [*_bucket(bucket), owner(bucket.owner), *rules])])


def bucket_list(buckets: Sequence[Bucket], account_id: str, page: Sequence[Tree]) -> Tree:
    """The answer of ListBuckets; `page` are the elements that a part of a list begins with, none for a whole list."""
    shown: list[Tree] = [("Bucket", [*_bucket(bucket), ("Region", bucket.region)]) for bucket in buckets]
    return ("ListAllMyBucketsResult", [*page, owner(account_id), ("Buckets", shown)])


def acl(account_id: str, grant: str) -> Tree:
    """The answer of GetBucketAcl and GetObjectAcl."""
    return ("AccessControlPolicy", [owner(account_id), ("AccessControlList", [("Grant", grant)])])


def encryption(sse: str) -> Tree:
    """The answer of GetBucketEncryption."""
    return (
        "ServerSideEncryptionRule",
        [("ApplyServerSideEncryptionByDefault", [("SSEAlgorithm", sse), ("KMSMasterKeyID", "")])],
    )


def tagging(tags: Iterable[tuple[str, str]]) -> Tree:
    """The answer of GetObjectTagging."""
    return ("Tagging", [("TagSet", [("Tag", [("Key", name), ("Value", value)]) for name, value in tags])])


def copied(root: str, stored: StoredObject | Part) -> Tree:
    """The answer of CopyObject and UploadPartCopy."""
    return (root, [("LastModified", iso(stored.modified)), ("ETag", f'"{stored.etag}"')])


def deleted(keys: Iterable[str], encoding: str) -> Tree:
    """The answer of DeleteMultipleObjects."""
    name = _namer(encoding)
    return ("DeleteResult", [*_encoding(encoding), *(("Deleted", [("Key", name(key))]) for key in keys)])


def initiated(upload: Upload, encoding: str) -> Tree:
    """The answer of InitiateMultipartUpload."""
    return (
        "InitiateMultipartUploadResult",
        [
            *_encoding(encoding),
            ("Bucket", upload.bucket),
            ("Key", _namer(encoding)(upload.key)),
            ("UploadId", upload.id),
        ],
    )


def completed(stored: StoredObject, encoding: str, location: str) -> Tree:
    """The answer of CompleteMultipartUpload; `location` is the URL of the object."""
    return (
        "CompleteMultipartUploadResult",
        [
            *_encoding(encoding),
            ("Location", location),
            ("Bucket", stored.bucket),
            ("Key", _namer(encoding)(stored.key)),
            ("ETag", f'"{stored.etag}"'),
        ],
    )


def parts(upload: Upload, page: Sequence[Part], *, marker: int, limit: int, more: bool, encoding: str) -> Tree:
    """The answer of ListParts."""
    shown: list[Tree] = [
        (
            "Part",
            [
                ("PartNumber", str(part.number)),
                ("LastModified", iso(part.modified)),
                ("ETag", f'"{part.etag}"'),
                ("HashCrc64ecma", str(part.crc64)),
                ("Size", str(part.size)),
            ],
        )
        for part in page
    ]
    return (
        "ListPartsResult",
        [
            *_encoding(encoding),
            ("Bucket", upload.bucket),
            ("Key", _namer(encoding)(upload.key)),
            ("UploadId", upload.id),
            ("StorageClass", upload.traits.storage_class),
            ("PartNumberMarker", str(marker)),
            ("NextPartNumberMarker", str(page[-1].number if page else 0)),
            ("MaxParts", str(limit)),
            ("IsTruncated", "true" if more else "false"),
            *shown,
        ],
    )


def _bucket(bucket: Bucket) -> list[Tree]:
    return [
        ("CreationDate", iso(bucket.created)),
        ("ExtranetEndpoint", f"oss-{bucket.region}.aliyuncs.com"),
        ("IntranetEndpoint", f"oss-{bucket.region}-internal.aliyuncs.com"),
        ("Location", f"oss-{bucket.region}"),
        ("Name", bucket.name),
        ("StorageClass", bucket.storage_class),
    ]


def _encoding(encoding: str) -> list[Tree]:
    return [("EncodingType", encoding)] if encoding else []


def _namer(encoding: str) -> Callable[[str], str]:
    return escaped if encoding else str
