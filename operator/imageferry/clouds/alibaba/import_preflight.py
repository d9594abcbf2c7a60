"""What a wish to import means in this cloud: the files, the role, the name, and whether the cloud would take it.

Everything that can be known before a claim is asked here, so that a refusal costs no attempt and names its remedy. What a file
must be is told in sources.py, the rest in the rooms that exports share. Nothing is changed in the cloud. Whether an account
is allow-listed, and which platforms and names of files a region takes, only ImportImage itself tells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from imageferry.clouds import formats
from imageferry.clouds.alibaba import import_output, listing, roles, sources
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.import_search import OWN
from imageferry.clouds.alibaba.import_state import BROKEN, READY, mark_of
from imageferry.clouds.alibaba.premises import Premises
from imageferry.clouds.alibaba.requests import MARK
from imageferry.clouds.alibaba.translate import Image
from imageferry.clouds.formats import Found
from imageferry.clouds.sharing import Shared
from imageferry.clouds.threads import pair, together
from imageferry.core.artifacts import Snapshot
from imageferry.core.errors import Blocked, Deferred, Failure, Rejected, Scope
from imageferry.core.job import AlibabaOptions, DiskFile, ImportJob
from imageferry.core.keys import OwnKeys
from imageferry.core.reasons import Reason
from imageferry.core.resolved import Obstructed, ResolvedImport, SourceFile

_MOST_DISKS: Final = 17
"""ImportImage reference, parameter DiskDeviceMapping.N."""

_MOST_TAGS: Final = 19
"""The same, parameter Tag.N, of which one is the operator's."""

_LONGEST_TAG_VALUE: Final = 128
"""TagResources reference, parameter Tag.N.Value."""


class ImportPreflight:
    """Checks wishes to import in one region; those that come together share their requests."""

    def __init__(self, calls: Calls, premises: Premises) -> None:
        self._calls, self._premises = calls, premises
        self._files = Shared(self._ask_file, most=1)

    async def check(self, job: ImportJob) -> ResolvedImport | Obstructed:
        """The job as request parameters, or what an earlier attempt left. Raises Rejected, Blocked or Deferred."""
        check_wish(job)
        await self._premises.check_region()
        disks, bearer = await pair(self._disks(job), self.bearer(job.image.name))
        obstacle = self.in_the_way(job, bearer) or await self._left_over(job)
        return obstacle or _resolved(job, disks, self._calls.region)

    def resolve(self, job: ImportJob) -> ResolvedImport:
        """The job as request parameters, forbidding nothing and asking nothing."""
        return _resolved(job, [_unseen(disk) for disk in job.disks], self._calls.region)

    async def file(self, disk: DiskFile) -> Found:
        """The file of a disk. Raises Blocked if there is none."""
        found = await self._files.get((disk.bucket, disk.key))
        if found is None:
            raise Blocked(
                Reason.OBJECT_NOT_FOUND, f"There is no file {disk.key} in bucket {disk.bucket}.", code=listing.NO_FILE
            )
        return found

    async def bearer(self, name: str) -> Image | None:
        """The account's image in the region that bears the name, in whatever state."""
        named = await listing.images(self._calls, {**OWN, "ImageName": name})
        return next((image for image in named.rows.values() if image.name == name), None)

    def in_the_way(self, job: ImportJob, bearer: Image | None) -> Obstructed | None:
        """What the image that bears the job's name means. Raises Blocked for another's, Deferred while an own one is made."""
        if bearer is None:
            return None
        if mark_of(bearer.tags) not in OwnKeys(job.uid, 0) or bearer.status in READY:
            raise Blocked(
                Reason.NAME_CONFLICT,
                f"Image {bearer.id} ({bearer.status}) of the region bears the name {job.image.name} already.",
            )
        if bearer.status not in BROKEN:
            raise Deferred(
                Reason.IMAGE_BUSY,
                f"Image {bearer.id} of an earlier attempt is still in the making.",
                scope=Scope.IMAGE,
                retry_after_seconds=self._calls.busy_seconds,
            )
        return Obstructed(import_output.items_of(bearer))

    async def _left_over(self, job: ImportJob) -> Obstructed | None:
        """Snapshots of an earlier attempt whose image is gone: whoever deleted it was killed before they were.

        A key that may not look for them could not delete them either.
        """
        try:
            marked = await listing.unused_snapshots(self._calls, MARK, "")
        except Blocked as failure:
            if failure.reason is not Reason.NOT_AUTHORIZED:
                raise
            return None
        own = OwnKeys(job.uid, 0)
        left = tuple(Snapshot(each.id, "") for each in marked.values() if mark_of(each.tags) in own)
        return Obstructed(left) if left else None

    async def aclose(self) -> None:
        """Give up what is under way."""
        for shared in (self._files, self._premises):
            await shared.aclose()

    async def _disks(self, job: ImportJob) -> list[SourceFile]:
        """The files as they are found, after their buckets and before the role that is to read them."""
        await together(self._premises.check_bucket(name) for name in dict.fromkeys(disk.bucket for disk in job.disks))
        found = await together(self._disk(disk, index) for index, disk in enumerate(job.disks))
        await self._premises.check_role(roles.IMPORTING, _role(job), job.places)
        return found

    async def _disk(self, disk: DiskFile, index: int) -> SourceFile:
        found = await self.file(disk)
        sources.check(disk, found, index)
        return replace(_unseen(disk), etag=found.etag, size_bytes=found.size)

    async def _ask_file(self, wanted: tuple[tuple[str, str], ...]) -> Mapping[tuple[str, str], Found]:
        ((bucket, key),) = wanted
        try:
            head = await self._calls.head(bucket, key)
            readable = head.size if not head.archived else 0
            ends = await formats.ends(lambda span: self._calls.read(bucket, key, span), readable)
        except Failure as failure:
            if failure.code == listing.NO_FILE:
                return {}
            raise
        return {(bucket, key): Found(etag=head.etag, size=head.size, archived=head.archived, ends=ends)}


def check_wish(job: ImportJob) -> None:
    """What the spec alone shows, beyond its schema: what this cloud cannot honour is refused, never ignored. Raises Rejected."""
    for wrong, text in (*_of_other_clouds(job), *_of_systems(job), *_of_tags(job)):
        if wrong:
            raise Rejected(Reason.INVALID_SPEC, text)


Rule = tuple[bool, str]
"""Whether a rule is broken, and what to say then."""


def _of_other_clouds(job: ImportJob) -> Sequence[Rule]:
    return (
        (
            job.tencent is not None,
            "spec.tencent is for Tencent Cloud alone, and this account is Alibaba Cloud's: remove it.",
        ),
        (
            bool(job.image.os_version),
            "spec.image.osVersion has no place in ImportImage of Alibaba Cloud: say it in spec.image.platform or description.",
        ),
        (
            bool(job.image.family),
            "spec.image.family has no place in ImportImage of Alibaba Cloud: remove it, and set the family of the image made.",
        ),
        (not job.disks, "spec.source names no disk file."),
        (
            len(job.disks) > _MOST_DISKS,
            f"spec.source holds {len(job.disks)} disk files; {_MOST_DISKS} can be imported.",
        ),
    )


def _of_systems(job: ImportJob) -> Sequence[Rule]:
    image, options = job.image, job.alibaba
    windows = "Windows" in image.platform
    meant = windows or image.os_type == "Windows"
    return (
        (windows and image.os_type != "Windows", "spec.image.platform is Windows: set spec.image.osType to Windows."),
        (
            meant and image.architecture == "arm64",
            "Windows is not imported for arm64: correct spec.image.architecture.",
        ),
        (
            meant and options is not None and bool(options.detection_strategy),
            "spec.alibaba.detectionStrategy is not offered for Windows: remove it.",
        ),
        (
            image.platform == "Other Windows" and image.license_type != "BYOL",
            "spec.image.licenseType must be BYOL for platform Other Windows.",
        ),
    )


def _of_tags(job: ImportJob) -> Sequence[Rule]:
    names = [key.lower() for key, _ in job.image.tags]
    long = [key for key, value in job.image.tags if len(value) > _LONGEST_TAG_VALUE]
    return (
        (
            len(names) > _MOST_TAGS,
            f"spec.image.tags holds more than {_MOST_TAGS}: the cloud takes 20, and one is the operator's.",
        ),
        (
            len(set(names)) < len(names),
            "spec.image.tags holds two keys that differ in case alone, which the cloud refuses.",
        ),
        (bool(long), f"spec.image.tags has a value of more than {_LONGEST_TAG_VALUE} characters: {', '.join(long)}."),
    )


def _role(job: ImportJob) -> str:
    return job.role_name or roles.IMPORTING.role


def _unseen(disk: DiskFile) -> SourceFile:
    return SourceFile(bucket=disk.bucket, key=disk.key, format=disk.format, size_gib=disk.size_gib)


def _resolved(job: ImportJob, disks: Sequence[SourceFile], region: str) -> ResolvedImport:
    return ResolvedImport(
        region=region,
        disks=tuple(disks),
        image=job.image,
        role_name=_role(job),
        alibaba=job.alibaba or AlibabaOptions(),
    )
