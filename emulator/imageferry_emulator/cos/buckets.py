"""What COS does with buckets: listing, making, deleting, what they tell and which rules they have."""

from __future__ import annotations

from aiohttp import web

from imageferry_emulator.cos import bodies, calls, documents, errors, listings, wire
from imageferry_emulator.cos.calls import Call, Need
from imageferry_emulator.cos.errors import CosError
from imageferry_emulator.objects.models import BucketFullError, BucketTakenError

_MOST_BUCKETS = 2000


async def list_buckets(call: Call) -> web.Response:
    """GetService: the account's buckets; a region's endpoint, or a region that is asked for, lists those of that region."""
    account = call.account
    region, marker = call.target.region or call.target.parameter("region") or "", call.target.parameter("marker") or ""
    limit = call.number("max-keys", default=_MOST_BUCKETS, most=_MOST_BUCKETS, least=1)
    own = [bucket for bucket in call.store.buckets() if bucket.owner == account.id and bucket.name > marker]
    asked = [bucket for bucket in own if region in {"", bucket.region}]
    page = asked[:limit]
    return wire.xml_answer(
        documents.bucket_list(page, account.id, following=page[-1].name if len(asked) > limit else "")
    )


async def put_bucket(call: Call) -> web.Response:
    """PutBucket, in the region that the host names. The name must end in the account's own number."""
    name, account = call.target.bucket, call.account
    acl = calls.chosen(call.request.headers.get("x-cos-acl", "private"), calls.ACLS)
    if not name.endswith(f"-{account.app_id}"):
        raise CosError(errors.DENIED)
    if call.world.tencent.regions.get(call.target.region) is None:
        raise CosError(errors.ARGUMENT)
    try:
        call.store.create_bucket(name, region=call.target.region, owner=account.id, sse="None", acl=acl)
    except BucketTakenError:
        owned = call.store.bucket(name).owner == account.id
        raise CosError(errors.BUCKET_OWNED if owned else errors.BUCKET_TAKEN) from None
    call.record("PutBucket", region=call.target.region)
    return web.Response()


async def delete_bucket(call: Call) -> web.Response:
    """DeleteBucket."""
    bucket = call.bucket(Need.OWN)
    try:
        call.store.delete_bucket(bucket.name)
    except BucketFullError:
        raise CosError(errors.BUCKET_FULL) from None
    call.record("DeleteBucket")
    return web.Response(status=204)


async def head_bucket(call: Call) -> web.Response:
    """HeadBucket: whether it is there and the caller's."""
    return web.Response(headers={"x-cos-bucket-region": call.bucket(Need.READ).region})


async def location(call: Call) -> web.Response:
    """GetBucketLocation."""
    return wire.xml_answer(("LocationConstraint", call.bucket(Need.OWN).region))


async def get_acl(call: Call) -> web.Response:
    """GetBucketACL."""
    bucket = call.bucket(Need.OWN)
    return wire.xml_answer(documents.acl(bucket.owner, bucket.acl))


async def put_acl(call: Call) -> web.Response:
    """PutBucketACL, by its header."""
    bucket = call.bucket(Need.OWN)
    acl = calls.chosen(call.request.headers.get("x-cos-acl", ""), calls.ACLS)
    call.store.change_bucket(bucket.name, acl=acl)
    call.record("PutBucketACL", acl=acl)
    return web.Response()


async def get_encryption(call: Call) -> web.Response:
    """GetBucketEncryption."""
    bucket = call.bucket(Need.OWN)
    if bucket.sse == "None":
        raise CosError(errors.BUCKET_UNENCRYPTED)
    return wire.xml_answer(documents.encryption(bucket.sse))


async def put_encryption(call: Call) -> web.Response:
    """PutBucketEncryption."""
    bucket = call.bucket(Need.OWN)
    document = await bodies.xml(call.request, "ServerSideEncryptionConfiguration")
    found = document.findtext("Rule/ApplyServerSideEncryptionByDefault/SSEAlgorithm")
    sse = calls.chosen(found or "", calls.ENCRYPTIONS)
    call.store.change_bucket(bucket.name, sse=sse)
    call.record("PutBucketEncryption", sse=sse)
    return web.Response()


async def delete_encryption(call: Call) -> web.Response:
    """DeleteBucketEncryption."""
    call.store.change_bucket(call.bucket(Need.OWN).name, sse="None")
    call.record("DeleteBucketEncryption")
    return web.Response(status=204)


async def get_versioning(call: Call) -> web.Response:
    """GetBucketVersioning: there are no versions here, and a bucket that never had any says so by saying nothing."""
    call.bucket(Need.OWN)
    return wire.xml_answer(("VersioningConfiguration", ""))


async def list_objects(call: Call) -> web.Response:
    """GetBucket, also known as ListObjects."""
    return wire.xml_answer(listings.objects(call, call.bucket(Need.READ)))
