"""The verbs for exports: CVM images into COS buckets, in one region. The contract is in clouds/provider.py."""

from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from datetime import datetime

import structlog

from imageferry.clouds.direction import only
from imageferry.clouds.provider import Capabilities, Origin, Search
from imageferry.clouds.tencent import images, listing, output, requests, search, written
from imageferry.clouds.tencent.calls import SIGNED_LATE, Calls
from imageferry.clouds.tencent.client import Action
from imageferry.clouds.tencent.preflight import Preflight
from imageferry.clouds.tencent.search import WRITING
from imageferry.clouds.tencent.translate import Image
from imageferry.clouds.tencent.written import LOST_AFTER, Expected, Looks, Written
from imageferry.clouds.threads import each_of
from imageferry.core.artifacts import Artifact, Artifacts, File
from imageferry.core.errors import Unconfirmed
from imageferry.core.job import ExportJob, Job
from imageferry.core.journal import Claim
from imageferry.core.keys import key_in
from imageferry.core.observation import Absent, Observation, Running, Succeeded, Task
from imageferry.core.reasons import Reason
from imageferry.core.resolved import Resolved, ResolvedExport

log = structlog.get_logger(__name__)


class Exports:
    """CVM images into COS buckets, in one region."""

    def __init__(
        self, calls: Calls, wishes: Preflight, *, seen_without: Callable[[str], Awaitable[datetime | None]]
    ) -> None:
        self._calls, self._preflight = calls, wishes
        self._seen_without = seen_without
        self._looks = Looks()
        self._images: dict[str, Image] = {}

    @property
    def capabilities(self) -> Capabilities:
        """No call ends an export, and ExportImages takes no client token."""
        return Capabilities(cancel=False, client_token=False, send_seconds=SIGNED_LATE.total_seconds())

    async def preflight(self, job: Job) -> Resolved:
        """What the job means here. Raises Rejected, Blocked or Deferred."""
        return await self._preflight.check(only(ExportJob, job))

    async def resolve(self, job: Job) -> Resolved:
        """What the job means here, for a task of ours that was found again. Raises Transient or Blocked."""
        return await self._preflight.resolve(only(ExportJob, job))

    async def submit(self, job: Job, claim: Claim, resolved: Resolved, *, repeat: int) -> Task:
        """ExportImages, once, from what was pinned. Raises as the contract says."""
        if repeat:
            raise AssertionError("ExportImages takes no client token: it is never repeated")
        answer = await self._calls.submit(
            Action.EXPORT_IMAGES,
            requests.export_request(only(ResolvedExport, resolved), claim.object_prefix),
            claimed_at=claim.claimed_at,
        )
        task_id, request_id = answer.body.get("TaskId"), answer.body.get("RequestId")
        if not isinstance(task_id, int) or not task_id:
            raise Unconfirmed(Reason.SUBMISSION_UNKNOWN, "The cloud took the submission, but named no task.")
        log.info(
            "export submitted",
            uid=job.uid,
            key=claim.key,
            account=claim.account_id,
            region=resolved.region,
            task_id=task_id,
            request_id=request_id,
        )
        return Task(
            id=str(task_id),
            key=claim.key,
            object_prefix=claim.object_prefix,
            started_at=answer.date,
            cancellable=False,
        )

    async def find(self, search_: Search) -> Observation:
        """Is there a task of ours, by the files it writes?

        Where no claim is open, and the cloud has no such region, there is none: its own address may not even resolve.
        """
        if search_.until is None and (cloud_time := await self._seen_without(self._calls.region)):
            return Absent(cloud_time)
        await self._learn([search_.image_id])
        image = self._images.get(search_.image_id)
        expected = _expected(image, system_only=False) if image else None
        return await search.find(self._calls, search_, self._looks, expected)

    async def poll(self, tasks: Mapping[str, Task], pinned: Mapping[str, Resolved]) -> Mapping[str, Observation]:
        """What each task has written. One of which it is not told what was `pinned` is left out: this cloud shows files alone."""
        known = {uid: (task, only(ResolvedExport, pinned[uid])) for uid, task in tasks.items() if uid in pinned}
        await self._learn(resolved.image_id for _, resolved in known.values())
        return await each_of({uid: self._look(task, resolved) for uid, (task, resolved) in known.items()})

    async def cancel(self, task: Task, origin: Origin) -> None:
        """There is no such call, as `capabilities` says: the export runs to its end."""
        log.info("not cancelled: the cloud has no call for it", key=task.key, image_id=origin.image_id)

    async def collect(self, resolved: Resolved, task: Task) -> Artifacts:
        """What is really there."""
        return await output.collect(self._calls, only(ResolvedExport, resolved), task)

    async def discard(self, artifacts: Sequence[Artifact], own: Container[str]) -> None:
        """Delete the files among them whose names bear one of the `own` keys, and nothing else."""
        files = [item for item in artifacts if isinstance(item, File) and key_in(item.key) in own]
        await output.discard(self._calls, files)

    async def running(self) -> Sequence[str]:
        """None that are known: the cloud does not list its exports."""
        return ()

    async def aclose(self) -> None:
        """Let go of the sockets."""
        await self._preflight.aclose()
        self._calls.close()

    async def _learn(self, image_ids: Iterable[str]) -> None:
        """Which disks the images have, asked once: what is in an image does not change."""
        found = await listing.images_by_id(
            self._calls, [each for each in image_ids if each and each not in self._images]
        )
        self._images |= found.rows if found else {}

    async def _look(self, task: Task, resolved: ResolvedExport) -> Observation:
        seen = await written.look(self._calls, resolved.bucket, task.object_prefix)
        expected = _due(resolved, self._images.get(resolved.image_id))
        current = _current(task, seen)
        if self._looks.done(task.object_prefix, seen, expected):
            return Succeeded(seen.cloud_time, current)
        if not await self._given_up(task, resolved, seen):
            return Running(seen.cloud_time, current)
        # Files without content are no success, but they are all that will come: collect tells what is wrong with them.
        if written.all_there(seen.files, expected):
            return Succeeded(seen.cloud_time, current)
        return Absent(seen.cloud_time)

    async def _given_up(self, task: Task, resolved: ResolvedExport, seen: Written) -> bool:
        """Whether nothing more is to be expected of an export."""
        if not seen.bucket_exists:
            return True
        if seen.uploading or task.started_at is None or seen.cloud_time - task.started_at < LOST_AFTER:
            return False
        return not await search.busy(self._calls, resolved.image_id, bucket=resolved.bucket, mark=task.object_prefix)


def _current(task: Task, seen: Written) -> Task:
    return Task(
        id=task.id,
        key=task.key,
        object_prefix=task.object_prefix,
        state=WRITING if seen.anything else task.state,
        started_at=task.started_at,
        cancellable=False,
    )


def _due(resolved: ResolvedExport, image: Image | None) -> Expected:
    """The files of a complete export. Of a task that was left behind only the image is known: then of all its disks."""
    remembered = bool(resolved.format)
    if image:
        return _expected(image, system_only=remembered and not resolved.data_disks)
    return Expected((), count=1 + (resolved.data_disks if remembered else images.MOST_DATA_DISKS))


def _expected(image: Image, *, system_only: bool) -> Expected:
    disks = images.exported(image, system_only=system_only)
    return Expected([disk.snapshot_id for disk in disks], count=len(disks))
