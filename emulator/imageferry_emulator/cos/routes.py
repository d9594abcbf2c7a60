"""The COS API by method, resource and sub-resource: which operation a request is, which right it needs, what its errors become.

What the operations do is in buckets.py, objects.py, copies.py and multipart.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from imageferry_emulator.cos import buckets, copies, errors, multipart, objects, wire
from imageferry_emulator.cos.calls import Call
from imageferry_emulator.cos.errors import CosError
from imageferry_emulator.cos.signature import Signed, caller
from imageferry_emulator.objects.models import BucketMissingError, ObjectMissingError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from imageferry_emulator.cos.wire import Target
    from imageferry_emulator.world import World

_BUCKET_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?-[0-9]{8,12}")
_KEY_BYTES = 850

# Query parameters that choose or change an operation, from the API's list of sub-resources. One that the tables of operations
# below do not have must not be passed over: the client would take the answer for something else.
_KNOWN_TEXT = """
    accelerate acl append ci-process cors delete domain encryption intelligenttiering inventory lifecycle location logging
    object-lock origin partNumber policy referer replication restore select tagging torrent uploadId uploads versionId versioning
    versions website
"""
_KNOWN = frozenset(_KNOWN_TEXT.split())


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation under the name that faults and gates know it by, and the right of CAM that it needs (`cos:` and this)."""

    name: str
    right: str
    run: Callable[[Call], Awaitable[web.StreamResponse]]


def name(request: web.Request) -> str:
    """What the operation is called that a request asks for, `?` if there is none."""
    try:
        return _operation(request, wire.target(request.raw_path, request.headers.get("Host", ""))).name
    except CosError:
        return "?"


async def handle(request: web.Request, world: World) -> web.StreamResponse:
    """Answer a COS request. Errors become answers; every answer carries `x-cos-request-id`."""
    identity = wire.request_id()
    try:
        response = await _respond(request, world, identity)
    except CosError as error:
        response = refuse(request, error, identity=identity)
    if not response.prepared:
        response.headers.setdefault("x-cos-request-id", identity)
        response.headers.setdefault("Server", "tencent-cos")
    return response


def refuse(request: web.Request, error: CosError, *, identity: str) -> web.Response:
    """An error answer to a request."""
    resource = f"{request.headers.get('Host', '')}{request.raw_path.partition('?')[0]}"
    response = wire.error_answer(error, method=request.method, resource=resource, identity=identity)
    response.headers["x-cos-request-id"] = identity
    response.headers["x-cos-trace-id"] = wire.trace_id(identity)
    return response


async def _respond(request: web.Request, world: World, identity: str) -> web.StreamResponse:
    target = wire.target(request.raw_path, request.headers.get("Host", ""))
    headers = {
        each.lower(): ",".join(value.strip() for value in request.headers.getall(each)) for each in request.headers
    }
    sender = caller(Signed(request.method, target, headers), world)
    call = Call(world=world, target=target, caller=sender, request=request, identity=identity)
    operation = _operation(request, target)
    if sender is not None and not world.tencent.directory.allows(sender.key, f"cos:{operation.right}"):
        raise CosError(errors.DENIED)
    try:
        return await operation.run(call)
    except BucketMissingError:
        raise CosError(errors.BUCKET_MISSING) from None
    except ObjectMissingError:
        raise CosError(errors.OBJECT_MISSING) from None


def _operation(request: web.Request, target: Target) -> Operation:
    if target.bucket and not _BUCKET_NAME.fullmatch(target.bucket):
        raise CosError(errors.BUCKET_NAME)
    if len(target.key.encode()) > _KEY_BYTES:
        raise CosError(errors.KEY_TOO_LONG)
    table = _OBJECT if target.key else _BUCKET if target.bucket else _SERVICE
    named = "&".join(sorted({each for each, _ in target.query if each in _KNOWN}))
    if target.key and copies.SOURCE in request.headers:
        table = _COPIES
    found = table.get((request.method, named))
    if found is not None:
        return found
    raise CosError(errors.UNSUPPORTED if named else errors.METHOD)


_SERVICE = {("GET", ""): Operation("GetService", "GetService", buckets.list_buckets)}
_BUCKET = {
    ("GET", ""): Operation("GetBucket", "GetBucket", buckets.list_objects),
    ("PUT", ""): Operation("PutBucket", "PutBucket", buckets.put_bucket),
    ("HEAD", ""): Operation("HeadBucket", "HeadBucket", buckets.head_bucket),
    ("DELETE", ""): Operation("DeleteBucket", "DeleteBucket", buckets.delete_bucket),
    ("GET", "location"): Operation("GetBucketLocation", "GetBucketLocation", buckets.location),
    ("GET", "acl"): Operation("GetBucketACL", "GetBucketACL", buckets.get_acl),
    ("PUT", "acl"): Operation("PutBucketACL", "PutBucketACL", buckets.put_acl),
    ("GET", "encryption"): Operation("GetBucketEncryption", "GetBucketEncryption", buckets.get_encryption),
    ("PUT", "encryption"): Operation("PutBucketEncryption", "PutBucketEncryption", buckets.put_encryption),
    ("DELETE", "encryption"): Operation("DeleteBucketEncryption", "DeleteBucketEncryption", buckets.delete_encryption),
    ("GET", "versioning"): Operation("GetBucketVersioning", "GetBucketVersioning", buckets.get_versioning),
    ("GET", "uploads"): Operation("ListMultipartUploads", "ListMultipartUploads", multipart.list_uploads),
    ("POST", "delete"): Operation("DeleteMultipleObjects", "DeleteMultipleObjects", objects.delete_many),
}
_OBJECT = {
    ("GET", ""): Operation("GetObject", "GetObject", objects.get),
    ("PUT", ""): Operation("PutObject", "PutObject", objects.put),
    ("HEAD", ""): Operation("HeadObject", "HeadObject", objects.head),
    ("DELETE", ""): Operation("DeleteObject", "DeleteObject", objects.delete),
    ("POST", "restore"): Operation("PostObjectRestore", "PostObjectRestore", objects.restore),
    ("GET", "acl"): Operation("GetObjectACL", "GetObjectACL", objects.get_acl),
    ("PUT", "acl"): Operation("PutObjectACL", "PutObjectACL", objects.put_acl),
    ("POST", "uploads"): Operation("InitiateMultipartUpload", "InitiateMultipartUpload", multipart.initiate),
    ("PUT", "partNumber&uploadId"): Operation("UploadPart", "UploadPart", multipart.put_part),
    ("POST", "uploadId"): Operation("CompleteMultipartUpload", "CompleteMultipartUpload", multipart.complete),
    ("DELETE", "uploadId"): Operation("AbortMultipartUpload", "AbortMultipartUpload", multipart.abort),
    ("GET", "uploadId"): Operation("ListParts", "ListParts", multipart.list_parts),
}
_COPIES = {
    ("PUT", ""): Operation("PutObjectCopy", "PutObject", copies.copy_object),
    ("PUT", "partNumber&uploadId"): Operation("UploadPartCopy", "UploadPart", copies.copy_part),
}
