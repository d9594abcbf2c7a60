"""What OSS does with buckets: listing, making, deleting, what they tell and which rules they have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from imageferry_emulator.objects.models import BucketFullError, BucketTakenError
from imageferry_emulator.oss import bodies, calls, documents, errors, listings, retention, wire
from imageferry_emulator.oss.calls import Call, Need
from imageferry_emulator.oss.errors import OssError
from imageferry_emulator.oss.models import STORAGE_CLASSES

if TYPE_CHECKING:
    from imageferry_emulator.objects.xml import Tree

_OWN_REGION = "cn-hangzhou"
"""Where a bucket is made when neither the endpoint nor the signature names a region."""

_MOST_BUCKETS = 1000


async def list_buckets(call: Call) -> web.Response:
    """ListBuckets, also known as GetService."""
    calls.check_account(call)
    account = call.account
    prefix, marker = call.target.parameter("prefix") or "", call.target.parameter("marker") or ""
    limit = call.number("max-keys", default=100, most=_MOST_BUCKETS)
    own = [bucket for bucket in call.store.buckets() if bucket.owner == account]
    asked = [bucket for bucket in own if bucket.name.startswith(prefix) and bucket.name > marker]
    page: list[Tree] = []
    if len(asked) > limit:
        page = [("Prefix", prefix), ("Marker", marker), ("MaxKeys", str(limit)), ("IsTruncated", "true")]
        page.append(("NextMarker", asked[limit - 1].name))
    return wire.xml_answer(documents.bucket_list(asked[:limit], account, page))


async def put_bucket(call: Call) -> web.Response:
    """PutBucket. A bucket that exists is taken, even by the caller."""
    calls.check_account(call)
    name, account = call.target.bucket, call.account
    acl = calls.bucket_acl(call.request.headers.get("x-oss-acl", "private"))
    storage_class = await _storage_class(call)
    region = call.target.region or (call.caller.region if call.caller else "") or _OWN_REGION
    try:
        call.store.create_bucket(name, region=region, owner=account, sse="None", acl=acl, storage_class=storage_class)
    except BucketTakenError:
        raise OssError(errors.BUCKET_TAKEN, ("BucketName", name)) from None
    call.record("PutBucket", region=region)
    return web.Response(headers={"Location": f"/{name}"})


async def delete_bucket(call: Call) -> web.Response:
    """DeleteBucket."""
    bucket = calls.bucket(call, Need.OWN)
    try:
        call.store.delete_bucket(bucket.name)
    except BucketFullError:
        raise OssError(errors.BUCKET_FULL, ("BucketName", bucket.name)) from None
    retention.forget(call, bucket.name)
    call.record("DeleteBucket")
    return web.Response(status=204)


async def head_bucket(call: Call) -> web.Response:
    """HEAD of a bucket: whether it is there and the caller's."""
    bucket = calls.bucket(call, Need.READ)
    return web.Response(headers={"x-oss-bucket-region": f"oss-{bucket.region}"})


async def info(call: Call) -> web.Response:
    """GetBucketInfo."""
    return wire.xml_answer(documents.bucket_info(calls.bucket(call, Need.OWN)))


async def location(call: Call) -> web.Response:
    """GetBucketLocation."""
    return wire.xml_answer(("LocationConstraint", f"oss-{calls.bucket(call, Need.OWN).region}"))


async def get_acl(call: Call) -> web.Response:
    """GetBucketAcl."""
    bucket = calls.bucket(call, Need.OWN)
    return wire.xml_answer(documents.acl(bucket.owner, bucket.acl))


async def put_acl(call: Call) -> web.Response:
    """PutBucketAcl."""
    bucket = calls.bucket(call, Need.OWN)
    acl = calls.bucket_acl(call.request.headers.get("x-oss-acl", ""))
    call.store.change_bucket(bucket.name, acl=acl)
    call.record("PutBucketAcl", acl=acl)
    return web.Response()


async def get_encryption(call: Call) -> web.Response:
    """GetBucketEncryption."""
    bucket = calls.bucket(call, Need.OWN)
    if bucket.sse == "None":
        raise OssError(errors.BUCKET_UNENCRYPTED, ("BucketName", bucket.name))
    return wire.xml_answer(documents.encryption(bucket.sse))


async def put_encryption(call: Call) -> web.Response:
    """PutBucketEncryption."""
    bucket = calls.bucket(call, Need.OWN)
    document = await bodies.xml(call.request, "ServerSideEncryptionRule")
    sse = calls.encryption(document.findtext("ApplyServerSideEncryptionByDefault/SSEAlgorithm") or "")
    call.store.change_bucket(bucket.name, sse=sse)
    call.record("PutBucketEncryption", sse=sse)
    return web.Response()


async def delete_encryption(call: Call) -> web.Response:
    """DeleteBucketEncryption."""
    call.store.change_bucket(calls.bucket(call, Need.OWN).name, sse="None")
    call.record("DeleteBucketEncryption")
    return web.Response(status=204)


async def get_versioning(call: Call) -> web.Response:
    """GetBucketVersioning: there are no versions here, and a bucket that never had any says so by saying nothing."""
    calls.bucket(call, Need.OWN)
    return wire.xml_answer(("VersioningConfiguration", ""))


async def list_objects(call: Call) -> web.Response:
    """ListObjects, both versions."""
    bucket = calls.bucket(call, Need.READ)
    return wire.xml_answer(listings.answer(call.store, bucket, call.target))


async def _storage_class(call: Call) -> str:
    body = await bodies.text(call.request)
    document = bodies.parse(body, "CreateBucketConfiguration") if body else None
    found = (document.findtext("StorageClass") if document is not None else None) or "Standard"
    if found not in STORAGE_CLASSES:
        raise calls.invalid("StorageClass", found)
    return found
