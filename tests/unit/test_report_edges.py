"""What an object says between two attempts, and of an end that is told in the schema's words."""

from imageferry.core.conditions import Outlook, Report, report
from imageferry.core.reasons import Reason
from imageferry.core.step import Check
from tests.builders import NOON, a_closed_attempt, a_job, a_journal, an_error

SEEN = Report(Outlook.WORKING, Reason.ACCEPTED, "The object was seen and is being checked.")


def test_an_error_that_cost_no_attempt_is_no_failure() -> None:
    """A refused submission is not told as a failed attempt."""
    refused = a_journal(attempt=a_closed_attempt(), last_error=an_error(Reason.QUEUED))
    assert report(a_job(), refused, Check(), now=NOON, young_seconds=300.0) == SEEN


def test_a_failure_without_its_error_is_not_made_up() -> None:
    """A status that lost its error says what is certain."""
    cut = a_journal(attempt=a_closed_attempt(2, failures=2))
    assert report(a_job(), cut, Check(), now=NOON, young_seconds=300.0) == SEEN
