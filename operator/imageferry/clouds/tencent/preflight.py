"""What a wish to export means in this cloud: the image, the bucket, the role, and whether the cloud would take it.

Everything that can be known before a claim is asked here, so that a refusal costs no attempt and names its remedy. What an image
or a role must be is told in rooms of those names. Nothing is changed in the cloud: its own dry run comes last, and tells what
nothing else shows, such as encryption, the marketplace, and whether another task works on the image.
"""

from collections.abc import Mapping
from typing import Final

from imageferry.clouds import selection
from imageferry.clouds.sharing import Shared
from imageferry.clouds.tencent import images, listing, requests, roles
from imageferry.clouds.tencent.calls import Calls
from imageferry.clouds.tencent.client import Action
from imageferry.clouds.tencent.premises import Premises
from imageferry.clouds.tencent.roles import Roles
from imageferry.clouds.tencent.translate import Image
from imageferry.clouds.threads import pair
from imageferry.core.errors import Blocked, Failure, Rejected
from imageferry.core.job import ExportJob, ImageSource
from imageferry.core.keys import KEY_LENGTH
from imageferry.core.reasons import Reason
from imageferry.core.resolved import ResolvedExport

FORMATS: Final = ("RAW", "QCOW2", "VHD", "VMDK")
"""ExportImages reference, parameter ExportFormat."""

_PASSED: Final = "DryRunOperation"
"""The documents name this code among the common ones; whether a dry run that passes answers with it is not told."""


class Preflight:
    """Checks wishes in one region; those that come together share their requests."""

    def __init__(self, calls: Calls, premises: Premises, roles_: Roles) -> None:
        self._calls, self._premises, self._roles = calls, premises, roles_
        self._images = Shared(self._ask_images, most=listing.MOST_VALUES)

    async def check(self, job: ExportJob) -> ResolvedExport:
        """The job as request parameters. Raises Rejected, Blocked or Deferred."""
        check_wish(job)
        await self._premises.check_region()
        image, _ = await pair(self._fit(job), self._premises.check_bucket(job.bucket))
        resolved = _resolved(job, image, self._calls.region)
        file = f"{job.prefix}{'k' * KEY_LENGTH}_{image.id}_system_snap-00000000.{job.format.lower()}"
        await self._roles.check(roles.EXPORTING, resolved.role_name, bucket=job.bucket, file=file)
        await dry_run(self._calls, resolved, object_prefix=f"{job.prefix}{'k' * KEY_LENGTH}")
        return resolved

    async def resolve(self, job: ExportJob) -> ResolvedExport:
        """The job as request parameters, forbidding nothing. Raises Blocked if the image cannot be found."""
        try:
            image = await self._image(job.source)
        except Rejected as failure:
            raise Blocked(failure.reason, failure.message, code=failure.code, request_id=failure.request_id) from None
        return _resolved(job, image, self._calls.region)

    async def aclose(self) -> None:
        """Give up what is under way."""
        for shared in (self._images, self._premises):
            await shared.aclose()

    async def _fit(self, job: ExportJob) -> Image:
        image = await self._image(job.source)
        images.check(image, system_only=_system_only(job))
        return image

    async def _image(self, source: ImageSource) -> Image:
        if source.image_id:
            return selection.by_id(source.image_id, await self._images.get(source.image_id))
        if source.image_name:
            named = await listing.images(self._calls, listing.OWN, ("image-name", [source.image_name]))
            return selection.by_name(source.image_name, named.rows.values())
        members = await listing.images(self._calls, listing.OWN)  # there is no filter for families
        return images.by_family(source.image_family, members.rows.values())

    async def _ask_images(self, ids: tuple[str, ...]) -> Mapping[str, Image]:
        return (await listing.images(self._calls, ("image-id", ids))).rows


async def dry_run(calls: Calls, resolved: ResolvedExport, *, object_prefix: str) -> None:
    """Ask the cloud whether it would export. Raises the Failure of its refusal."""
    wished = requests.export_request(resolved, object_prefix)
    try:
        await calls.cvm(Action.EXPORT_IMAGES, {**wished, "DryRun": True})
    except Failure as failure:
        if failure.code != _PASSED:
            raise


def check_wish(job: ExportJob) -> None:
    """What the spec alone shows. Raises Rejected."""
    if job.format not in FORMATS:
        raise Rejected(
            Reason.INVALID_SPEC, f"spec.format {job.format} is none of Tencent Cloud's: use {', '.join(FORMATS)}."
        )


def _system_only(job: ExportJob) -> bool:
    return job.disks == "SystemOnly"


def _resolved(job: ExportJob, image: Image, region: str) -> ResolvedExport:
    """`data_disks` are those to be exported: none means the system disk alone."""
    return ResolvedExport(
        region=region,
        image_id=image.id,
        image_name=image.name,
        image_family=job.source.image_family,
        platform=image.platform,
        architecture=image.architecture,
        size_gib=image.size_gib,
        data_disks=len(images.exported(image, system_only=_system_only(job))) - 1 if image.disks else 0,
        bucket=job.bucket,
        format=job.format,
        role_name=job.role_name or roles.EXPORTING.role,
    )
