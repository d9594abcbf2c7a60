"""What lies in the bucket: every file under an attempt's prefix, its disk, size, checksum and real format.

The format is judged by the bytes of the file, never by its name. A plain RAW disk bears no mark, so a file without one is RAW.
"""

from collections.abc import Sequence

import structlog

from imageferry.clouds import delivered, formats
from imageferry.clouds.tencent import listing, written
from imageferry.clouds.tencent.calls import Calls
from imageferry.clouds.tencent.codes.cos import NO_BUCKET, NO_FILE, NOTHING
from imageferry.clouds.threads import together
from imageferry.core.artifacts import Artifacts, File, Flaw, Role
from imageferry.core.errors import Failure
from imageferry.core.keys import belongs_to
from imageferry.core.observation import Task
from imageferry.core.reasons import Reason
from imageferry.core.resolved import ResolvedExport

log = structlog.get_logger(__name__)


async def collect(calls: Calls, resolved: ResolvedExport, task: Task) -> Artifacts:
    """Every file of the attempt as it was found, and what is wrong with them as its result."""
    found = await listing.files(calls, resolved.bucket, f"{task.object_prefix}_")
    if not found.bucket_exists:
        return Artifacts((), Flaw(Reason.OUTPUT_MISSING, f"Bucket {resolved.bucket} does not exist any more."))
    names = [entry.name for entry in found.entries if belongs_to(entry.name, task.object_prefix)]
    items = await together(_artifact(calls, resolved.bucket, name) for name in names)
    there = tuple(sorted((item for item in items if item), key=lambda item: (item.role is not Role.SYSTEM, item.key)))
    return Artifacts(there, delivered.flaw(there, resolved))


async def discard(calls: Calls, files: Sequence[File]) -> None:
    """Delete these files and nothing else; what is gone already is as it should be."""
    await together(_delete(calls, file) for file in files)


async def _delete(calls: Calls, file: File) -> None:
    try:
        request_id = await calls.delete(file.bucket, file.key)
    except Failure as failure:
        if failure.code not in (NO_FILE, NO_BUCKET):
            raise
    else:
        log.info("file deleted", bucket=file.bucket, file=file.key, request_id=request_id)


async def _artifact(calls: Calls, bucket: str, key: str) -> File | None:
    """One file; None if it went away meanwhile."""
    try:
        head = await calls.head(bucket, key)
        found = await formats.ends(lambda span: calls.read(bucket, key, span), head.size)
    except Failure as failure:
        if failure.code in (NOTHING, NO_FILE):
            return None
        raise
    return File(
        role=Role.DATA if written.disk_of(key)[0] == "data" else Role.SYSTEM,
        device="",
        bucket=bucket,
        key=key,
        uri=f"cos://{bucket}/{key}",
        format=formats.format_of(found.first, found.last) or "RAW",
        size_bytes=head.size,
        crc64=head.crc64,
        etag=head.etag,
    )
