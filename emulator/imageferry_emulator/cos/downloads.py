"""GetObject's bytes: conditions, ranges and the stream. It reads a file that is already open and changes nothing.

https://www.tencentcloud.com/document/product/436/7753
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import IO, TYPE_CHECKING

from aiohttp import web

from imageferry_emulator.cos.errors import NOT_MODIFIED, PRECONDITION, RANGE, CosError
from imageferry_emulator.cos.wire import etag
from imageferry_emulator.objects.xml import http_date

if TYPE_CHECKING:
    from imageferry_emulator.cos.wire import Target
    from imageferry_emulator.objects.models import StoredObject

_CHUNK = 1 << 20
_OVERRIDABLE = (
    "Content-Type",
    "Content-Language",
    "Expires",
    "Cache-Control",
    "Content-Disposition",
    "Content-Encoding",
)


async def send(
    request: web.Request, target: Target, stored: StoredObject, source: IO[bytes], *, headers: dict[str, str]
) -> web.StreamResponse:
    """Stream the object or the asked range of it. Raises CosError for a condition that fails or a range that is refused."""
    check_conditions(request, stored)
    asked = parse_range(request.headers.get("Range", ""), stored.size)
    first, length = asked or (0, stored.size)
    headers = {**headers, **_overridden(target)}
    if asked:
        headers["Content-Range"] = f"bytes {first}-{first + length - 1}/{stored.size}"
    response = web.StreamResponse(status=206 if asked else 200, headers=headers)
    response.content_length = length
    await response.prepare(request)
    source.seek(first)
    while length and (chunk := await asyncio.to_thread(source.read, min(_CHUNK, length))):
        await response.write(chunk)
        length -= len(chunk)
    await response.write_eof()
    return response


def check_conditions(request: web.Request, stored: StoredObject, *, prefix: str = "") -> None:
    """Hold the conditional headers against the object. Raises CosError with 412, or 304 for an unchanged object.

    `prefix` is what stands in front of their names where they are about the source of a copy.
    """
    own, headers = stored.etag.lower(), request.headers
    match, none_match = (
        headers.get(f"{prefix}{name}", "").strip().strip('"').lower() for name in ("If-Match", "If-None-Match")
    )
    unmodified, modified = (
        _date(headers.get(f"{prefix}{name}")) for name in ("If-Unmodified-Since", "If-Modified-Since")
    )
    if (match and match != own) or (unmodified and stored.modified > unmodified):
        raise CosError(PRECONDITION)
    if (none_match and none_match == own) or (modified and stored.modified <= modified):
        raise CosError(NOT_MODIFIED, ("ETag", etag(stored.etag)), ("Last-Modified", http_date(stored.modified)))


def parse_range(given: str, size: int) -> tuple[int, int] | None:
    """First byte and length, or None for the whole object. Raises CosError for a range that lies behind the object's end.

    A range that is malformed is passed over, and an end behind the object's is cut (RFC 9110, section 14.1.2).
    """
    match = re.fullmatch(r"bytes=(?:(\d+)-(\d*)|-(\d+))", given.replace(" ", ""))
    if match is None:
        return None
    start, end, suffix = match.groups()
    first = max(0, size - int(suffix)) if suffix else int(start)
    last = min(int(end), size - 1) if end else size - 1
    if end and int(end) < first:
        return None
    if first >= size or suffix == "0":
        raise CosError(RANGE, ("Content-Range", f"bytes */{size}"))
    return first, last - first + 1


def _overridden(target: Target) -> dict[str, str]:
    """Headers of the answer that the query asks for, such as `response-content-type`."""
    asked = ((name, target.parameter(f"response-{name.lower()}")) for name in _OVERRIDABLE)
    return {name: value for name, value in asked if value}


def _date(given: str | None) -> datetime | None:
    if not given:
        return None
    try:
        return parsedate_to_datetime(given).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
