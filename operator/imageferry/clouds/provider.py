"""The contract of a cloud: a few verbs in plain frozen values.

Laws:

- No call waits for a task to end, and each has a deadline shorter than its caller's.
- All but `submit` are safe to repeat. Only the failures of core/errors.py escape.
- An unknown task state means Running, never Failed. Every observation carries the cloud's own clock.
- Before each verb the caller has made sure that the credentials' owner is the account of the attempt.
- Files and tasks are ours if the object name begins with the attempt's object prefix and "_"; images and snapshots if they bear
  the attempt's key as a tag. Nothing else counts.
"""

from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from imageferry.clouds.finding import Finding
from imageferry.core.account import AssumedRole, Endpoints, InstanceRole, Limits, WorkloadIdentity
from imageferry.core.artifacts import Artifact, Artifacts
from imageferry.core.job import Job, Kind
from imageferry.core.journal import Claim
from imageferry.core.keys import Mark
from imageferry.core.observation import Observation, Task
from imageferry.core.resolved import Obstructed, Resolved
from imageferry.core.secret import Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to look for: the marks of a job's attempts, not before `since`.

    `since` is the cloud's and the API server's time of the earliest act that may have made a task: the claim's time, or the
    object's creation where the journal was lost. `until` ends the window of the newest claim; None where there is none.
    `closed` are the numbers among the marks whose attempts the journal has closed (see core.observation.foremost).
    `image_id` is the image that is exported, empty where the journal was lost and the source is not an id; `image_name` the
    name of the image that is made.
    """

    marks: tuple[Mark, ...]
    closed: Container[int]
    region: str
    image_id: str
    image_name: str
    bucket: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where and when a task of ours came from: the proof that it is ours while it does not show its mark.

    `image_id` is the image that is exported, or that is made. `since` is the claim's time, `until` the end of its window.
    """

    image_id: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What this cloud can do for this direction: end a task early; recognise a repeated submission by a client token.

    `send_seconds` is how old a claim may be at the most for its request to be sent still; None leaves it to the settings.
    """

    cancel: bool
    client_token: bool
    send_seconds: float | None = None


class ImageProvider(Protocol):
    """One account and region of one cloud."""

    @property
    def capabilities(self) -> Capabilities:
        """What this cloud can and cannot do."""

    async def preflight(self, job: Job) -> Resolved | Obstructed:
        """What the job means here, or what an earlier attempt of its own left in the way.

        Raises Rejected, Blocked or Deferred with a reason that names the remedy.
        """

    async def resolve(self, job: Job) -> Resolved:
        """What the job means here, for a task of ours that was found again: as preflight, but nothing is forbidden.

        Raises Transient or Blocked if the image cannot be found any more.
        """

    async def submit(self, job: Job, claim: Claim, resolved: Resolved, *, repeat: int) -> Task:
        """Exactly one request on the wire, no retry, its own deadline, signed with `claim.claimed_at`.

        `repeat` is 0 for the claim's first request; others are sent only where the cloud has a client token.

        Raises Unsent only if the request provably never left, Unconfirmed whenever the task may have started, and any other
        Failure only as the cloud's own proof that it has not.
        """

    async def find(self, search: Search) -> Observation:
        """Is there a task of ours? Absent only with proof; Candidate or Unprovable otherwise."""

    async def poll(self, tasks: Mapping[str, Task], pinned: Mapping[str, Resolved]) -> Mapping[str, Observation]:
        """Many tasks at once, as few calls as the cloud allows, by the caller's own ids (uids) in and out.

        `pinned` tells by the same ids what each was asked for: a cloud may show a task by its files alone.
        """

    async def cancel(self, task: Task, origin: Origin) -> None:
        """Ask the cloud to end the task; "already ended" is success.

        A task that is not proven to be ours, by its files or else by its origin, is left alone.
        """

    async def collect(self, resolved: Resolved, task: Task) -> Artifacts:
        """What is really there: every file under the task's prefix with size, checksum and format by its magic bytes.

        Of an import: the image, and the snapshots that were made for it.
        """

    async def discard(self, artifacts: Sequence[Artifact], own: Container[str]) -> None:
        """Delete what collect listed and bears one of the `own` keys, and nothing else; "already gone" is success."""

    async def running(self) -> Sequence[str]:
        """The ids of all tasks of this operation that run in the region, whoever started them."""

    async def aclose(self) -> None:
        """Let go of threads and sockets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """How long calls and looks may take, in seconds; the operator's settings say why."""

    submit_deadline_seconds: float
    read_deadline_seconds: float
    task_retention_seconds: float
    busy_seconds: float
    """After this long an image that is busy is worth another look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Everything a cloud needs to make its clients. `report` is told action, region and code of every request made.

    `doubt` is told when the cloud answers that it does not take the keys (any more).
    """

    keys: Keys
    endpoints: Endpoints
    timings: Timings
    requests_per_second: float | None
    pool: ThreadPoolExecutor
    report: Callable[[str, str, str], None]
    doubt: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One region to inspect: the jobs that are meant for it, and buckets to look at beside theirs."""

    region: str
    jobs: tuple[Job, ...] = ()
    buckets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """What to inspect. `limits` are the account's own; `dry_run` lets the cloud be asked without a task."""

    places: tuple[Place, ...]
    limits: Limits
    dry_run: bool

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All jobs, wherever they are meant for."""
        return tuple(job for place in self.places for job in place.jobs)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The directions of its jobs; without a job both, as the account may be meant for either."""
        named = {job.kind for job in self.jobs}
        return tuple(kind for kind in Kind if kind in named or not named)


class CloudConnection(Protocol):
    """One version of one account's credentials."""

    async def owner(self) -> str:
        """The id of the cloud account that owns the credentials, asked from the cloud. Raises a Failure."""

    def provider(self, kind: Kind, region: str) -> ImageProvider:
        """The verbs for one direction in one region; the same object for the same arguments."""

    async def inspect(self, inquiry: Inquiry) -> Sequence[Finding]:
        """What the account and each job lack, and what the cloud shows of itself; only reads and dry runs.

        One finding is about finding.SCOPE, unless no more is looked at than owner, regions, and each job as a whole.

        Raises a Failure only if the cloud does not even tell who owns the credentials, or which regions it has.
        """

    async def aclose(self) -> None:
        """Let go of what the connection holds."""


Connect = Callable[[Access], CloudConnection]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What temporary keys are to be had for, and everything needed to ask for them.

    `keys` sign the request for an assumed role; the other two kinds need none. `token_file` holds the projected service
    account token, `metadata_endpoint` replaces the address of the instance's metadata service unless it is empty.
    """

    role: WorkloadIdentity | InstanceRole | AssumedRole
    keys: Keys | None
    endpoints: Endpoints
    token_file: Path
    metadata_endpoint: str
    deadline_seconds: float
    pool: ThreadPoolExecutor
    report: Callable[[str, str, str], None]


Obtain = Callable[[Exchange], Awaitable[Keys]]
"""Ask the cloud for temporary keys, once. Raises Blocked with the remedy, or Transient."""
