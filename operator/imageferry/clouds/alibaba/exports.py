"""The verbs for exports: ECS images into OSS buckets, in one region. The contract is in clouds/provider.py."""

from collections.abc import Awaitable, Callable, Collection, Container, Mapping, Sequence
from datetime import datetime
from typing import Final

import structlog

from imageferry.clouds.alibaba import listing, output, requests, search, translate
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.alibaba.preflight import Preflight
from imageferry.clouds.alibaba.tasks import Sighting, Tasks
from imageferry.clouds.alibaba.translate import Detail
from imageferry.clouds.direction import only
from imageferry.clouds.provider import Capabilities, Origin, Search
from imageferry.clouds.threads import together
from imageferry.core.artifacts import Artifact, Artifacts, File
from imageferry.core.errors import Transient, Unconfirmed
from imageferry.core.job import ExportJob, Job
from imageferry.core.journal import Claim
from imageferry.core.keys import key_in
from imageferry.core.observation import Absent, Observation, Running, Task
from imageferry.core.reasons import Reason
from imageferry.core.resolved import Resolved, ResolvedExport

log = structlog.get_logger(__name__)

_PERCENTS_A_LOOK: Final = 10
"""Of so many running tasks the percent is asked for in one poll: that takes one call each, where the state takes none."""


class Exports:
    """ECS images into OSS buckets, in one region."""

    def __init__(
        self, calls: Calls, wishes: Preflight, *, seen_without: Callable[[str], Awaitable[datetime | None]]
    ) -> None:
        self._calls, self._preflight = calls, wishes
        self._seen_without = seen_without
        self._tasks = Tasks(calls, Action.EXPORT_IMAGE)
        self._percents = _Percents()

    @property
    def capabilities(self) -> Capabilities:
        """Exports can be cancelled (CancelTask); ExportImage takes no client token."""
        return Capabilities(cancel=True, client_token=False)

    async def preflight(self, job: Job) -> Resolved:
        """What the job means here. Raises Rejected, Blocked or Deferred."""
        return await self._preflight.check(only(ExportJob, job))

    async def resolve(self, job: Job) -> Resolved:
        """What the job means here, for a task of ours that was found again. Raises Transient or Blocked."""
        return await self._preflight.resolve(only(ExportJob, job))

    async def submit(self, job: Job, claim: Claim, resolved: Resolved, *, repeat: int) -> Task:
        """ExportImage, once, from what was pinned. Raises as the contract says."""
        if repeat:
            raise AssertionError("ExportImage takes no client token: it is never repeated")
        answer = await self._calls.submit(
            Action.EXPORT_IMAGE,
            requests.export_request(only(ResolvedExport, resolved), claim),
            signed_at=claim.claimed_at,
            nonce=claim.key,
        )
        task_id, request_id = answer.body.get("TaskId"), answer.body.get("RequestId")
        if not isinstance(task_id, str) or not task_id:
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
            id=task_id, key=claim.key, object_prefix=claim.object_prefix, state="Waiting", started_at=answer.date
        )

    async def find(self, search_: Search) -> Observation:
        """Is there a task of ours, by the files it writes?

        Where no claim is open, and the cloud has no such region, there is none: its own address may not even resolve.
        """
        if search_.until is None and (cloud_time := await self._seen_without(self._calls.region)):
            return Absent(cloud_time)
        return await search.find(self._calls, search_)

    async def poll(self, tasks: Mapping[str, Task], _: Mapping[str, Resolved]) -> Mapping[str, Observation]:
        """The states, 100 tasks to a call. A task without an id, or whose details failed to come, is left out."""
        known = {uid: task for uid, task in tasks.items() if task.id}
        sightings = await self._tasks.sightings([task.id for task in known.values() if task.id])
        rows = [sighting.row for sighting in sightings.values()]
        asked = self._percents.choose([row.id for row in rows if row and not row.ended])
        seen = await together(self._look(task, sightings[task.id or ""], asked) for task in known.values())
        return {uid: look for uid, look in zip(known, seen, strict=True) if look}

    async def cancel(self, task: Task, origin: Origin) -> None:
        """CancelTask, if the task is ours: by its files; while it shows none, by its image and the time it was made."""

        async def is_ours(shown: Detail) -> bool:
            owned = translate.owned(shown, task.object_prefix)
            return await self._tasks.fits(shown.listed.id, origin) if owned is None else owned

        await self._tasks.cancel(task, is_ours)

    async def collect(self, resolved: Resolved, task: Task) -> Artifacts:
        """What is really there."""
        return await output.collect(self._calls, only(ResolvedExport, resolved), task)

    async def discard(self, artifacts: Sequence[Artifact], own: Container[str]) -> None:
        """Delete the files among them whose names bear one of the `own` keys, and nothing else."""
        files = [item for item in artifacts if isinstance(item, File) and key_in(item.key) in own]
        await output.discard(self._calls, files)

    async def running(self) -> Sequence[str]:
        """The ids of all exports that run in the region, whoever started them."""
        return await self._tasks.running()

    async def aclose(self) -> None:
        """Let go of the sockets."""
        await self._preflight.aclose()
        self._calls.close()

    async def _look(self, task: Task, sighting: Sighting, asked: Collection[str]) -> Observation | None:
        """What is seen of one task; details cost a call and are asked of ended tasks and of some that run."""
        row, cloud_time = sighting.row, sighting.cloud_time
        if row is None:
            return Absent(cloud_time)
        current = Running(
            cloud_time, translate.task(row, task.key, task.object_prefix), self._percents.last.get(row.id)
        )
        if not row.ended and row.id not in asked:
            return current
        try:
            shown, _ = await listing.detail(self._calls, row.id)
        except Transient as failure:
            if failure.code == listing.UNKNOWN_TASK:
                return Absent(cloud_time)
            return None if row.ended else current
        if translate.owned(shown, task.object_prefix) is False:
            return Absent(cloud_time)
        if shown.percent is not None:
            self._percents.last[row.id] = shown.percent
        return translate.seen(shown.listed, task, cloud_time, shown)


class _Percents:
    """Whose percent is asked for next, and the last answers: running tasks take turns, ten to a poll."""

    def __init__(self) -> None:
        self.last: dict[str, int] = {}
        self._turns: dict[str, int] = {}
        self._turn = 0

    def choose(self, running: Sequence[str]) -> frozenset[str]:
        """The tasks to ask about now. What is no longer running is forgotten."""
        self._turn += 1
        self._turns = {task_id: self._turns.get(task_id, 0) for task_id in running}
        self.last = {task_id: percent for task_id, percent in self.last.items() if task_id in self._turns}
        chosen = sorted(running, key=lambda task_id: self._turns[task_id])[:_PERCENTS_A_LOOK]
        self._turns |= dict.fromkeys(chosen, self._turn)
        return frozenset(chosen)
