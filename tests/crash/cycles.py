"""Life cycles: what a user wishes and does with one object, and how it has to end. Values only; nothing runs here.

Another cloud or another kind of object is one more value. Acts are told apart from faults: an act is meant by somebody.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from imageferry.core.job import TASK_FINALIZER
from tests.crash.cluster import Manifest

Holds = Callable[[Manifest], bool]

_AT: Final = "2026-01-01T00:00:00Z"


class Files(StrEnum):
    """What has to lie in the bucket at the end, of all that the object's attempts ever wrote."""

    LISTED = "listed"  # what the status lists, and nothing else
    KEPT = "kept"  # whatever was written: nobody may delete a file
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a user does once something holds: a merge patch, or the deletion where there is none."""

    when: Holds
    change: Mapping[str, Any] | None = None
    subresource: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One life cycle. `seconds` are real ones per disk; `faults` strike its submissions; `quota` is how many may run.

    An act waits for a state that passes by, or for what comes after it: on a slow machine nobody may have seen the state.
    """

    name: str
    promise: str
    spec: Mapping[str, Any] = field(default_factory=dict)
    disks: int = 1
    seconds: float = 0.6
    image: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Mapping[str, Any], ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    quota: int = 100
    tells: bool = False
    """The cloud tells while a task runs which files it writes, so that a task whose answer was lost can be cancelled."""
    acts: tuple[Act, ...] = ()
    ends: Holds | None
    """None: the object is gone."""
    files: Files
    fewest: int = 1
    most: int = 1
    """How many submissions the cloud accepts in all, at the least and at the most."""
    leaves_task: bool = False
    """The policy says that a running task goes on when its object is gone."""


def _reason(manifest: Manifest) -> str:
    conditions = manifest.get("status", {}).get("conditions", ())
    return next((str(each["reason"]) for each in conditions if each["type"] == "Ready"), "")


def _shows(*reasons: str) -> Holds:
    return lambda manifest: _reason(manifest) in reasons


def _has_task(manifest: Manifest) -> bool:
    return "task" in manifest.get("status", {})


def _claimed(manifest: Manifest) -> bool:
    return "key" in manifest.get("status", {}).get("attempt", {})


def _rests(reason: str, *, guarded: bool = False) -> Holds:
    def holds(manifest: Manifest) -> bool:
        status, finalizers = manifest.get("status", {}), manifest["metadata"].get("finalizers", [])
        return "completionTime" in status and _reason(manifest) == reason and (TASK_FINALIZER in finalizers) is guarded

    return holds


_EXPORTED: Final = _rests("Exported")
_SLOW: Final = 600.0
_CANCEL: Final = {"metadata": {"annotations": {"imageferry.dev/cancel-requested-at": _AT}}}
_RETRY: Final = {"metadata": {"annotations": {"imageferry.dev/retry-requested-at": _AT}}}
_TASK_FAILS: Final = {"fault": "taskFails", "atPercent": 50}
_KEEP, _DELETE = {"deletionPolicy": "Retain"}, {"deletionPolicy": "Delete"}
_LET_GO: Final = {"deletionPolicy": "Orphan"}


CYCLES: Final = (
    Cycle(
        name="retain",
        promise="an export succeeds, and is let go of",
        spec=_KEEP,
        disks=2,
        ends=_EXPORTED,
        files=Files.LISTED,
    ),
    Cycle(
        name="delete",
        promise="an export succeeds and is deleted under Delete: its files go",
        spec=_DELETE,
        acts=(Act(when=_rests("Exported", guarded=True)),),
        ends=None,
        files=Files.NONE,
    ),
    Cycle(
        name="retry",
        promise="a task fails, and the second attempt succeeds",
        spec={"backoffLimit": 1, **_KEEP},
        disks=2,
        faults=(_TASK_FAILS,),
        ends=_EXPORTED,
        files=Files.LISTED,
        fewest=2,
        most=2,
    ),
    Cycle(
        name="adopt",
        promise="the answer to a submission is lost, and the task is found",
        spec=_KEEP,
        faults=({"fault": "answerLost"},),
        ends=_EXPORTED,
        files=Files.LISTED,
    ),
    Cycle(
        name="unheard",
        promise="a submission never arrives, and is made anew after its window",
        spec=_KEEP,
        faults=({"fault": "dropBeforeAccept"},),
        ends=_EXPORTED,
        files=Files.LISTED,
    ),
    Cycle(
        name="cancel",
        promise="a cancel is requested while the task runs",
        spec=_KEEP,
        seconds=_SLOW,
        tells=True,
        acts=(Act(when=_has_task, change=_CANCEL),),
        ends=_rests("Cancelled"),
        files=Files.LISTED,
    ),
    Cycle(
        name="again",
        promise="an export fails for good, and a person asks for a retry",
        spec={"backoffLimit": 0, **_KEEP},
        # A failed task that tells no files cannot be told from a stranger's: after a lost answer another attempt follows it.
        tells=True,
        faults=(_TASK_FAILS,),
        acts=(Act(when=_rests("TaskFailed"), change=_RETRY),),
        ends=_EXPORTED,
        files=Files.LISTED,
        fewest=2,
        most=2,
    ),
    Cycle(
        name="wiped",
        promise="the status is wiped while the task runs, and the task is found again",
        spec=_KEEP,
        seconds=1.5,
        acts=(Act(when=_has_task, change={"status": None}, subresource="/status"),),
        ends=_EXPORTED,
        files=Files.LISTED,
    ),
    Cycle(
        name="deleted-pending",
        promise="an export that cannot start is deleted",
        spec=_DELETE,
        image={"disks": [{"sizeGiB": 20, "bytes": 65536, "encrypted": True}]},
        acts=(Act(when=_shows("EncryptedSnapshot")),),
        ends=None,
        files=Files.NONE,
        fewest=0,
        most=0,
    ),
    Cycle(
        name="deleted-queued",
        promise="an export that waits for the cloud's quota is deleted",
        spec=_DELETE,
        quota=0,
        acts=(Act(when=_shows("ConcurrentQuotaExceeded", "Queued")),),
        ends=None,
        files=Files.NONE,
        fewest=0,
        most=0,
    ),
    Cycle(
        name="deleted-claimed",
        promise="an export is deleted the moment its claim is there",
        spec=_DELETE,
        seconds=3.0,
        acts=(Act(when=_claimed),),
        ends=None,
        files=Files.NONE,
        fewest=0,
    ),
    Cycle(
        name="deleted-submitting",
        promise="an export is deleted while nobody knows whether its submission arrived; it had",
        spec=_DELETE,
        seconds=3.0,
        faults=({"fault": "answerLost"},),
        acts=(Act(when=lambda manifest: _has_task(manifest) or _shows("SubmissionUnknown")(manifest)),),
        ends=None,
        files=Files.NONE,
        fewest=0,
    ),
    Cycle(
        name="deleted-running",
        promise="an export is deleted under Delete while its task runs: the task is cancelled and its files go",
        spec=_DELETE,
        seconds=_SLOW,
        tells=True,
        acts=(Act(when=_has_task),),
        ends=None,
        files=Files.NONE,
    ),
    Cycle(
        name="kept-running",
        promise="an export is deleted under Retain while its task runs: the task is cancelled",
        spec=_KEEP,
        seconds=_SLOW,
        tells=True,
        acts=(Act(when=_has_task),),
        ends=None,
        files=Files.KEPT,
    ),
    Cycle(
        name="orphaned-running",
        promise="an export is deleted under Orphan while its task runs: the task goes on",
        spec=_LET_GO,
        seconds=1.0,
        acts=(Act(when=_has_task),),
        ends=None,
        files=Files.KEPT,
        leaves_task=True,
    ),
    Cycle(
        name="deleted-verifying",
        promise="an export is deleted while a file is missing that may yet come",
        spec=_DELETE,
        disks=2,
        faults=({"fault": "objectMissing", "disk": 1},),
        settings={"read_lag_seconds": "5"},
        acts=(Act(when=_shows("Verifying", "OutputMissing")),),
        ends=None,
        files=Files.NONE,
    ),
    Cycle(
        name="deleted-failed",
        promise="an export that failed is deleted: the files of the failed task go",
        spec={"backoffLimit": 0, **_DELETE},
        disks=2,
        faults=({**_TASK_FAILS, "atPercent": 70},),
        acts=(Act(when=lambda manifest: "completionTime" in manifest.get("status", {})),),
        ends=None,
        files=Files.NONE,
    ),
)
BY_NAME: Final = {cycle.name: cycle for cycle in CYCLES}
