"""What a cloud was seen to say about one job.

Every observation but NotLooked carries the cloud's own clock (the Date of its answer): the window of a lost submission is
judged by that clock and never by a local one. An unknown task state is Running, never Failed.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime

from imageferry.core.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The cloud's own long-running work, as far as it is known.

    `id` is None where the cloud names none (a Tencent export found by its files). `state` is the cloud's own word.
    `cancellable` is None while unknown. `image_id` is the image an import makes; empty for exports.
    """

    id: str | None
    key: str
    object_prefix: str
    state: str = ""
    cancellable: bool | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    image_id: str = ""


@dataclass(frozen=True, slots=True)
class DiskProgress:
    """How far one disk is; `device` is its name in the machine."""

    device: str
    percent: int


@dataclass(frozen=True, slots=True)
class NotLooked:
    """Nobody has looked yet, or the last look is too old to count."""


@dataclass(frozen=True, slots=True)
class Absent:
    """Proven: no task of ours, no file under our prefix, and the claim younger than the cloud's memory of tasks."""

    cloud_time: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """A task on our image that cannot yet be told to be ours or not."""

    cloud_time: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class Unprovable:
    """Nothing of ours was found, and this cloud cannot prove that there is nothing."""

    cloud_time: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class Running:
    """A task of ours is under way; `percent` is 0 to 100, or None where the cloud gives none, as it may do of the rest."""

    cloud_time: datetime
    task: Task
    percent: int | None = None
    disks: tuple[DiskProgress, ...] = ()
    seconds_left: int | None = None


@dataclass(frozen=True, slots=True)
class Succeeded:
    """A task of ours ended well."""

    cloud_time: datetime
    task: Task


@dataclass(frozen=True, slots=True)
class Failed:
    """A task of ours ended badly. `retryable`: another attempt may fare better; `code` is the cloud's own."""

    cloud_time: datetime
    task: Task
    reason: Reason
    message: str
    retryable: bool
    code: str = ""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A task of ours was cancelled, by us or by a person."""

    cloud_time: datetime
    task: Task


Ours = Running | Succeeded | Failed | Cancelled
Observation = NotLooked | Absent | Candidate | Unprovable | Ours


def foremost(found: Iterable[tuple[int, Ours]], closed: Container[int]) -> Ours | None:
    """Of several tasks of one job, the one to follow: a living one first, then one that ended well, then the newest.

    `found` pairs attempt number and observation. A task that ended, and whose attempt the journal has `closed`, is not found
    again: it was dealt with. One that still runs is news all the same.
    """
    rank = {Running: 3, Succeeded: 2, Cancelled: 1, Failed: 1}
    news = [pair for pair in found if pair[0] not in closed or isinstance(pair[1], Running)]
    return max(news, key=lambda pair: (rank[type(pair[1])], pair[0]))[1] if news else None
