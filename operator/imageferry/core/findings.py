"""What the attempts made, as it stands in a status: `artifacts`, `imageID` and `snapshots`.

A file is believed to be ours only if its name bears a key that the object's uid makes. An image or a snapshot is only listed
here: before one is deleted the cloud is asked whether it bears such a key.
"""

from typing import Any, Final

from imageferry.core.artifacts import Artifact, File, Image, Role, Snapshot, image_among
from imageferry.core.hints import Hints
from imageferry.core.keys import is_own, key_in
from imageferry.core.observation import Task

_ROLES: Final = frozenset(Role)


def read(status: Hints, uid: str, number: int, *, ended: bool) -> tuple[Artifact, ...]:
    """What the status of the object `uid` lists, whose latest attempt is `number`.

    The image of a job that has not `ended` is its task's: it is no result yet, unless there is no task.
    """
    files = tuple(file for part in status.parts("artifacts") if (file := _file(part, uid, number)))
    image_id = status.text("imageID") if ended or not status.part("task") else ""
    images = (Image(image_id),) if image_id else ()
    listed = [Snapshot(part.text("id"), part.text("device")) for part in status.parts("snapshots")]
    return (*files, *images, *(snapshot for snapshot in listed if snapshot.id))


def write(items: tuple[Artifact, ...], task: Task | None) -> dict[str, Any]:
    """The fields of the status; absent ones are empty."""
    return {
        "artifacts": [_write_file(item) for item in items if isinstance(item, File)],
        "imageID": (task.image_id if task else "") or image_among(items),
        "snapshots": [
            {"id": item.id, "device": item.device} if item.device else {"id": item.id}
            for item in items
            if isinstance(item, Snapshot)
        ],
    }


def _file(hints: Hints, uid: str, number: int) -> File | None:
    """A file whose name does not bear a mark of ours is another's, whoever listed it here."""
    key, bucket, role = hints.text("key"), hints.text("bucket"), hints.text("role")
    if not bucket or not is_own(key_in(key) or "", uid, number):
        return None
    return File(
        role=Role(role) if role in _ROLES else Role.SYSTEM,
        device=hints.text("device"),
        bucket=bucket,
        key=key,
        uri=hints.text("uri"),
        format=hints.text("format"),
        size_bytes=hints.count("sizeBytes"),
        crc64=hints.text("crc64"),
        etag=hints.text("etag"),
    )


def _write_file(file: File) -> dict[str, Any]:
    return {
        "role": str(file.role),
        "device": file.device,
        "bucket": file.bucket,
        "key": file.key,
        "uri": file.uri,
        "format": file.format,
        "sizeBytes": file.size_bytes,
        "crc64": file.crc64,
        "etag": file.etag,
    }
