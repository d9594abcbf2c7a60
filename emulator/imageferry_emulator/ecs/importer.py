"""The work of imports: reading the files in buckets into the disks of an image, and what becomes of the image in the end.

Whether an import is accepted at all is decided in imports.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imageferry_emulator import disks
from imageferry_emulator.ecs import errors, files
from imageferry_emulator.ecs.files import UnfitError
from imageferry_emulator.ecs.parameters import DiskWish
from imageferry_emulator.tasks import Status, StepFailedError

if TYPE_CHECKING:
    from imageferry_emulator.ecs.models import Compute
    from imageferry_emulator.objects.store import ObjectStore
    from imageferry_emulator.settings import Settings
    from imageferry_emulator.tasks import Task


class Importer:
    """Does the steps of import tasks: step n reads file n into disk n of the image."""

    def __init__(self, compute: Compute, objects: ObjectStore, settings: Settings) -> None:
        self._compute = compute
        self._objects = objects
        self._settings = settings

    def write(self, task: Task, step: int) -> None:
        """Read one file. Blocks. Raises StepFailedError if the role may not, or the file cannot be imported."""
        if not task.detail["mayRead"]:
            raise StepFailedError(errors.BUCKET_NOT_AUTHORIZED.code, errors.BUCKET_NOT_AUTHORIZED.text)
        try:
            with (
                files.disk_of(self._objects, _wish(task, step), self._settings.values) as content,
                self._compute.writing(task.resource_id, step) as fresh,
            ):
                disks.unpack(content, fresh)
        except UnfitError as unfit:
            raise StepFailedError(unfit.refusal.code, str(unfit)) from unfit

    def remove(self, task: Task, step: int) -> None:
        """Forget the bytes of a disk. Blocks."""
        self._compute.own_file(task.resource_id, step).unlink(missing_ok=True)

    def ended(self, task: Task) -> None:
        """The image becomes Available; or what the switches say of a failed or cancelled import is left."""
        image = self._compute.image(task.resource_id)
        if image is None:
            return
        if task.outcome is Status.FINISHED:
            self._compute.finish_import(image.id)
            return
        values = self._settings.values
        left = values.failed_import_leaves if task.outcome is Status.FAILED else values.cancelled_import_leaves
        if left != "nothing":
            self._compute.change_image(image.id, status=left)
            return
        self._compute.delete_image(image.id)
        for snapshot in [each for each in self._compute.snapshots() if each.image.id == image.id]:
            if image.disks.index(snapshot.disk) >= task.done:
                self._compute.delete_snapshot(snapshot)


def _wish(task: Task, step: int) -> DiskWish:
    return DiskWish(**task.detail["disks"][step])
