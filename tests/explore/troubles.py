"""Everything that can go wrong on a path and everything that a person can do: the kinds of fault that rows are met with."""

from enum import StrEnum

from imageferry.core import step as steps


class Fault(StrEnum):
    """What goes wrong. Most strike a write or a call of one step; the others a process, a task or the whole surroundings."""

    LOST_ANSWER = "its answer is lost"
    NOT_DONE = "it fails and was not done"
    DENIED = "the API server refuses it"
    LATE = "it arrives later, and nobody waits for its answer"
    UNSENT = "it provably never leaves"
    REFUSED = "the quota refuses it"
    LASTING = "it is refused for a lasting reason"
    UNFIT = "preflight refuses it"
    LAGGING = "the cloud's reads lag behind it"
    UNRECORDED = "its task cannot be written down"
    SILENT = "the cloud does not answer, or asks for fewer calls"
    KILLED_BEFORE = "the process is killed before it"
    KILLED_IN = "the process is killed after it, before its answer"
    KILLED_AFTER = "the process is killed after its answer"
    ENDED = "the process ends in good order before it"
    PAUSED = "the process is stopped just before it"
    DEAF = "the API server's news does not reach a process"
    JUMPED = "a process's clock jumps"
    FAILED = "a task fails and leaves a part of its file"
    FORGOTTEN = "the cloud forgets a task that ended"
    BUSY = "somebody else exports the same image"
    SKEWED = "the clocks of the processes are apart"


ANYWHERE = tuple(fault for fault in Fault if fault not in (Fault.BUSY, Fault.SKEWED))
"""What strikes in every search that names no faults of its own: not the surroundings."""


class Wish(StrEnum):
    """What a person does. The last four are done to what is not theirs to write: status and finalizer."""

    DELETE = "delete"
    RECREATE = "recreate"
    CANCEL = "cancel"
    RETRY = "retry"
    SUSPEND = "suspend"
    POLICY = "edit deletionPolicy"
    LIMIT = "edit backoffLimit"
    DEADLINE = "edit activeDeadlineSeconds"
    OUTCOME = "edit unknownOutcome"
    ROTATE = "rotate"
    SECRET = "take the Secret away, or bring it back"
    GRANT = "take the grant away, or bring it back"
    WIPE = "wipe"
    COPY = "copy another object's status"
    FORGE = "forge a task"
    UNGUARD = "remove the finalizer"


Kind = Fault | Wish
KINDS: tuple[Kind, ...] = (*Fault, *Wish)
BIT = {kind: 1 << place for place, kind in enumerate(KINDS)}

WRITES = (
    steps.Guard, steps.Unguard, steps.Release, steps.Claim, steps.Withdraw, steps.Close, steps.Adopt, steps.Complete,
    steps.Fail, steps.Reopen,
)  # fmt: skip
"""Steps that are one write to the API server."""

KILLS = (Fault.KILLED_BEFORE, Fault.KILLED_IN, Fault.KILLED_AFTER)
STOPS = (Fault.ENDED, Fault.PAUSED)

_ON_WRITE = (Fault.LOST_ANSWER, Fault.NOT_DONE, Fault.DENIED, Fault.LATE, *KILLS, *STOPS)
_ON_SUBMIT = (
    Fault.LOST_ANSWER, Fault.NOT_DONE, Fault.LATE, Fault.UNSENT, Fault.REFUSED, Fault.LASTING, Fault.LAGGING,
    Fault.UNRECORDED, Fault.KILLED_BEFORE, Fault.KILLED_IN, *STOPS,
)  # fmt: skip
_ON_CHANGE = (Fault.LOST_ANSWER, Fault.SILENT, Fault.KILLED_BEFORE, Fault.KILLED_IN, *STOPS)
_ON_READ = (Fault.SILENT, Fault.KILLED_BEFORE)


def that_strike(step: steps.Step) -> tuple[Fault, ...]:
    """The faults that can strike this very step."""
    match step:
        case steps.Submit():
            return _ON_SUBMIT
        case steps.Cancel() | steps.Discard():
            return _ON_CHANGE
        case steps.Check():
            return (*_ON_READ, Fault.UNFIT)
        case steps.Look() | steps.Collect():
            return _ON_READ
        case steps.Wait() | steps.Hold() | steps.Rest():
            return ()
        case _:
            return _ON_WRITE
