"""Which searches are made: in each kind of cloud and for each policy one thing at a time, then several where it matters.

`TESTED` is searched with every change, `DEEP` by `python -m tests.explore.soak`.
"""

from dataclasses import replace
from typing import Any

from imageferry.core.job import DeletionPolicy, UnknownOutcome
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
_BLIND = Setting("a cloud that cannot prove, Fail", provable=False, can_cancel=False)

KINDS_OF_CLOUD = (
    _EXPORTS,
    _DELETE,
    _ORPHAN,
    _SHOWN,
    Setting("a leader whose clock is ahead, a standby whose clock is behind", skews=(1, -1)),
    Setting("a leader whose clock is behind, a standby whose clock is ahead", skews=(-1, 1)),
    _TOKEN,
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

_RARE = (
    Fault.UNSENT, Fault.REFUSED, Fault.LASTING, Fault.UNFIT, Fault.LAGGING, Fault.UNRECORDED, Fault.SILENT, Fault.ENDED,
    Fault.JUMPED, Fault.FORGOTTEN,
)  # fmt: skip
"""What strikes before a claim is left open, and is therefore not met there by one fault alone."""

_USUAL = (Wish.DELETE, Wish.CANCEL, Wish.SUSPEND, Wish.SECRET, Wish.ROTATE, Wish.WIPE, Wish.POLICY)
_CLAIMED = Setting("while a claim is open", wishes=(Wish.DELETE, Wish.SECRET, Wish.ROTATE), wished_while_claimed=True)
_FAILING = Setting("tasks fail by themselves", tasks_fail=True)
_ON_TASKS = (Fault.LAGGING, Fault.UNRECORDED, Fault.FORGOTTEN)

_LEFT_OPEN = Setting(
    "a claim left open after something else",
    tasks_fail=True,
    faults=2,
    strikes=(*_RARE, Fault.KILLED_IN),
    wish_count=1,
    wishes=(Wish.DELETE, Wish.SECRET, Wish.ROTATE),
    wished_while_claimed=True,
)

TESTED = (
    *(replace(each, faults=1, wish_count=0) for each in KINDS_OF_CLOUD),
    *(replace(each, faults=0, wish_count=1, wishes=ALL) for each in KINDS_OF_CLOUD),
    replace(BUSY, faults=1, wish_count=0),
    replace(BUSY, faults=0, wish_count=1, wishes=(Wish.DELETE, Wish.SECRET, Wish.ROTATE, Wish.WIPE, Wish.FORGE)),
    replace(_EXPORTS, faults=2, wish_count=0),
    replace(_EXPORTS, faults=1, wish_count=1, wishes=_USUAL),
    replace(_DELETE, faults=1, wish_count=1, wishes=(Wish.DELETE,)),
    replace(_ORPHAN, faults=1, wish_count=1, wishes=(Wish.DELETE,)),
    replace(_BLIND, faults=1, wish_count=1, wishes=(Wish.WIPE,)),
    replace(_OPEN, faults=1, wish_count=1, wishes=(Wish.RETRY, Wish.WIPE, Wish.DELETE)),
    replace(_SECOND, faults=1, wish_count=1, wishes=(Wish.DELETE, Wish.CANCEL, Wish.DEADLINE)),
    replace(_BETWEEN, faults=2, wish_count=0),
    replace(_SECOND, faults=2, wish_count=0),
    *(replace(each, **_BUSY_AND_SKEWED, faults=1, strikes=(Fault.KILLED_IN,)) for each in (_CLAIMED, _BLIND, _TOKEN)),
    replace(
        _CLAIMED,
        **_BUSY_AND_SKEWED,
        name="while a claim is open, under Orphan",
        faults=1,
        strikes=(Fault.KILLED_IN,),
        policy=DeletionPolicy.ORPHAN,
    ),
    replace(_FAILING, faults=1, wish_count=1, strikes=_ON_TASKS, wishes=(Wish.DELETE, Wish.CANCEL, Wish.SUSPEND)),
    replace(_FAILING, faults=2, wish_count=0, strikes=(*_ON_TASKS, Fault.UNFIT, Fault.KILLED_IN)),
    replace(_BETWEEN, faults=1, wish_count=1, wishes=(Wish.RETRY, Wish.LIMIT, Wish.DEADLINE)),
    replace(_SHOWN, faults=1, wish_count=1, wishes=(Wish.CANCEL,)),
    replace(_ORPHAN, **_BUSY_AND_SKEWED, faults=0, wishes=(Wish.DELETE,)),
    replace(_DELETE, **_BUSY_AND_SKEWED, faults=0, wishes=(Wish.DELETE,)),
    replace(
        _BETWEEN,
        name="between two attempts, beside somebody else",
        faults=0,
        wishes=(Wish.DEADLINE,),
        foreign_task=True,
    ),
    replace(_EXPORTS, **_BUSY_AND_SKEWED, faults=0, wishes=(Wish.POLICY, Wish.CANCEL, Wish.SUSPEND)),
    replace(_OPEN, **_BUSY_AND_SKEWED, faults=0, wishes=(Wish.RETRY,)),
    replace(_BETWEEN, **_BUSY_AND_SKEWED, faults=0, wishes=(Wish.LIMIT, Wish.DEADLINE)),
    replace(_TOKEN, faults=2, wish_count=0, strikes=(*_RARE, Fault.KILLED_IN)),
    replace(_BLIND, faults=2, wish_count=0, strikes=(*_RARE, Fault.KILLED_IN)),
)

DEEP = (
    _LEFT_OPEN,
    replace(_LEFT_OPEN, name="the same under Orphan", policy=DeletionPolicy.ORPHAN, wishes=(Wish.DELETE,)),
    replace(_BETWEEN, tasks_fail=True, faults=2, wish_count=0),
    replace(_BETWEEN, tasks_fail=True, faults=1, wish_count=1, wishes=ALL),
    *(replace(each, faults=3, wish_count=0) for each in (*KINDS_OF_CLOUD, BUSY)),
    *(replace(each, faults=2, wish_count=1, wishes=ALL) for each in (*KINDS_OF_CLOUD, BUSY)),
    *(replace(each, faults=1, wish_count=2, wishes=ALL) for each in (*KINDS_OF_CLOUD, BUSY)),
)
