"""Bodies of COS requests: received into a file with their MD5, or parsed as XML. What they ask for is for others to decide."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING

from imageferry_emulator.cos import errors
from imageferry_emulator.cos.errors import CosError
from imageferry_emulator.objects.xml import parsed

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET
    from pathlib import Path

    from aiohttp import web

_MOST_XML_BYTES = 2 << 20  # of DeleteMultipleObjects, by far the longest


async def receive(request: web.Request, staged: Path) -> None:
    """Write the body to a file. Raises CosError if it has no length, or is not what its Content-MD5 says."""
    headers = request.headers
    if "Content-Length" not in headers and headers.get("Transfer-Encoding", "").lower() != "chunked":
        raise CosError(errors.LENGTH_MISSING)
    expected = _content_md5(request)
    md5 = hashlib.md5(usedforsecurity=False)
    with staged.open("wb") as out:
        async for chunk in request.content.iter_chunked(1 << 20):
            md5.update(chunk)
            out.write(chunk)
    if expected is not None and md5.digest() != expected:
        raise CosError(errors.DIGEST_WRONG)


async def xml(request: web.Request, root: str) -> ET.Element:
    """The body as the XML document of that name. Raises CosError for a wrong digest and for anything else than that document."""
    return parse(await text(request), root)


def parse(body: bytes, root: str) -> ET.Element:
    """The XML document of that name. Raises CosError for anything else."""
    try:
        return parsed(body, root)
    except ValueError:
        raise CosError(errors.XML_MALFORMED) from None


async def text(request: web.Request) -> bytes:
    """A short body. Raises CosError if it is too long or not what its Content-MD5 says."""
    expected = _content_md5(request)
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > _MOST_XML_BYTES:
            raise CosError(errors.XML_MALFORMED)
    if expected is not None and hashlib.md5(body, usedforsecurity=False).digest() != expected:
        raise CosError(errors.DIGEST_WRONG)
    return bytes(body)


def _content_md5(request: web.Request) -> bytes | None:
    given = request.headers.get("Content-MD5")
    if given is None:
        return None
    try:
        digest = base64.b64decode(given, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != hashlib.md5(usedforsecurity=False).digest_size:
        raise CosError(errors.DIGEST_MALFORMED)
    return digest
