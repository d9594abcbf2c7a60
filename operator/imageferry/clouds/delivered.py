"""What is wrong with the files that an export left, and with the files that an import was made of."""

from collections.abc import Awaitable, Callable, Collection, Sequence

from imageferry.clouds.answers import Head
from imageferry.clouds.threads import together
from imageferry.core.artifacts import File, Flaw
from imageferry.core.errors import Failure
from imageferry.core.reasons import Reason
from imageferry.core.resolved import ResolvedExport, SourceFile


def flaw(there: Sequence[File], resolved: ResolvedExport) -> Flaw | None:
    """One file is expected for each disk that is exported, each with content and of the format that was asked for."""
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


async def source_flaw(
    disks: Sequence[SourceFile], head: Callable[[str, str], Awaitable[Head]], *, gone: Collection[str]
) -> Flaw | None:
    """Whether a file was replaced since it was looked at: then nobody can tell which of the two is in the image.

    `head` is given bucket and key. A file that is gone (its failure's code is among `gone`) tells nothing of the kind: whoever has
    imported it may well tidy up.
    """

    async def replaced(disk: SourceFile) -> bool:
        try:
            found = await head(disk.bucket, disk.key)
        except Failure as failure:
            if failure.code in gone:
                return False
            raise
        return (found.etag, found.size) != (disk.etag, disk.size_bytes)

    pinned = [disk for disk in disks if disk.etag]
    changed = await together(replaced(disk) for disk in pinned)
    if any(changed):
        names = ", ".join(disk.key for disk, other in zip(pinned, changed, strict=True) if other)
        return Flaw(Reason.OBJECT_CHANGED, f"Changed in its bucket while it was imported: {names}.")
    return None
