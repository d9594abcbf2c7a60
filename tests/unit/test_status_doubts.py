"""A status is a hint: what is cut, forged or of another release is as if it were absent, and nothing beside it is lost."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from imageferry.core.artifacts import Role
from imageferry.core.job import Kind
from imageferry.core.journal import Condition, Journal, LastRefusal
from imageferry.core.keys import SEARCHED_NUMBERS, attempt_key, is_own
from imageferry.core.reasons import MEANINGS, Reason
from imageferry.core.status import read, write
from tests.builders import (
    LONG_AFTER,
    NOON,
    UID,
    a_closed_attempt,
    a_file,
    a_journal,
    a_task,
    an_attempt,
    an_error,
    claimed,
    exported,
    running,
)

READY = Condition(
    type="Ready",
    status="False",
    reason="Accepted",
    message="Seen.",
    observed_generation=1,
    last_transition_at=NOON,
)
HIGH = SEARCHED_NUMBERS[-1] + 5


def changed(journal: Journal, path: str, value: object) -> dict[str, Any]:
    """The status of a journal in which somebody changed one field; None takes it away."""
    status = write(journal)
    *parts, last = path.split(".")
    place: Any = status
    for part in parts:
        place = place[int(part)] if isinstance(place, list) else place[part]
    place[last] = value
    if value is None:
        del place[last]
    return status


def test_a_task_that_bears_another_attempts_key_is_not_believed() -> None:
    """Whatever task a status names: without the attempt's key beside it, it is not followed, cancelled or waited for."""
    foreign = read(changed(running(), "task.key", attempt_key(UID, 2)), UID, Kind.EXPORT)
    keyless = read(changed(running(), "task.key", None), UID, Kind.EXPORT)
    assert (foreign.task, keyless.task) == (None, None)
    assert foreign.claim == keyless.claim == running().claim


def test_a_task_beside_a_closed_attempt_is_not_believed() -> None:
    """An id alone is nobody's proof."""
    status = write(a_journal(attempt=a_closed_attempt())) | {"task": {"id": "t-of-somebody"}}
    assert read(status, UID, Kind.EXPORT).task is None


@pytest.mark.parametrize("field", ["region", "imageID"])
def test_a_meaning_without_its_image_or_region_is_none(field: str) -> None:
    """A request is never built from a part of what was pinned."""
    assert read(changed(claimed(), f"resolved.{field}", None), UID, Kind.EXPORT).resolved is None


@pytest.mark.parametrize("field", ["type", "status", "lastTransitionTime"])
def test_a_condition_that_lacks_a_part_is_none(field: str) -> None:
    """The others stay."""
    told = a_journal(conditions=(READY, replace(READY, type="Succeeded")))
    assert read(changed(told, f"conditions.0.{field}", None), UID, Kind.EXPORT).conditions == told.conditions[1:]


def test_a_file_whose_role_is_not_known_is_listed_all_the_same() -> None:
    """A later release may know more roles; the file is ours and may have to be deleted."""
    known = read(changed(exported(), "artifacts.0.role", "Swap"), UID, Kind.EXPORT)
    assert known.artifacts == (a_file(role=Role.SYSTEM),)


def test_files_are_listed_however_high_the_numbering_has_gone() -> None:
    """Those of the latest attempts as well as those of the first ones; none of an attempt that was never made."""
    journal = exported(
        attempt=an_attempt(HIGH), task=a_task(HIGH), artifacts=(a_file(1), a_file(HIGH), a_file(HIGH + 1))
    )
    assert read(write(journal), UID, Kind.EXPORT).artifacts == (a_file(1), a_file(HIGH))


def test_the_lowest_number_that_the_server_admits_is_read() -> None:
    """A status that counts from nought keeps its failures; a negative number is none."""
    first = a_journal(attempt=a_closed_attempt(0, failures=1))
    assert read(write(first), UID, Kind.EXPORT).attempt == first.attempt
    assert read(changed(first, "attempt.number", -1), UID, Kind.EXPORT).attempt is None


@pytest.mark.parametrize(
    ("error", "message"),
    [
        pytest.param(an_error(Reason.ROLE_MISSING, message="Role r."), "Role r.", id="in the error's words"),
        pytest.param(an_error(message="It failed."), MEANINGS[Reason.ROLE_MISSING].meaning, id="not in another's"),
        pytest.param(None, MEANINGS[Reason.ROLE_MISSING].meaning, id="in the reason's own"),
    ],
)
def test_a_refusal_is_told_in_words_that_belong_to_it(error: Any, message: str) -> None:  # noqa: ANN401 -- an error or none
    """After a restart, too, a person reads why nothing is submitted."""
    refusal = LastRefusal(
        reason=Reason.ROLE_MISSING, failure_class="Blocked", message="", generation=3, next_try_at=LONG_AFTER
    )
    known = read(write(a_journal(last_refusal=refusal, last_error=error)), UID, Kind.EXPORT)
    assert known.last_refusal == replace(refusal, message=message)


def test_a_key_is_the_objects_own_if_any_attempt_of_it_may_bear_it() -> None:
    """The first numbers always, later ones while they are the latest; never another object's."""
    uid, other = str(uuid4()), str(uuid4())
    far = SEARCHED_NUMBERS[-1] + 100
    assert is_own(attempt_key(uid, 1), uid, far)
    assert is_own(attempt_key(uid, SEARCHED_NUMBERS[-1]), uid, 0)
    assert is_own(attempt_key(uid, far - 19), uid, far)
    assert not is_own(attempt_key(uid, far - 20), uid, far)
    assert not is_own(attempt_key(uid, far + 1), uid, far)
    assert not is_own(attempt_key(other, 1), uid, far)
