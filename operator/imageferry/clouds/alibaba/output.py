"""What lies in the bucket: every file under an attempt's prefix, its disk, size, checksum and real format.

The format is judged by the bytes of the file, never by its name: where a region does not offer a format, the cloud delivers
RAW without a word. RAW is delivered as a gzipped tar (https://www.alibabacloud.com/help/en/ecs/user-guide/export-a-custom-image).
"""

import re
import zlib
from collections.abc import Sequence
from typing import Final

import structlog

from imageferry.clouds.alibaba import listing
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.threads import together
from imageferry.core.artifacts import Artifact, Artifacts, Flaw, Role
from imageferry.core.errors import Failure
from imageferry.core.journal import Resolved
from imageferry.core.keys import belongs_to
from imageferry.core.observation import Task
from imageferry.core.reasons import Reason

log = structlog.get_logger(__name__)

_HEAD_BYTES: Final = 4096
_FOOTER_BYTES: Final = 512  # a fixed VHD bears its mark in a footer of this size, and only there
_TAR_BLOCK: Final = 512
_DATA_DISK: Final = re.compile(r"_data_([0-9A-Za-z]+)\.")


async def collect(calls: Calls, resolved: Resolved, task: Task) -> Artifacts:
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


async def discard(calls: Calls, artifacts: Sequence[Artifact]) -> None:
    """Delete these files and nothing else; what is gone already is as it should be."""
    await together(_delete(calls, artifact) for artifact in artifacts)


async def _delete(calls: Calls, artifact: Artifact) -> None:
    try:
        request_id = await calls.delete(artifact.bucket, artifact.key)
    except Failure as failure:
        if failure.code not in (listing.NO_FILE, listing.NO_BUCKET):
            raise
    else:
        log.info("file deleted", bucket=artifact.bucket, file=artifact.key, request_id=request_id)


async def _named(calls: Calls, task: Task) -> tuple[str, ...]:
    """The files that the task says it wrote; none once the cloud has forgotten it."""
    if task.id is None:
        return ()
    try:
        detail, _ = await listing.detail(calls, task.id)
    except Failure as failure:
        if failure.code == listing.UNKNOWN_TASK:
            return ()
        raise
    return tuple(name for name in detail.objects if belongs_to(name, task.object_prefix))


async def _artifact(calls: Calls, bucket: str, key: str) -> Artifact | None:
    """One file; None if it went away meanwhile."""
    try:
        head = await calls.head(bucket, key)
        first = await calls.read(bucket, key, (0, min(head.size, _HEAD_BYTES) - 1)) if head.size else b""
        format_ = format_of(first, b"")
        if not format_ and head.size >= _FOOTER_BYTES:
            last = await calls.read(bucket, key, (head.size - _FOOTER_BYTES, head.size - 1))
            format_ = format_of(first, last)
    except Failure as failure:
        if failure.code == listing.NO_FILE:
            return None
        raise
    role, device = disk_of(key)
    return Artifact(
        role=role,
        device=device,
        bucket=bucket,
        key=key,
        uri=f"oss://{bucket}/{key}",
        format=format_,
        size_bytes=head.size,
        crc64=head.crc64,
        etag=head.etag,
    )


def disk_of(key: str) -> tuple[Role, str]:
    """The disk that a file holds by its name: `..._system.raw.tar.gz` or `..._data_xvdb.raw.tar.gz`."""
    data = _DATA_DISK.search(key)
    return (Role.DATA, data[1]) if data else (Role.SYSTEM, "")


def format_of(first: bytes, last: bytes) -> str:
    """The format by the first 4 KiB and the last 512 bytes of a file, as spec.format names it; empty if it is none of them.

    Marks: qcow2 and vmdk at 0, a dynamic VHD's copy of its footer at 0, VDI's signature at 64 (little endian), tar's at 257.
    """
    if first.startswith(b"QFI\xfb"):
        return "QCOW2"
    if first.startswith((b"KDMV", b"# Disk DescriptorFile")):
        return "VMDK"
    if first.startswith(b"conectix"):
        return "VHD"
    if first[64:68] == b"\x7f\x10\xda\xbe":
        return "VDI"
    if _tar_inside(first):
        return "RAW"
    return "VHD" if last.startswith(b"conectix") else ""


def _tar_inside(first: bytes) -> bool:
    if not first.startswith(b"\x1f\x8b"):
        return False
    try:
        block = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS).decompress(first, _TAR_BLOCK)
    except zlib.error:
        return False
    return block[257:262] == b"ustar" and block[0] != 0


def _flaw(there: tuple[Artifact, ...], named: tuple[str, ...], resolved: Resolved) -> Flaw | None:
    keys = {item.key for item in there}
    if gone := [name for name in named if name not in keys]:
        return Flaw(Reason.OUTPUT_MISSING, f"Not in bucket {resolved.bucket}: {', '.join(sorted(gone))}.")
    expected = 1 + resolved.data_disks
    if len(there) < expected:
        return Flaw(
            Reason.OUTPUT_MISSING,
            f"Bucket {resolved.bucket} holds {len(there)} of {expected} files, one for each disk of the image.",
        )
    if empty := [item.key for item in there if not item.size_bytes]:
        return Flaw(Reason.OUTPUT_EMPTY, f"Empty in bucket {resolved.bucket}: {', '.join(empty)}.")
    if wrong := [item for item in there if item.format != resolved.format]:
        what = ", ".join(f"{item.key} is {item.format or 'in no known format'}" for item in wrong)
        return Flaw(Reason.FORMAT_MISMATCH, f"{resolved.format} was asked for, but {what}.")
    return None
