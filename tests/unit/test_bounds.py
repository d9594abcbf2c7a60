"""How long a deletion may take: the bound by what is open, and what it is worth to wait for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from imageferry.core.errors import Refusal
from imageferry.core.facts import Facts
from imageferry.core.journal import Journal
from imageferry.core.reasons import Reason
from imageferry.core.situation import Situation
from tests.builders import BOUNDS, NOON, a_job, absent, claimed, exported, facts, running, seen_running

GONE = Refusal(Reason.CREDENTIALS_MISSING, "Secret alibaba-prod is not there.")
DATED = absent(NOON + timedelta(minutes=1))
CANCELLED, AWAY = BOUNDS.cancelled_bound_seconds, BOUNDS.away_bound_seconds
WINDOW, UNDATED = BOUNDS.window_seconds + BOUNDS.claim_extra_seconds, BOUNDS.no_date_bound_seconds
LONG_AWAY = replace(BOUNDS, away_bound_seconds=5000.0)
SHORT_AWAY = replace(BOUNDS, away_bound_seconds=1.0)

CASES: dict[str, tuple[Journal, Facts, float]] = {
    "a finished job's files are removed in the time for a cloud that is away": (exported(), facts(), AWAY),
    "a task whose cancel the cloud has taken ends soon": (running(), facts(cancel_acknowledged=True), CANCELLED),
    "a task that no call ends is not waited for longer": (running(), facts(can_cancel=False), CANCELLED),
    "a cancel that was not taken yet is tried for longer": (running(), facts(), AWAY),
    "a task is waited for longer while the credentials are away": (
        running(), facts(cancel_acknowledged=True, away=GONE), AWAY),
    "a task is waited for longer while the cloud is away": (
        running(), facts(cancel_acknowledged=True, cloud_away=True), AWAY),
    "a task that no call ends is waited for longer while the cloud is away": (
        running(), facts(can_cancel=False, cloud_away=True), AWAY),
    "an open claim is waited for until its window ends": (claimed(), facts(observation=DATED), WINDOW),
    "an open claim without the cloud's clock is waited for longest": (claimed(), facts(), UNDATED),
    "of two bounds of a claim the longer holds, the credentials away": (
        claimed(), facts(observation=DATED, away=GONE, bounds=LONG_AWAY), 5000.0),
    "of two bounds of a claim the longer holds, the cloud away": (
        claimed(), facts(observation=DATED, cloud_away=True, bounds=LONG_AWAY), 5000.0),
    "an absence does not shorten a claim's bound": (
        claimed(), facts(observation=DATED, cloud_away=True, bounds=SHORT_AWAY), WINDOW),
    "a claim's bound is its own while nothing is away": (
        claimed(), facts(observation=DATED, bounds=LONG_AWAY), WINDOW),
}  # fmt: skip


@pytest.mark.parametrize(("journal", "known", "seconds"), CASES.values(), ids=CASES)
def test_a_deletion_takes_its_time_and_no_more(journal: Journal, known: Facts, seconds: float) -> None:
    """To the second the object is held, and not longer."""
    deleted = a_job(deleting=True)
    at_bound = replace(known, deletion_tried=True, deleting_seconds=seconds)
    beyond = replace(at_bound, deleting_seconds=seconds + 0.5)
    assert not Situation(deleted, journal, at_bound).bound_passed
    assert Situation(deleted, journal, beyond).bound_passed


def test_no_bound_passes_before_the_step_was_tried() -> None:
    """A process that comes back after a long pause tries once before it lets go."""
    late = facts(deleting_seconds=86_400.0, deletion_tried=False, observation=seen_running())
    assert not Situation(a_job(deleting=True), running(), late).bound_passed


def test_what_is_not_being_deleted_has_no_bound() -> None:
    """However long a task runs."""
    late = facts(deleting_seconds=86_400.0, deletion_tried=True, observation=seen_running())
    assert not Situation(a_job(), running(), late).bound_passed
