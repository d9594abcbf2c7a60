"""An account looked at as a whole: what its key may do, what each job lacks, how full its quotas are, what it shows.

Only reads and dry runs; nothing is changed in the cloud. What a right, a job or an assumption is about is told in the rooms
beside this one; here is only what is asked, and in which order.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from imageferry.clouds import finding
from imageferry.clouds.alibaba import inspection_assumptions as assumptions
from imageferry.clouds.alibaba import inspection_exports as exports
from imageferry.clouds.alibaba import inspection_imports as imports
from imageferry.clouds.alibaba import inspection_rights as rights
from imageferry.clouds.alibaba import listing, translate
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.alibaba.import_preflight import ImportPreflight
from imageferry.clouds.alibaba.import_search import OWN
from imageferry.clouds.alibaba.inspection_assumptions import Body, DryRun, Evidence
from imageferry.clouds.alibaba.inspection_exam import Exam, Site, unregioned
from imageferry.clouds.alibaba.inspection_ways import WAYS, Uses, Way
from imageferry.clouds.alibaba.preflight import Preflight
from imageferry.clouds.alibaba.premises import Premises
from imageferry.clouds.alibaba.roles import Roles
from imageferry.clouds.alibaba.translate import FINISHED, Image
from imageferry.clouds.finding import Finding, Verdict
from imageferry.clouds.provider import Inquiry, Place
from imageferry.clouds.threads import pair
from imageferry.core.errors import Failure
from imageferry.core.job import ExportJob, ImportJob, Job, Kind

_WEEK: Final = timedelta(days=7)
_SCOPE: Final = (
    "looked at are the rights of the key, how full its quotas are, each export and import part by part and by a dry run, and what "
    "the documents leave open"
)
_MOST_DETAILS: Final = 3
"""Of so many running tasks the details are looked at: one that shows its files is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a connection lends for an inspection: calls for a region, those of the central one, roles, regions, the owner."""

    calls: Callable[[str], Calls]
    central: Calls
    roles: Roles
    has_region: Callable[[str], Awaitable[bool]]
    owner: Callable[[], Awaitable[str]]


@dataclass(slots=True)
class _Notebook:
    """What was found so far, and what was seen on the way."""

    rights: list[Finding] = field(default_factory=list)
    others: list[Finding] = field(default_factory=list)
    rows: list[Body] = field(default_factory=list)
    running: list[Body] = field(default_factory=list)
    made: list[tuple[str, Image]] = field(default_factory=list)
    dry_runs: list[DryRun] = field(default_factory=list)


async def inspect(desk: Desk, inquiry: Inquiry) -> list[Finding]:
    """All findings: rights first, then quotas, jobs and assumptions. Raises a Failure if the cloud tells neither owner nor regions."""
    return await _Round(desk, inquiry, await desk.owner()).findings()


class _Round:
    """One inspection, region by region."""

    def __init__(self, desk: Desk, inquiry: Inquiry, owner: str) -> None:
        self._desk, self._inquiry, self._owner = desk, inquiry, owner
        self._uses: Uses = {kind: _buckets(inquiry, kind) for kind in inquiry.kinds}
        self._ways = [WAYS[kind] for kind in inquiry.kinds]
        self._book = _Notebook()

    async def findings(self) -> list[Finding]:
        book, way = self._book, self._ways[0]
        role = next((job.role_name for job in self._inquiry.jobs if job.role_name), way.duty.role)
        of_roles = await rights.access(self._desk.central, role, way.duty.policy)
        roles_told = all(each.verdict is Verdict.OK for each in of_roles)
        for place in self._inquiry.places:
            await self._visit(place, roles_told=roles_told)
        submissions = [rights.submission(each, book.dry_runs) for each in self._ways]
        told = [*book.rights, *of_roles, *submissions, *rights.unasked(self._uses)]
        seen = Evidence(
            rows=tuple(book.rows), running=tuple(book.running), made=tuple(book.made), dry_runs=tuple(book.dry_runs)
        )
        shown = assumptions.told(seen, self._inquiry.kinds)
        scope = finding.note(finding.SCOPE, _SCOPE)
        return [scope, *told, rights.summary(told, self._uses), *book.others, *shown]

    async def _visit(self, place: Place, *, roles_told: bool) -> None:
        """One region."""
        desk = self._desk
        if not await desk.has_region(place.region):
            self._book.others += unregioned(place)
            return
        calls = desk.calls(place.region)
        premises = Premises(calls, desk.roles, has_region=desk.has_region, owner=desk.owner)
        site = Site(
            calls=calls,
            premises=premises,
            exports=Preflight(calls, premises),
            imports=ImportPreflight(calls, premises),
            roles_told=roles_told,
            owner=self._owner,
        )
        try:
            await self._look_around(place, calls)
            for job in place.jobs:
                exam = Exam(site, job)
                await _examine(exam, job, dry_run=self._inquiry.dry_run)
                self._book.others += exam.found
                self._book.dry_runs += [exam.tried] if exam.tried else []
        finally:
            await site.exports.aclose()
            await site.imports.aclose()
            calls.close()

    async def _look_around(self, place: Place, calls: Calls) -> None:
        """What a region tells without any job: rights, quotas, tasks."""
        book, central = self._book, self._desk.central
        book.rights += await rights.compute(calls, central, self._uses, named=bool(self._inquiry.jobs))
        used = (bucket for job in place.jobs for bucket, _ in job.places)
        for name in dict.fromkeys((*used, *place.buckets)):
            book.rights += await rights.bucket(calls, name, self._uses)
        for kind, way in zip(self._inquiry.kinds, self._ways, strict=True):
            book.others.append(await _quota(calls, way, self._inquiry.limits.concurrent(kind)))
            await _collect(calls, kind, book)
        if Kind.IMPORT in self._uses:
            book.others.append(await _count(calls))


def _buckets(inquiry: Inquiry, kind: Kind) -> frozenset[str]:
    """The buckets that one direction uses; those that no job names may be meant for any."""
    granted = {name for place in inquiry.places for name in place.buckets}
    return frozenset(granted | {bucket for job in inquiry.jobs if job.kind is kind for bucket, _ in job.places})


async def _examine(exam: Exam, job: Job, *, dry_run: bool) -> None:
    match job:
        case ExportJob():
            await exports.examine(exam, job, dry_run=dry_run)
        case ImportJob():
            await imports.examine(exam, job, dry_run=dry_run)


async def _quota(calls: Calls, way: Way, limit: int | None) -> Finding:
    """How many run and were accepted lately: no call tells a quota, but refusals come from these numbers."""
    subject, since = f"{way.word} in {calls.region}", {"StartTime": translate.moment(datetime.now(UTC) - _WEEK)}
    try:
        accepted, running = await pair(
            listing.tasks(calls, way.action, since), listing.running(calls, way.action, since)
        )
    except Failure as failure:
        return finding.unknown(subject, failure.message)
    own = "sets no limit: it is learned from refusals" if limit is None else f"allows {limit} at a time"
    text = f"{len(running)} run now, {len(accepted.rows)} accepted within 7 days as far as DescribeTasks lists them; the CloudAccount {own}"
    return finding.note(subject, text)


async def _count(calls: Calls) -> Finding:
    """How many custom images there are: each import adds one, until the quota is full."""
    subject, wanted = f"images in {calls.region}", {**OWN, "Status": translate.ALL_STATUSES, "PageSize": 1}
    try:
        count = translate.total((await calls.ecs(Action.DESCRIBE_IMAGES, wanted)).body)
    except Failure as failure:
        return finding.unknown(subject, failure.message)
    text = f"{count} custom images; no call tells how many there may be, a refusal does (QuotaExceed.Image)"
    return finding.note(subject, text)


async def _collect(calls: Calls, kind: Kind, book: _Notebook) -> None:
    """The newest tasks as the cloud writes them, and what some of them show. What may not be read was told with the rights."""
    try:
        newest = {"TaskAction": WAYS[kind].action, "PageSize": listing.MOST_ROWS}
        rows = ((await calls.ecs(Action.DESCRIBE_TASKS, newest)).body.get("TaskSet") or {}).get("Task") or []
        book.rows += rows
        if kind is Kind.EXPORT:
            book.running += await _details(calls, rows)
        else:
            book.made += await _images(calls, rows)
    except Failure:
        return


async def _details(calls: Calls, rows: list[Body]) -> list[Body]:
    """Some exports that run, as DescribeTaskAttribute shows them."""
    working = [str(row.get("TaskId")) for row in rows if row.get("TaskStatus") == "Processing"]
    shown = [(await calls.ecs(Action.DESCRIBE_TASK, {"TaskId": task})).body for task in working[:_MOST_DETAILS]]
    return [body for body in shown if body.get("TaskStatus") == "Processing"]


async def _images(calls: Calls, rows: list[Body]) -> list[tuple[str, Image]]:
    """The states of imports that run or ended badly, each with its image."""
    states = {str(row["ResourceId"]): str(row.get("TaskStatus")) for row in reversed(rows) if row.get("ResourceId")}
    wanted = [image for image, state in states.items() if state != FINISHED]
    found = await listing.images_by_id(calls, wanted)
    return [(states[image.id], image) for image in found.rows.values()] if found else []
