"""What `.status` remembers about a job's attempts: the only durable memory, as a frozen value.

An open claim is an attempt with a key and no task. A job is finished once it has a completion time; it finished badly if
an error stands beside it. Conditions are a report and are never read here as memory. How it is read from a status, and
written to one, is in core/status.py.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from imageferry.core.artifacts import Artifact
from imageferry.core.observation import DiskProgress, Task
from imageferry.core.resolved import Resolved


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The entry "attempt n with key k is about to be submitted". `claimed_at` is in whole seconds."""

    key: str
    object_prefix: str
    account_id: str
    claimed_at: datetime
    claimed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at the cloud. `number` only grows; `failures` counts the tries that cost one. `claim` is None once closed."""

    number: int
    failures: int
    claim: Claim | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the task is; `percent` is None where the cloud gives none."""

    percent: int | None
    updated_at: datetime
    estimated_finish_at: datetime | None = None
    disks: tuple[DiskProgress, ...] = ()
    """Of each disk, where the cloud tells."""


@dataclass(frozen=True, slots=True)
class Queued:
    """Waiting since, and when it is looked at again at the latest."""

    since: datetime
    next_try_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRefusal:
    """A submission refused for a lasting reason. `failure_class` is Blocked or Rejected."""

    reason: str
    failure_class: str
    message: str
    generation: int
    next_try_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastError:
    """The latest fault, or the reason for which a finished job finished badly."""

    reason: str
    message: str
    code: str = ""
    request_id: str = ""
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition as Kubernetes shows it."""

    type: str
    status: str
    reason: str
    message: str
    observed_generation: int
    last_transition_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """Everything of a status that the operator reads back."""

    attempt: Attempt | None = None
    resolved: Resolved | None = None
    task: Task | None = None
    progress: Progress | None = None
    queued: Queued | None = None
    artifacts: tuple[Artifact, ...] = ()
    start_at: datetime | None = None
    completion_at: datetime | None = None
    last_error: LastError | None = None
    last_refusal: LastRefusal | None = None
    handled_retry: str = ""
    handled_cancel: str = ""
    observed_generation: int = -1
    conditions: tuple[Condition, ...] = field(default=())
    doubtful: bool = False
    """The status named an attempt that is not ours or was cut: the journal counts as lost. Not written."""

    @property
    def claim(self) -> Claim | None:
        """The claim that is open or belongs to the task; None while idle."""
        return self.attempt.claim if self.attempt else None

    @property
    def number(self) -> int:
        """The number of the latest attempt; 0 before the first."""
        return self.attempt.number if self.attempt else 0

    @property
    def failures(self) -> int:
        """The attempts that cost one."""
        return self.attempt.failures if self.attempt else 0

    @property
    def finished(self) -> bool:
        """The job ended, well or badly."""
        return self.completion_at is not None

    def deadline(self, limit_seconds: int | None) -> datetime | None:
        """When a limit passes that counts from the first submission; None without a limit, or before there was one."""
        if limit_seconds is None or self.start_at is None:
            return None
        return self.start_at + timedelta(seconds=limit_seconds)

    @property
    def failed(self) -> bool:
        """The job ended badly."""
        return self.finished and self.last_error is not None
