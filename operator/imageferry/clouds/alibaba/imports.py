"""The verbs for imports: files in OSS buckets into ECS images, in one region. The contract is in clouds/provider.py."""

from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from imageferry.clouds.alibaba import import_output, import_search, listing, requests
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.alibaba.import_preflight import ImportPreflight
from imageferry.clouds.alibaba.import_state import mark_of, untold
from imageferry.clouds.alibaba.tasks import Sighting, Tasks
from imageferry.clouds.alibaba.translate import Detail, Image, Listed
from imageferry.clouds.direction import only
from imageferry.clouds.provider import Capabilities, Origin, Search
from imageferry.clouds.threads import together
from imageferry.core.artifacts import Artifact, Artifacts
from imageferry.core.errors import Transient, Unconfirmed
from imageferry.core.job import ImportJob, Job
from imageferry.core.journal import Claim
from imageferry.core.observation import Absent, Observation, Task
from imageferry.core.reasons import Reason
from imageferry.core.resolved import Obstructed, Resolved, ResolvedImport

log = structlog.get_logger(__name__)


class Imports:
    """Files in OSS buckets into ECS images, in one region."""

    def __init__(
        self, calls: Calls, wishes: ImportPreflight, *, seen_without: Callable[[str], Awaitable[datetime | None]]
    ) -> None:
        self._calls, self._preflight = calls, wishes
        self._seen_without = seen_without
        self._tasks = Tasks(calls, Action.IMPORT_IMAGE)

    @property
    def capabilities(self) -> Capabilities:
        """Imports can be cancelled (CancelTask); ImportImage takes a client token, which is the attempt's key."""
        return Capabilities(cancel=True, client_token=True)

    async def preflight(self, job: Job) -> Resolved | Obstructed:
        """What the job means here, or the failed image of an own attempt that bears its name.

        Raises Rejected, Blocked or Deferred.
        """
        return await self._preflight.check(only(ImportJob, job))

    async def resolve(self, job: Job) -> Resolved:
        """What the job means here, for a task of ours that was found again: its files need not be there any more."""
        return self._preflight.resolve(only(ImportJob, job))

    async def submit(self, job: Job, claim: Claim, resolved: Resolved, *, repeat: int) -> Task:
        """ImportImage, once, from what was pinned. Raises as the contract says.

        A repeat bears the same client token and time, and a nonce of its own: the cloud takes each nonce once.
        """
        answer = await self._calls.submit(
            Action.IMPORT_IMAGE,
            requests.import_request(only(ResolvedImport, resolved), claim),
            signed_at=claim.claimed_at,
            nonce=f"{claim.key}-{repeat + 1}" if repeat else claim.key,
        )
        task_id, image_id = answer.body.get("TaskId"), answer.body.get("ImageId")
        if not isinstance(task_id, str) or not isinstance(image_id, str) or not task_id or not image_id:
            raise Unconfirmed(Reason.SUBMISSION_UNKNOWN, "The cloud took the submission, but named no task and image.")
        log.info(
            "import submitted",
            uid=job.uid,
            key=claim.key,
            account=claim.account_id,
            region=resolved.region,
            task_id=task_id,
            image_id=image_id,
            request_id=answer.body.get("RequestId"),
        )
        return Task(
            id=task_id,
            key=claim.key,
            object_prefix=claim.object_prefix,
            state="Waiting",
            started_at=answer.date,
            image_id=image_id,
        )

    async def find(self, search: Search) -> Observation:
        """Is there an image of ours, by its tag? Where the cloud has no such region, and no claim is open, there is none."""
        if search.until is None and (cloud_time := await self._seen_without(self._calls.region)):
            return Absent(cloud_time)
        return await import_search.find(self._calls, search)

    async def poll(self, tasks: Mapping[str, Task], _: Mapping[str, Resolved]) -> Mapping[str, Observation]:
        """The states of tasks and images, 100 of each to a call.

        A failed task whose details failed to come is left out, and so is one of which neither id is known.
        """
        sightings = await self._tasks.sightings([task.id for task in tasks.values() if task.id])
        views = {uid: _view(task, sightings.get(task.id or "")) for uid, task in tasks.items()}
        images = await listing.images_by_id(self._calls, [view.image_id for view in views.values() if view.image_id])
        if images is None and not sightings:
            return {}
        times = [sighting.cloud_time for sighting in sightings.values()]
        cloud_time = min([*times, *([images.cloud_time] if images else ())])
        found = images.rows if images else {}
        seen = await together(self._look(view, found.get(view.image_id), cloud_time) for view in views.values())
        return {uid: look for uid, look in zip(views, seen, strict=True) if look}

    async def cancel(self, task: Task, origin: Origin) -> None:
        """CancelTask, if the task is ours: by its image's tag; while that shows none, by the image and the time it was made."""

        async def is_ours(shown: Detail) -> bool:
            view = _view(task, (await self._tasks.sightings([shown.listed.id]))[shown.listed.id])
            image = await self._image(view.image_id) if view.row else None
            return await self._tasks.fits(shown.listed.id, origin) if untold(image) else _bears(image, task)

        await self._tasks.cancel(task, is_ours)

    async def collect(self, resolved: Resolved, task: Task) -> Artifacts:
        """What is really there: the image and its snapshots."""
        return await import_output.collect(self._calls, only(ResolvedImport, resolved), task)

    async def discard(self, artifacts: Sequence[Artifact], own: Container[str]) -> None:
        """Delete the images and snapshots among them that bear one of the `own` keys, and nothing else."""
        await import_output.discard(self._calls, artifacts, own)

    async def running(self) -> Sequence[str]:
        """The ids of all imports that run in the region, whoever started them."""
        return await self._tasks.running()

    async def aclose(self) -> None:
        """Let go of the sockets."""
        await self._preflight.aclose()
        self._calls.close()

    async def _image(self, image_id: str) -> Image | None:
        found = await listing.images_by_id(self._calls, [image_id])
        return found.rows.get(image_id) if found else None

    async def _look(self, view: "_View", image: Image | None, cloud_time: datetime) -> Observation | None:
        """What is seen of one attempt. Whose image it is counts as soon as it is told; an image alone must be told."""
        task, row = view.task, view.row
        if not task.id and not view.image_id:
            return None
        if image and not _bears(image, task) and (row is None or not untold(image)):
            return Absent(cloud_time)
        try:
            return await import_search.judged(self._calls, task, row, image, cloud_time)
        except Transient:
            return None


@dataclass(frozen=True, slots=True)
class _View:
    """A task as the journal knows it and as it is listed. The list tells the image: a journal may be forged."""

    task: Task
    row: Listed | None

    @property
    def image_id(self) -> str:
        return self.row.resource_id if self.row else self.task.image_id


def _view(task: Task, sighting: Sighting | None) -> _View:
    return _View(task, sighting.row if sighting else None)


def _bears(image: Image | None, task: Task) -> bool:
    return image is not None and mark_of(image.tags) == task.key
