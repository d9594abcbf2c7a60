"""Uploads in parts, from InitiateMultipartUpload to CompleteMultipartUpload. Parts that are copied are made in copies.py.

https://www.tencentcloud.com/document/product/436/14112
"""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from aiohttp import web

from imageferry_emulator.cos import bodies, calls, documents, errors, listings, wire
from imageferry_emulator.cos.calls import Call, Need
from imageferry_emulator.cos.errors import CosError
from imageferry_emulator.cos.objects import is_fresh
from imageferry_emulator.objects import uploads
from imageferry_emulator.objects.models import MULTIPART, ObjectTakenError
from imageferry_emulator.objects.uploads import UploadMissingError

if TYPE_CHECKING:
    from imageferry_emulator.objects.models import StoredObject
    from imageferry_emulator.objects.uploads import Part, Upload

_LEAST_BYTES = 1 << 20  # of every part but the last
_MOST_PARTS = 10_000


async def initiate(call: Call) -> web.Response:
    """InitiateMultipartUpload."""
    bucket = call.bucket(Need.WRITE)
    upload = call.store.uploads.begin(bucket.name, call.target.key, calls.traits(call, bucket))
    call.record("InitiateMultipartUpload", uploadId=upload.id)
    return wire.xml_answer(documents.initiated(upload))


async def put_part(call: Call) -> web.Response:
    """UploadPart."""
    call.bucket(Need.WRITE)
    upload, number = upload_of(call), part_number(call)
    with call.store.staging() as staged:
        await bodies.receive(call.request, staged)
        part = await asyncio.to_thread(call.store.uploads.put, upload, number, staged)
    call.record("UploadPart", partNumber=str(number), etag=part.etag)
    return web.Response(headers={"ETag": wire.etag(part.etag), "x-cos-hash-crc64ecma": str(part.crc64)})


async def complete(call: Call) -> web.Response:
    """CompleteMultipartUpload."""
    bucket, upload = call.bucket(Need.WRITE), upload_of(call)
    parts = await _chosen(call, upload)
    with call.store.staging() as staged:
        sums = await asyncio.to_thread(uploads.join, parts, staged)
        adopt = partial(call.store.adopt, bucket.name, upload.key, staged, sums=sums, kind=MULTIPART)
        try:
            stored: StoredObject = adopt(traits=upload.traits, fresh=is_fresh(call))
        except ObjectTakenError:
            raise CosError(errors.OBJECT_TAKEN) from None
        call.store.uploads.drop(upload)
    call.record("CompleteMultipartUpload", uploadId=upload.id, etag=stored.etag, size=str(stored.size))
    location = f"http://{bucket.name}.cos.{bucket.region}.myqcloud.com/{wire.escaped(upload.key)}"
    headers = {"x-cos-hash-crc64ecma": str(stored.crc64)}
    return wire.xml_answer(documents.completed(stored, location), headers=headers)


async def abort(call: Call) -> web.Response:
    """AbortMultipartUpload."""
    call.bucket(Need.WRITE)
    upload = upload_of(call)
    call.store.uploads.drop(upload)
    call.record("AbortMultipartUpload", uploadId=upload.id)
    return web.Response(status=204)


async def list_parts(call: Call) -> web.Response:
    """ListParts."""
    bucket = call.bucket(Need.READ)
    upload, encoding = upload_of(call), call.encoding
    limit = call.number("max-parts", default=listings.MOST, most=listings.MOST, least=1)
    marker = call.number("part-number-marker", default=0, most=_MOST_PARTS)
    following = [part for part in call.store.uploads.parts(upload) if part.number > marker]
    page, more = following[:limit], len(following) > limit
    tree = documents.parts(upload, page, uin=bucket.owner, marker=marker, limit=limit, more=more, encoding=encoding)
    return wire.xml_answer(tree)


async def list_uploads(call: Call) -> web.Response:
    """ListMultipartUploads."""
    return wire.xml_answer(listings.uploads(call, call.bucket(Need.READ)))


def upload_of(call: Call) -> Upload:
    """The upload that the call is about. Raises CosError if there is none."""
    given = call.target.parameter("uploadId") or ""
    try:
        return call.store.uploads.upload(call.target.bucket, call.target.key, given)
    except UploadMissingError:
        raise CosError(errors.UPLOAD_MISSING) from None


def part_number(call: Call) -> int:
    """The number of the part that the call is about. Raises CosError if it is none."""
    return _number(call.target.parameter("partNumber") or "")


def _number(given: str) -> int:
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= _MOST_PARTS:
        raise CosError(errors.ARGUMENT)
    return int(given)


async def _chosen(call: Call, upload: Upload) -> list[Part]:
    """The parts that make up the object, in order. Raises CosError for a list that is not documented to be accepted."""
    document = await bodies.xml(call.request, "CompleteMultipartUpload")
    wished = [(element.findtext("PartNumber"), element.findtext("ETag")) for element in document.findall("Part")]
    asked = [(_number((number or "").strip()), (etag or "").strip().strip('"').upper()) for number, etag in wished]
    if not asked:
        raise CosError(errors.XML_MALFORMED)
    if any(second[0] <= first[0] for first, second in pairwise(asked)):
        raise CosError(errors.PART_ORDER)
    received = {part.number: part for part in call.store.uploads.parts(upload)}
    if any(number not in received or received[number].etag != etag for number, etag in asked):
        raise CosError(errors.PART_INVALID)
    chosen = [received[number] for number, _ in asked]
    if any(part.size < _LEAST_BYTES for part in chosen[:-1]):
        raise CosError(errors.PART_SMALL)
    return chosen
