"""The OSS API by method, resource and sub-resource: who may, what happens, which answer.

Multipart uploads are to join the tables below as sub-resources `uploads` and `uploadId`; nothing else needs to know of them.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from imageferry_emulator.oss import downloads, errors, listings, wire
from imageferry_emulator.oss.errors import OssError
from imageferry_emulator.oss.models import BucketFullError, BucketMissingError, BucketTakenError, ObjectMissingError
from imageferry_emulator.oss.signature import Caller, Signed, caller

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from imageferry_emulator.oss.models import Bucket
    from imageferry_emulator.oss.wire import Target
    from imageferry_emulator.world import World

_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_KEY_BYTES = 1023
_OWN_REGION = "cn-hangzhou"
"""Where a bucket is made when neither the endpoint nor the signature names a region."""

# Query parameters that choose or change an operation, from the API's list of sub-resources. One that the table of operations
# below does not have must not be passed over: the client would take the answer for something else.
_SUBRESOURCES = """
    accessmonitor acl append asyncFetch bucketInfo callback cname comp cors delete encryption
    hierarchicalNamespace https inventory lifecycle link live location logging metaQuery objectMeta partNumber
    policy position publicAccessBlock qos referer regionList replication requestPayment resourceGroup
    response-cache-control response-content-disposition response-content-encoding response-content-language
    response-content-type response-expires restore select sequential stat status style symlink tagging
    transferAcceleration uploadId uploads versionId versioning versions vod website worm wormExtend wormId
    x-oss-process
"""
_KNOWN = frozenset(_SUBRESOURCES.split())


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose sender is known."""

    request: web.Request
    world: World
    target: Target
    caller: Caller
    identity: str


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


async def _respond(request: web.Request, world: World, identity: str) -> web.StreamResponse:
    target = wire.target(request.raw_path, request.headers.get("Host", ""))
    signed = Signed(request.method, target, {name.lower(): value.strip() for name, value in request.headers.items()})
    call = Call(request, world, target, caller(signed, world), identity)
    operation = _operation(request.method, target)
    try:
        return await operation(call)
    except BucketMissingError:
        raise OssError(errors.BUCKET_MISSING, ("BucketName", target.bucket)) from None
    except ObjectMissingError:
        raise OssError(errors.OBJECT_MISSING, ("Key", target.key)) from None


def _operation(method: str, target: Target) -> Callable[[Call], Awaitable[web.StreamResponse]]:
    if target.bucket and not _BUCKET_NAME.fullmatch(target.bucket):
        raise OssError(errors.BUCKET_NAME, ("BucketName", target.bucket))
    if len(target.key.encode()) > _KEY_BYTES:
        raise OssError(errors.OBJECT_NAME, ("ObjectName", target.key))
    table = _OBJECT if target.key else _BUCKET if target.bucket else _SERVICE
    named = sorted(name for name, _ in target.query if name in _KNOWN)
    subresource = named[0] if named else ""
    if (method, subresource) in table and len(named) <= 1:
        return table[method, subresource]
    if subresource:
        raise OssError(errors.UNSUPPORTED, ("Method", method), ("ResourceType", subresource))
    raise OssError(errors.METHOD, ("Method", method))


def _own_bucket(call: Call) -> Bucket:
    """The bucket, if it is the caller's. Raises BucketMissingError, OssError."""
    bucket = call.world.objects.bucket(call.target.bucket)
    if bucket.owner != call.caller.key.account_id:
        raise OssError(errors.NOT_YOURS)
    return bucket


def _record(call: Call, action: str, **result: str) -> None:
    call.world.ledger.record(
        service="oss",
        action=action,
        account_id=call.caller.key.account_id,
        access_key_id=call.caller.key.id,
        params={name: value for name, value in (("bucket", call.target.bucket), ("key", call.target.key)) if value},
        request_id=call.identity,
        result=dict(result),
    )


async def _list_buckets(call: Call) -> web.Response:
    account = call.caller.key.account_id
    own = [bucket for bucket in call.world.objects.buckets() if bucket.owner == account]
    prefix = call.target.parameter("prefix") or ""
    return wire.xml_answer(wire.bucket_list([bucket for bucket in own if bucket.name.startswith(prefix)], account))


async def _put_bucket(call: Call) -> web.Response:
    name, account = call.target.bucket, call.caller.key.account_id
    region = call.target.region or call.caller.region or _OWN_REGION
    try:
        call.world.objects.create_bucket(name, region=region, owner=account, sse="None")
    except BucketTakenError:
        raise OssError(errors.BUCKET_TAKEN, ("BucketName", name)) from None
    _record(call, "PutBucket", region=region)
    return web.Response(headers={"Location": f"/{name}"})


async def _delete_bucket(call: Call) -> web.Response:
    bucket = _own_bucket(call)
    try:
        call.world.objects.delete_bucket(bucket.name)
    except BucketFullError:
        raise OssError(errors.BUCKET_FULL, ("BucketName", bucket.name)) from None
    _record(call, "DeleteBucket")
    return web.Response(status=204)


async def _bucket_info(call: Call) -> web.Response:
    return wire.xml_answer(wire.bucket_info(_own_bucket(call)))


async def _bucket_location(call: Call) -> web.Response:
    return wire.xml_answer(("LocationConstraint", f"oss-{_own_bucket(call).region}"))


async def _bucket_acl(call: Call) -> web.Response:
    return wire.xml_answer(wire.bucket_acl(_own_bucket(call)))


async def _list_objects(call: Call) -> web.Response:
    bucket = _own_bucket(call)
    return wire.xml_answer(listings.answer(call.world.objects, bucket, call.target))


async def _put_object(call: Call) -> web.Response:
    bucket = _own_bucket(call)
    headers = call.request.headers
    if "Content-Length" not in headers and headers.get("Transfer-Encoding", "").lower() != "chunked":
        raise OssError(errors.LENGTH_MISSING)
    expected = _content_md5(headers.get("Content-MD5"))
    kept = tuple((name, value) for name, value in headers.items() if _is_kept(name))
    store = call.world.objects
    with store.staging() as staged:
        digest = await _receive(call.request, staged)
        if expected is not None and digest != expected:
            raise OssError(errors.DIGEST_WRONG)
        stored = await asyncio.to_thread(partial(store.adopt, bucket.name, call.target.key, staged, headers=kept))
    _record(call, "PutObject", etag=stored.etag, size=str(stored.size))
    return web.Response(
        headers={
            "ETag": f'"{stored.etag}"',
            "Content-MD5": base64.b64encode(bytes.fromhex(stored.etag)).decode(),
            "x-oss-hash-crc64ecma": str(stored.crc64),
        }
    )


async def _get_object(call: Call) -> web.StreamResponse:
    bucket = _own_bucket(call)
    stored, source = call.world.objects.open(bucket.name, call.target.key)
    with source:
        return await downloads.send(call.request, stored, source, identity=call.identity)


async def _head_object(call: Call) -> web.Response:
    bucket = _own_bucket(call)
    stored = call.world.objects.head(bucket.name, call.target.key)
    downloads.check_conditions(call.request, stored)
    return web.Response(headers={**wire.object_headers(stored), "Content-Length": str(stored.size)})


async def _delete_object(call: Call) -> web.Response:
    bucket = _own_bucket(call)
    call.world.objects.delete(bucket.name, call.target.key)
    _record(call, "DeleteObject")
    return web.Response(status=204)


async def _receive(request: web.Request, staged: Path) -> bytes:
    md5 = hashlib.md5(usedforsecurity=False)
    with staged.open("wb") as out:
        async for chunk in request.content.iter_chunked(1 << 20):
            md5.update(chunk)
            out.write(chunk)
    return md5.digest()


def _content_md5(given: str | None) -> bytes | None:
    if given is None:
        return None
    try:
        digest = base64.b64decode(given, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != hashlib.md5(usedforsecurity=False).digest_size:
        raise OssError(errors.DIGEST_MALFORMED)
    return digest


def _is_kept(name: str) -> bool:
    """Whether a header of PutObject is given back by GetObject."""
    name = name.lower()
    plain = {"content-type", "cache-control", "content-disposition", "content-encoding", "expires"}
    return name in plain or name.startswith("x-oss-meta-")


_SERVICE = {("GET", ""): _list_buckets}
_BUCKET = {
    ("GET", ""): _list_objects,
    ("PUT", ""): _put_bucket,
    ("DELETE", ""): _delete_bucket,
    ("GET", "bucketInfo"): _bucket_info,
    ("GET", "location"): _bucket_location,
    ("GET", "acl"): _bucket_acl,
}
_OBJECT: dict[tuple[str, str], Callable[[Call], Awaitable[web.StreamResponse]]] = {
    ("GET", ""): _get_object,
    ("PUT", ""): _put_object,
    ("HEAD", ""): _head_object,
    ("HEAD", "objectMeta"): _head_object,
    ("DELETE", ""): _delete_object,
}
