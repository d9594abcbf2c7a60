"""The life cycles: which there are. Values only; nothing runs here.

Another cloud or another kind of object is one more value. Acts are told apart from faults: an act is meant by somebody.
"""

from typing import Final

from imageferry.core.job import TASK_FINALIZER
from tests.crash.cluster import Manifest
from tests.crash.cycle import Act, Cycle, Holds, Output
from tests.crash.directions import EXPORT, IMPORT, Direction

_AT: Final = "2026-01-01T00:00:00Z"


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


_SLOW: Final = 600.0
_CANCEL: Final = {"metadata": {"annotations": {"imageferry.dev/cancel-requested-at": _AT}}}
_RETRY: Final = {"metadata": {"annotations": {"imageferry.dev/retry-requested-at": _AT}}}
_KEEP, _DELETE = {"deletionPolicy": "Retain"}, {"deletionPolicy": "Delete"}
_LET_GO: Final = {"deletionPolicy": "Orphan"}


def _of(direction: Direction, before: str = "") -> tuple[Cycle, ...]:
    """The life cycles of both directions, their names with something before them."""
    noun, output, succeeded = direction.noun, direction.output, _rests(direction.done)
    return (
        Cycle(
            name=f"{before}retain",
            promise=f"an {noun} succeeds, and is let go of",
            direction=direction,
            spec=_KEEP,
            disks=2,
            ends=succeeded,
            output=Output.LISTED,
        ),
        Cycle(
            name=f"{before}delete",
            promise=f"an {noun} succeeds and is deleted under Delete: its {output} go",
            direction=direction,
            spec=_DELETE,
            acts=(Act(when=_rests(direction.done, guarded=True)),),
            ends=None,
            output=Output.NONE,
        ),
        Cycle(
            name=f"{before}kept",
            promise=f"an {noun} succeeds and is deleted under Retain: its {output} stay",
            direction=direction,
            spec=_KEEP,
            acts=(Act(when=succeeded),),
            ends=None,
            output=Output.KEPT,
        ),
        Cycle(
            name=f"{before}retry",
            promise="a task fails, and the second attempt succeeds",
            direction=direction,
            spec={"backoffLimit": 1, **_KEEP},
            disks=2,
            fails_at=50,
            ends=succeeded,
            output=Output.LISTED,
            fewest=2,
            most=2,
        ),
        Cycle(
            name=f"{before}adopt",
            promise="the answer to a submission is lost, and the task is found",
            direction=direction,
            spec=_KEEP,
            faults=({"fault": "answerLost"},),
            ends=succeeded,
            output=Output.LISTED,
        ),
        Cycle(
            name=f"{before}unheard",
            promise="a submission never arrives, and another one does",
            direction=direction,
            spec=_KEEP,
            faults=({"fault": "dropBeforeAccept"},),
            ends=succeeded,
            output=Output.LISTED,
        ),
        Cycle(
            name=f"{before}cancel",
            promise="a cancel is requested while the task runs",
            direction=direction,
            spec=_KEEP,
            seconds=_SLOW,
            tells=direction.needs_tale,
            acts=(Act(when=_has_task, change=_CANCEL),),
            ends=_rests("Cancelled"),
            output=Output.LISTED,
        ),
        Cycle(
            name=f"{before}again",
            promise=f"an {noun} fails for good, and a person asks for a retry",
            direction=direction,
            spec={"backoffLimit": 0, **_KEEP},
            # A failed task that tells no files cannot be told from a stranger's: after a lost answer another attempt follows it.
            tells=direction.needs_tale,
            fails_at=50,
            acts=(Act(when=_rests("TaskFailed"), change=_RETRY),),
            ends=succeeded,
            output=Output.LISTED,
            fewest=2,
            most=2,
        ),
        Cycle(
            name=f"{before}wiped",
            promise="the status is wiped while the task runs, and the task is found again",
            direction=direction,
            spec=_KEEP,
            seconds=1.5,
            acts=(Act(when=_has_task, change={"status": None}, subresource="/status"),),
            ends=succeeded,
            output=Output.LISTED,
        ),
        Cycle(
            name=f"{before}deleted-queued",
            promise=f"an {noun} that waits for the cloud's quota is deleted",
            direction=direction,
            spec=_DELETE,
            quota=0,
            acts=(Act(when=_shows("ConcurrentQuotaExceeded", "Queued")),),
            ends=None,
            output=Output.NONE,
            fewest=0,
            most=0,
        ),
        Cycle(
            name=f"{before}deleted-claimed",
            promise=f"an {noun} is deleted the moment its claim is there",
            direction=direction,
            spec=_DELETE,
            seconds=3.0,
            acts=(Act(when=_claimed),),
            ends=None,
            output=Output.NONE,
            fewest=0,
        ),
        Cycle(
            name=f"{before}deleted-submitting",
            promise=f"an {noun} is deleted while nobody knows whether its submission arrived; it had",
            direction=direction,
            spec=_DELETE,
            seconds=3.0,
            faults=({"fault": "answerLost"},),
            acts=(Act(when=lambda manifest: _has_task(manifest) or _shows("SubmissionUnknown")(manifest)),),
            ends=None,
            output=Output.NONE,
            fewest=0,
        ),
        Cycle(
            name=f"{before}deleted-running",
            promise=f"an {noun} is deleted under Delete while its task runs: the task is cancelled and its {output} go",
            direction=direction,
            spec=_DELETE,
            seconds=_SLOW,
            tells=direction.needs_tale,
            acts=(Act(when=_has_task),),
            ends=None,
            output=Output.NONE,
        ),
        Cycle(
            name=f"{before}kept-running",
            promise=f"an {noun} is deleted under Retain while its task runs: the task is cancelled",
            direction=direction,
            spec=_KEEP,
            seconds=_SLOW,
            tells=direction.needs_tale,
            acts=(Act(when=_has_task),),
            ends=None,
            output=Output.KEPT,
        ),
        Cycle(
            name=f"{before}orphaned-running",
            promise=f"an {noun} is deleted under Orphan while its task runs: the task goes on",
            direction=direction,
            spec=_LET_GO,
            seconds=1.0,
            acts=(Act(when=_has_task),),
            ends=None,
            output=Output.KEPT,
            leaves_task=True,
        ),
        Cycle(
            name=f"{before}deleted-failed",
            promise=f"an {noun} that failed is deleted: the {output} of the failed task go",
            direction=direction,
            spec={"backoffLimit": 0, **_DELETE},
            disks=2,
            fails_at=70,
            acts=(Act(when=lambda manifest: "completionTime" in manifest.get("status", {})),),
            ends=None,
            output=Output.NONE,
        ),
    )


_OF_EXPORTS: Final = (
    Cycle(
        name="deleted-pending",
        direction=EXPORT,
        promise="an export that cannot start is deleted",
        spec=_DELETE,
        image={"disks": [{"sizeGiB": 20, "bytes": 65536, "encrypted": True}]},
        acts=(Act(when=_shows("EncryptedSnapshot")),),
        ends=None,
        output=Output.NONE,
        fewest=0,
        most=0,
    ),
    Cycle(
        name="deleted-verifying",
        direction=EXPORT,
        promise="an export is deleted while a file is missing that may yet come",
        spec=_DELETE,
        disks=2,
        faults=({"fault": "objectMissing", "disk": 1},),
        settings={"read_lag_seconds": "5"},
        acts=(Act(when=_shows("Verifying", "OutputMissing")),),
        ends=None,
        output=Output.NONE,
    ),
)
CYCLES: Final = (*_of(EXPORT), *_OF_EXPORTS, *_of(IMPORT, "import-"))
BY_NAME: Final = {cycle.name: cycle for cycle in CYCLES}
