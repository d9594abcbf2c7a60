"""Every reachable state of the protocol, with faults, in every kind of cloud: no law broken, and a way to an end from each.

The searches are those of tests/explore/cases.py; `pytest -rA` prints what each saw.
"""

from collections.abc import Callable
from functools import cache

import pytest

from tests.explore.cases import TESTED
from tests.explore.coverage import CANNOT_MEET, TAKES_THREE, Coverage
from tests.explore.model import Setting
from tests.explore.search import Result, explore
from tests.summary import COUNTED

Tell = Callable[[str, object], None]


def _said(setting: Setting) -> str:
    kinds = f" of {len(setting.strikes)} kinds" if setting.strikes else ""
    faults = f", faults: {setting.faults}{kinds}" if setting.faults else ""
    wishes = f", wishes: {setting.wish_count} of {len(setting.wishes)}" if setting.wish_count else ""
    return f"{setting.name}{faults}{wishes}"


@cache
def _searched(setting: Setting) -> Result:
    return explore(setting)


@pytest.mark.parametrize("setting", TESTED, ids=_said)
def test_what_goes_wrong_and_what_is_wished_breaks_no_law(setting: Setting, record_property: Tell) -> None:
    """At any moments, in any order: each law holds in every state, and from each a way leads to an end."""
    result = _searched(setting)
    assert not result.broken, f"\n{result.broken}"
    assert not result.stuck, f"\n{result.stuck}"
    assert not result.cut, "the model has no end"
    record_property(COUNTED, f"{_said(setting)}: {result.states} states, {result.edges} moves, 0 laws broken, 0 stuck")


def test_every_row_is_met_with_every_kind_of_fault(record_property: Tell) -> None:
    """But for the pairs that coverage.py calls impossible or the soak's, each with its reason; and none of those was met."""
    seen = Coverage()
    for setting in TESTED:
        seen.add(_searched(setting))
    record_property(COUNTED, f"searched in all: {seen.told()}")
    assert [f"{row} -- {fault}" for row, fault in seen.unexplained()] == []
    assert [f"{row} -- {fault}" for row, fault in seen.denied()] == []


def test_no_pair_has_two_excuses() -> None:
    """What is impossible is not left to the deeper search."""
    assert not CANNOT_MEET.keys() & TAKES_THREE.keys()
