"""The world as the explorer sees it: one object, its API server, one cloud, two processes. Frozen values; time in ticks.

A tick is five minutes of the cloud's clock. What makes two worlds the same state is said in identity.py.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, TypeVar

from imageferry.core.facts import Bounds
from imageferry.core.job import DeletionPolicy, Job, Kind, RunPolicy, UnknownOutcome
from imageferry.core.journal import Journal
from imageferry.core.memory import Memory
from imageferry.core.step import Step
from tests.explore import directions
from tests.explore.troubles import ANYWHERE, Fault, Wish

TICK: Final = timedelta(minutes=5)
EPOCH: Final = datetime(2030, 1, 1, tzinfo=UTC)
LIFE: Final = 3
"""Ticks for which the cloud takes a signature, before and after the time it names."""
WINDOW: Final = 4
LEASE: Final = 2
FENCE: Final = 2
"""Ticks that a lease has to last for a call to be sent: the call and its margin. One that was not renewed in time is too short."""
OLDEST: Final = 7
"""Ages beyond this are the same age: longer than every bound below."""

BOUNDS: Final = Bounds(
    window_seconds=WINDOW * 300.0,
    send_seconds=300.0,
    read_lag_seconds=300.0,
    look_again_seconds=30.0,
    hold_recheck_seconds=900.0,
    young_object_seconds=300.0,
    cancelled_bound_seconds=300.0,
    away_bound_seconds=900.0,
    claim_extra_seconds=300.0,
    no_date_bound_seconds=1800.0,
    clock_agreement_seconds=60.0,
)


_V = TypeVar("_V")


def changed(value: _V, **changes: Any) -> _V:  # noqa: ANN401 -- as dataclasses.replace
    """As dataclasses.replace for the values of this model, five times as fast: a search makes millions of them."""
    new = object.__new__(type(value))
    new.__dict__.update(value.__dict__)
    new.__dict__.update(changes)
    return new


def at(tick: int) -> datetime:
    """The cloud's clock at a tick."""
    return EPOCH + tick * TICK


class TaskState(StrEnum):
    """What the cloud's task does."""

    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


@dataclass(frozen=True)
class CloudTask:
    """A task in the cloud. `uid` is empty for a task of somebody else; `file` is whether it left one.

    A task is forgotten by its id once `known` is False; its file stays. Where reads lag behind the task's beginning, they lag
    behind its end as well: the end is shown before the file is listed.
    """

    id: str
    uid: str
    key: str
    owner: str
    state: TaskState
    accepted: int
    visible: int
    file: bool = False
    known: bool = True
    ended: int | None = None

    def lists_file(self, tick: int) -> bool:
        """The file is there, and the bucket's list shows it by now."""
        return self.file and (self.ended is None or self.ended + self.visible - self.accepted <= tick)


@dataclass(frozen=True)
class Flying:
    """A submission on the wire that nobody waits for any more: the cloud may take it while its signature lives."""

    uid: str
    key: str
    owner: str
    signed: int


@dataclass(frozen=True)
class Cloud:
    """Everything the cloud knows."""

    tasks: tuple[CloudTask, ...] = ()
    flying: tuple[Flying, ...] = ()
    made: int = 0


@dataclass(frozen=True)
class Spec:
    """The fields of a spec that may change while the job runs. `deadline` is in ticks."""

    policy: DeletionPolicy
    unknown_outcome: UnknownOutcome
    kind: Kind
    limit: int
    deadline: int | None = None
    suspend: bool = False
    generation: int = 1


@dataclass(frozen=True)
class Thing:
    """The object as the API server holds it."""

    uid: str
    version: int
    born: int
    journal: Journal
    spec: Spec
    deleting: bool = False
    guarded: bool = False
    cancel_request: str = ""
    retry_request: str = ""


@dataclass(frozen=True)
class Late:
    """A write that its writer gave up on: it lands as long as nothing was written since `seen`."""

    seen: Thing
    written: Thing | None


@dataclass(frozen=True)
class Process:
    """One replica. `seen` is what its store holds, `pending` a step it was stopped before; memory is replaced, never shared."""

    name: str
    life: int
    skew: int
    jumped: int = 0
    """How far its clock is from where it was, until it is put right."""
    lease_end: int = -1
    """What this process knows of its own lease; it holds none beyond it."""
    paused: bool = False
    deaf: bool = False
    """What it reads is what it read before, at a takeover as well."""
    idle: bool = False
    visiting: bool = False
    pending: Step | None = None
    seen: Thing | None = None
    memory: Memory = field(default_factory=Memory)

    @property
    def identity(self) -> str:
        """Random in truth: unique per start of a process."""
        return f"{self.name}{self.life}"


@dataclass(frozen=True)
class Setting:
    """What stays the same on every path of one search. `strikes` are the faults that happen in it."""

    name: str
    policy: DeletionPolicy = DeletionPolicy.RETAIN
    has_token: bool = False
    can_cancel: bool = True
    provable: bool = True
    items_while_running: bool = False
    unknown_outcome: UnknownOutcome = UnknownOutcome.FAIL
    skews: tuple[int, int] = (0, 0)
    foreign_task: bool = False
    free: tuple[Fault, ...] = ()
    """Faults that belong to the surroundings here: they may happen at any time, and are not counted."""
    strikes: tuple[Fault, ...] = ANYWHERE
    wishes: tuple[str, ...] = (Wish.DELETE,)
    wished_in: str = ""
    """The stage of the journal in which persons wish something; empty: at any time. See moves.stage_of."""
    limit: int = 1
    kind: Kind = Kind.EXPORT
    replicas: int = 2
    """One alone makes fewer states; where it may be stopped, nobody ends a deletion in its place (L2)."""
    faults: int = 2
    wish_count: int = 1
    begins: str = "new"
    """Where every path begins: see begin.py."""


def spec_of(setting: Setting) -> Spec:
    """What a new object asks for."""
    return Spec(setting.policy, setting.unknown_outcome, setting.kind, setting.limit)


@dataclass(frozen=True)
class World:
    """One state."""

    tick: int
    thing: Thing | None
    cloud: Cloud
    processes: tuple[Process, ...]
    owner: str
    faults: int
    wishes: int
    lease_holder: str = "A0"
    lease_end: int = LEASE
    late: tuple[Late, ...] = ()
    away: bool = False
    """The Secret is gone."""
    barred: bool = False
    """The grant is gone."""
    unfit: bool = False
    """Preflight says no, until time passes."""
    orphans: frozenset[str] = frozenset()
    claims: frozenset[tuple[str, str]] = frozenset()
    """Every (key, process) of a claim that the API server acknowledged."""
    allowed: int = 0
    """How often a person allowed another task beside one whose end is not known: a retry request, unknownOutcome Retry."""
    meddled: bool = False
    """A person wrote what only the operator writes, and so that it looks genuine."""
    uids: int = 1

    def process(self, index: int, **changes: Any) -> "World":  # noqa: ANN401 -- as dataclasses.replace
        """The world with one process changed."""
        processes = list(self.processes)
        processes[index] = changed(processes[index], **changes)
        return changed(self, processes=tuple(processes))


def job_of(thing: Thing) -> Job:
    """The object as its manifest is read."""
    return _job(
        thing.uid, thing.born, thing.spec, (thing.deleting, thing.guarded), (thing.retry_request, thing.cancel_request)
    )


@lru_cache(maxsize=4096)
def _job(uid: str, born: int, spec: Spec, marks: tuple[bool, bool], requests: tuple[str, str]) -> Job:
    deleting, guarded = marks
    retry_request, cancel_request = requests
    return directions.job(
        spec.kind,
        namespace="n",
        name="o",
        uid=uid,
        generation=spec.generation,
        created_at=at(born),
        deleting=deleting,
        guarded=guarded,
        retry_request=retry_request,
        cancel_request=cancel_request,
        account="a",
        region="r",
        role_name="",
        policy=RunPolicy(
            suspend=spec.suspend,
            backoff_limit=spec.limit,
            active_deadline_seconds=None if spec.deadline is None else spec.deadline * 300,
            deletion_policy=spec.policy,
            unknown_outcome=spec.unknown_outcome,
            unknown_outcome_seconds=6 * 300,
        ),
    )
