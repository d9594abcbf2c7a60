"""Which searches are made: in each kind of cloud and for each policy one thing at a time, then several where it matters.

`TESTED` is searched with every change, `DEEP` by `python -m tests.explore.soak`.
"""

from dataclasses import replace
from typing import Any

from imageferry.core.job import DeletionPolicy, Kind, UnknownOutcome
from tests.explore.model import Setting
from tests.explore.troubles import Fault, Wish

ALL = tuple(Wish)

_EXPORTS = Setting("exports")
_DELETE = Setting("exports under Delete", policy=DeletionPolicy.DELETE)
_ORPHAN = Setting("exports under Orphan", policy=DeletionPolicy.ORPHAN)
_SHOWN = Setting("a running task shows its files", items_while_running=True)
_SECOND = Setting("a second attempt, under Delete", policy=DeletionPolicy.DELETE, begins="a second attempt")
_OPEN = Setting("an open end", begins="an open end")
_TOKEN = Setting("a client token", has_token=True)
_IMPORTS = Setting("imports", kind=Kind.IMPORT, has_token=True, items_while_running=True)
"""An image bears its tag from the first moment, and a repeat is known by its client token."""
_BLIND = Setting("a cloud that cannot prove, Fail", provable=False, can_cancel=False)

KINDS_OF_CLOUD = (
    _EXPORTS,
    _DELETE,
    _ORPHAN,
    _SHOWN,
    Setting("a leader whose clock is ahead, a standby whose clock is behind", skews=(1, -1)),
    Setting("a leader whose clock is behind, a standby whose clock is ahead", skews=(-1, 1)),
    _TOKEN,
    _IMPORTS,
    _BLIND,
    replace(_BLIND, name="a cloud that cannot prove, Retry", unknown_outcome=UnknownOutcome.RETRY),
    _SECOND,
    _OPEN,
    replace(_OPEN, name="an open end in a cloud that cannot prove", provable=False, can_cancel=False),
)
"""Each is searched with one fault, and with one wish."""

BUSY = Setting("somebody else exports the same image", foreign_task=True)

_BETWEEN = Setting("between two attempts", begins="between two attempts")

_BUSY_AND_SKEWED: dict[str, Any] = {"foreign_task": True, "skews": (1, -1)}
_USUAL = (Wish.DELETE, Wish.CANCEL, Wish.SUSPEND, Wish.SECRET, Wish.ROTATE, Wish.WIPE, Wish.POLICY)
_FAILING = Setting("tasks fail by themselves", free=(Fault.FAILED,))

BROAD = (
    *(replace(each, faults=1, wish_count=0) for each in KINDS_OF_CLOUD),
    *(replace(each, faults=0, wish_count=1, wishes=ALL) for each in KINDS_OF_CLOUD),
    replace(BUSY, faults=1, wish_count=0),
    replace(BUSY, faults=0, wish_count=1, wishes=(Wish.DELETE, Wish.SECRET, Wish.ROTATE, Wish.WIPE, Wish.FORGE)),
    replace(_EXPORTS, faults=2, wish_count=0),
    replace(_EXPORTS, faults=1, wish_count=1, wishes=_USUAL),
    replace(_ORPHAN, faults=1, wish_count=1, wishes=(Wish.DELETE,)),
    replace(_IMPORTS, policy=DeletionPolicy.DELETE, faults=1, wish_count=1, wishes=(Wish.DELETE,)),
    replace(_BLIND, faults=1, wish_count=1, wishes=(Wish.WIPE,)),
    replace(_OPEN, faults=1, wish_count=1, wishes=(Wish.RETRY, Wish.WIPE, Wish.DELETE)),
    replace(_SECOND, faults=1, wish_count=1, wishes=(Wish.DELETE, Wish.CANCEL, Wish.DEADLINE)),
    replace(_SECOND, faults=2, wish_count=0),
    replace(_BETWEEN, faults=2, wish_count=0, replicas=1),
    replace(_BETWEEN, replicas=1, faults=1, wish_count=1, wishes=(Wish.RETRY, Wish.LIMIT, Wish.DEADLINE)),
    replace(_SHOWN, replicas=1, faults=1, wish_count=1, wishes=(Wish.CANCEL,)),
    replace(
        _TOKEN,
        name="a repeat that never leaves",
        faults=2,
        strikes=(Fault.LATE, Fault.UNSENT),
        wish_count=1,
        wishes=(Wish.CANCEL, Wish.SUSPEND),
    ),
    replace(
        _EXPORTS,
        name="a claim that comes late, after a withdrawal without an answer",
        faults=2,
        strikes=(Fault.LOST_ANSWER, Fault.LATE),
        wish_count=1,
        wishes=(Wish.ROTATE,),
    ),
    replace(_TOKEN, name="a repeat for an object that nothing holds", faults=1, wish_count=1, wishes=(Wish.UNGUARD,)),
)
"""All faults, at any moment."""

# A row that is reached late is met with what strikes early by a search that begins near it, in which what leads there is free
# or is wished at one stage alone: few states, and at most two faults all the same.

_CLAIMED = Setting("while a claim is open", wishes=(Wish.DELETE, Wish.SECRET, Wish.ROTATE), wished_in="claim")
_UNRECORDED = replace(
    _CLAIMED,
    name="a task that cannot be written down, while its claim is open",
    begins="between two attempts",
    free=(Fault.UNRECORDED,),
    faults=1,
    replicas=1,
)
_LAGGING = replace(
    _UNRECORDED,
    name="after a task that was shown late, while the next one's claim is open",
    free=(Fault.UNRECORDED, Fault.FAILED),
    limit=2,
    strikes=(Fault.LAGGING,),
)
_ALONE = replace(_FAILING, replicas=1)
_AGAIN = replace(_ALONE, begins="between two attempts", limit=2)

_OBSTRUCTED = replace(
    _IMPORTS,
    name="an import fails, its image stays, and a person asks for another",
    free=(Fault.FAILED,),
    replicas=1,
    limit=0,
    faults=1,
    wishes=(Wish.RETRY,),
    wished_in="finished",
)

_EARLY = (
    Fault.UNSENT, Fault.REFUSED, Fault.LASTING, Fault.UNFIT, Fault.SILENT, Fault.ENDED, Fault.JUMPED, Fault.FORGOTTEN,
    Fault.FAILED, Fault.DENIED,
)  # fmt: skip
_ON_SUBMIT = (Fault.LOST_ANSWER, Fault.UNSENT, Fault.LAGGING, Fault.UNRECORDED)

DIRECTED = (
    *(replace(each, **_BUSY_AND_SKEWED, faults=1, strikes=(Fault.KILLED_IN,)) for each in (_CLAIMED, _BLIND, _TOKEN)),
    replace(
        _CLAIMED,
        **_BUSY_AND_SKEWED,
        name="while a claim is open, under Orphan",
        faults=1,
        strikes=(Fault.KILLED_IN,),
        policy=DeletionPolicy.ORPHAN,
        wishes=(Wish.DELETE,),
    ),
    replace(_ORPHAN, **_BUSY_AND_SKEWED, faults=0, wishes=(Wish.DELETE,)),
    replace(_DELETE, **_BUSY_AND_SKEWED, faults=0, wishes=(Wish.DELETE,)),
    replace(_EXPORTS, **_BUSY_AND_SKEWED, faults=0, wishes=(Wish.POLICY, Wish.CANCEL, Wish.SUSPEND)),
    replace(_OPEN, **_BUSY_AND_SKEWED, faults=0, wishes=(Wish.RETRY,)),
    replace(_BETWEEN, **_BUSY_AND_SKEWED, faults=0, wishes=(Wish.LIMIT, Wish.DEADLINE)),
    replace(
        _BETWEEN,
        name="between two attempts, beside somebody else",
        faults=0,
        wishes=(Wish.DEADLINE,),
        foreign_task=True,
    ),
    replace(
        _BETWEEN,
        name="between two attempts, the leader's clock ahead",
        skews=(1, 0),
        faults=1,
        strikes=(Fault.KILLED_AFTER,),
        wishes=(Wish.DEADLINE,),
        wished_in="idle",
    ),
    replace(_ALONE, **_BUSY_AND_SKEWED, begins="between two attempts", faults=0, wish_count=0),
    replace(_ALONE, faults=2, wish_count=0, strikes=(Fault.UNRECORDED, Fault.FORGOTTEN)),
    replace(_ALONE, faults=2, wish_count=0, strikes=(*_ON_SUBMIT, Fault.UNFIT, Fault.DENIED)),
    replace(
        _TOKEN, replicas=1, faults=2, wish_count=0, strikes=(*_EARLY, Fault.LAGGING, Fault.UNRECORDED, Fault.KILLED_IN)
    ),
    replace(
        _BLIND, replicas=1, faults=2, wish_count=0, strikes=(*_EARLY, Fault.LAGGING, Fault.UNRECORDED, Fault.KILLED_IN)
    ),
    replace(
        _UNRECORDED,
        strikes=(*_EARLY, Fault.DEAF, Fault.NOT_DONE, Fault.KILLED_BEFORE, Fault.KILLED_AFTER),
    ),
    replace(
        _UNRECORDED, name="the same under Orphan", policy=DeletionPolicy.ORPHAN, wishes=(Wish.DELETE,), strikes=_EARLY
    ),
    _LAGGING,
    replace(_LAGGING, name="the same, then let go", policy=DeletionPolicy.ORPHAN, wishes=(Wish.DELETE,)),
    replace(
        _ALONE,
        name="failures and second thoughts between attempts",
        faults=1,
        strikes=(*_ON_SUBMIT, Fault.ENDED, Fault.DEAF, Fault.FORGOTTEN),
        wishes=(Wish.DEADLINE, Wish.LIMIT, Wish.SECRET, Wish.CANCEL, Wish.SUSPEND),
        wished_in="idle",
    ),
    _OBSTRUCTED,
    replace(_OBSTRUCTED, **_BUSY_AND_SKEWED, name="the same, beside somebody else", faults=0),
    replace(
        _ALONE,
        limit=0,
        name="the only attempt fails, and a person asks for another",
        faults=1,
        strikes=(
            *_ON_SUBMIT,
            Fault.REFUSED,
            Fault.LASTING,
            Fault.UNFIT,
            Fault.SILENT,
            Fault.KILLED_IN,
            Fault.KILLED_AFTER,
        ),
        wishes=(Wish.RETRY,),
        wished_in="finished",
    ),
    replace(
        _BETWEEN,
        name="a stranger, between two attempts",
        replicas=1,
        faults=2,
        wish_count=0,
        strikes=(
            Fault.NOT_DONE,
            Fault.DENIED,
            Fault.REFUSED,
            Fault.LASTING,
            Fault.KILLED_AFTER,
            Fault.ENDED,
            Fault.FORGOTTEN,
            Fault.BUSY,
        ),
    ),
    replace(
        _AGAIN,
        name="a lease not renewed, in a later attempt",
        faults=2,
        wish_count=0,
        strikes=(Fault.UNSENT, Fault.LAGGING, Fault.UNRECORDED, Fault.PAUSED),
    ),
    replace(
        _AGAIN,
        name="a stranger, in a later attempt",
        faults=2,
        wish_count=0,
        strikes=(Fault.UNSENT, Fault.LAGGING, Fault.BUSY),
    ),
    replace(
        _AGAIN,
        name="a client token, in a later attempt",
        has_token=True,
        faults=2,
        wish_count=0,
        strikes=(Fault.LOST_ANSWER, Fault.DEAF, Fault.FORGOTTEN, Fault.NOT_DONE),
    ),
    replace(
        _BLIND,
        name="a cloud that cannot prove, and failures",
        free=(Fault.FAILED,),
        replicas=1,
        faults=2,
        wish_count=0,
        strikes=(Fault.LAGGING, Fault.DEAF, Fault.LOST_ANSWER),
    ),
)
"""Few faults, where they lead on."""

TESTED = (*BROAD, *DIRECTED)

RETOLD = (
    *(replace(each, faults=1, wish_count=0) for each in (_EXPORTS, _IMPORTS, _TOKEN, _BLIND, _SECOND)),
    replace(_EXPORTS, faults=0, wish_count=1, wishes=ALL),
    replace(
        _LAGGING, name="let go after a task that was shown late", policy=DeletionPolicy.ORPHAN, wishes=(Wish.DELETE,)
    ),
)
"""Small ones, in which each state that counts as one already known is followed all the same."""

_LEFT_OPEN = replace(
    _CLAIMED,
    name="a claim left open after something else",
    free=(Fault.FAILED,),
    faults=2,
    strikes=(*_EARLY, Fault.LAGGING, Fault.UNRECORDED, Fault.KILLED_IN),
)

DEEP = (
    _LEFT_OPEN,
    replace(_LEFT_OPEN, name="the same under Orphan", policy=DeletionPolicy.ORPHAN, wishes=(Wish.DELETE,)),
    replace(_BETWEEN, free=(Fault.FAILED,), faults=2, wish_count=0),
    replace(_BETWEEN, free=(Fault.FAILED,), faults=1, wish_count=1, wishes=ALL),
    *(replace(each, faults=3, wish_count=0) for each in (*KINDS_OF_CLOUD, BUSY)),
    *(replace(each, faults=2, wish_count=1, wishes=ALL) for each in (*KINDS_OF_CLOUD, BUSY)),
    *(replace(each, faults=1, wish_count=2, wishes=ALL) for each in (*KINDS_OF_CLOUD, BUSY)),
)
