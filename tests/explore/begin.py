"""Where the paths of a search begin: a new object, or one that has come a long way already."""

from imageferry.core.job import UnknownOutcome
from imageferry.core.journal import Attempt, Claim, Journal, LastError
from imageferry.core.keys import mark
from imageferry.core.memory import Memory
from imageferry.core.observation import Task
from imageferry.core.reasons import Reason
from tests.explore.directions import resolved
from tests.explore.model import LEASE, Cloud, CloudTask, Process, Setting, Spec, TaskState, Thing, World, at, spec_of
from tests.explore.writes import SAID

STRANGER = "somebody else's"


def first_world(setting: Setting) -> World:
    """A leader, mostly a standby that has heard what it has, and the object."""
    thing, tasks = _BEGINNINGS[setting.begins](spec_of(setting))
    foreign = (CloudTask("t0", "", STRANGER, "X", TaskState.RUNNING, 0, 0),) if setting.foreign_task else ()
    leader = Process("A", 0, setting.skews[0], lease_end=LEASE, seen=thing, memory=_acquainted(setting.skews[0]))
    processes = (leader, Process("B", 0, setting.skews[1], seen=thing))[: setting.replicas]
    cloud = Cloud((*foreign, *tasks), made=3 if tasks else len(foreign))
    unsure = setting.unknown_outcome is UnknownOutcome.RETRY or (tasks and not setting.provable)
    return World(0, thing, cloud, processes, "X", setting.faults, setting.wish_count, allowed=int(bool(unsure)))


def _acquainted(skew: int) -> Memory:
    """The leader has talked to the cloud before, and knows whether their clocks agree."""
    return Memory(clocks_apart_seconds=300.0 * abs(skew), clock_offset_seconds=at(skew).timestamp())


def _new(spec: Spec) -> tuple[Thing, tuple[CloudTask, ...]]:
    return Thing("u1", 1, 0, Journal(), spec), ()


def _open_end(spec: Spec) -> tuple[Thing, tuple[CloudTask, ...]]:
    """The job finished as OutcomeUnknown long ago; its task, which nobody could see, runs."""
    own = mark("u1", 1, "p")
    claim = Claim(key=own.key, object_prefix=own.object_prefix, account_id="X", claimed_at=at(-12), claimed_by="C0")
    journal = Journal(
        attempt=Attempt(number=1, failures=0, claim=claim),
        resolved=resolved(spec.kind),
        completion_at=at(-6),
        last_error=LastError(reason=Reason.OUTCOME_UNKNOWN, message="unknown", time=at(-6)),
        conditions=SAID,
    )
    task = CloudTask("t1", "u1", own.key, "X", TaskState.RUNNING, -12, -12)
    return Thing("u1", 1, -12, journal, spec), (task,)


def _running(spec: Spec) -> tuple[Thing, tuple[CloudTask, ...]]:
    """The second attempt's task runs; the first one failed."""
    own = mark("u1", 2, "p")
    claim = Claim(key=own.key, object_prefix=own.object_prefix, account_id="X", claimed_at=at(0), claimed_by="C0")
    journal = Journal(
        attempt=Attempt(number=2, failures=1, claim=claim),
        resolved=resolved(spec.kind),
        task=Task(id="t2", key=own.key, object_prefix=own.object_prefix, started_at=at(0)),
        start_at=at(-2),
        conditions=SAID,
    )
    first = CloudTask("t1", "u1", mark("u1", 1, "p").key, "X", TaskState.FAILED, -2, -2)
    return Thing("u1", 1, -2, journal, spec, guarded=True), (
        first,
        CloudTask("t2", "u1", own.key, "X", TaskState.RUNNING, 0, 0),
    )


def _between(spec: Spec) -> tuple[Thing, tuple[CloudTask, ...]]:
    """The first attempt ran long, failed and was closed."""
    journal = Journal(
        attempt=Attempt(number=1, failures=1, claim=None),
        resolved=resolved(spec.kind),
        start_at=at(-6),
        last_error=LastError(reason=Reason.TASK_FAILED, message="it failed", time=at(0)),
        conditions=SAID,
    )
    first = CloudTask("t1", "u1", mark("u1", 1, "p").key, "X", TaskState.FAILED, -6, -6)
    return Thing("u1", 1, -6, journal, spec, guarded=True), (first,)


_BEGINNINGS = {"new": _new, "an open end": _open_end, "a second attempt": _running, "between two attempts": _between}
