"""What COS does with single objects, and DeleteMultipleObjects. Uploads in parts are in multipart.py, copies in copies.py."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from imageferry_emulator.cos import bodies, calls, documents, downloads, errors, wire
from imageferry_emulator.cos.calls import Call, Need
from imageferry_emulator.cos.errors import CosError
from imageferry_emulator.cos.models import ARCHIVED
from imageferry_emulator.objects.models import ObjectTakenError, Thaw
from imageferry_emulator.objects.xml import http_date

if TYPE_CHECKING:
    from imageferry_emulator.objects.models import StoredObject

_MOST_DELETED = 1000
_DAY_SECONDS = 24 * 3600
_MOST_THAWED_DAYS = 365


async def put(call: Call) -> web.Response:
    """PutObject."""
    bucket = call.bucket(Need.WRITE)
    traits, key = calls.traits(call, bucket), call.target.key
    with call.store.staging() as staged:
        await bodies.receive(call.request, staged)
        adopt = partial(call.store.adopt, bucket.name, key, staged, traits=traits, fresh=is_fresh(call))
        try:
            stored = await asyncio.to_thread(adopt)
        except ObjectTakenError:
            raise CosError(errors.OBJECT_TAKEN) from None
    call.record("PutObject", etag=stored.etag, size=str(stored.size))
    return web.Response(headers=told_of_upload(stored))


async def get(call: Call) -> web.StreamResponse:
    """GetObject."""
    calls.check_thawed(call, call.readable(call.target.key))
    stored, source = call.store.open(call.target.bucket, call.target.key)
    with source:
        return await downloads.send(call.request, call.target, stored, source, headers=_headers(call, stored))


async def head(call: Call) -> web.Response:
    """HeadObject."""
    stored = call.readable(call.target.key)
    downloads.check_conditions(call.request, stored)
    return web.Response(headers={**_headers(call, stored), "Content-Length": str(stored.size)})


async def delete(call: Call) -> web.Response:
    """DeleteObject."""
    call.store.delete(call.bucket(Need.WRITE).name, call.target.key)
    call.record("DeleteObject")
    return web.Response(status=204)


async def delete_many(call: Call) -> web.Response:
    """DeleteMultipleObjects, which must come with its Content-MD5."""
    bucket = call.bucket(Need.WRITE)
    if "Content-MD5" not in call.request.headers:
        raise CosError(errors.DIGEST_MISSING)
    document = await bodies.xml(call.request, "Delete")
    keys = [element.findtext("Key") or "" for element in document.findall("Object")]
    if not 1 <= len(keys) <= _MOST_DELETED or not all(keys):
        raise CosError(errors.XML_MALFORMED)
    for key in keys:
        call.store.delete(bucket.name, key)
    call.record("DeleteMultipleObjects", keys="\n".join(keys))
    quiet = (document.findtext("Quiet") or "").strip().lower() == "true"
    return wire.xml_answer(documents.deleted(() if quiet else dict.fromkeys(keys)))


async def restore(call: Call) -> web.Response:
    """PostObjectRestore. Time passes on the task clock."""
    bucket = call.bucket(Need.WRITE)
    stored = call.store.head(bucket.name, call.target.key)
    if stored.traits.storage_class not in ARCHIVED:
        raise CosError(errors.OBJECT_FROZEN)
    days = _days(await bodies.text(call.request))
    now, wait = call.world.clock.task_seconds(), call.world.settings.values.restore_seconds
    thaw = stored.thaw
    if thaw is not None and now < thaw.ready:
        raise CosError(errors.RESTORING)
    thawed = thaw is not None and now < thaw.over
    ready = thaw.ready if thaw is not None and thawed else now + wait
    call.store.change(bucket.name, stored.key, thaw=Thaw(ready, max(now, ready) + days * _DAY_SECONDS))
    call.record("PostObjectRestore", days=str(days))
    return web.Response(status=200 if thawed else 202)


async def get_acl(call: Call) -> web.Response:
    """GetObjectACL."""
    bucket = call.bucket(Need.OWN)
    return wire.xml_answer(documents.acl(bucket.owner, call.store.head(bucket.name, call.target.key).traits.acl))


async def put_acl(call: Call) -> web.Response:
    """PutObjectACL, by its header."""
    bucket = call.bucket(Need.OWN)
    acl = calls.chosen(call.request.headers.get("x-cos-acl", ""), calls.OBJECT_ACLS)
    stored = call.store.head(bucket.name, call.target.key)
    call.store.change(bucket.name, stored.key, traits=replace(stored.traits, acl=acl))
    call.record("PutObjectACL", acl=acl)
    return web.Response()


def is_fresh(call: Call) -> bool:
    """Whether the object must not be there yet."""
    return call.request.headers.get("x-cos-forbid-overwrite", "").lower() == "true"


def told_of_upload(stored: StoredObject) -> dict[str, str]:
    """The headers that answer an upload."""
    shown = wire.object_headers(stored)
    names = ("ETag", "x-cos-hash-crc64ecma", calls.ENCRYPTION, "x-cos-storage-class")
    return {name: shown[name] for name in names if name in shown}


def _headers(call: Call, stored: StoredObject) -> dict[str, str]:
    headers = {**wire.object_headers(stored), "x-cos-request-id": call.identity, "Server": "tencent-cos"}
    clock = call.world.clock
    now = clock.task_seconds()
    if stored.thaw is None or now >= stored.thaw.over:
        return headers
    if now < stored.thaw.ready:
        return headers | {"x-cos-restore": 'ongoing-request="true"'}
    end = clock.real_now() + timedelta(seconds=clock.wait_until(stored.thaw.over))
    return headers | {"x-cos-restore": f'ongoing-request="false", expiry-date="{http_date(end)}"'}


def _days(body: bytes) -> int:
    given = bodies.parse(body, "RestoreRequest").findtext("Days") or ""
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= _MOST_THAWED_DAYS:
        raise CosError(errors.ARGUMENT)
    return int(given)
