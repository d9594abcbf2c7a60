"""PutObjectCopy and UploadPartCopy: where the bytes come from, under which conditions, and what comes with them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote

from aiohttp import web

from imageferry_emulator.cos import calls, documents, downloads, errors, multipart, wire
from imageferry_emulator.cos.calls import Call, Need
from imageferry_emulator.cos.errors import CosError
from imageferry_emulator.cos.objects import is_fresh, told_of_upload
from imageferry_emulator.objects.models import BucketMissingError, ObjectMissingError, ObjectTakenError

if TYPE_CHECKING:
    from pathlib import Path

    from imageferry_emulator.objects.models import Bucket, StoredObject, Traits

SOURCE = "x-cos-copy-source"


async def copy_object(call: Call) -> web.Response:
    """PutObjectCopy. Onto itself an object is not copied: its traits are changed."""
    bucket = call.bucket(Need.WRITE)
    source, content = _source(call)
    with content:
        traits = _traits(call, bucket, source)
        if (source.bucket, source.key) == (bucket.name, call.target.key):
            stored = call.store.change(bucket.name, source.key, traits=traits, thaw=None)
        else:
            stored = await asyncio.to_thread(partial(_copied, call, source, content, traits))
    call.record("PutObjectCopy", etag=stored.etag, size=str(stored.size))
    return wire.xml_answer(documents.copied("CopyObjectResult", stored), headers=told_of_upload(stored))


async def copy_part(call: Call) -> web.Response:
    """UploadPartCopy."""
    call.bucket(Need.WRITE)
    upload, number = multipart.upload_of(call), multipart.part_number(call)
    source, content = _source(call)
    with content, call.store.staging() as staged:
        picked = downloads.parse_range(call.request.headers.get(f"{SOURCE}-range", ""), source.size)
        first, length = picked or (0, source.size)
        await asyncio.to_thread(_cut, content, first, length, staged)
        part = await asyncio.to_thread(call.store.uploads.put, upload, number, staged)
    call.record("UploadPartCopy", partNumber=str(number), etag=part.etag)
    headers = {"x-cos-hash-crc64ecma": str(part.crc64)}
    return wire.xml_answer(documents.copied("CopyPartResult", part), headers=headers)


def _source(call: Call) -> tuple[StoredObject, IO[bytes]]:
    """What is to be copied: `bucket-appid.cos.region.myqcloud.com/key`, with a percent-encoded key."""
    path, _, query = call.request.headers[SOURCE].partition("?")
    host, _, key = path.partition("/")
    place = wire.place(host)
    if not (place.bucket and key):
        raise CosError(errors.ARGUMENT)
    if query:
        raise CosError(errors.UNSUPPORTED)
    key = unquote(key)
    there = replace(call, target=replace(call.target, bucket=place.bucket, key=key, region=place.region))
    try:
        stored = there.readable(key)
        calls.check_thawed(call, stored)
        downloads.check_conditions(call.request, stored, prefix=f"{SOURCE}-")
        return call.store.open(place.bucket, key)
    except BucketMissingError:
        raise CosError(errors.BUCKET_MISSING) from None
    except ObjectMissingError:
        raise CosError(errors.OBJECT_MISSING) from None


def _traits(call: Call, into: Bucket, source: StoredObject) -> Traits:
    given, old = calls.traits(call, into), source.traits
    if call.request.headers.get("x-cos-metadata-directive", "Copy").lower() == "replaced":
        return given
    own = [pair for pair in given.headers if pair[0].lower() == calls.ENCRYPTION]
    kept = [pair for pair in old.headers if pair[0].lower() != calls.ENCRYPTION]
    return replace(given, headers=(*kept, *own))


def _copied(call: Call, source: StoredObject, content: IO[bytes], traits: Traits) -> StoredObject:
    with call.store.staging() as staged:
        _cut(content, 0, source.size, staged)
        try:
            return call.store.adopt(call.target.bucket, call.target.key, staged, traits=traits, fresh=is_fresh(call))
        except ObjectTakenError:
            raise CosError(errors.OBJECT_TAKEN) from None


def _cut(content: IO[bytes], first: int, length: int, destination: Path) -> None:
    content.seek(first)
    with destination.open("wb") as out:
        while length and (chunk := content.read(min(1 << 20, length))):
            out.write(chunk)
            length -= len(chunk)
