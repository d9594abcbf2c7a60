"""What an accepted export does: each disk becomes a file of the format asked for, which goes into its bucket as an upload in parts.

Two steps for each disk: the upload is begun and gets its parts, and it is completed, which is when the object is there. How real
exports write is not documented; that files of such a size are uploaded in parts is what COS demands (PutObject ends at 5 GiB).
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Any

from imageferry_emulator import disks
from imageferry_emulator.cos.calls import ENCRYPTION
from imageferry_emulator.cos.models import STANDARD
from imageferry_emulator.disks import File, raw
from imageferry_emulator.objects import uploads
from imageferry_emulator.objects.models import MULTIPART, BucketMissingError, ObjectMissingError, Traits
from imageferry_emulator.objects.uploads import UploadMissingError
from imageferry_emulator.tasks import Status, StepFailedError

if TYPE_CHECKING:
    from pathlib import Path

    from imageferry_emulator.cvm.models import Compute
    from imageferry_emulator.objects.store import ObjectStore
    from imageferry_emulator.objects.uploads import Upload
    from imageferry_emulator.settings import Settings
    from imageferry_emulator.tasks import Task

STEPS_PER_DISK = 2
LEAST_PART_BYTES = 1 << 20
"""Of every part but the last: https://www.tencentcloud.com/document/product/436/14112."""


class Exporter:
    """Does the steps of export tasks. A step that a SIGKILL cut short is done again, with the same result."""

    def __init__(self, compute: Compute, objects: ObjectStore, settings: Settings) -> None:
        self._compute = compute
        self._objects = objects
        self._settings = settings

    def write(self, task: Task, step: int) -> None:
        """Begin the upload of a disk, or complete it. Blocks. Raises StepFailedError if bucket or upload have gone."""
        number, completing = divmod(step, STEPS_PER_DISK)
        if _spoilt(task, "objectMissing", number):
            return
        try:
            if completing:
                self._complete(task, number)
            else:
                self._begin(task, number)
        except BucketMissingError as gone:
            raise StepFailedError("BucketGone", "The bucket was deleted.") from gone
        except UploadMissingError as gone:
            raise StepFailedError("UploadGone", "The upload was aborted.") from gone

    def remove(self, task: Task, step: int) -> None:
        """Take back what a step did, if it is still there. Blocks."""
        number, completing = divmod(step, STEPS_PER_DISK)
        file = task.detail["files"][number]
        if completing:
            with contextlib.suppress(BucketMissingError):
                self._objects.delete(task.detail["bucket"], file["key"])
        else:
            self._drop(task, number)

    def ended(self, task: Task) -> None:
        """Of a failed export the switch says whether the uploads that it had begun are left."""
        if task.outcome is Status.FAILED and self._settings.values.cvm_failed_export_leaves == "nothing":
            for number in range(len(task.detail["files"])):
                self._drop(task, number)

    def _begin(self, task: Task, number: int) -> None:
        bucket, file = self._objects.bucket(task.detail["bucket"]), task.detail["files"][number]
        with self._objects.staging() as whole:
            if _spoilt(task, "objectEmpty", number):
                whole.touch()
            else:
                _convert(self._compute.disk_file(file["image"], file["disk"]), task.detail["format"], whole)
            try:
                upload = self._upload(task, number)
            except UploadMissingError:
                headers = () if bucket.sse == "None" else ((ENCRYPTION, bucket.sse),)
                traits = Traits(headers=headers, storage_class=STANDARD)
                upload = self._objects.uploads.begin(bucket.name, file["key"], traits, upload_id=_id(task, number))
            cut = max(LEAST_PART_BYTES, -(-whole.stat().st_size // 2))
            self._put(upload, 1, whole, slice(0, cut))
            if whole.stat().st_size > cut:
                self._put(upload, 2, whole, slice(cut, None))
            if _spoilt(task, "objectGrows", number):
                (first, *_) = self._objects.uploads.parts(upload)
                self._objects.put(bucket.name, file["key"], first.path, traits=upload.traits)

    def _complete(self, task: Task, number: int) -> None:
        bucket, key = task.detail["bucket"], task.detail["files"][number]["key"]
        try:
            upload = self._upload(task, number)
        except UploadMissingError:
            if self._is_complete(bucket, key):
                return
            raise
        with self._objects.staging() as staged:
            sums = uploads.join(self._objects.uploads.parts(upload), staged)
            self._objects.adopt(bucket, key, staged, traits=upload.traits, sums=sums, kind=MULTIPART)
        self._objects.uploads.drop(upload)

    def _is_complete(self, bucket: str, key: str) -> bool:
        """Whether a step that is done again had been done before the kill."""
        try:
            return self._objects.head(bucket, key).kind == MULTIPART
        except ObjectMissingError:
            return False

    def _put(self, upload: Upload, number: int, whole: Path, part: slice) -> None:
        with self._objects.staging() as staged:
            _cut(whole, part, staged)
            self._objects.uploads.put(upload, number, staged)

    def _upload(self, task: Task, number: int) -> Upload:
        key = task.detail["files"][number]["key"]
        return self._objects.uploads.upload(task.detail["bucket"], key, _id(task, number))

    def _drop(self, task: Task, number: int) -> None:
        with contextlib.suppress(UploadMissingError):
            self._objects.uploads.drop(self._upload(task, number))


def _id(task: Task, number: int) -> str:
    """The id of a disk's upload, which is known without having been written down."""
    return hashlib.sha256(f"{task.id}/{number}".encode()).hexdigest()[:32].upper()


def _convert(disk: Path, image_format: str, destination: Path) -> None:
    """RAW is the disk itself here, in no archive."""
    if image_format != "raw":
        disks.write_file(disk, image_format, destination)
        return
    with disk.open("rb") as source:
        disks.unpack(raw.read(File(source, disk.stat().st_size)), destination)


def _cut(whole: Path, part: slice, destination: Path) -> None:
    with whole.open("rb") as source, destination.open("wb") as out:
        source.seek(part.start)
        left = whole.stat().st_size - part.start if part.stop is None else part.stop - part.start
        while left and (chunk := source.read(min(left, LEAST_PART_BYTES))):
            out.write(chunk)
            left -= len(chunk)


def _spoilt(task: Task, effect: str, number: int) -> bool:
    options: dict[str, Any] | None = task.effects.get(effect)
    return options is not None and bool(options.get("disk", 0) == number)
