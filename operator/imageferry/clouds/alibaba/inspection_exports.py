"""One wish to export, looked at part by part: spec, image, bucket, role, and what the cloud itself says to a dry run.

Where preflight.py ends at the first thing that is wrong, here all of them are told; the rules are the same, in the rooms
named after what they are about. The dry run is ExportImage with its documented parameter DryRun and nothing else that is
special (https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-exportimage): it starts no task.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from imageferry.clouds import finding
from imageferry.clouds.alibaba import buckets, images, listing, preflight, roles, translate
from imageferry.clouds.alibaba import inspection_remedies as remedies
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.alibaba.inspection_assumptions import DRY_RUN_PASSED, DryRun
from imageferry.clouds.alibaba.preflight import Preflight
from imageferry.clouds.alibaba.roles import Roles
from imageferry.clouds.alibaba.translate import Image
from imageferry.clouds.finding import Finding, Verdict
from imageferry.clouds.provider import Place
from imageferry.core import keys
from imageferry.core.errors import Blocked, Failure
from imageferry.core.job import ExportJob
from imageferry.core.journal import Claim
from imageferry.core.reasons import Reason

_TRUE: Final = "true"
"""As the documents write it: the SDK would make `True` of a boolean, and no doubt may remain about this one parameter."""

_NEVER: Final = 0
"""The number of no attempt: attempts are counted from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One region, as seen by one account's key. `roles_told`: RAM lets the key read roles, so that silence means consent."""

    calls: Calls
    preflight: Preflight
    roles: Roles
    roles_told: bool
    owner: str


class Exam:
    """The look at one export; `found` are the findings, `tried` is the dry run once there was one."""

    def __init__(self, site: Site, job: ExportJob) -> None:
        self._site, self._job = site, job
        self._role = job.role_name or roles.DEFAULT
        self._reasons: set[Reason] = set()
        self.found: list[Finding] = []
        self.tried: DryRun | None = None
        self.lacks_export = False

    async def look(self, *, dry_run: bool) -> None:
        """Look at everything."""
        image = await self._means()
        await self._tell("spec", self._spec())
        if image:
            await self._tell("image", self._fits(image))
        await self._tell("bucket", self._takes())
        await self._tell("role", self._writes(image.id if image else "m-any"))
        if image:
            busy = await self._busy(image)
            if dry_run:
                await self._try(image, listed=busy)
        if not any(each.missing for each in self.found):
            await self._tell("preflight", self._whole())

    async def _means(self) -> Image | None:
        try:
            return await self._site.preflight.image(self._job.source)
        except Failure as failure:
            self._fail("image", failure)
            return None

    async def _spec(self) -> str:
        preflight.check_wish(self._job, self._site.calls.region)
        return f"{self._job.format}, all disks, from {self._site.calls.region}"

    async def _fits(self, image: Image) -> str:
        images.check(image)
        return f"{image.id} ({image.name}), {image.size_gib} GiB and {len(image.data_disks_gib)} data disks"

    async def _takes(self) -> str:
        shown = await self._site.calls.bucket(self._job.bucket)
        buckets.check(self._job.bucket, shown, region=self._site.calls.region, account=self._site.owner)
        return f"{self._job.bucket} in {shown.region}, not encrypted"

    async def _writes(self, image_id: str) -> str:
        await self._site.roles.check(self._role, self._job.bucket, preflight.file_such_as(self._job, image_id))
        return f"{self._role} trusts ECS and may write to {self._job.bucket}"

    async def _whole(self) -> str:
        await self._site.preflight.check(self._job)
        return "the operator would submit it"

    async def _busy(self, image: Image) -> bool:
        try:
            running = await listing.running(self._site.calls, {"ResourceIds": [image.id]})
        except Failure as failure:
            self._add(finding.unknown("running tasks", failure.message))
            return False
        if running:
            self._reasons.add(Reason.IMAGE_BUSY)
            self._add(
                finding.note("running tasks", f"{image.id} is being exported: a further export waits until it ends")
            )
        return bool(running)

    async def _try(self, image: Image, *, listed: bool) -> None:
        """ExportImage with DryRun."""
        own = keys.mark(self._job.uid, _NEVER, self._job.prefix)
        claim = Claim(
            key=own.key,
            object_prefix=own.object_prefix,
            account_id=self._site.owner,
            claimed_at=datetime.now(UTC),
            claimed_by="check",
        )
        try:
            resolved = await self._site.preflight.resolve(self._job)
            answer = await self._site.calls.ecs(
                Action.EXPORT_IMAGE, {**translate.export_request(resolved, claim), "DryRun": _TRUE}
            )
        except Failure as failure:
            self.tried = DryRun(failure.code, listed)
            self._tried(failure)
            return
        task = answer.body.get("TaskId")
        self._add(_started(str(task), image) if task else finding.ok("dry run", "the cloud would take it"))

    def _tried(self, failure: Failure) -> None:
        if failure.code in DRY_RUN_PASSED:
            self._add(finding.ok("dry run", f"the cloud would take it ({failure.code})"))
            return
        self.lacks_export = remedies.lacks_right(failure)
        if failure.reason in self._reasons:
            self._add(finding.note("dry run", f"refused for the same reason ({failure.code})"))
        else:
            self._fail("dry run", failure)

    async def _tell(self, subject: str, look: Awaitable[str]) -> None:
        try:
            text = await look
        except Failure as failure:
            if subject != "preflight" or failure.reason not in self._reasons:
                self._fail(subject, failure)
            return
        told = finding.ok(subject, text)
        if subject == "role" and not self._site.roles_told:
            told = finding.unknown(
                subject,
                f"whether {self._role} may write: the identity may not read it in RAM, so that only the export itself tells",
            )
        self._add(told)

    def _fail(self, subject: str, failure: Failure) -> None:
        self._reasons.add(failure.reason)
        region = self._site.calls.region
        mends = remedies.remedy(failure, role=self._role, bucket=self._job.bucket, region=region)
        self._add(finding.failed(subject, failure, remedy=mends))

    def _add(self, told: Finding) -> None:
        self.found.append(Finding(told.verdict, told.subject, told.text, told.remedy, self._job.uid))


def unregioned(place: Place) -> list[Finding]:
    """The region is none of the cloud's: nothing else can be asked there."""
    failure = Blocked(Reason.REGION_NOT_FOUND, f"The cloud has no such region as {place.region}.")
    return [finding.failed("region", failure, uid=uid) for uid in [job.uid for job in place.jobs] or [finding.NO_JOB]]


def _started(task: str, image: Image) -> Finding:
    text = f"The cloud did not heed DryRun and started task {task} on {image.id}: run no more dry runs (--no-dry-run)."
    return Finding(Verdict.MISSING, "dry run", text, f"aliyun ecs CancelTask --TaskId {task}")
