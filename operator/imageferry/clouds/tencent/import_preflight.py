"""What a wish to import means in this cloud: the files, the system, the quota, the name, and whether the cloud could take it.

Everything that can be known before a claim is asked here, so that a refusal costs no attempt and names its remedy. What a file or a
system must be is told in sources.py and systems.py. Nothing is changed in the cloud. There is no dry run: it would be given an
address of the file, and the documents say that a signed one works once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from imageferry.clouds import formats
from imageferry.clouds.formats import Found
from imageferry.clouds.sharing import Shared
from imageferry.clouds.tencent import import_output, listing, sources, systems, translate
from imageferry.clouds.tencent.calls import Calls
from imageferry.clouds.tencent.client import Action
from imageferry.clouds.tencent.codes.cos import NO_FILE, NOTHING
from imageferry.clouds.tencent.codes.imports import QUOTA
from imageferry.clouds.tencent.import_state import mark_of
from imageferry.clouds.tencent.listing import OWN
from imageferry.clouds.tencent.premises import Premises
from imageferry.clouds.tencent.requests import MARK
from imageferry.clouds.tencent.translate import FAILED, NORMAL, Image, System
from imageferry.clouds.threads import pair, together
from imageferry.core.errors import Blocked, Deferred, Failure, Rejected, Scope
from imageferry.core.job import DiskFile, ImportJob
from imageferry.core.keys import OwnKeys
from imageferry.core.reasons import Reason
from imageferry.core.resolved import Obstructed, ResolvedImport, SourceFile

_LONGEST_NAME: Final = 60
"""ImportImage reference, parameter ImageName."""

_MOST_TAGS: Final = 49
"""A resource takes 50 tags, of which one is the operator's: https://www.tencentcloud.com/document/product/651/13354."""

_KEPT_TAGS: Final = ("qcs:", "project")
"""The same: keys that begin so are the cloud's own."""


class ImportPreflight:
    """Checks wishes to import in one region; those that come together share their requests."""

    def __init__(self, calls: Calls, premises: Premises) -> None:
        self._calls, self._premises = calls, premises
        self._files = Shared(self._ask_file, most=1)
        self._systems = Shared(self._ask_systems, most=1)

    async def check(self, job: ImportJob) -> ResolvedImport | Obstructed:
        """The job as request parameters, or what an earlier attempt left. Raises Rejected, Blocked or Deferred."""
        check_wish(job)
        await self._premises.check_region()
        systems.check(job.image, await self._systems.get("") or ())
        disks, obstacle = await pair(self._disks(job), self._in_the_way(job))
        return obstacle or _resolved(job, disks, self._calls.region)

    def resolve(self, job: ImportJob) -> ResolvedImport:
        """The job as request parameters, forbidding nothing and asking nothing."""
        return _resolved(job, [_unseen(disk) for disk in job.disks], self._calls.region)

    async def aclose(self) -> None:
        """Give up what is under way."""
        for shared in (self._files, self._systems, self._premises):
            await shared.aclose()

    async def _disks(self, job: ImportJob) -> list[SourceFile]:
        """The files as they are found, after their buckets."""
        await together(self._premises.check_bucket(name) for name in dict.fromkeys(disk.bucket for disk in job.disks))
        return await together(self._file(disk) for disk in job.disks)

    async def _file(self, disk: DiskFile) -> SourceFile:
        found = await self._files.get((disk.bucket, disk.key))
        if found is None:
            raise Blocked(
                Reason.OBJECT_NOT_FOUND, f"There is no file {disk.key} in bucket {disk.bucket}.", code=NO_FILE
            )
        sources.check(disk, found)
        return replace(_unseen(disk), etag=found.etag, size_bytes=found.size)

    async def _in_the_way(self, job: ImportJob) -> Obstructed | None:
        """What bears the name already, or fills the quota.

        Raises Blocked for another's image, Deferred while one of an own attempt is made or while there is no room for another.
        """
        own = (await listing.images(self._calls, OWN)).rows
        image = next((image for image in own.values() if image.name == job.image.name), None)
        if image is None:
            await self._check_quota(len(own))
            return None
        if mark_of(image.tags) not in OwnKeys(job.uid, 0) or image.state == NORMAL:
            raise Blocked(
                Reason.NAME_CONFLICT,
                f"Image {image.id} ({image.state}) of the region bears the name {job.image.name} already.",
            )
        return self._left_behind(image)

    def _left_behind(self, image: Image) -> Obstructed:
        if image.state in FAILED:
            return Obstructed(import_output.items_of(image))
        raise Deferred(
            Reason.IMAGE_BUSY,
            f"Image {image.id} of an earlier attempt is still in the making.",
            scope=Scope.IMAGE,
            retry_after_seconds=self._calls.busy_seconds,
        )

    async def _check_quota(self, held: int) -> None:
        try:
            answer = await self._calls.cvm(Action.DESCRIBE_IMAGE_QUOTA, {})
        except Blocked:  # the key need not be allowed to ask: ImportImage itself tells
            return
        quota = translate.number(answer.body.get("ImageNumQuota"))
        if quota and held >= quota:
            raise Deferred(
                QUOTA.reason,
                f"{QUOTA.text} ({quota} are allowed.)",
                scope=QUOTA.scope,
                retry_after_seconds=QUOTA.seconds,
            )

    async def _ask_systems(self, _: tuple[str, ...]) -> Mapping[str, Sequence[System]]:
        try:
            answer = await self._calls.cvm(Action.DESCRIBE_IMPORT_IMAGE_OS, {})
        except Blocked:  # as above
            return {"": ()}
        return {"": translate.systems(answer.body)}

    async def _ask_file(self, wanted: tuple[tuple[str, str], ...]) -> Mapping[tuple[str, str], Found]:
        ((bucket, key),) = wanted
        try:
            head = await self._calls.head(bucket, key)
            readable = head.size if not head.archived else 0
            ends = await formats.ends(lambda span: self._calls.read(bucket, key, span), readable)
        except Failure as failure:
            if failure.code in (NOTHING, NO_FILE):
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
    nowhere = "has no place in ImportImage of Tencent Cloud"
    return (
        (
            job.alibaba is not None,
            "spec.alibaba is for Alibaba Cloud alone, and this account is Tencent Cloud's: remove it.",
        ),
        (bool(job.role_name), f"spec.roleName {nowhere}: files are read by the account's own key; remove it."),
        (any(disk.size_gib for disk in job.disks), f"sizeGiB of a disk {nowhere}: the file says it; remove it."),
        (not job.disks, "spec.source names no disk file."),
    )


def _of_systems(job: ImportJob) -> Sequence[Rule]:
    image = job.image
    return (
        (
            len(image.name) > _LONGEST_NAME,
            f"spec.image.name has more than {_LONGEST_NAME} characters, the most that Tencent Cloud takes.",
        ),
        (not image.platform, "spec.image.platform must name the system, as DescribeImportImageOs lists it."),
        (
            not image.os_version,
            "spec.image.osVersion must name the system's version, as DescribeImportImageOs lists it.",
        ),
        (
            bool(image.os_type) and (image.os_type == "Windows") != (image.platform == "Windows"),
            "spec.image.osType and spec.image.platform do not fit each other.",
        ),
    )


def _of_tags(job: ImportJob) -> Sequence[Rule]:
    kept = [key for key, _ in job.image.tags if key == MARK or key.startswith(_KEPT_TAGS)]
    return (
        (
            len(job.image.tags) > _MOST_TAGS,
            f"spec.image.tags holds more than {_MOST_TAGS}: the cloud takes 50, and one is the operator's.",
        ),
        (bool(kept), f"spec.image.tags holds keys that are not yours to give: {', '.join(kept)}."),
    )


def _unseen(disk: DiskFile) -> SourceFile:
    return SourceFile(bucket=disk.bucket, key=disk.key, format=disk.format)


def _resolved(job: ImportJob, disks: Sequence[SourceFile], region: str) -> ResolvedImport:
    return ResolvedImport(
        region=region,
        disks=tuple(disks),
        image=job.image,
        force=job.tencent.force if job.tencent else False,
    )
