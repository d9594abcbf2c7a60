"""Who may not begin, and whether a person has to act: what passes is waited out, and nobody looks where nobody may."""

from datetime import timedelta
from typing import Final

import pytest

from imageferry.core.decide import decide
from imageferry.core.errors import Refusal
from imageferry.core.reasons import PASSING, Reason
from imageferry.core.step import Hold, Look, Wait
from tests.builders import BOUNDS, NOON, a_job, a_journal, facts, failed, running

AWAY: Final = Refusal(Reason.CREDENTIALS_REJECTED, "The cloud does not accept the key.")
BARRED: Final = Refusal(Reason.BUCKET_NOT_PERMITTED, "The bucket is not allowed.")


@pytest.mark.parametrize("reason", sorted(PASSING))
def test_what_passes_by_itself_is_waited_out(reason: Reason) -> None:
    """A cloud that is away, or a clock that is wrong, asks nobody to change an object."""
    step = decide(a_job(), a_journal(), facts(away=Refusal(reason, "Not now.")))
    assert step == Wait(reason, "Not now.", BOUNDS.look_again_seconds)


@pytest.mark.parametrize("refusal", [AWAY, BARRED], ids=["no credentials", "no grant"])
def test_without_our_finalizer_nobody_looks_where_no_attempt_may_go(refusal: Refusal) -> None:
    """An object that was applied while the operator was down shows what is wrong; no bucket is listed for it before."""
    known = facts(wiped=True, **{"away" if refusal is AWAY else "barred": refusal})
    step = decide(a_job(guarded=False), a_journal(), known)
    assert isinstance(step, Hold)
    assert step.refusal == refusal
    assert not isinstance(decide(a_job(guarded=False), a_journal(), facts(wiped=True)), Hold)


def test_with_our_finalizer_a_lost_task_is_looked_for_whatever_may_be_begun() -> None:
    """A grant that was taken away stops no task that runs; by nobody's credentials it cannot be found."""
    lost = facts(guarded_here=False, barred=BARRED)
    assert isinstance(decide(a_job(guarded=True), a_journal(), lost), Look)
    step = decide(a_job(guarded=True), a_journal(), facts(guarded_here=False, away=AWAY))
    assert isinstance(step, Hold)
    assert step.refusal == AWAY


def test_a_deadline_counts_from_the_first_submission() -> None:
    """Without a limit, or before anything was submitted, there is none."""
    assert running().deadline(60) == NOON + timedelta(seconds=60)
    assert a_journal().deadline(60) is None
    assert failed().deadline(None) is None
