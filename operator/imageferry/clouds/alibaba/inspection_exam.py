"""One wish, looked at part by part: where its findings gather, and the parts that are alike whichever way the image goes.

Where preflight ends at the first thing that is wrong, here all of them are told; the rules are the same, in the rooms named
after what they are about. The dry run is the submission itself with its documented parameter DryRun
(https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-exportimage, and -importimage): it starts no
task. What only one direction has may not enter here.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from imageferry.clouds import finding
from imageferry.clouds.alibaba import inspection_remedies as remedies
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.import_preflight import ImportPreflight
from imageferry.clouds.alibaba.inspection_assumptions import DRY_RUN_PASSED, DryRun
from imageferry.clouds.alibaba.inspection_remedies import Spot
from imageferry.clouds.alibaba.inspection_ways import WAYS
from imageferry.clouds.alibaba.preflight import Preflight
from imageferry.clouds.alibaba.premises import Premises
from imageferry.clouds.finding import Finding, Verdict
from imageferry.clouds.provider import Place
from imageferry.core import keys
from imageferry.core.errors import Blocked, Failure
from imageferry.core.job import Job
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
    premises: Premises
    exports: Preflight
    imports: ImportPreflight
    roles_told: bool
    owner: str


class Exam:
    """The look at one job; `found` are the findings, `tried` is the dry run once there was one.

    `spot` is what remedies are written for, unless a look is at another.
    """

    def __init__(self, site: Site, job: Job) -> None:
        self.site, self.job, self.way = site, job, WAYS[job.kind]
        self.role = job.role_name or self.way.duty.role
        self.spot = Spot(duty=self.way.duty, role=self.role, region=site.calls.region, bucket=job.bucket)
        self._reasons: set[Reason] = set()
        self.found: list[Finding] = []
        self.tried: DryRun | None = None

    def add(self, told: Finding) -> None:
        """A finding about the job."""
        self.found.append(replace(told, uid=self.job.uid))

    def expect(self, reason: Reason) -> None:
        """For this reason the cloud may refuse a dry run, and it has been told already."""
        self._reasons.add(reason)

    async def tell(self, subject: str, look: Awaitable[str], spot: Spot | None = None) -> bool:
        """Tell what a look saw, or why it failed and what mends that; whether it went well."""
        try:
            text = await look
        except Failure as failure:
            self.fail(subject, failure, spot)
            return False
        self.add(finding.ok(subject, text))
        return True

    def fail(self, subject: str, failure: Failure, spot: Spot | None = None) -> None:
        """Tell a failure, and what mends it."""
        self.expect(failure.reason)
        self.add(finding.failed(subject, failure, remedy=remedies.remedy(failure, spot or self.spot)))

    async def bucket(self, name: str) -> None:
        """What a bucket must be."""
        await self.tell("bucket", self._fits(name), replace(self.spot, bucket=name))

    async def check_role(self, files: Iterable[tuple[str, str]]) -> None:
        """What the role must be, for the files by bucket and name."""
        duty, told = self.way.duty, list(files)
        try:
            await self.site.premises.check_role(duty, self.role, told)
        except Failure as failure:
            self.fail("role", failure)
            return
        if self.site.roles_told:
            names = ", ".join(dict.fromkeys(bucket for bucket, _ in told))
            self.add(finding.ok("role", f"{self.role} trusts ECS and may {duty.does} {names}"))
            return
        text = (
            f"whether {self.role} may {duty.does} the bucket: the identity may not read it in RAM, so that only the "
            "submission itself tells"
        )
        self.add(finding.unknown("role", text))

    def claim(self) -> Claim:
        """A claim of no attempt."""
        own = keys.mark(self.job.uid, _NEVER, self.job.prefix)
        return Claim(
            key=own.key,
            object_prefix=own.object_prefix,
            account_id=self.site.owner,
            claimed_at=datetime.now(UTC),
            claimed_by="check",
        )

    async def dry_run(self, parameters: Awaitable[Mapping[str, Any]], seen: Callable[[str], DryRun]) -> None:
        """The submission with DryRun; `seen` makes of the code of its answer what it shows of the cloud."""
        try:
            answer = await self.site.calls.ecs(self.way.action, {**await parameters, "DryRun": _TRUE})
        except Failure as failure:
            self.tried = seen(failure.code)
            self._tried(failure)
            return
        task = answer.body.get("TaskId")
        self.add(self._started(str(task)) if task else finding.ok("dry run", "the cloud would take it"))

    async def conclude(self, whole: Callable[[], Awaitable[object]]) -> None:
        """The whole of preflight, unless something is missing already."""
        if any(each.missing for each in self.found):
            return
        try:
            await whole()
        except Failure as failure:
            if failure.reason not in self._reasons:
                self.fail("preflight", failure)
            return
        self.add(finding.ok("preflight", "the operator would submit it"))

    async def _fits(self, name: str) -> str:
        await self.site.premises.check_bucket(name)
        return f"{name} in {self.site.calls.region}, not encrypted"

    def _started(self, task: str) -> Finding:
        text = f"The cloud did not heed DryRun and started task {task}: run no more dry runs (--no-dry-run)."
        return Finding(Verdict.MISSING, "dry run", text, remedies.cancel(task, self.site.calls.region))

    def _tried(self, failure: Failure) -> None:
        if failure.code in DRY_RUN_PASSED:
            self.add(finding.ok("dry run", f"the cloud would take it ({failure.code})"))
        elif failure.reason in self._reasons:
            self.add(finding.note("dry run", f"refused for the same reason ({failure.code})"))
        else:
            self.fail("dry run", failure)


def unregioned(place: Place) -> list[Finding]:
    """The region is none of the cloud's: nothing else can be asked there."""
    failure = Blocked(Reason.REGION_NOT_FOUND, f"The cloud has no such region as {place.region}.")
    return [finding.failed("region", failure, uid=uid) for uid in [job.uid for job in place.jobs] or [finding.NO_JOB]]
