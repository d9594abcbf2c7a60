"""CopyObject and UploadPartCopy: where the bytes come from, under which conditions, and what comes with them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote_plus

from aiohttp import web

from imageferry_emulator.objects.models import (
    APPENDABLE,
    Bucket,
    BucketMissingError,
    ObjectMissingError,
    ObjectTakenError,
)
from imageferry_emulator.oss import calls, documents, downloads, errors, multipart, retention, rights, wire
from imageferry_emulator.oss.calls import Call, Need
from imageferry_emulator.oss.errors import OssError
from imageferry_emulator.oss.objects import is_fresh

if TYPE_CHECKING:
    from pathlib import Path

    from imageferry_emulator.objects.models import StoredObject, Traits

SOURCE = "x-oss-copy-source"
_CONDITIONS = f"{SOURCE}-"


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be copied."""

    stored: StoredObject
    content: IO[bytes]


async def copy_object(call: Call) -> web.Response:
    """CopyObject. Onto itself an object is not copied: its traits are changed."""
    bucket = calls.bucket(call, Need.WRITE)
    retention.check_mutable(call, bucket.name, [call.target.key])
    source = _source(call, bucket)
    with source.content:
        onto_itself = (source.stored.bucket, source.stored.key) == (bucket.name, call.target.key)
        if source.stored.kind == APPENDABLE and not onto_itself:
            raise OssError(errors.NOT_COPYABLE, ("ObjectName", source.stored.key))
        traits = _traits(call, bucket, source.stored, onto_itself=onto_itself)
        if onto_itself:
            stored = call.store.change(bucket.name, call.target.key, traits=traits, thaw=None)
        else:
            stored = await asyncio.to_thread(partial(_copied, call, source, traits))
    call.record("CopyObject", etag=stored.etag, size=str(stored.size))
    shown = wire.object_headers(stored)
    headers = {name: shown[name] for name in ("ETag", "x-oss-hash-crc64ecma")}
    return wire.xml_answer(documents.copied("CopyObjectResult", stored), headers=headers)


async def copy_part(call: Call) -> web.Response:
    """UploadPartCopy."""
    bucket = calls.bucket(call, Need.WRITE)
    upload, number = multipart.upload_of(call), multipart.part_number(call)
    source = _source(call, bucket)
    with source.content, call.store.staging() as staged:
        if source.stored.kind == APPENDABLE:
            raise OssError(errors.NOT_COPYABLE, ("ObjectName", source.stored.key))
        asked = call.request.headers.get(f"{SOURCE}-range", "")
        picked = downloads.parse_range(asked, source.stored.size, standard=False)
        first, length = picked or (0, source.stored.size)
        await asyncio.to_thread(_cut, source.content, first, length, staged)
        part = await asyncio.to_thread(call.store.uploads.put, upload, number, staged)
    call.record("UploadPartCopy", partNumber=str(number), etag=part.etag)
    headers = {"ETag": f'"{part.etag}"', "x-oss-hash-crc64ecma": str(part.crc64)}
    if picked:
        headers["Content-Range"] = f"bytes {first}-{first + length - 1}/{source.stored.size}"
    return wire.xml_answer(documents.copied("CopyPartResult", part), headers=headers)


def _source(call: Call, into: Bucket) -> Source:
    given = call.request.headers[SOURCE]
    path, _, query = given.removeprefix("/").partition("?")
    # Some clients encode the slash as well, some write a blank as a plus.
    name, _, key = unquote_plus(path).partition("/")
    if query:
        raise OssError(errors.UNSUPPORTED, ("Header", SOURCE))
    if not (name and key):
        raise calls.invalid(SOURCE, given)
    there = replace(call, target=replace(call.target, bucket=name, key=key), right=rights.READ)
    try:
        stored = calls.readable(there, key)
        if call.store.bucket(name).region != into.region:
            raise OssError(errors.SOURCE_ELSEWHERE)
        calls.check_thawed(call, stored)
        downloads.check_conditions(call.request, stored, prefix=_CONDITIONS)
        return Source(*call.store.open(name, key))
    except BucketMissingError:
        raise OssError(errors.BUCKET_MISSING, ("BucketName", name)) from None
    except ObjectMissingError:
        raise OssError(errors.OBJECT_MISSING, ("Key", key)) from None


def _traits(call: Call, into: Bucket, source: StoredObject, *, onto_itself: bool) -> Traits:
    given, old = calls.traits(call, into), source.traits
    headers = call.request.headers
    if not onto_itself and headers.get("x-oss-metadata-directive", "COPY").upper() == "COPY":
        own = [pair for pair in given.headers if pair[0].lower().startswith("x-oss-server-side")]
        kept = [pair for pair in old.headers if not pair[0].lower().startswith("x-oss-server-side")]
        given = replace(given, headers=(*kept, *own))
    if headers.get("x-oss-tagging-directive", "Copy").lower() == "copy":
        given = replace(given, tags=old.tags)
    return given


def _copied(call: Call, source: Source, traits: Traits) -> StoredObject:
    with call.store.staging() as staged:
        _cut(source.content, 0, source.stored.size, staged)
        try:
            return call.store.adopt(call.target.bucket, call.target.key, staged, traits=traits, fresh=is_fresh(call))
        except ObjectTakenError:
            raise OssError(errors.OBJECT_TAKEN, ("ObjectName", call.target.key)) from None


def _cut(content: IO[bytes], first: int, length: int, destination: Path) -> None:
    content.seek(first)
    with destination.open("wb") as out:
        while length and (chunk := content.read(min(1 << 20, length))):
            out.write(chunk)
            length -= len(chunk)
