"""Uploads in parts, from InitiateMultipartUpload to CompleteMultipartUpload. Parts that are copied are made in copies.py.

https://www.alibabacloud.com/help/en/oss/developer-reference/multipart-upload-operations
"""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from aiohttp import web

from imageferry_emulator.objects import uploads
from imageferry_emulator.objects.models import MULTIPART, ObjectTakenError
from imageferry_emulator.objects.uploads import UploadMissingError
from imageferry_emulator.oss import bodies, calls, documents, errors, listings, retention, wire
from imageferry_emulator.oss.calls import Call, Need
from imageferry_emulator.oss.errors import OssError
from imageferry_emulator.oss.objects import is_fresh

if TYPE_CHECKING:
    from imageferry_emulator.objects.models import StoredObject
    from imageferry_emulator.objects.uploads import Part, Upload

_LEAST_BYTES = 100 * 1024  # of every part but the last
_MOST_PARTS = 10_000
_MOST_LISTED = 1000


async def initiate(call: Call) -> web.Response:
    """InitiateMultipartUpload."""
    bucket, encoding = calls.bucket(call, Need.WRITE), call.encoding
    if is_fresh(call) and call.store.holds(bucket.name, call.target.key):
        raise OssError(errors.OBJECT_TAKEN, ("ObjectName", call.target.key))
    upload = call.store.uploads.begin(bucket.name, call.target.key, calls.traits(call, bucket))
    call.record("InitiateMultipartUpload", uploadId=upload.id)
    return wire.xml_answer(documents.initiated(upload, encoding))


async def put_part(call: Call) -> web.Response:
    """UploadPart."""
    calls.bucket(call, Need.WRITE)
    upload, number = upload_of(call), part_number(call)
    with call.store.staging() as staged:
        await bodies.receive(call.request, staged)
        part = await asyncio.to_thread(call.store.uploads.put, upload, number, staged)
    call.record("UploadPart", partNumber=str(number), etag=part.etag)
    return web.Response(headers={"ETag": f'"{part.etag}"', "x-oss-hash-crc64ecma": str(part.crc64)})


async def complete(call: Call) -> web.Response:
    """CompleteMultipartUpload."""
    bucket, encoding, upload = calls.bucket(call, Need.WRITE), call.encoding, upload_of(call)
    retention.check_mutable(call, bucket.name, [upload.key])
    parts = await _chosen(call, upload)
    with call.store.staging() as staged:
        sums = await asyncio.to_thread(uploads.join, parts, staged)
        adopt = partial(call.store.adopt, bucket.name, upload.key, staged, sums=sums, kind=MULTIPART)
        try:
            stored: StoredObject = adopt(traits=upload.traits, fresh=is_fresh(call))
        except ObjectTakenError:
            raise OssError(errors.OBJECT_TAKEN, ("ObjectName", upload.key)) from None
        call.store.uploads.drop(upload)
    call.record("CompleteMultipartUpload", uploadId=upload.id, etag=stored.etag, size=str(stored.size))
    location = f"http://{bucket.name}.oss-{bucket.region}.aliyuncs.com/{documents.escaped(upload.key)}"
    headers = {"ETag": f'"{stored.etag}"', "x-oss-hash-crc64ecma": str(stored.crc64)}
    return wire.xml_answer(documents.completed(stored, encoding, location), headers=headers)


async def abort(call: Call) -> web.Response:
    """AbortMultipartUpload."""
    calls.bucket(call, Need.WRITE)
    upload = upload_of(call)
    call.store.uploads.drop(upload)
    call.record("AbortMultipartUpload", uploadId=upload.id)
    return web.Response(status=204)


async def list_parts(call: Call) -> web.Response:
    """ListParts."""
    calls.bucket(call, Need.READ)
    upload, encoding = upload_of(call), call.encoding
    limit = call.number("max-parts", default=_MOST_LISTED, most=_MOST_LISTED)
    marker = call.number("part-number-marker", default=0, most=_MOST_PARTS, least=0)
    following = [part for part in call.store.uploads.parts(upload) if part.number > marker]
    more = len(following) > limit
    tree = documents.parts(upload, following[:limit], marker=marker, limit=limit, more=more, encoding=encoding)
    return wire.xml_answer(tree)


async def list_uploads(call: Call) -> web.Response:
    """ListMultipartUploads."""
    bucket = calls.bucket(call, Need.READ)
    limit = call.number("max-uploads", default=_MOST_LISTED, most=_MOST_LISTED)
    found = call.store.uploads.of_bucket(bucket.name)
    return wire.xml_answer(listings.uploads(bucket, found, call.target, limit=limit, encoding=call.encoding))


def upload_of(call: Call) -> Upload:
    """The upload that the call is about. Raises OssError if there is none."""
    given = call.target.parameter("uploadId") or ""
    try:
        return call.store.uploads.upload(call.target.bucket, call.target.key, given)
    except UploadMissingError:
        raise OssError(errors.UPLOAD_MISSING, ("UploadId", given)) from None


def part_number(call: Call) -> int:
    """The number of the part that the call is about. Raises OssError if it is none."""
    return _number(call.target.parameter("partNumber") or "")


def _number(given: str) -> int:
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= _MOST_PARTS:
        raise OssError(errors.PART_NUMBER, ("ArgumentName", "PartNumber"), ("ArgumentValue", given))
    return int(given)


async def _chosen(call: Call, upload: Upload) -> list[Part]:
    """The parts that make up the object, in order. Raises OssError for a list that is not documented to be accepted."""
    received = call.store.uploads.parts(upload)
    if call.request.headers.get("x-oss-complete-all", "").lower() == "yes":
        if await bodies.text(call.request):
            raise OssError(errors.ARGUMENT, ("ArgumentName", "x-oss-complete-all"))
        chosen = received
    else:
        chosen = _listed(await _wished(call), {part.number: part for part in received}, upload)
    if not chosen:
        raise OssError(errors.XML_MALFORMED)
    small = next((part for part in chosen[:-1] if part.size < _LEAST_BYTES), None)
    if small is not None:
        sizes = (("MinSizeAllowed", str(_LEAST_BYTES)), ("ProposedSize", str(small.size)))
        raise OssError(errors.PART_SMALL, *sizes, ("PartNumber", str(small.number)), ("ETag", f'"{small.etag}"'))
    return chosen


async def _wished(call: Call) -> list[tuple[int, str]]:
    document = await bodies.xml(call.request, "CompleteMultipartUpload")
    wished = [(element.findtext("PartNumber"), element.findtext("ETag")) for element in document.findall("Part")]
    return [(_number((number or "").strip()), (etag or "").strip().strip('"').upper()) for number, etag in wished]


def _listed(wished: list[tuple[int, str]], received: dict[int, Part], upload: Upload) -> list[Part]:
    numbers = [number for number, _ in wished]
    if any(second <= first for first, second in pairwise(numbers)):
        raise OssError(errors.PART_ORDER, ("UploadId", upload.id))
    for number, etag in wished:
        if number not in received or received[number].etag != etag:
            told = (("ETag", etag), ("PartNumber", str(number)), ("UploadId", upload.id))
            raise OssError(errors.PART_INVALID, *told)
    return [received[number] for number in numbers]
