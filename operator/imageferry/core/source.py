"""What a job's source means by now: the image that an export was resolved to once, the files of the export that an import names."""

from dataclasses import replace

from imageferry.core.artifacts import File, Role
from imageferry.core.errors import Refusal
from imageferry.core.job import DiskFile, ExportJob, ImportJob, Job
from imageferry.core.journal import Journal
from imageferry.core.keys import belongs_to
from imageferry.core.reasons import Reason
from imageferry.core.resolved import ResolvedExport


def bound(job: Job, export: tuple[Job, Journal] | None) -> Job | Refusal:
    """The job with its disk files, those of the `export` that it names; or why there are none (yet).

    A job that names its files, or that needs none, is as it was.
    """
    if not isinstance(job, ImportJob) or not job.export_name:
        return job
    if export is None:
        return Refusal(Reason.EXPORT_NOT_FOUND, f"There is no ImageExport {job.export_name} in this namespace.")
    wish, journal = export
    if wish.deleting:
        return Refusal(Reason.EXPORT_NOT_FOUND, f"ImageExport {job.export_name} is being deleted.")
    if not journal.finished:
        return Refusal(Reason.EXPORT_NOT_READY, f"ImageExport {job.export_name} has not finished yet.")
    if journal.last_error:
        words = f"ImageExport {job.export_name} failed with {journal.last_error.reason}."
        return Refusal(Reason.EXPORT_FAILED, words)
    return replace(job, disks=_files(journal))


def settled(job: Job, journal: Journal) -> Job:
    """An export whose source an earlier attempt has resolved already means that image, whichever bears the name by now."""
    if not isinstance(job, ExportJob) or not isinstance(journal.resolved, ResolvedExport):
        return job
    source, resolved = job.source, journal.resolved
    same_source = (source.image_name, source.image_family) in ((resolved.image_name, ""), ("", resolved.image_family))
    if source.image_id or not same_source or job.region not in ("", resolved.region):
        return job
    return replace(job, source=replace(source, image_id=resolved.image_id))


def _files(journal: Journal) -> tuple[DiskFile, ...]:
    """The files of the attempt that ended well, the system disk's first, then the data disks' as the machine names them."""
    prefix = journal.claim.object_prefix if journal.claim else ""
    files = [item for item in journal.artifacts if isinstance(item, File) and belongs_to(item.key, prefix)]
    files.sort(key=lambda file: (file.role is not Role.SYSTEM, file.device, file.key))
    return tuple(DiskFile(bucket=file.bucket, key=file.key, format=file.format) for file in files)
