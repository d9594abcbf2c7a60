"""GetObject's bytes: conditions, ranges and the stream. It reads a file that is already open and changes nothing.

https://www.alibabacloud.com/help/en/oss/developer-reference/getobject
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import IO, TYPE_CHECKING

from aiohttp import web

from imageferry_emulator.objects.xml import http_date
from imageferry_emulator.oss.errors import PRECONDITION, RANGE, Fault, OssError

if TYPE_CHECKING:
    from imageferry_emulator.objects.models import StoredObject
    from imageferry_emulator.oss.wire import Target

_CHUNK = 1 << 20
_OVERRIDABLE = (
    "Content-Type",
    "Content-Language",
    "Expires",
    "Cache-Control",
    "Content-Disposition",
    "Content-Encoding",
)
_NOT_MODIFIED = Fault(304, "NotModified", "", "")


async def send(
    request: web.Request, target: Target, stored: StoredObject, source: IO[bytes], *, headers: dict[str, str]
) -> web.StreamResponse:
    """Stream the object or the asked range of it. Raises OssError for a condition that fails or a range that is refused."""
    check_conditions(request, stored)
    standard = request.headers.get("x-oss-range-behavior", "").lower() == "standard"
    asked = parse_range(request.headers.get("Range", ""), stored.size, standard=standard)
    first, length = asked or (0, stored.size)
    headers = {**headers, **_overridden(target)}
    if asked:
        headers["Content-Range"] = f"bytes {first}-{first + length - 1}/{stored.size}"
        headers.pop("Content-MD5", None)  # it would be taken for that of the part
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
    """Hold the conditional headers against the object. Raises OssError with 412, or 304 for an unchanged object.

    `prefix` is what stands in front of their names where they are about the source of a copy.
    """
    etag, headers = stored.etag, request.headers
    if_match, if_none_match = (
        headers.get(f"{prefix}{name}", "").strip().strip('"') for name in ("If-Match", "If-None-Match")
    )
    unmodified, modified = (
        _date(headers.get(f"{prefix}{name}")) for name in ("If-Unmodified-Since", "If-Modified-Since")
    )
    if if_match and if_match.upper() != etag:
        raise OssError(PRECONDITION, ("Condition", f"{prefix}If-Match"))
    if unmodified and stored.modified > unmodified:
        raise OssError(PRECONDITION, ("Condition", f"{prefix}If-Unmodified-Since"))
    if (if_none_match and if_none_match.upper() == etag) or (modified and stored.modified <= modified):
        raise OssError(_NOT_MODIFIED, ("ETag", f'"{etag}"'), ("Last-Modified", http_date(stored.modified)))


def parse_range(given: str, size: int, *, standard: bool) -> tuple[int, int] | None:
    """First byte and length, or None for the whole object. Raises OssError for a range that is refused.

    A range that is malformed or reaches beyond the object is passed over and the whole is sent, as documented in
    https://www.alibabacloud.com/help/en/oss/how-to-obtain-oss-resources-by-segmenting-http-range-requests; under `standard`
    behaviour an end beyond the object is cut and a start beyond it is refused.
    """
    # Of several ranges only the first counts (same page).
    match = re.fullmatch(r"bytes=(?:(\d+)-(\d*)|-(\d+))(?:,.*)?", given.replace(" ", ""))
    if match is None:
        return None
    start, end, suffix = match.groups()
    first = size - int(suffix) if suffix else int(start)
    last = int(end) if end else size - 1
    if 0 <= first <= last < size:
        return first, last - first + 1
    if not standard or last < first < size:
        return None
    if first >= size or suffix == "0":
        raise OssError(RANGE, ("ActualObjectSize", str(size)), ("RangeRequested", given))
    first = max(0, first)
    return first, min(last, size - 1) - first + 1


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
