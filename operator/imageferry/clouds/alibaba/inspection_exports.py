"""What only an export is looked at for: the image that its source means, and whether that is idle."""

from collections.abc import Mapping
from typing import Any

from imageferry.clouds import finding
from imageferry.clouds.alibaba import images, listing, preflight, requests
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.alibaba.inspection_assumptions import DryRun
from imageferry.clouds.alibaba.inspection_exam import Exam
from imageferry.clouds.alibaba.translate import Image
from imageferry.core.errors import Failure
from imageferry.core.job import ExportJob
from imageferry.core.reasons import Reason


async def examine(exam: Exam, job: ExportJob, *, dry_run: bool) -> None:
    """Look at everything."""
    image = await _means(exam, job)
    await exam.tell("spec", _spec(exam, job))
    if image:
        await exam.tell("image", _fits(image))
    await exam.bucket(job.bucket)
    await exam.check_role([(job.bucket, preflight.file_such_as(job, image.id if image else "m-any"))])
    if image:
        busy = await _busy(exam, image)
        if dry_run:
            await exam.dry_run(
                _parameters(exam, job), lambda code: DryRun(action=Action.EXPORT_IMAGE, code=code, busy=busy)
            )
    await exam.conclude(lambda: exam.site.exports.check(job))


async def _means(exam: Exam, job: ExportJob) -> Image | None:
    try:
        return await exam.site.exports.image(job.source)
    except Failure as failure:
        exam.fail("image", failure)
        return None


async def _spec(exam: Exam, job: ExportJob) -> str:
    preflight.check_wish(job, exam.site.calls.region)
    return f"{job.format}, all disks, from {exam.site.calls.region}"


async def _fits(image: Image) -> str:
    images.check(image)
    return f"{image.id} ({image.name}), {image.size_gib} GiB and {len(image.data_disks_gib)} data disks"


async def _busy(exam: Exam, image: Image) -> bool:
    try:
        running = await listing.running(exam.site.calls, Action.EXPORT_IMAGE, {"ResourceIds": [image.id]})
    except Failure as failure:
        exam.add(finding.unknown("running tasks", failure.message))
        return False
    if running:
        exam.expect(Reason.IMAGE_BUSY)
        text = f"{image.id} is being exported: a further export waits until it ends"
        exam.add(finding.note("running tasks", text))
    return bool(running)


async def _parameters(exam: Exam, job: ExportJob) -> Mapping[str, Any]:
    return requests.export_request(await exam.site.exports.resolve(job), exam.claim())
