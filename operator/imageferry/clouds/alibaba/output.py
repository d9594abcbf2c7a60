"""What lies in the bucket: every file under an attempt's prefix, its disk, size, checksum and real format.

The format is judged by the bytes of the file, never by its name: where a region does not offer a format, the cloud delivers
RAW without a word. RAW is delivered as a gzipped tar (https://www.alibabacloud.com/help/en/ecs/user-guide/export-a-custom-image).
"""

import re
from collections.abc import Sequence
from typing import Final

import structlog

from imageferry.clouds import delivered, formats
from imageferry.clouds.alibaba import listing
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.threads import together
from imageferry.core.artifacts import Artifacts, File, Flaw, Role
from imageferry.core.errors import Failure
from imageferry.core.keys import belongs_to
from imageferry.core.observation import Task
from imageferry.core.reasons import Reason
from imageferry.core.resolved import ResolvedExport

log = structlog.get_logger(__name__)

_DATA_DISK: Final = re.compile(r"_data_([0-9A-Za-z]+)\.")


async def collect(calls: Calls, resolved: ResolvedExport, task: Task) -> Artifacts:
    """Every file of the attempt as it was found, and what is wrong with them as its result.

    What lies under the prefix is the truth; what the task names and what the image holds say what should be there.
    """
    try:
        found = await listing.files(calls, resolved.bucket, f"{task.object_prefix}_")
    except Failure as failure:
        if failure.code != listing.NO_BUCKET:
            raise
        return Artifacts((), Flaw(Reason.OUTPUT_MISSING, f"Bucket {resolved.bucket} does not exist any more."))
    named = await _named(calls, task)
    items = await together(_artifact(calls, resolved.bucket, name) for name in found.names)
    there = tuple(sorted((item for item in items if item), key=lambda item: (item.role is not Role.SYSTEM, item.key)))
    return Artifacts(there, _flaw(there, named, resolved))


async def discard(calls: Calls, files: Sequence[File]) -> None:
    """Delete these files and nothing else; what is gone already is as it should be."""
    await together(_delete(calls, file) for file in files)


async def _delete(calls: Calls, file: File) -> None:
    try:
        request_id = await calls.delete(file.bucket, file.key)
    except Failure as failure:
        if failure.code not in (listing.NO_FILE, listing.NO_BUCKET):
            raise
    else:
        log.info("file deleted", bucket=file.bucket, file=file.key, request_id=request_id)


async def _named(calls: Calls, task: Task) -> tuple[str, ...]:
    """The files that the task says it wrote; none once the cloud has forgotten it."""
    if task.id is None:
        return ()
    shown = await listing.known_detail(calls, task.id)
    return tuple(name for name in shown[0].objects if belongs_to(name, task.object_prefix)) if shown else ()


async def _artifact(calls: Calls, bucket: str, key: str) -> File | None:
    """One file; None if it went away meanwhile."""
    try:
        head = await calls.head(bucket, key)
        found = await formats.ends(lambda span: calls.read(bucket, key, span), head.size)
    except Failure as failure:
        if failure.code == listing.NO_FILE:
            return None
        raise
    role, device = disk_of(key)
    return File(
        role=role,
        device=device,
        bucket=bucket,
        key=key,
        uri=f"oss://{bucket}/{key}",
        format=formats.format_of(found.first, found.last),
        size_bytes=head.size,
        crc64=head.crc64,
        etag=head.etag,
    )


def disk_of(key: str) -> tuple[Role, str]:
    """The disk that a file holds by its name: `..._system.raw.tar.gz` or `..._data_xvdb.raw.tar.gz`."""
    data = _DATA_DISK.search(key)
    return (Role.DATA, data[1]) if data else (Role.SYSTEM, "")


def _flaw(there: tuple[File, ...], named: tuple[str, ...], resolved: ResolvedExport) -> Flaw | None:
    keys = {item.key for item in there}
    if gone := [name for name in named if name not in keys]:
        return Flaw(Reason.OUTPUT_MISSING, f"Not in bucket {resolved.bucket}: {', '.join(sorted(gone))}.")
    return delivered.flaw(there, resolved)
