"""The longer answers of the decision tables: steps whose words take more than a line. What to answer when is in decide.py."""

from typing import Final, TypeVar

from imageferry.core.errors import Refusal
from imageferry.core.job import UnknownOutcome
from imageferry.core.observation import Failed, Ours, Running, Succeeded
from imageferry.core.reasons import NOT_YET, PASSING, Reason
from imageferry.core.resolved import Obstructed
from imageferry.core.situation import Situation
from imageferry.core.step import (
    Adopt,
    Cancel,
    Close,
    Collect,
    Complete,
    Discard,
    Fail,
    Hold,
    Look,
    Step,
    Wait,
)

DEADLINE_PASSED: Final = Fail(Reason.DEADLINE_EXCEEDED, "spec.activeDeadlineSeconds passed.")
CANCELLED_EARLY: Final = Fail(Reason.CANCELLED, "Cancelled before anything was submitted.")
SUSPENDED: Final = Wait(Reason.SUSPENDED, "spec.suspend is true: nothing new is submitted.")
NEVER_ACCEPTED: Final = Close(
    Reason.SUBMISSION_UNKNOWN, "The cloud never accepted the submission.", costs_attempt=False
)
LEASE_TOO_SHORT: Final = Wait(Reason.CLAIMED, "Waiting for the leader's lease to be renewed.", 1.0)
_UNKNOWN: Final = "The answer to a submission was lost, and this cloud can neither show nor exclude its task."

_T = TypeVar("_T")


def _known(value: _T | None) -> _T:
    """What the row's question has established; anything else is a fault in the tables."""
    if value is None:
        raise AssertionError("a row was answered whose question does not hold")
    return value


def _found(situation: Situation) -> Ours:
    found = situation.found
    if found is None:
        raise AssertionError("a row was answered that needs a task of ours")
    return found


# Looking


def look(situation: Situation) -> Step:
    """Search for every attempt that may live; by nobody's credentials nothing can be found."""
    if situation.facts.away and not situation.job.deleting:
        return hold(situation, situation.facts.away)
    return Look(situation.numbers_to_find, situation.numbers_closed)


def look_again(situation: Situation) -> Wait:
    """An outcome is open; time will tell."""
    message = "The outcome of a submission is being found out by looking; nothing is sent meanwhile."
    if situation.sees_candidate:
        message = "A task runs on the image that cannot yet be told to be ours or not."
    return Wait(Reason.SUBMISSION_UNKNOWN, message, situation.bounds.look_again_seconds)


def adopt(situation: Situation) -> Adopt:
    """Take the task that was found for ours."""
    return Adopt(_found(situation))


def settle_unknown(situation: Situation) -> Step:
    """An open claim that cannot be settled by looking."""
    if situation.job.deleting or situation.outcome_awaited:
        return look_again(situation)
    if situation.job.policy.unknown_outcome is UnknownOutcome.RETRY:
        return Close(Reason.OUTCOME_UNKNOWN, _UNKNOWN, costs_attempt=True)
    return Fail(Reason.OUTCOME_UNKNOWN, _UNKNOWN)


def settle_lost(situation: Situation) -> Step:
    """A lost journal that cannot be filled again by looking."""
    return look_again(situation) if situation.outcome_awaited else Fail(Reason.OUTCOME_UNKNOWN, _UNKNOWN)


# Holding and waiting


def hold(situation: Situation, refusal: Refusal | None) -> Hold | Wait:
    """A person has to change something, or what is missing may yet come; what passes by itself is waited out."""
    refusal = _known(refusal)
    bounds = situation.bounds
    if refusal.reason in PASSING:
        return Wait(refusal.reason, refusal.message, bounds.look_again_seconds)
    awaited = refusal.reason in NOT_YET
    return Hold(refusal, bounds.look_again_seconds if awaited else bounds.hold_recheck_seconds)


def hold_for_owner(situation: Situation) -> Hold:
    """The credentials changed hands under an attempt."""
    message = f"The credentials belong to account {situation.facts.owner}, the attempt to {situation.claim.account_id}."
    return Hold(Refusal(Reason.ACCOUNT_CHANGED, message), situation.bounds.look_again_seconds)


def wait_for_account(situation: Situation) -> Wait:
    """Nothing can be asked while account or credentials are away; the task goes on without us."""
    away = _known(situation.facts.away)
    return Wait(away.reason, away.message, situation.bounds.look_again_seconds)


def wait_for_turn(situation: Situation) -> Wait:
    """The lane says when."""
    turn = _known(situation.facts.turn)
    return Wait(turn.reason, turn.message, retry_at=turn.retry_at)


def wait_for_task(situation: Situation) -> Wait:
    """The cloud works; the poller says when something changed. Until it does, the journal's state is shown."""
    seen, known = situation.facts.observation, situation.journal.task
    running = seen if isinstance(seen, Running) else None
    state = running.task.state if running else (known.state if known else "")
    if not state:
        return Wait(Reason.SUBMITTED, "The cloud accepted the task.", running=running)
    reason = Reason.WAITING if state.lower() == "waiting" else Reason.RUNNING
    return Wait(reason, f"The cloud's task is in state {state}.", running=running)


def wait_for_end(situation: Situation) -> Wait:
    """The task is to end; it does so in its own time."""
    message = "The cloud was asked to end the task."
    if not situation.facts.can_cancel:
        message = "This cloud has no call that ends the task: it runs to its end and keeps its slot."
    return Wait(Reason.CANCELLING, message, situation.bounds.look_again_seconds)


def wait_for_file(situation: Situation) -> Wait:
    """The task ended well; the cloud's reads may lag behind."""
    message = "Not everything that the task made is to be seen yet."
    return Wait(Reason.VERIFYING, message, situation.bounds.look_again_seconds)


# Ending


def cancel(situation: Situation) -> Cancel:
    """End the task that runs."""
    return Cancel(_found(situation).task)


def collect(situation: Situation) -> Collect:
    """See what the task left, as the cloud shows it or, where it forgot the task, as the journal does."""
    found: Ours | None = situation.found
    return Collect(found.task if found else _known(situation.journal.task))


def discard_left(situation: Situation) -> Discard:
    """Clear away what a failed attempt left."""
    return Discard(situation.left.items)


def discard_obstacle(situation: Situation) -> Discard:
    """Clear away what an earlier attempt left in the way of the next."""
    checked = situation.facts.checked
    return Discard(_known(checked if isinstance(checked, Obstructed) else None).items)


def conclude(situation: Situation) -> Step:
    """Well if everything asked for is there."""
    left = situation.left
    if left.flaw is None:
        return Complete(left, situation.found.task if situation.found else None)
    if not situation.sees(Succeeded):
        message = "The cloud no longer knows the task, and no complete result is there."
        return Fail(Reason.TASK_LOST, message, left.items)
    task = situation.found.task if situation.found else None
    return Fail(left.flaw.reason, left.flaw.message, left.items, task=task)


def fail_cancelled(situation: Situation) -> Fail:
    """Cancelled by a person, or because the deadline passed."""
    items, task = situation.left.items, situation.found.task if situation.found else None
    if situation.deadline_passed and not situation.cancel_requested:
        return Fail(DEADLINE_PASSED.reason, DEADLINE_PASSED.message, items, task=task)
    return Fail(Reason.CANCELLED, "The task was cancelled.", items, task=task)


def fail_with_task(situation: Situation) -> Fail:
    """The cloud's reason is the job's."""
    seen = _failed(situation)
    return Fail(seen.reason, seen.message, situation.left.items, seen.code, seen.task)


def close_failed(situation: Situation) -> Close:
    """This attempt failed; another follows."""
    seen = _failed(situation)
    return Close(seen.reason, seen.message, costs_attempt=True)


def fail_exhausted(situation: Situation) -> Fail:
    """More attempts failed than allowed; the message keeps the cloud's last reason."""
    error, limit = situation.journal.last_error, situation.job.policy.backoff_limit
    last = f" The last one: {error.message}" if error else ""
    message = (
        f"{situation.journal.failures} attempts failed; spec.backoffLimit lets {limit} be followed by another.{last}"
    )
    return Fail(Reason.BACKOFF_LIMIT_EXCEEDED, message)


def _failed(situation: Situation) -> Failed:
    seen = situation.facts.observation
    return _known(seen if isinstance(seen, Failed) else None)
