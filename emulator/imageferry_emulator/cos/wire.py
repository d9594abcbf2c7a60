"""How COS requests and answers look as bytes: bucket, region and key out of host and path, XML into a body. No rule, no signature.

Hosts: https://www.tencentcloud.com/document/product/436/6224. Where clients reach the emulator by its address, the bucket stands
in front of it (`bucket-appid.localhost`) or is the first segment of the path, as in the vendor's path style.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from aiohttp import web

from imageferry_emulator.cos.errors import URI, CosError
from imageferry_emulator.objects.xml import Tree, document, http_date

if TYPE_CHECKING:
    from imageferry_emulator.objects.models import StoredObject

XML = "application/xml"
_VENDOR = r"(?:myqcloud\.com|tencentcos\.cn)"
_SERVICE = re.compile(rf"service\.cos\.{_VENDOR}")
_ENDPOINT = re.compile(rf"cos(?:-internal)?\.(?P<region>[a-z0-9-]+)\.{_VENDOR}")
_WORLDWIDE = "accelerate"
_BUCKET_LABEL = re.compile(r"(?P<bucket>[a-z0-9-]+)\.(?P<endpoint>.+)")


@dataclass(frozen=True, slots=True)
class Place:
    """What a Host header names: the bucket ('' if none) and the region ('' if none); `known` says whether it is a host of COS."""

    bucket: str
    region: str
    known: bool


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about: `bucket` and `key` decoded, '' where there is none; `region` as its host names it, or ''.

    `path` is the path as it was sent, still in the client's own percent-encoding.
    """

    bucket: str
    key: str
    region: str
    path: str
    query: tuple[tuple[str, str], ...]

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter, '' if it is named without one, None if it is not there."""
        return next((value for given, value in self.query if given == name), None)


def place(host: str) -> Place:
    """Read a Host header."""
    name = re.sub(r":\d+$", "", host.lower())
    if _SERVICE.fullmatch(name):
        return Place("", "", known=True)
    if (found := _endpoint(name)) is not None:
        return Place("", found, known=not _is_address(name))
    label = _BUCKET_LABEL.fullmatch(name)
    found = _endpoint(label["endpoint"]) if label else None
    if label is None or found is None:
        return Place("", "", known=False)
    return Place(label["bucket"], found, known=not _is_address(label["endpoint"]))


def target(raw: str, host: str) -> Target:
    """Read the request target and the Host header. Raises CosError when the key is not UTF-8."""
    origin = re.match(r"https?://[^/?]*", raw)
    path, _, query = (raw[origin.end() :] if origin else raw).partition("?")
    path = path or "/"
    found = place(host)
    bucket, key = (found.bucket, path[1:]) if found.bucket else (path[1:].partition("/")[0], path[1:].partition("/")[2])
    try:
        return Target(
            bucket=unquote_to_bytes(bucket).decode(),
            key=unquote_to_bytes(key).decode(),
            region=found.region,
            path=path,
            query=tuple(parse_qsl(query, keep_blank_values=True)),
        )
    except UnicodeDecodeError:
        raise CosError(URI) from None


def _endpoint(name: str) -> str | None:
    """The region of an endpoint without a bucket, '' for one that has none, None if it is no endpoint."""
    if _is_address(name):
        return ""
    found = _ENDPOINT.fullmatch(name)
    if found is None:
        return None
    return "" if found["region"] == _WORLDWIDE else found["region"]


def _is_address(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def request_id() -> str:
    """A fresh id in the shape of COS: base64 of a hex text."""
    return f"N{secrets.token_urlsafe(20).replace('-', 'a').replace('_', 'b')}=="


def xml_answer(tree: Tree, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """An answer with an XML document."""
    return web.Response(status=status, body=document(tree), headers={"Content-Type": XML, **(headers or {})})


def error_answer(error: CosError, *, method: str, resource: str, identity: str) -> web.Response:
    """An error as clients expect it: in the body, but for HEAD and 304, which have none."""
    fault, headers = error.fault, dict(error.headers)
    if method == "HEAD" or fault.status < 400:  # noqa: PLR2004 (HTTP: from here on errors)
        return web.Response(status=fault.status, headers={"Content-Type": XML, **headers})
    parts = [
        ("Code", fault.code),
        ("Message", fault.message),
        ("Resource", resource),
        ("RequestId", identity),
        ("TraceId", trace_id(identity)),
    ]
    return xml_answer(("Error", parts), status=fault.status, headers=headers)


def trace_id(identity: str) -> str:
    """The id of an error, which an SDK asks for even where there is no body."""
    return identity[::-1].lstrip("=")


def escaped(name: str) -> str:
    """A name under `encoding-type=url`."""
    return quote(name, safe="/")


def etag(upper: str) -> str:
    """An ETag as COS writes it: hex in lower case, in quotes."""
    return f'"{upper.lower()}"'


def object_headers(stored: StoredObject) -> dict[str, str]:
    """The headers that HeadObject and GetObject share; the storage class is told unless it is the usual one."""
    headers = {
        "Content-Type": "application/octet-stream",
        **dict(stored.traits.headers),
        "Accept-Ranges": "bytes",
        "ETag": etag(stored.etag),
        "Last-Modified": http_date(stored.modified),
        "x-cos-hash-crc64ecma": str(stored.crc64),
    }
    if stored.traits.storage_class.upper() != "STANDARD":
        headers["x-cos-storage-class"] = stored.traits.storage_class
    return headers
