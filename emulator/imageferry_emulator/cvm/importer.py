"""What an accepted import does: each file is read for what it is and becomes a disk. The reasons for a failure stay in the task.

Limits and what an image must have: https://www.tencentcloud.com/document/product/213/4945. That reasons are told in the account's
message centre and by no action: https://www.tencentcloud.com/document/product/213/39996.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imageferry_emulator import disks
from imageferry_emulator.cvm.models import GIB, IMPORT_FAILED
from imageferry_emulator.disks import File, MalformedError
from imageferry_emulator.objects.models import BucketMissingError, ObjectMissingError
from imageferry_emulator.tasks import Status, StepFailedError

if TYPE_CHECKING:
    from pathlib import Path

    from imageferry_emulator.cvm.models import Compute
    from imageferry_emulator.objects.store import ObjectStore
    from imageferry_emulator.settings import Settings
    from imageferry_emulator.tasks import Task

FORMATS = ("raw", "vhd", "qcow2", "vmdk")
MOST_FILE_BYTES, MOST_DISK_BYTES = 50 * GIB, 500 * GIB
INVALID_URL, INVALID_FORMAT, NO_PARTITION = "InvalidUrl", "InvalidFormatSize", "PartitionNotPresent"
_MARK_AT, _MARK = 510, b"\x55\xaa"
"""Of a master boot record."""


class Importer:
    """Does the steps of import tasks: step n reads the file of disk n."""

    def __init__(self, compute: Compute, objects: ObjectStore, settings: Settings) -> None:
        self._compute = compute
        self._objects = objects
        self._settings = settings

    def write(self, task: Task, step: int) -> None:
        """Read one file. Blocks. Raises StepFailedError."""
        source = task.detail["disks"][step]
        if source["unreadable"]:
            raise StepFailedError(INVALID_URL, source["unreadable"])
        checked = step == 0 and not task.detail["force"] and self._settings.values.cvm_partition_checked
        with self._compute.shelf.writing(task.resource_id, step) as fresh:
            self._read(source["bucket"], source["key"], fresh)
            if checked and not _is_partitioned(fresh):
                raise StepFailedError(NO_PARTITION, "The system disk has no master boot record.")

    def remove(self, task: Task, step: int) -> None:
        """Forget the bytes of a disk. Blocks."""
        self._compute.shelf.drop(task.resource_id, step)

    def ended(self, task: Task) -> None:
        """The image becomes NORMAL or IMPORTFAILED; there is no way to end an import from outside."""
        if task.outcome is Status.FINISHED:
            self._compute.finish_import(task.resource_id, task.steps)
        else:
            self._compute.change_image(task.resource_id, state=IMPORT_FAILED)

    def _read(self, bucket: str, key: str, fresh: Path) -> None:
        try:
            stored, opened = self._objects.open(bucket, key)
        except (BucketMissingError, ObjectMissingError):
            raise StepFailedError(INVALID_URL, "The object is not there any more.") from None
        with opened:
            file = File(opened, stored.size)
            try:
                found = disks.detect(file)
                if found not in FORMATS:
                    raise StepFailedError(INVALID_FORMAT, f"The file is {found}.")
                content = disks.read_file(file)
                if content.size > MOST_DISK_BYTES or (found != "raw" and stored.size > MOST_FILE_BYTES):
                    raise StepFailedError(INVALID_FORMAT, f"The disk of {content.size} bytes is too large.")
                disks.unpack(content, fresh)
            except MalformedError as malformed:
                raise StepFailedError(INVALID_FORMAT, str(malformed)) from malformed


def _is_partitioned(disk: Path) -> bool:
    with disk.open("rb") as source:
        source.seek(_MARK_AT)
        return source.read(len(_MARK)) == _MARK
