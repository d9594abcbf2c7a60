"""What a wish to export means in this cloud: the image, the bucket, the role, and whether the cloud would take it.

Everything that can be known before a claim is asked here, so that a refusal costs no attempt and names its remedy. What an
image, a bucket or a role must be is told in rooms of those names; here is only what is asked, and in which order it is
judged. Nothing is changed in the cloud. Whether an account is allow-listed, and whether a region exports at all, only
ExportImage itself tells.
"""

from collections.abc import Mapping
from typing import Final

from imageferry.clouds import selection
from imageferry.clouds.alibaba import images, listing, roles
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.alibaba.premises import Premises
from imageferry.clouds.alibaba.translate import Image, Listed
from imageferry.clouds.sharing import Shared
from imageferry.clouds.threads import pair
from imageferry.core.errors import Blocked, Deferred, Rejected, Scope
from imageferry.core.job import ExportJob, ImageSource
from imageferry.core.keys import KEY_LENGTH
from imageferry.core.reasons import Reason
from imageferry.core.resolved import ResolvedExport

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


class Preflight:
    """Checks wishes in one region; those that come together share their requests."""

    def __init__(self, calls: Calls, premises: Premises) -> None:
        self._calls, self._premises = calls, premises
        self._images = Shared(self._ask_images, most=listing.MOST_ROWS)
        self._exports = Shared(self._ask_exports, most=listing.MOST_ROWS)

    async def check(self, job: ExportJob) -> ResolvedExport:
        """The job as request parameters. Raises Rejected, Blocked or Deferred."""
        check_wish(job, self._calls.region)
        await self._premises.check_region()
        image, _ = await pair(self._fit(job.source), self._premises.check_bucket(job.bucket))
        resolved = _resolved(job, image, self._calls.region)
        file = (job.bucket, file_such_as(job, image.id))
        await pair(self._premises.check_role(roles.EXPORTING, resolved.role_name, [file]), self._check_idle(image))
        return resolved

    async def resolve(self, job: ExportJob) -> ResolvedExport:
        """The job as request parameters, forbidding nothing. Raises Blocked if the image cannot be found."""
        try:
            image = await self.image(job.source)
        except Rejected as failure:
            raise Blocked(failure.reason, failure.message, code=failure.code, request_id=failure.request_id) from None
        return _resolved(job, image, self._calls.region)

    async def image(self, source: ImageSource) -> Image:
        """The image that a source means. Raises Rejected, or Blocked while there is none yet."""
        if source.image_id:
            return selection.by_id(source.image_id, await self._images.get(source.image_id))
        own = {"ImageOwnerAlias": "self"}
        if source.image_name:
            named = await listing.images(self._calls, {"ImageName": source.image_name, **own})
            return selection.by_name(source.image_name, named.rows.values())
        members = await listing.images(self._calls, {"ImageFamily": source.image_family, **own})
        return images.by_family(source.image_family, members.rows.values())

    async def aclose(self) -> None:
        """Give up what is under way."""
        for shared in (self._images, self._exports, self._premises):
            await shared.aclose()

    async def _fit(self, source: ImageSource) -> Image:
        image = await self.image(source)
        images.check(image)
        return image

    async def _check_idle(self, image: Image) -> None:
        if await self._exports.get(image.id):
            raise Deferred(
                Reason.IMAGE_BUSY,
                f"Another export of image {image.id} runs; the cloud allows one at a time.",
                scope=Scope.IMAGE,
                retry_after_seconds=self._calls.busy_seconds,
            )

    async def _ask_images(self, ids: tuple[str, ...]) -> Mapping[str, Image]:
        return (await listing.images(self._calls, {"ImageId": ",".join(ids)})).rows

    async def _ask_exports(self, image_ids: tuple[str, ...]) -> Mapping[str, Listed]:
        running = await listing.running(self._calls, Action.EXPORT_IMAGE, {"ResourceIds": list(image_ids)})
        return {row.resource_id: row for row in running}


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


def _resolved(job: ExportJob, image: Image, region: str) -> ResolvedExport:
    return ResolvedExport(
        region=region,
        image_id=image.id,
        image_name=image.name,
        image_family=job.source.image_family,
        platform=image.platform,
        architecture=image.architecture,
        size_gib=image.size_gib,
        data_disks=len(image.data_disks_gib),
        bucket=job.bucket,
        format=job.format,
        role_name=job.role_name or roles.EXPORTING.role,
    )


def file_such_as(job: ExportJob, image_id: str) -> str:
    """A file name such as the export would write: a role may be limited to names that begin or end in some way."""
    ending = "raw.tar.gz" if job.format == "RAW" else job.format.lower()
    return f"{job.prefix}{'k' * KEY_LENGTH}_{image_id}_system.{ending}"
