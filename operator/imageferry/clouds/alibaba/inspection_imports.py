"""What only an import is looked at for: its disk files one by one, and the image that bears the name it asks for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from imageferry.clouds import finding
from imageferry.clouds.alibaba import import_preflight, requests, sources
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.alibaba.import_state import IN_THE_MAKING, READY, mark_of
from imageferry.clouds.alibaba.inspection_assumptions import DryRun
from imageferry.clouds.alibaba.inspection_exam import Exam
from imageferry.clouds.alibaba.translate import Image
from imageferry.clouds.formats import Found, format_of
from imageferry.core.errors import Failure
from imageferry.core.job import DiskFile, ImportJob
from imageferry.core.keys import OwnKeys
from imageferry.core.reasons import Reason

_ANY_DISK: Final = (DiskFile(bucket="any", key="any"),)
"""In place of files that nobody knows yet: the rest of a spec is wrong or right without them."""


async def examine(exam: Exam, job: ImportJob, *, dry_run: bool) -> None:
    """Look at everything; while its export has not finished, at what does not depend on the files."""
    await exam.tell("spec", _spec(exam, job))
    bearer = await _name(exam, job)
    if not job.disks:
        return
    for name in dict.fromkeys(disk.bucket for disk in job.disks):
        await exam.bucket(name)
    fit = [await _disk(exam, disk, index) for index, disk in enumerate(job.disks)]
    await exam.check_role(job.places)
    if dry_run:

        def seen(code: str) -> DryRun:
            return DryRun(
                action=Action.IMPORT_IMAGE,
                code=code,
                busy=bearer is not None and bearer.status in IN_THE_MAKING,
                files=tuple(disk.key for disk in job.disks),
                unfit=not all(fit),
            )

        await exam.dry_run(_parameters(exam, job), seen)
    await exam.conclude(lambda: exam.site.imports.check(job))


async def _spec(exam: Exam, job: ImportJob) -> str:
    import_preflight.check_wish(replace(job, disks=job.disks or _ANY_DISK))
    count = len(job.disks)
    disks = f"{count} disk file{'s' * (count > 1)}" if count else "the files of an export"
    return f"image {job.image.name} of {disks}, in {exam.site.calls.region}"


async def _name(exam: Exam, job: ImportJob) -> Image | None:
    """Tell about the image that bears the name, and return it."""
    try:
        bearer = await exam.site.imports.bearer(job.image.name)
    except Failure as failure:
        exam.fail("name", failure)
        return None
    if bearer:
        exam.expect(Reason.NAME_CONFLICT)
    if bearer and bearer.status in READY and mark_of(bearer.tags) in OwnKeys(job.uid, 0):
        exam.add(finding.note("name", f"{bearer.id} bears it: the image that this very object has made"))
    else:
        await exam.tell("name", _free(exam, job, bearer))
    return bearer


async def _free(exam: Exam, job: ImportJob, bearer: Image | None) -> str:
    if exam.site.imports.in_the_way(job, bearer):
        return f"{bearer.id if bearer else ''} bears it: what an earlier attempt left is removed first"
    return f"no image of the account bears the name {job.image.name} in {exam.site.calls.region}"


async def _disk(exam: Exam, disk: DiskFile, index: int) -> bool:
    """Tell about one file; whether its content, as far as it could be read, can be imported."""
    subject, spot = f"disk {index + 1}", replace(exam.spot, bucket=disk.bucket, key=disk.key)
    try:
        found = await exam.site.imports.file(disk)
    except Failure as failure:
        exam.fail(subject, failure, spot)
        return True
    good = await exam.tell(subject, _holds(disk, found, index), replace(spot, archived=found.archived))
    return good or found.archived or not found.size


async def _holds(disk: DiskFile, found: Found, index: int) -> str:
    sources.check(disk, found, index)
    seen = format_of(found.ends.first, found.ends.last) or "no mark of a format, so RAW"
    return f"{disk.key} in {disk.bucket}, {found.size} bytes, {seen}"


async def _parameters(exam: Exam, job: ImportJob) -> Mapping[str, Any]:
    """Without the client token: whether the cloud remembers those of dry runs, and what they were for, is not documented."""
    asked = requests.import_request(exam.site.imports.resolve(job), exam.claim())
    return {name: value for name, value in asked.items() if name != "ClientToken"}
