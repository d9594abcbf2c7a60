"""Mistakes to plant in the real operator before it is forked: whoever believes the matrix can see it find them.

Each function changes this process for good, so that it belongs into a zygote and nowhere else.
"""

import asyncio
import time
from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from typing import Any, Final

from imageferry.clouds.alibaba import import_output, listing, requests
from imageferry.clouds.alibaba.exports import Exports
from imageferry.clouds.alibaba.imports import Imports
from imageferry.core import artifacts, decide
from imageferry.core import step as steps
from imageferry.core.journal import Claim, Journal
from imageferry.core.observation import Absent, Observation
from imageferry.core.resolved import ResolvedImport
from imageferry.core.situation import Situation
from imageferry.core.step import Release
from imageferry.engine.store import JobRecord
from imageferry.engine.submission import Submission
from imageferry.kube import objects


def submits_unacknowledged() -> None:
    """The claim is written, but nobody waits for the API server to say that it is there."""
    writing: set[asyncio.Task[None]] = set()

    async def write_claim(self: Submission, record: JobRecord, journal: Journal, step: steps.Claim) -> None:
        task = asyncio.create_task(self.speaker.commit(record, journal, step))
        writing.add(task)
        task.add_done_callback(_swallow)
        self.store.jobs[record.job.uid] = replace(record, journal=journal)

    _plant(Submission, "_write_claim", write_claim)


def _swallow(task: "asyncio.Task[None]") -> None:
    if not task.cancelled():
        task.exception()


def adopts_nothing() -> None:
    """A look after a lost answer never finds anything, and proves that there is nothing."""
    look: Callable[..., Any] = Exports.find

    async def find(self: Exports, search: Any) -> Observation:  # noqa: ANN401 -- as the method it takes the place of
        seen: Observation = await look(self, search)
        return Absent(seen.cloud_time) if hasattr(seen, "cloud_time") else seen

    _plant(Exports, "find", find)


def writes_over_newer_versions() -> None:
    """Writes name the object's uid, but no longer the version that they were made for."""
    guarded = objects._guarded

    def unguarded(uid: str, resource_version: str, path: str, value: object) -> list[dict[str, Any]]:
        patch = guarded(uid, resource_version, path, value)
        return [operation for operation in patch if operation["path"] != "/metadata/resourceVersion"]

    _plant(objects, "_guarded", unguarded)


def waits_for_no_window() -> None:
    """An unknown outcome counts as never accepted as soon as one look sees nothing."""
    _plant(Situation, "window_open", property(lambda _: False))


def lets_go_of_running_tasks() -> None:
    """A deletion under Delete or Retain takes the finalizer off while the task runs."""
    rows = tuple(
        replace(row, when=lambda s: s.job.deleting, then=lambda _: Release(orphan=False))
        if row.facts.startswith("deleting, policy Orphan")
        else row
        for row in decide.TASK.rows
    )
    _plant(decide, "TASK", replace(decide.TASK, rows=rows))


def leaves_failed_images() -> None:
    """What an import left is struck off the list and not deleted."""

    async def discard(self: Imports, items: Sequence[artifacts.Artifact], own: Container[str]) -> None: ...

    _plant(Imports, "discard", discard)


def clears_strangers_away() -> None:
    """With an image goes every other one whose name begins like its own, whoever made it."""

    async def discard(self: Imports, items: Sequence[artifacts.Artifact], _: Container[str]) -> None:
        own = await listing.images_by_id(self._calls, [artifacts.image_among(items)])
        names = [image.name for image in own.rows.values()] if own else []
        for found in [await listing.images(self._calls, {"ImageName": f"{name}*"}) for name in names]:
            alike = [item for image in found.rows.values() for item in import_output.items_of(image)]
            await import_output.discard(self._calls, alike, _Everything())

    _plant(Imports, "discard", discard)


class _Everything:
    def __contains__(self, _: object) -> bool:
        return True


def repeats_under_another_token() -> None:
    """Each submission of an import has a client token of its own, so that a repeat is another request."""
    made: Callable[[ResolvedImport, Claim], dict[str, Any]] = requests.import_request

    def import_request(resolved: ResolvedImport, claim: Claim) -> dict[str, Any]:
        return made(resolved, claim) | {"ClientToken": f"{claim.key}{time.monotonic_ns()}"}

    _plant(requests, "import_request", import_request)


def _plant(owner: object, name: str, value: object) -> None:
    if not hasattr(owner, name):
        raise AttributeError(f"there is no {name} to be mistaken about")
    setattr(owner, name, value)


MISTAKES: Final = (
    submits_unacknowledged,
    adopts_nothing,
    writes_over_newer_versions,
    waits_for_no_window,
    lets_go_of_running_tasks,
    leaves_failed_images,
    clears_strangers_away,
    repeats_under_another_token,
)
