"""A failure keeps what a user reads apart from what only the log may hold, and says when another try is worth it."""

import pytest

from imageferry.core.errors import MESSAGE_LIMIT, Blocked, Deferred, Failure, Refusal, Scope, Throttled
from imageferry.core.reasons import Reason


def told(failure: Failure) -> tuple[str, str, str, str, str]:
    """All that a failure says of itself."""
    return failure.reason, failure.message, failure.code, failure.request_id, str(failure)


def test_a_failure_keeps_code_and_request_id_for_the_log() -> None:
    """Reason and message are shown; the cloud's own code and the request's id stay beside them."""
    failure = Blocked(Reason.ROLE_MISSING, "No role.", code="NoSetRole", request_id="r-1")
    assert told(failure) == ("RoleMissing", "No role.", "NoSetRole", "r-1", "RoleMissing: No role.")
    assert told(Blocked(Reason.ROLE_MISSING, "No role."))[2:4] == ("", "")


def test_throttling_says_for_how_long() -> None:
    """The cloud's own figure comes with it, where there is one."""
    failure = Throttled("Slow down.", retry_after_seconds=3.5, code="Throttling", request_id="r-1")
    plain = Throttled("Slow down.")
    assert told(failure) == ("Throttled", "Slow down.", "Throttling", "r-1", "Throttled: Slow down.")
    assert failure.retry_after_seconds == 3.5
    assert (plain.code, plain.request_id, plain.retry_after_seconds) == ("", "", None)


def test_a_deferral_says_what_it_holds_back_and_for_how_long() -> None:
    """A slot, the lane or the image, and when it is worth another try."""
    failure = Deferred(
        Reason.IMAGE_BUSY, "Busy.", scope=Scope.IMAGE, retry_after_seconds=30.0, code="Exporting", request_id="r-2"
    )
    plain = Deferred(Reason.IMAGE_BUSY, "Busy.", scope=Scope.IMAGE, retry_after_seconds=30.0)
    assert told(failure) == ("ImageBusy", "Busy.", "Exporting", "r-2", "ImageBusy: Busy.")
    assert (failure.scope, failure.retry_after_seconds) == (Scope.IMAGE, 30.0)
    assert (plain.code, plain.request_id) == ("", "")


@pytest.mark.parametrize("length", [MESSAGE_LIMIT, MESSAGE_LIMIT + 1])
def test_a_message_is_cut_to_what_a_condition_holds(length: int) -> None:
    """However long a cloud speaks."""
    assert Blocked(Reason.ROLE_MISSING, "x" * length).message == "x" * MESSAGE_LIMIT


def test_a_refusal_is_a_failure_without_what_changes_from_try_to_try() -> None:
    """Neither code nor request id reaches a condition, which would change with every try."""
    failure = Blocked(Reason.ROLE_MISSING, "No role.", code="NoSetRole", request_id="r-1")
    assert Refusal.of(failure) == Refusal(Reason.ROLE_MISSING, "No role.", None)


def test_a_failure_that_several_wait_for_is_told_to_each_as_their_own() -> None:
    """Equal in all it says, and no traceback of one in another's."""
    failure = Throttled("Slow down.", retry_after_seconds=3.5, code="Throttling", request_id="r-1")
    other = failure.again()
    assert other is not failure
    assert (type(other), other.args, vars(other)) == (Throttled, failure.args, vars(failure))
    assert str(other) == str(failure)
