"""Every reachable state of the protocol, with faults, in every kind of cloud: no law broken, and a way to an end from each.

The searches are those of tests/explore/cases.py; `pytest -rA` prints what each saw.
"""

from collections.abc import Callable
from functools import cache

import pytest

from tests.explore.cases import RETOLD, TESTED
from tests.explore.coverage import Coverage
from tests.explore.model import Setting
from tests.explore.search import Result, explore, strangers
from tests.explore.troubles import ANYWHERE
from tests.summary import COUNTED

Tell = Callable[[str, object], None]


def _said(setting: Setting) -> str:
    kinds = f" of {len(setting.strikes)} kinds" if setting.strikes != ANYWHERE else ""
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


@pytest.mark.parametrize("setting", RETOLD, ids=_said)
def test_states_that_count_as_one_have_one_future(setting: Setting) -> None:
    """What is left out of a state's identity is never asked for afterwards: no state is passed over that is another."""
    assert strangers(setting) == []


def test_every_row_is_met_with_every_kind_of_fault(record_property: Tell) -> None:
    """Each row has decided on some path on which that fault had struck before, and no pair is left out."""
    seen = Coverage()
    for setting in TESTED:
        seen.add(_searched(setting))
    record_property(COUNTED, f"searched in all: {seen.told()}")
    assert [f"{row} -- {fault}" for row, fault in seen.missing()] == []
