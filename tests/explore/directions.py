"""What exports and imports differ in, as far as the search can see: the wish, what is pinned of it, and what a task leaves.

Everything else is one model for both. Here a thing in the cloud is told by the key of its attempt, whatever it is.
"""

from collections.abc import Iterable
from typing import Any

from imageferry.core.artifacts import Artifact, File, Image, Role
from imageferry.core.job import DiskFile, ExportJob, ImageSource, ImageWish, ImportJob, Job, Kind
from imageferry.core.resolved import Resolved, ResolvedExport, ResolvedImport, SourceFile


def job(kind: Kind, **shared: Any) -> Job:  # noqa: ANN401 -- the fields that both have
    """A job of that kind."""
    match kind:
        case Kind.EXPORT:
            source = ImageSource(image_id="image")
            return ExportJob(**shared, kind=kind, source=source, bucket="b", prefix="p", format="RAW", disks="All")
        case Kind.IMPORT:
            disks, image = (DiskFile(bucket="b", key="disk"),), ImageWish(name="name")
            return ImportJob(**shared, kind=kind, disks=disks, export_name="", image=image, alibaba=None, tencent=None)


def resolved(kind: Kind) -> Resolved:
    """What preflight finds."""
    match kind:
        case Kind.EXPORT:
            return ResolvedExport(region="r", image_id="image", bucket="b", format="RAW")
        case Kind.IMPORT:
            disk = SourceFile(bucket="b", key="disk", format="RAW")
            return ResolvedImport(region="r", disks=(disk,), image=ImageWish(name="name"))


def left(kind: Kind, keys: Iterable[str]) -> tuple[Artifact, ...]:
    """What the tasks of these attempts left, whole or in part."""
    if kind is Kind.IMPORT:
        return tuple(Image(id=key) for key in keys)
    return tuple(
        File(role=Role.SYSTEM, device="", bucket="b", key=key, uri="", format="RAW", size_bytes=1, crc64="1", etag="e")
        for key in keys
    )


def key_of(item: Artifact) -> str:
    """The key of the attempt that left it."""
    return item.key if isinstance(item, File) else item.id
