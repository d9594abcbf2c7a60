"""How OSS requests and answers look as bytes: bucket and key out of a URL, XML into a body. No rule, no state, no signature.

Where the bucket is named is decided here and nowhere else: in front of an endpoint's host name (`bucket.oss-REGION.aliyuncs.com`,
`bucket.localhost`, `bucket.127.0.0.1`), else as the first segment of the path.
"""

from __future__ import annotations

import base64
import ipaddress
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote_to_bytes

from aiohttp import web

from imageferry_emulator.objects.models import APPENDABLE, NORMAL
from imageferry_emulator.objects.xml import Tree, document, http_date
from imageferry_emulator.oss.errors import OBJECT_NAME, OssError

if TYPE_CHECKING:
    from imageferry_emulator.objects.models import StoredObject

XML = "application/xml"
_ENDPOINT = re.compile(
    r"(?:oss-(?P<region>[a-z0-9-]+?)(?:-internal)?|(?P<dual>(?:ap|cn|eu|me|na|us)-[a-z0-9-]+)\.oss|oss)\.aliyuncs\.com"
)
_WORLDWIDE = frozenset({"accelerate", "accelerate-overseas"})
_BUCKET_LABEL = re.compile(r"(?P<bucket>[a-z0-9-]+)\.(?P<endpoint>.+)")


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about: `bucket` and `key` decoded, '' where there is none; `region` as its endpoint names it, or ''.

    `path` is the resource as signatures see it, `/bucket/key`, still in the client's own percent-encoding; `hosted` says whether
    the bucket was named in the host.
    """

    bucket: str
    key: str
    region: str
    path: str
    query: tuple[tuple[str, str], ...]
    hosted: bool

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter, '' if it is named without one, None if it is not there."""
        return next((value for given, value in self.query if given == name), None)


def target(raw: str, host: str) -> Target:
    """Read the request target and the Host header. Raises OssError when the key is not UTF-8."""
    origin = re.match(r"https?://[^/?]*", raw)
    path, _, query = (raw[origin.end() :] if origin else raw).partition("?")
    path = path or "/"
    hosted, region = _host(host)
    if hosted:
        path = f"/{hosted}{path}"
    bucket, _, key = path[1:].partition("/")
    try:
        return Target(
            bucket=unquote_to_bytes(bucket).decode(),
            key=unquote_to_bytes(key).decode(),
            region=region,
            path=path,
            query=tuple(parse_qsl(query, keep_blank_values=True)),
            hosted=bool(hosted),
        )
    except UnicodeDecodeError:
        raise OssError(OBJECT_NAME) from None


def hosted_bucket(host: str) -> str:
    """The bucket that a Host header names, '' if it names none."""
    return _host(host)[0]


def _host(host: str) -> tuple[str, str]:
    """Bucket and region that a Host header names, '' where it names none."""
    name = re.sub(r":\d+$", "", host.lower())
    if _is_endpoint(name):
        return "", _region(name)
    label = _BUCKET_LABEL.fullmatch(name)
    if label and _is_endpoint(label["endpoint"]):
        return label["bucket"], _region(label["endpoint"])
    return "", ""


def _is_endpoint(name: str) -> bool:
    if name == "localhost" or _ENDPOINT.fullmatch(name):
        return True
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _region(endpoint: str) -> str:
    found = _ENDPOINT.fullmatch(endpoint)
    region = (found["region"] or found["dual"] or "") if found else ""
    return "" if region in _WORLDWIDE else region


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
        *([("RecommendDoc", fault.page)] if fault.page else []),
    ]
    headers = {"x-oss-ec": fault.ec, **dict(error.headers)}
    if method != "HEAD":
        return xml_answer(("Error", parts), status=fault.status, headers=headers)
    headers["x-oss-err"] = base64.b64encode(document(("Error", parts))).decode()
    return web.Response(status=fault.status, headers={"Content-Type": XML, **headers})


def object_headers(stored: StoredObject) -> dict[str, str]:
    """The headers that HeadObject and GetObject share."""
    headers = {
        "Content-Type": "application/octet-stream",
        **dict(stored.traits.headers),
        "Accept-Ranges": "bytes",
        "ETag": f'"{stored.etag}"',
        "Last-Modified": http_date(stored.modified),
        "x-oss-object-type": stored.kind,
        "x-oss-storage-class": stored.traits.storage_class,
        "x-oss-hash-crc64ecma": str(stored.crc64),
    }
    if stored.kind == NORMAL:
        headers["Content-MD5"] = base64.b64encode(bytes.fromhex(stored.etag)).decode()
    if stored.kind == APPENDABLE:
        headers["x-oss-next-append-position"] = str(stored.size)
    if stored.traits.tags:
        headers["x-oss-tagging-count"] = str(len(stored.traits.tags))
    return headers
