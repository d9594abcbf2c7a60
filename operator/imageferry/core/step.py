"""The one thing to do next: the output of decide. Each step is a value; engine/reconciler.py performs it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from imageferry.core.artifacts import Artifact, Artifacts
from imageferry.core.errors import Refusal
from imageferry.core.observation import Ours, Running, Task
from imageferry.core.reasons import Reason

BY_EVENT: Final = None
"""A wait that ends when something happens (a poll, a free slot, an edit), not at a time."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing is left to do."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Work goes on by itself; look again after `seconds`, or at the next event."""

    reason: Reason
    message: str
    seconds: float | None = BY_EVENT
    running: Running | None = None
    """The task's state to show, where the wait is for a running task."""
    retry_at: datetime | None = None
    """When the lane is tried again at the latest, where the wait is for a turn."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A person has to change something; look again after `seconds` all the same."""

    refusal: Refusal
    seconds: float


@dataclass(frozen=True, slots=True)
class Guard:
    """Put the finalizer on."""


@dataclass(frozen=True, slots=True)
class Unguard:
    """Take the finalizer off: nothing is left for it to do."""


@dataclass(frozen=True, slots=True)
class Release:
    """Take the finalizer off an object that is being deleted; `orphan`: after recording the task on the account."""

    orphan: bool


@dataclass(frozen=True, slots=True)
class Check:
    """Ask the cloud what the job means there (preflight)."""


@dataclass(frozen=True, slots=True)
class Look:
    """Search the cloud for a task of ours by the marks of these attempt numbers; `closed` were dealt with before."""

    numbers: range
    closed: range


@dataclass(frozen=True, slots=True)
class Claim:
    """Record that attempt `number` is about to be submitted."""

    number: int


@dataclass(frozen=True, slots=True)
class Submit:
    """Send the claim's one request; `again`: repeat one that bears a client token."""

    again: bool


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Take back a claim whose request has not been sent."""


@dataclass(frozen=True, slots=True)
class Adopt:
    """Record a task of ours that was found."""

    found: Ours


@dataclass(frozen=True, slots=True)
class Close:
    """End the attempt and keep the job going; `costs_attempt`: it counts against backoffLimit."""

    reason: Reason
    message: str
    costs_attempt: bool


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ask the cloud to end the task."""

    task: Task


@dataclass(frozen=True, slots=True)
class Collect:
    """List and check what lies under the attempt's key."""

    task: Task


@dataclass(frozen=True, slots=True)
class Discard:
    """Delete these files, and no others."""

    items: tuple[Artifact, ...]


@dataclass(frozen=True, slots=True)
class Complete:
    """The job finished well with these files; `task` as it was last seen, None where the cloud has forgotten it."""

    artifacts: Artifacts
    task: Task | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """The job finished badly; `items` are the files that its last attempt left, `task` as it was last seen, where it was."""

    reason: Reason
    message: str
    items: tuple[Artifact, ...] = ()
    code: str = ""
    task: Task | None = None


@dataclass(frozen=True, slots=True)
class Reopen:
    """Start over on a person's request."""


Step = (
    Rest
    | Wait
    | Hold
    | Guard
    | Unguard
    | Release
    | Check
    | Look
    | Claim
    | Submit
    | Withdraw
    | Adopt
    | Close
    | Cancel
    | Collect
    | Discard
    | Complete
    | Fail
    | Reopen
)
