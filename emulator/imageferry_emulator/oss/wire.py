"""How OSS requests and answers look as bytes: bucket and key out of a URL, XML into a body. No rule, no state, no signature.

Where the bucket is named (in the path, or in the host `bucket.oss-region.aliyuncs.com`) is decided here and nowhere else.
"""

from __future__ import annotations

import base64
import re
import secrets
from dataclasses import dataclass
from email.utils import format_datetime
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import parse_qsl, unquote_to_bytes
from xml.sax.saxutils import escape

from aiohttp import web

from imageferry_emulator.oss.errors import OBJECT_NAME, OssError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from imageferry_emulator.oss.models import Bucket, StoredObject

XML = "application/xml"
_ENDPOINT = re.compile(
    r"(?:(?P<bucket>[a-z0-9-]+)\.)?oss-(?P<region>[a-z0-9-]+?)(?:-internal)?\.aliyuncs\.com(?::\d+)?"
)

Tree: TypeAlias = "tuple[str, str | Sequence[Tree]]"
"""An XML element: its name, and its text or its children."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about: `bucket` and `key` decoded, '' where there is none; `region` as its endpoint names it, or ''.

    `path` is the resource as signatures see it, `/bucket/key`, still in the client's own percent-encoding.
    """

    bucket: str
    key: str
    region: str
    path: str
    query: tuple[tuple[str, str], ...]

    def parameter(self, name: str) -> str | None:
        """The value of a query parameter, '' if it is named without one, None if it is not there."""
        return dict(self.query).get(name)


def target(raw: str, host: str) -> Target:
    """Read the request target and the Host header. Raises OssError when the key is not UTF-8."""
    origin = re.match(r"https?://[^/?]*", raw)
    path, _, query = (raw[origin.end() :] if origin else raw).partition("?")
    path = path or "/"
    endpoint = _ENDPOINT.fullmatch(host)
    if endpoint and endpoint["bucket"]:
        path = f"/{endpoint['bucket']}{path}"
    bucket, _, key = path[1:].partition("/")
    try:
        return Target(
            bucket=unquote_to_bytes(bucket).decode(),
            key=unquote_to_bytes(key).decode(),
            region=endpoint["region"] if endpoint else "",
            path=path,
            query=tuple(parse_qsl(query, keep_blank_values=True)),
        )
    except UnicodeDecodeError:
        raise OssError(OBJECT_NAME) from None


def request_id() -> str:
    """A fresh id in the shape of OSS: 24 hex digits."""
    return secrets.token_hex(12).upper()


def xml_answer(tree: Tree, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """An answer with an XML document."""
    return web.Response(status=status, body=document(tree), headers={"Content-Type": XML, **(headers or {})})


def error_answer(error: OssError, *, method: str, host: str, identity: str) -> web.Response:
    """An error as clients expect it: in the body, or for HEAD, which has none, base64 in the header `x-oss-err`."""
    fault = error.fault
    if fault.status < 400:  # noqa: PLR2004 (not an error by HTTP: 304 has headers and no body)
        return web.Response(status=fault.status, headers=dict(error.details))
    parts = [
        ("Code", fault.code),
        ("Message", fault.message),
        ("RequestId", identity),
        ("HostId", host),
        *error.details,
        ("EC", fault.ec),
    ]
    headers = {"x-oss-ec": fault.ec}
    if method != "HEAD":
        return xml_answer(("Error", parts), status=fault.status, headers=headers)
    headers["x-oss-err"] = base64.b64encode(document(("Error", parts))).decode()
    return web.Response(status=fault.status, headers={"Content-Type": XML, **headers})


def document(tree: Tree) -> bytes:
    """The tree as an XML document."""
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + _element(tree)).encode("utf-8", "replace")


def _element(tree: Tree) -> str:
    name, content = tree
    inner = escape(content) if isinstance(content, str) else "".join(map(_element, content))
    return f"<{name}>{inner}</{name}>"


def iso(moment: datetime) -> str:
    """`2026-01-01T00:00:00.000Z`, as in listings."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def object_headers(stored: StoredObject) -> dict[str, str]:
    """The headers that HeadObject and GetObject share."""
    return {
        "Content-Type": "application/octet-stream",
        **dict(stored.headers),
        "Accept-Ranges": "bytes",
        "ETag": f'"{stored.etag}"',
        "Last-Modified": format_datetime(stored.modified, usegmt=True),
        "x-oss-object-type": "Normal",
        "x-oss-storage-class": "Standard",
        "x-oss-hash-crc64ecma": str(stored.crc64),
    }


def owner(account_id: str) -> Tree:
    """An `Owner` element."""
    return ("Owner", [("ID", account_id), ("DisplayName", account_id)])


def bucket_info(bucket: Bucket) -> Tree:
    """The answer of GetBucketInfo."""
    return ("BucketInfo", [("Bucket", [*_bucket(bucket), owner(bucket.owner), *_bucket_rules(bucket)])])


def bucket_list(buckets: list[Bucket], account_id: str) -> Tree:
    """The answer of ListBuckets, which is never truncated here."""
    shown: list[Tree] = [("Bucket", [*_bucket(bucket), ("Region", bucket.region)]) for bucket in buckets]
    return ("ListAllMyBucketsResult", [owner(account_id), ("Buckets", shown)])


def bucket_acl(bucket: Bucket) -> Tree:
    """The answer of GetBucketAcl: every bucket is private."""
    return ("AccessControlPolicy", [owner(bucket.owner), ("AccessControlList", [("Grant", "private")])])


def _bucket(bucket: Bucket) -> list[Tree]:
    return [
        ("CreationDate", iso(bucket.created)),
        ("ExtranetEndpoint", f"oss-{bucket.region}.aliyuncs.com"),
        ("IntranetEndpoint", f"oss-{bucket.region}-internal.aliyuncs.com"),
        ("Location", f"oss-{bucket.region}"),
        ("Name", bucket.name),
        ("StorageClass", "Standard"),
    ]


def _bucket_rules(bucket: Bucket) -> list[Tree]:
    return [
        ("AccessControlList", [("Grant", "private")]),
        ("DataRedundancyType", "LRS"),
        ("ServerSideEncryptionRule", [("SSEAlgorithm", bucket.sse)]),
    ]
