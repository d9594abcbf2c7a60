"""The OSS API by method, resource and sub-resource: which operation a request is, what it is called, and what its errors become.

What the operations do is in buckets.py, objects.py, copies.py and multipart.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from imageferry_emulator.objects.models import BucketMissingError, ObjectMissingError
from imageferry_emulator.oss import buckets, copies, errors, multipart, objects, retention, rights, wire
from imageferry_emulator.oss.calls import Call
from imageferry_emulator.oss.claims import Signed
from imageferry_emulator.oss.errors import OssError
from imageferry_emulator.oss.models import names_bucket, names_object
from imageferry_emulator.oss.signature import caller

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from imageferry_emulator.oss.wire import Target
    from imageferry_emulator.world import World

# Query parameters that choose or change an operation, from the API's list of sub-resources. One that the tables of operations
# below do not have must not be passed over: the client would take the answer for something else.
_KNOWN_TEXT = """
    accessmonitor acl append asyncFetch bucketArchiveDirectRead bucketInfo callback cname comp cors delete encryption
    hierarchicalNamespace https inventory lifecycle link live location logging metaQuery objectMeta partNumber
    policy policyStatus publicAccessBlock qos referer regionList replication requestPayment resourceGroup restore select
    sequential stat status style symlink tagging transferAcceleration uploadId uploads versionId versioning versions vod
    website worm wormExtend wormId x-oss-process
"""
_KNOWN = frozenset(_KNOWN_TEXT.split())


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation under the name that the vendor documents it by."""

    name: str
    run: Callable[[Call], Awaitable[web.StreamResponse]]


async def handle(request: web.Request, world: World) -> web.StreamResponse:
    """Answer an OSS request. Errors become answers; every answer carries `x-oss-request-id`."""
    identity = wire.request_id()
    try:
        response = await _respond(request, world, identity)
    except OssError as error:
        response = wire.error_answer(
            error, method=request.method, host=request.headers.get("Host", ""), identity=identity
        )
    if not response.prepared:
        response.headers.setdefault("x-oss-request-id", identity)
        response.headers.setdefault("Server", "AliyunOSS")
    return response


def name(request: web.Request) -> str:
    """What the operation is called that a request asks for, `?` if there is none."""
    try:
        target = wire.target(request.raw_path, request.headers.get("Host", ""))
        return _operation(request, target).name
    except OssError:
        return "?"


async def _respond(request: web.Request, world: World, identity: str) -> web.StreamResponse:
    target = wire.target(request.raw_path, request.headers.get("Host", ""))
    headers = {
        each.lower(): ",".join(value.strip() for value in request.headers.getall(each)) for each in request.headers
    }
    sender = caller(Signed(request.method, target, headers), world)
    if target.bucket and not target.hosted and not world.settings.values.path_style_accepted:
        raise OssError(errors.BUCKET_NOT_IN_HOST, ("Bucket", target.bucket))
    operation = _operation(request, target)
    call = Call(request, world, target, sender, identity, rights.needed(operation.name))
    try:
        return await operation.run(call)
    except BucketMissingError:
        raise OssError(errors.BUCKET_MISSING, ("BucketName", target.bucket)) from None
    except ObjectMissingError:
        raise OssError(errors.OBJECT_MISSING, ("Key", target.key)) from None


def _operation(request: web.Request, target: Target) -> Operation:
    if target.bucket and not names_bucket(target.bucket):
        raise OssError(errors.BUCKET_NAME, ("BucketName", target.bucket))
    if target.key and not names_object(target.key):
        raise OssError(errors.OBJECT_NAME, ("ObjectName", target.key))
    table = _OBJECT if target.key else _BUCKET if target.bucket else _SERVICE
    named = "&".join(sorted({each for each, _ in target.query if each in _KNOWN}))
    if target.key and copies.SOURCE in request.headers:
        table = _COPIES
    found = table.get((request.method, named))
    if found is not None:
        return found
    if named:
        raise OssError(errors.UNSUPPORTED, ("Method", request.method), ("ResourceType", named))
    raise OssError(errors.METHOD, ("Method", request.method))


_SERVICE = {("GET", ""): Operation("ListBuckets", buckets.list_buckets)}
_BUCKET = {
    ("GET", ""): Operation("ListObjects", buckets.list_objects),
    ("PUT", ""): Operation("PutBucket", buckets.put_bucket),
    ("HEAD", ""): Operation("HeadBucket", buckets.head_bucket),
    ("DELETE", ""): Operation("DeleteBucket", buckets.delete_bucket),
    ("GET", "bucketInfo"): Operation("GetBucketInfo", buckets.info),
    ("GET", "location"): Operation("GetBucketLocation", buckets.location),
    ("GET", "acl"): Operation("GetBucketAcl", buckets.get_acl),
    ("PUT", "acl"): Operation("PutBucketAcl", buckets.put_acl),
    ("GET", "encryption"): Operation("GetBucketEncryption", buckets.get_encryption),
    ("PUT", "encryption"): Operation("PutBucketEncryption", buckets.put_encryption),
    ("DELETE", "encryption"): Operation("DeleteBucketEncryption", buckets.delete_encryption),
    ("GET", "versioning"): Operation("GetBucketVersioning", buckets.get_versioning),
    ("GET", "uploads"): Operation("ListMultipartUploads", multipart.list_uploads),
    ("POST", "worm"): Operation("InitiateBucketWorm", retention.initiate),
    ("POST", "wormId"): Operation("CompleteBucketWorm", retention.complete),
    ("GET", "worm"): Operation("GetBucketWorm", retention.get),
    ("DELETE", "worm"): Operation("AbortBucketWorm", retention.abort),
    ("POST", "delete"): Operation("DeleteMultipleObjects", objects.delete_many),
}
_OBJECT = {
    ("GET", ""): Operation("GetObject", objects.get),
    ("PUT", ""): Operation("PutObject", objects.put),
    ("HEAD", ""): Operation("HeadObject", objects.head),
    ("HEAD", "objectMeta"): Operation("GetObjectMeta", objects.meta),
    ("GET", "objectMeta"): Operation("GetObjectMeta", objects.meta),
    ("DELETE", ""): Operation("DeleteObject", objects.delete),
    ("POST", "append"): Operation("AppendObject", objects.append),
    ("POST", "restore"): Operation("RestoreObject", objects.restore),
    ("GET", "acl"): Operation("GetObjectAcl", objects.get_acl),
    ("PUT", "acl"): Operation("PutObjectAcl", objects.put_acl),
    ("GET", "tagging"): Operation("GetObjectTagging", objects.get_tagging),
    ("PUT", "tagging"): Operation("PutObjectTagging", objects.put_tagging),
    ("DELETE", "tagging"): Operation("DeleteObjectTagging", objects.delete_tagging),
    ("POST", "uploads"): Operation("InitiateMultipartUpload", multipart.initiate),
    ("PUT", "partNumber&uploadId"): Operation("UploadPart", multipart.put_part),
    ("POST", "uploadId"): Operation("CompleteMultipartUpload", multipart.complete),
    ("DELETE", "uploadId"): Operation("AbortMultipartUpload", multipart.abort),
    ("GET", "uploadId"): Operation("ListParts", multipart.list_parts),
}
_COPIES = {
    ("PUT", ""): Operation("CopyObject", copies.copy_object),
    ("PUT", "partNumber&uploadId"): Operation("UploadPartCopy", copies.copy_part),
}
