"""Every reachable state of the protocol, with faults, in every kind of cloud: no law broken, and a way to an end from each."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from imageferry.core.job import DeletionPolicy, UnknownOutcome
from tests.explore.model import Setting
from tests.explore.search import Result, explore
from tests.summary import COUNTED

WISHES = ("delete", "cancel", "retry", "suspend", "wipe", "rotate", "recreate")

SETTINGS = (
    Setting("exports, Retain"),
    Setting("exports, Delete", policy=DeletionPolicy.DELETE),
    Setting("exports, Orphan", policy=DeletionPolicy.ORPHAN),
    Setting("a running task shows its files", items_while_running=True),
    Setting("somebody else exports the same image", foreign_task=True),
    Setting("a leader whose clock is ahead, a standby whose clock is behind", skews=(1, -1)),
    Setting("a leader whose clock is behind, a standby whose clock is ahead", skews=(-1, 1)),
    Setting("a client token", has_token=True),
    Setting("a cloud that cannot prove, Fail", provable=False, can_cancel=False),
    Setting(
        "a cloud that cannot prove, Retry",
        provable=False,
        can_cancel=False,
        unknown_outcome=UnknownOutcome.RETRY,
    ),
)


Tell = Callable[[str, object], None]


def _holds(result: Result, tell: Tell) -> None:
    assert not result.broken, f"\n{result.broken}"
    assert not result.stuck, f"\n{result.stuck}"
    tell(COUNTED, f"{result.setting.name}: {result.states} states, {result.edges} moves, 0 laws broken, 0 stuck")


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_one_fault_or_one_wish_breaks_no_law(setting: Setting, record_property: Tell) -> None:
    """One thing goes wrong, or a person wishes one thing, at any moment, in every kind of cloud."""
    _holds(explore(replace(setting, faults=1, wish_count=0)), record_property)
    _holds(explore(replace(setting, faults=0, wish_count=1, wishes=WISHES)), record_property)


def test_two_faults_break_no_law(record_property: Tell) -> None:
    """Two things go wrong on the way, at any moments."""
    _holds(explore(Setting("exports, Delete", policy=DeletionPolicy.DELETE, faults=2, wish_count=0)), record_property)


def test_one_fault_and_one_wish_break_no_law(record_property: Tell) -> None:
    """One thing goes wrong and a person wishes one thing, at any moment each."""
    _holds(
        explore(Setting("exports, Delete", policy=DeletionPolicy.DELETE, faults=1, wish_count=1, wishes=WISHES)),
        record_property,
    )
