"""What OSS does with single objects, and DeleteMultipleObjects. Uploads in parts are in multipart.py, copies in copies.py."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from imageferry_emulator.objects.models import NotAppendableError, ObjectTakenError, PositionError, Thaw
from imageferry_emulator.objects.xml import http_date
from imageferry_emulator.oss import bodies, calls, documents, downloads, errors, retention, wire
from imageferry_emulator.oss.calls import Call, Need
from imageferry_emulator.oss.errors import OssError
from imageferry_emulator.oss.models import ARCHIVED

if TYPE_CHECKING:
    from imageferry_emulator.objects.models import StoredObject

_MOST_DELETED = 1000
_DAY_SECONDS = 24 * 3600
_MOST_THAWED_DAYS = 365


async def put(call: Call) -> web.Response:
    """PutObject."""
    bucket = calls.bucket(call, Need.WRITE)
    if "If-Modified-Since" in call.request.headers:
        raise OssError(errors.HEADER_UNSUPPORTED, ("Header", "If-Modified-Since"))
    traits, key = calls.traits(call, bucket), call.target.key
    retention.check_mutable(call, bucket.name, [key])
    with call.store.staging() as staged:
        await bodies.receive(call.request, staged)
        adopt = partial(call.store.adopt, bucket.name, key, staged, traits=traits, fresh=is_fresh(call))
        try:
            stored = await asyncio.to_thread(adopt)
        except ObjectTakenError:
            raise OssError(errors.OBJECT_TAKEN, ("ObjectName", key)) from None
    call.record("PutObject", etag=stored.etag, size=str(stored.size))
    shown = wire.object_headers(stored)
    return web.Response(headers={name: shown[name] for name in _told_of_uploads(stored)})


async def append(call: Call) -> web.Response:
    """AppendObject."""
    bucket = calls.bucket(call, Need.WRITE)
    position, key = _position(call), call.target.key
    retention.check_mutable(call, bucket.name, [key])
    traits = calls.traits(call, bucket)
    with call.store.staging() as staged:
        await bodies.receive(call.request, staged)
        try:
            stored = await asyncio.to_thread(
                partial(call.store.append, bucket.name, key, staged, position, traits=traits)
            )
        except NotAppendableError:
            raise OssError(errors.NOT_APPENDABLE, ("ObjectName", key)) from None
        except PositionError as wrong:
            told = (("x-oss-next-append-position", str(wrong.size)),)
            raise OssError(errors.POSITION_WRONG, ("ObjectName", key), headers=told) from None
    call.record("AppendObject", etag=stored.etag, size=str(stored.size))
    shown = wire.object_headers(stored)
    names = ("ETag", "x-oss-hash-crc64ecma", "x-oss-next-append-position")
    return web.Response(headers={name: shown[name] for name in names})


async def get(call: Call) -> web.StreamResponse:
    """GetObject."""
    calls.check_thawed(call, calls.readable(call, call.target.key))
    stored, source = call.store.open(call.target.bucket, call.target.key)
    with source:
        return await downloads.send(call.request, call.target, stored, source, headers=_headers(call, stored))


async def head(call: Call) -> web.Response:
    """HeadObject."""
    stored = calls.readable(call, call.target.key)
    downloads.check_conditions(call.request, stored)
    return web.Response(headers={**_headers(call, stored), "Content-Length": str(stored.size)})


async def meta(call: Call) -> web.Response:
    """GetObjectMeta."""
    stored = calls.readable(call, call.target.key)
    shown = wire.object_headers(stored)
    names = ("ETag", "Last-Modified", "x-oss-hash-crc64ecma")
    return web.Response(headers={**{name: shown[name] for name in names}, "Content-Length": str(stored.size)})


async def delete(call: Call) -> web.Response:
    """DeleteObject."""
    bucket = calls.bucket(call, Need.WRITE)
    retention.check_mutable(call, bucket.name, [call.target.key])
    call.store.delete(bucket.name, call.target.key)
    call.record("DeleteObject")
    return web.Response(status=204)


async def delete_many(call: Call) -> web.Response:
    """DeleteMultipleObjects."""
    calls.bucket_of(call, Need.WRITE, ())  # one that is not there, or elsewhere, is told before the body is read
    document = await bodies.xml(call.request, "Delete")
    keys = [element.findtext("Key") or "" for element in document.findall("Object")]
    if not 1 <= len(keys) <= _MOST_DELETED or not all(keys):
        raise OssError(errors.XML_MALFORMED)
    bucket = calls.bucket_of(call, Need.WRITE, keys)
    retention.check_mutable(call, bucket.name, keys)
    encoding = (call.request.headers.get("Encoding-type") or call.encoding).lower()
    for key in keys:
        call.store.delete(bucket.name, key)
    call.record("DeleteMultipleObjects", keys="\n".join(keys))
    if (document.findtext("Quiet") or "").strip().lower() == "true":
        return web.Response()
    return wire.xml_answer(documents.deleted(dict.fromkeys(keys), encoding))


async def restore(call: Call) -> web.Response:
    """RestoreObject. Time passes on the task clock."""
    bucket = calls.bucket(call, Need.WRITE)
    stored = call.store.head(bucket.name, call.target.key)
    if stored.traits.storage_class not in ARCHIVED:
        raise OssError(errors.NOT_ARCHIVED, ("ObjectName", stored.key))
    days = _days(await bodies.text(call.request))
    now, wait = call.world.clock.task_seconds(), call.world.settings.values.restore_seconds
    thaw = stored.thaw
    if thaw is not None and now < thaw.ready:
        raise OssError(errors.RESTORING, ("ObjectName", stored.key))
    thawed = thaw is not None and now < thaw.over
    ready = thaw.ready if thaw is not None and thawed else now + wait
    over = max(now, ready) + days * _DAY_SECONDS
    call.store.change(bucket.name, stored.key, thaw=Thaw(ready, over))
    call.record("RestoreObject", days=str(days))
    return web.Response(status=200 if thawed else 202)


async def get_acl(call: Call) -> web.Response:
    """GetObjectAcl."""
    bucket = calls.bucket(call, Need.OWN)
    return wire.xml_answer(documents.acl(bucket.owner, call.store.head(bucket.name, call.target.key).traits.acl))


async def put_acl(call: Call) -> web.Response:
    """PutObjectAcl."""
    bucket = calls.bucket(call, Need.OWN)
    acl = calls.object_acl(call.request.headers.get("x-oss-object-acl", ""))
    stored = call.store.head(bucket.name, call.target.key)
    call.store.change(bucket.name, stored.key, traits=replace(stored.traits, acl=acl))
    call.record("PutObjectAcl", acl=acl)
    return web.Response()


async def get_tagging(call: Call) -> web.Response:
    """GetObjectTagging."""
    return wire.xml_answer(documents.tagging(calls.readable(call, call.target.key).traits.tags))


async def put_tagging(call: Call) -> web.Response:
    """PutObjectTagging."""
    bucket = calls.bucket(call, Need.WRITE)
    document = await bodies.xml(call.request, "Tagging")
    tags = [(tag.findtext("Key") or "", tag.findtext("Value") or "") for tag in document.findall("TagSet/Tag")]
    stored = call.store.head(bucket.name, call.target.key)
    traits = replace(stored.traits, tags=calls.checked_tags(tags))
    call.store.change(bucket.name, stored.key, traits=traits)
    call.record("PutObjectTagging")
    return web.Response()


async def delete_tagging(call: Call) -> web.Response:
    """DeleteObjectTagging."""
    bucket = calls.bucket(call, Need.WRITE)
    stored = call.store.head(bucket.name, call.target.key)
    call.store.change(bucket.name, stored.key, traits=replace(stored.traits, tags=()))
    call.record("DeleteObjectTagging")
    return web.Response(status=204)


def is_fresh(call: Call) -> bool:
    """Whether the object must not be there yet."""
    return call.request.headers.get("x-oss-forbid-overwrite", "").lower() == "true"


def _told_of_uploads(stored: StoredObject) -> list[str]:
    encryption = "x-oss-server-side-encryption"
    encrypted = [encryption] if encryption in dict(stored.traits.headers) else []
    return ["ETag", "Content-MD5", "x-oss-hash-crc64ecma", *encrypted]


def _headers(call: Call, stored: StoredObject) -> dict[str, str]:
    headers = {**wire.object_headers(stored), "x-oss-request-id": call.identity, "Server": "AliyunOSS"}
    clock = call.world.clock
    now = clock.task_seconds()
    if stored.thaw is None or now >= stored.thaw.over:
        return headers
    if now < stored.thaw.ready:
        return headers | {"x-oss-restore": 'ongoing-request="true"'}
    end = clock.real_now() + timedelta(seconds=clock.wait_until(stored.thaw.over))
    return headers | {"x-oss-restore": f'ongoing-request="false", expiry-date="{http_date(end)}"'}


def _position(call: Call) -> int:
    given = call.target.parameter("position")
    if given is None:
        raise OssError(errors.POSITION_MISSING, ("ArgumentName", "position"))
    if not given.isascii() or not given.isdigit():
        raise calls.invalid("position", given)
    return int(given)


def _days(body: bytes) -> int:
    document = bodies.parse(body, "RestoreRequest") if body else None
    given = (document.findtext("Days") if document is not None else None) or "1"
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= _MOST_THAWED_DAYS:
        raise calls.invalid("Days", given)
    return int(given)
