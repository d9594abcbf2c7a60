"""The verbs for imports: files in COS buckets into CVM images, in one region. The contract is in clouds/provider.py."""

import zlib
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from datetime import datetime
from typing import Final

import structlog

from imageferry.clouds.direction import only
from imageferry.clouds.paging import joined
from imageferry.clouds.provider import Capabilities, Origin, Search
from imageferry.clouds.tencent import import_output, import_search, import_state, listing, requests
from imageferry.clouds.tencent.calls import SIGNED_LATE, Calls
from imageferry.clouds.tencent.client import Action
from imageferry.clouds.tencent.import_preflight import ImportPreflight
from imageferry.clouds.tencent.import_state import mark_of, untold
from imageferry.clouds.tencent.listing import OWN
from imageferry.clouds.tencent.requests import MARK
from imageferry.clouds.tencent.translate import FAILED, NORMAL, Image
from imageferry.core.artifacts import Artifact, Artifacts
from imageferry.core.errors import Unconfirmed
from imageferry.core.job import ImportJob, Job
from imageferry.core.journal import Claim
from imageferry.core.observation import Absent, Observation, Running, Task
from imageferry.core.reasons import Reason
from imageferry.core.resolved import Obstructed, Resolved, ResolvedImport

log = structlog.get_logger(__name__)

_READABLE_SECONDS: Final = 12 * 3600
"""How long the address of a file can be used that an import is given: an import may wait in a queue of unknown length. Signed
with temporary keys it ends with these."""


_SPREAD_SECONDS: Final = 3600
"""By up to so much they differ from attempt to attempt: two that are signed in the same second for as long are the same address,
which can be used once."""


class Imports:
    """Files in COS buckets into CVM images, in one region."""

    def __init__(
        self, calls: Calls, wishes: ImportPreflight, *, seen_without: Callable[[str], Awaitable[datetime | None]]
    ) -> None:
        self._calls, self._preflight = calls, wishes
        self._seen_without = seen_without

    @property
    def capabilities(self) -> Capabilities:
        """No call ends an import, and ImportImage takes no client token."""
        return Capabilities(cancel=False, client_token=False, send_seconds=SIGNED_LATE.total_seconds())

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

        The addresses of the files are made for this request: one that is signed can be used once. They go into no status and
        no log line.
        """
        if repeat:
            raise AssertionError("ImportImage takes no client token: it is never repeated")
        seconds = _READABLE_SECONDS + zlib.crc32(claim.key.encode()) % _SPREAD_SECONDS
        wished = requests.import_request(
            only(ResolvedImport, resolved),
            claim,
            lambda number, disk: self._calls.link(disk.bucket, disk.key, seconds + number),
        )
        answer = await self._calls.submit(Action.IMPORT_IMAGE, wished, claimed_at=claim.claimed_at)
        image_id = answer.body.get("ImageId")
        if not isinstance(image_id, str) or not image_id:
            raise Unconfirmed(Reason.SUBMISSION_UNKNOWN, "The cloud took the submission, but named no image.")
        log.info(
            "import submitted",
            uid=job.uid,
            key=claim.key,
            account=claim.account_id,
            region=resolved.region,
            image_id=image_id,
            request_id=answer.body.get("RequestId"),
        )
        return Task(
            id=None,
            key=claim.key,
            object_prefix=claim.object_prefix,
            state="IMPORTING",
            cancellable=False,
            started_at=answer.date,
            image_id=image_id,
        )

    async def find(self, search: Search) -> Observation:
        """Is there an image of ours, by its tag? Where the cloud has no such region, and no claim is open, there is none."""
        if search.until is None and (cloud_time := await self._seen_without(self._calls.region)):
            return Absent(cloud_time)
        return await import_search.find(self._calls, search)

    async def poll(self, tasks: Mapping[str, Task], _: Mapping[str, Resolved]) -> Mapping[str, Observation]:
        """What became of each image. All that bear any mark come in one listing; those that show none are asked for by id."""
        marked = await listing.images(self._calls, OWN, ("tag-key", [MARK]))
        missing = [task.image_id for task in tasks.values() if task.image_id and task.image_id not in marked.rows]
        others = await listing.images_by_id(self._calls, missing)
        found = joined([marked, *([others] if others else [])])
        return {uid: _look(task, found.rows, found.cloud_time) for uid, task in tasks.items()}

    async def cancel(self, task: Task, origin: Origin) -> None:
        """There is no such call, as `capabilities` says: the import runs to its end."""
        log.info("not cancelled: the cloud has no call for it", key=task.key, image_id=origin.image_id)

    async def collect(self, resolved: Resolved, task: Task) -> Artifacts:
        """What is really there: the image and its snapshots."""
        return await import_output.collect(self._calls, only(ResolvedImport, resolved), task)

    async def discard(self, artifacts: Sequence[Artifact], own: Container[str]) -> None:
        """Delete the images among them that bear one of the `own` keys, each with its snapshots, and nothing else."""
        await import_output.discard(self._calls, artifacts, own)

    async def running(self) -> Sequence[str]:
        """The ids of all images of the account that are being imported, whoever asked for them: an import has no other id."""
        own = await listing.images(self._calls, OWN)
        return [image.id for image in own.rows.values() if image.state == "IMPORTING"]

    async def aclose(self) -> None:
        """Let go of the sockets."""
        await self._preflight.aclose()
        self._calls.close()


def _look(task: Task, images: Mapping[str, Image], cloud_time: datetime) -> Observation:
    """What is seen of one attempt: by its mark, or by the id that it was told while that image shows no tags yet."""
    image = next((each for each in images.values() if mark_of(each.tags) == task.key), None)
    if image:
        return import_state.seen(task, image, cloud_time)
    named = images.get(task.image_id)
    if named and untold(named) and named.state not in (NORMAL, *FAILED):
        current = import_state.seen(task, named, cloud_time)
        return Running(cloud_time, current.task)
    return Absent(cloud_time)
