"""The world as the explorer sees it: one object, its API server, one cloud, two processes. Frozen values; time in ticks.

A tick is five minutes of the cloud's clock. Only times relative to now are part of a state's identity (`World.key`), so that
the same situation a day later is the same state.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeVar

from imageferry.core.facts import Bounds
from imageferry.core.job import DeletionPolicy, ExportJob, ImageSource, Kind, RunPolicy, UnknownOutcome
from imageferry.core.journal import Journal
from imageferry.core.memory import Memory
from imageferry.core.observation import NotLooked
from imageferry.core.step import Step

TICK: Final = timedelta(minutes=5)
EPOCH: Final = datetime(2030, 1, 1, tzinfo=UTC)
LIFE: Final = 3
"""Ticks for which the cloud takes a signature, before and after the time it names."""
WINDOW: Final = 4
LEASE: Final = 2
OLDEST: Final = 12
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
    no_date_bound_seconds=2400.0,
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
    """A task in the cloud. `key` is empty for a task of somebody else; `file` is whether it left one."""

    id: str
    uid: str
    key: str
    owner: str
    state: TaskState
    accepted: int
    visible: int
    file: bool = False


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
class Thing:
    """The object as the API server holds it."""

    uid: str
    version: int
    born: int
    journal: Journal
    deleting: bool = False
    guarded: bool = False
    suspend: bool = False
    cancel_request: str = ""
    retry_request: str = ""


@dataclass(frozen=True)
class Process:
    """One replica. `seen` is what its store holds, `pending` a step it was stopped before; memory is replaced, never shared."""

    name: str
    life: int
    skew: int
    lease_end: int = -1
    """What this process knows of its own lease; it holds none beyond it."""
    paused: bool = False
    deaf: bool = False
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
    """What stays the same on every path of one search."""

    name: str
    policy: DeletionPolicy = DeletionPolicy.RETAIN
    has_token: bool = False
    can_cancel: bool = True
    provable: bool = True
    items_while_running: bool = False
    unknown_outcome: UnknownOutcome = UnknownOutcome.FAIL
    skews: tuple[int, int] = (0, 0)
    foreign_task: bool = False
    wishes: tuple[str, ...] = ("delete",)
    faults: int = 2
    wish_count: int = 1


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
    orphans: frozenset[str] = frozenset()
    claims: frozenset[tuple[str, str]] = frozenset()
    """Every (key, process) of a claim that the API server acknowledged."""
    retries: int = 0
    uids: int = 1

    def process(self, index: int, **changes: Any) -> "World":  # noqa: ANN401 -- as dataclasses.replace
        """The world with one process changed."""
        processes = list(self.processes)
        processes[index] = changed(processes[index], **changes)
        return changed(self, processes=tuple(processes))

    def key(self) -> tuple[Any, ...]:
        """What tells this state from others: times by their age, versions by their order."""
        age = _Ages(self.tick)
        version = self.thing.version if self.thing else 0
        return (
            age.thing(self.thing, version),
            tuple(
                (t.uid, t.key, t.owner, t.state, age.of(t.accepted), t.visible > self.tick, t.file)
                for t in self.cloud.tasks
            ),
            tuple(sorted((f.uid, f.key, f.owner, age.of(f.signed)) for f in self.cloud.flying)),
            tuple(age.process(p, version) for p in self.processes),
            (self.lease_holder, age.of(self.lease_end)),
            self.owner,
            self.faults,
            self.wishes,
            self.orphans,
            self.retries,
        )


class _Ages:
    """Times and versions relative to one state."""

    def __init__(self, tick: int) -> None:
        self._tick = tick

    def of(self, tick: int) -> int:
        return max(-OLDEST, min(OLDEST, self._tick - tick))

    def moment(self, moment: datetime | None) -> int | None:
        return None if moment is None else self.of((moment - EPOCH) // TICK)

    def thing(self, thing: Thing | None, version: int) -> tuple[Any, ...] | None:
        if thing is None:
            return None
        return (
            thing.uid,
            thing.version == version,
            self.journal(thing.journal),
            thing.deleting,
            thing.guarded,
            thing.suspend,
            thing.cancel_request,
            thing.retry_request,
        )

    def journal(self, journal: Journal) -> tuple[Any, ...]:
        claim, attempt, task = journal.claim, journal.attempt, journal.task
        return (
            attempt and (attempt.number, attempt.failures),
            claim and (claim.key, claim.account_id, self.moment(claim.claimed_at), claim.claimed_by),
            task and (task.id, task.key),
            journal.resolved is not None,
            self.moment(journal.start_at) is not None,
            journal.finished,
            journal.last_error and journal.last_error.reason,
            journal.last_refusal and self.moment(journal.last_refusal.next_try_at),
            journal.handled_retry,
            journal.handled_cancel,
            tuple(item.key for item in journal.artifacts),
            bool(journal.conditions),
        )

    def process(self, process: Process, version: int) -> tuple[Any, ...]:
        memory = process.memory
        seen = memory.observation
        clock = None if isinstance(seen, NotLooked) else self.moment(seen.cloud_time)
        return (
            process.life,
            self.of(process.lease_end),
            process.paused,
            process.deaf,
            process.idle,
            process.visiting,
            process.pending,
            self.thing(process.seen, version),
            type(seen).__name__,
            clock,
            getattr(getattr(seen, "task", None), "id", None),
            self.moment(memory.absent_since),
            memory.collected is not None and (len(memory.collected.items), memory.collected.flaw is None),
            memory.checked is not None,
            memory.guarded_here,
            memory.unsent,
            memory.unsent and self.of(int(memory.claimed_at // 300)),
            memory.cancels,
            memory.cancel_asked_at is not None and self.of(int(memory.cancel_asked_at // 300)),
            memory.deletion_seen_at is not None and self.of(int(memory.deletion_seen_at // 300)),
            memory.deletion_tried,
            memory.stale,
            memory.wiped,
            memory.cloud_away,
        )


def job_of(thing: Thing, setting: Setting) -> ExportJob:
    """The object as its manifest is read."""
    return ExportJob(
        kind=Kind.EXPORT,
        namespace="n",
        name="o",
        uid=thing.uid,
        generation=1,
        created_at=at(thing.born),
        deleting=thing.deleting,
        guarded=thing.guarded,
        retry_request=thing.retry_request,
        cancel_request=thing.cancel_request,
        account="a",
        region="r",
        role_name="",
        policy=RunPolicy(
            suspend=thing.suspend,
            backoff_limit=1,
            deletion_policy=setting.policy,
            unknown_outcome=setting.unknown_outcome,
            unknown_outcome_seconds=6 * 300,
        ),
        source=ImageSource(image_id="image"),
        bucket="b",
        prefix="p",
        format="RAW",
        disks="All",
    )


def first_world(setting: Setting) -> World:
    """Where every path begins: a new object, a leader and a standby."""
    thing = Thing(uid="u1", version=1, born=0, journal=Journal())
    tasks = (CloudTask("t0", "", "", "X", TaskState.RUNNING, 0, 0),) if setting.foreign_task else ()
    processes = (
        Process("A", 0, setting.skews[0], lease_end=LEASE, seen=thing),
        Process("B", 0, setting.skews[1], seen=thing),
    )
    return World(0, thing, Cloud(tasks, made=len(tasks)), processes, "X", setting.faults, setting.wish_count)
