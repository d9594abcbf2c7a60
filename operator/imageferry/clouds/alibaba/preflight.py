"""What a wish to export means in this cloud: the image, the bucket, the region, and whether the cloud would take it.

Everything that can be known before a claim is checked here, so that a refusal costs no attempt and names its remedy. Limits:
https://www.alibabacloud.com/help/en/ecs/user-guide/export-a-custom-image. Nothing is changed in the cloud.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from imageferry.clouds.alibaba import listing
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.client import Bucket
from imageferry.clouds.alibaba.translate import Image
from imageferry.clouds.threads import pair
from imageferry.core.errors import Blocked, Deferred, Rejected, Scope
from imageferry.core.job import ExportJob, ImageSource
from imageferry.core.journal import Resolved
from imageferry.core.reasons import Reason

DEFAULT_ROLE: Final = "AliyunECSImageExportDefaultRole"

FORMAT_REGIONS: Final = frozenset(
    {
        "ap-northeast-1",  # Tokyo
        "ap-southeast-1",  # Singapore
        "ap-southeast-3",  # Kuala Lumpur
        "ap-southeast-5",  # Jakarta
        "eu-central-1",  # Frankfurt
        "eu-west-1",  # London
        "me-east-1",  # Dubai
        "us-east-1",  # Virginia
        "us-west-1",  # Silicon Valley
    }
)
"""The regions that export other formats than RAW (ExportImage reference, parameter ImageFormat)."""

MOST_DATA_DISKS: Final = 4
MOST_GIB: Final = 500


async def check(
    calls: Calls,
    job: ExportJob,
    *,
    has_region: Callable[[str], Awaitable[bool]],
    owner: Callable[[], Awaitable[str]],
) -> Resolved:
    """The job as request parameters. `has_region` asks whether the cloud has a region, `owner` whose key it is.

    Raises Rejected, Blocked or Deferred.
    """
    check_wish(job, calls.region)
    if not await has_region(calls.region):
        raise Rejected(Reason.REGION_NOT_FOUND, f"The cloud has no region {calls.region}: correct spec.region.")
    image, (bucket, account) = await pair(_image(calls, job.source), pair(calls.bucket(job.bucket), owner()))
    check_image(image)
    check_bucket(job.bucket, bucket, region=calls.region, account=account)
    if await listing.running(calls, {"ResourceIds": [image.id]}):
        raise Deferred(
            Reason.IMAGE_BUSY,
            f"Another export of image {image.id} runs; the cloud allows one at a time.",
            scope=Scope.IMAGE,
            retry_after_seconds=calls.busy_seconds,
        )
    return _resolved(job, image, calls.region)


async def resolve(calls: Calls, job: ExportJob) -> Resolved:
    """The job as request parameters, forbidding nothing. Raises Blocked if the image cannot be found."""
    try:
        image = await _image(calls, job.source)
    except Rejected as failure:
        raise Blocked(failure.reason, failure.message, code=failure.code, request_id=failure.request_id) from None
    return _resolved(job, image, calls.region)


def _resolved(job: ExportJob, image: Image, region: str) -> Resolved:
    return Resolved(
        region=region,
        image_id=image.id,
        image_name=image.name,
        platform=image.platform,
        architecture=image.architecture,
        size_gib=image.size_gib,
        data_disks=len(image.data_disks_gib),
        bucket=job.bucket,
        format=job.format,
        role_name=job.role_name or DEFAULT_ROLE,
    )


def check_wish(job: ExportJob, region: str) -> None:
    """What the spec alone shows. Raises Rejected."""
    if job.disks != "All":
        raise Rejected(
            Reason.INVALID_SPEC, "spec.disks must be All: Alibaba Cloud exports all disks of an image, or none."
        )
    if job.format != "RAW" and region not in FORMAT_REGIONS:
        raise Rejected(
            Reason.FORMAT_NOT_SUPPORTED_IN_REGION,
            f"Region {region} exports RAW only, not {job.format}: set spec.format to RAW.",
        )


def check_image(image: Image) -> None:
    """What the image shows. Raises Rejected, or Blocked while it is not ready."""
    if image.owner_alias != "self":
        raise Rejected(
            Reason.IMAGE_NOT_OWNED, f"Image {image.id} is not the account's own: copy it into a custom image first."
        )
    if image.product_code:
        raise Rejected(
            Reason.IMAGE_NOT_SUPPORTED, f"Image {image.id} comes from the marketplace and cannot be exported."
        )
    if image.platform.startswith("Windows") or image.os_type.lower() == "windows":
        raise Rejected(
            Reason.LICENSE_NOT_EXPORTABLE, f"Image {image.id} holds Windows, whose licence forbids its export."
        )
    if image.encrypted:
        raise Rejected(
            Reason.ENCRYPTED_SNAPSHOT, f"Image {image.id} holds encrypted snapshots, which cannot be exported."
        )
    if len(image.data_disks_gib) > MOST_DATA_DISKS:
        raise Rejected(
            Reason.TOO_MANY_DISKS,
            f"Image {image.id} holds {len(image.data_disks_gib)} data disks; {MOST_DATA_DISKS} can be exported.",
        )
    if max(image.data_disks_gib, default=0) > MOST_GIB:
        raise Rejected(
            Reason.DISK_TOO_LARGE,
            f"Image {image.id} holds a data disk of {max(image.data_disks_gib)} GiB; {MOST_GIB} GiB can be exported.",
        )
    if image.status in ("CreateFailed", "UnAvailable"):
        raise Rejected(Reason.IMAGE_NOT_READY, f"Image {image.id} is {image.status}: its creation failed; use another.")
    if image.status != "Available":
        raise Blocked(
            Reason.IMAGE_NOT_READY, f"Image {image.id} is {image.status or 'in no known state'}, not Available."
        )


def check_bucket(name: str, bucket: Bucket, *, region: str, account: str) -> None:
    """What the bucket shows. Raises Rejected or Blocked."""
    if bucket.owner and bucket.owner != account:
        raise Blocked(
            Reason.BUCKET_NOT_FOUND,
            f"Bucket {name} belongs to another cloud account: name a bucket of account {account}.",
        )
    if bucket.region != region:
        raise Rejected(
            Reason.BUCKET_REGION_MISMATCH,
            f"Bucket {name} is in {bucket.region}, the image in {region}: name a bucket of {region}.",
        )
    if bucket.encrypted:
        raise Blocked(
            Reason.BUCKET_ENCRYPTED,
            f"Bucket {name} encrypts on the server's side, which export does not support: name another bucket.",
        )


async def _image(calls: Calls, source: ImageSource) -> Image:
    if source.image_id:
        found = await listing.images(calls, {"ImageId": source.image_id})
        return _only(found, f"image {source.image_id}")
    if source.image_name:
        # The filter may fit more than the exact name.
        found = await listing.images(calls, {"ImageName": source.image_name, "ImageOwnerAlias": "self"})
        return _only([image for image in found if image.name == source.image_name], f"image named {source.image_name}")
    found = await listing.images(calls, {"ImageFamily": source.image_family, "ImageOwnerAlias": "self"})
    available = [image for image in found if image.status == "Available"]
    if found and not available:
        raise Blocked(Reason.IMAGE_NOT_READY, f"No image of family {source.image_family} is Available yet.")
    newest = sorted(available, key=lambda image: (image.created_at is not None, image.created_at), reverse=True)
    return _only(newest[:1], f"image of family {source.image_family}")


def _only(found: list[Image], what: str) -> Image:
    if not found:
        raise Rejected(Reason.IMAGE_NOT_FOUND, f"There is no {what} in this account and region.")
    if len(found) > 1:
        raise Rejected(Reason.IMAGE_AMBIGUOUS, f"There is more than one {what}: name it by spec.source.imageID.")
    return found[0]
