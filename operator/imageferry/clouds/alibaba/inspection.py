"""An account looked at as a whole: what its key may do, what each export lacks, how full its quotas are, what it shows.

Only reads and dry runs; nothing is changed in the cloud. What a right, an export or an assumption is about is told in the rooms
beside this one; here is only what is asked, and in which order.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from imageferry.clouds import finding
from imageferry.clouds.alibaba import inspection_assumptions as assumptions
from imageferry.clouds.alibaba import inspection_rights as rights
from imageferry.clouds.alibaba import listing, roles, translate
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.alibaba.inspection_assumptions import Body, DryRun, Evidence
from imageferry.clouds.alibaba.inspection_exports import Exam, Site, unregioned
from imageferry.clouds.alibaba.preflight import Preflight
from imageferry.clouds.alibaba.roles import Roles
from imageferry.clouds.finding import Finding, Verdict
from imageferry.clouds.provider import Inquiry, Place
from imageferry.clouds.threads import pair
from imageferry.core.errors import Failure

_WEEK: Final = timedelta(days=7)
_MOST_DETAILS: Final = 3
"""Of so many running tasks the details are looked at: one that shows its files is enough."""

_EXPORT_RIGHT: Final = "ecs:ExportImage"


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
    dry_runs: list[DryRun] = field(default_factory=list)
    lacks_export: bool = False


async def inspect(desk: Desk, inquiry: Inquiry) -> list[Finding]:
    """All findings: rights first, then quotas, exports and assumptions. Raises a Failure if the cloud tells neither owner nor regions."""
    book, owner = _Notebook(), await desk.owner()
    jobs = [job for place in inquiry.places for job in place.jobs]
    names = [job.role_name for job in jobs if job.role_name]
    of_roles = await rights.access(desk.central, next(iter(names), roles.DEFAULT))
    for place in inquiry.places:
        await _visit(
            desk, place, inquiry, book, roles_told=all(each.verdict is Verdict.OK for each in of_roles), owner=owner
        )
    buckets = {name for place in inquiry.places for name in (*place.buckets, *(job.bucket for job in place.jobs))}
    told = [*book.rights, *of_roles, _export_right(book), rights.unasked()]
    seen = Evidence(tuple(book.rows), tuple(book.running), tuple(book.dry_runs))
    return [*told, rights.summary(told, buckets), *book.others, *assumptions.told(seen)]


async def _visit(desk: Desk, place: Place, inquiry: Inquiry, book: _Notebook, *, roles_told: bool, owner: str) -> None:
    """One region."""
    if not await desk.has_region(place.region):
        book.others += unregioned(place)
        return
    calls = desk.calls(place.region)
    wishes = Preflight(calls, desk.roles, has_region=desk.has_region, owner=desk.owner)
    site = Site(calls=calls, preflight=wishes, roles=desk.roles, roles_told=roles_told, owner=owner)
    try:
        book.rights += await rights.compute(calls, desk.central)
        for name in dict.fromkeys((*(job.bucket for job in place.jobs), *place.buckets)):
            book.rights += await rights.bucket(calls, name)
        book.others.append(await _quota(calls, inquiry.concurrent_exports))
        await _collect(calls, book)
        for job in place.jobs:
            exam = Exam(site, job)
            await exam.look(dry_run=inquiry.dry_run)
            book.others += exam.found
            book.dry_runs += [exam.tried] if exam.tried else []
            book.lacks_export = book.lacks_export or exam.lacks_export
    finally:
        await wishes.aclose()
        calls.close()


async def _quota(calls: Calls, limit: int | None) -> Finding:
    """How many exports run and were accepted lately: no call tells a quota, but refusals come from these numbers."""
    subject, since = f"exports in {calls.region}", {"StartTime": translate.moment(datetime.now(UTC) - _WEEK)}
    try:
        accepted, running = await pair(listing.exports(calls, since), listing.running(calls, since))
    except Failure as failure:
        return finding.unknown(subject, failure.message)
    own = "sets no limit: it is learned from refusals" if limit is None else f"allows {limit} at a time"
    text = f"{len(running)} run now, {len(accepted.rows)} accepted within 7 days as far as DescribeTasks lists them; the CloudAccount {own}"
    return finding.note(subject, text)


async def _collect(calls: Calls, book: _Notebook) -> None:
    """The newest tasks as the cloud writes them, and some that run. What may not be read was told with the rights."""
    try:
        newest = {"TaskAction": "ExportImage", "PageSize": listing.MOST_ROWS}
        rows = ((await calls.ecs(Action.DESCRIBE_TASKS, newest)).body.get("TaskSet") or {}).get("Task") or []
        book.rows += rows
        working = [str(row.get("TaskId")) for row in rows if row.get("TaskStatus") == "Processing"]
        for task in working[:_MOST_DETAILS]:
            shown = (await calls.ecs(Action.DESCRIBE_TASK, {"TaskId": task})).body
            if shown.get("TaskStatus") == "Processing":
                book.running.append(shown)
    except Failure:
        return


def _export_right(book: _Notebook) -> Finding:
    if book.lacks_export:
        text = "a dry run was refused for want of this right"
        return Finding(Verdict.MISSING, _EXPORT_RIGHT, text, "See the policy below.")
    if any(each.code in assumptions.DRY_RUN_PASSED for each in book.dry_runs):
        return finding.ok(_EXPORT_RIGHT, "a dry run passed")
    return finding.unknown(_EXPORT_RIGHT, "only a dry run of an export tells: name one with --export or -f")
