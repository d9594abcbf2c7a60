"""The decision: what to do next for one job. Pure and total; within a group the first matching row wins.

    decide(job, journal, facts) -> Step

*stop* = cancel requested, deadline passed or deleting. *bound* = the time a deletion may take (Situation.bound_passed).
*lost* = no attempt is recorded, and our finalizer is there, or the status was wiped or named an attempt that is not ours; a
deletion under Orphan does not ask, nor does an object without our finalizer while account, credentials or a grant are away.
*open end* = a retry was requested after OutcomeUnknown or TaskLost. "..." repeats the facts of the row above.

finished
    deleting, policy Orphan -> Release
    deleting, policy Delete, listed files remain, bound not passed -> Discard
    deleting -> Release, with an orphan record if files to be deleted remain
    finished badly and a retry request not yet handled -> Reopen
    policy Delete, files listed, no finalizer -> Guard
    a finalizer and nothing left for it to do -> Unguard
    else -> Rest

idle (no claim, no task)
    lost by its status alone: no finalizer, not deleting -> Guard, so that a restart does not forget it
    lost and bound not passed, or open end and no stop: not looked -> Look; Hold(reason) while account or credentials are away
    ... a task of ours is found that runs or ended well (lost: one that ended badly too, as soon as no other can come) -> Adopt
    ... Candidate, or lost, with our finalizer, and nothing but bad ends for less than one whole window since the first look -> Wait
    ... lost, Unprovable, with our finalizer, until unknownOutcomeSeconds or where unknownOutcome is Fail -> Wait until unknownOutcomeSeconds, then Fail(OutcomeUnknown)
    deleting -> Release
    cancel requested -> Fail(Cancelled)
    deadline passed -> Fail(DeadlineExceeded)
    no attempts left -> Fail(BackoffLimitExceeded), message: the cloud's last reason
    account, grant, spec or the remembered refusal of the last submission says no -> Hold(reason); Wait(reason) for what passes by itself
    suspended -> Wait(Suspended)
    preflight not asked -> Check
    preflight says no -> Hold(reason)
    a failed image of an earlier attempt stands in the way -> Discard
    the image is busy, or the lane has no slot -> Wait(reason)
    no finalizer yet -> Guard
    else -> Claim(n+1)

claim, mine and unsent
    stop, suspended, grant lost, account changed, or the claim is older than a third of the signature's life -> Withdraw
    the leader's lease outlives the call's deadline plus margin -> Submit
    else -> Wait(lease)

claim, otherwise
    deleting, policy Orphan -> Release
    deleting and bound passed -> Orphan, Release
    account or credentials away -> Wait(reason)
    the credentials belong to another owner than the claim -> Hold(AccountChanged)
    a task of ours is found (one of an earlier attempt: once the window is over) -> Adopt
    not looked -> Look
    Candidate -> Wait
    client token, Absent, window open, repeat due, no stop, not suspended, guarded, grants and fence hold -> Submit again, built from status.resolved alone
    window open -> Wait(SubmissionUnknown)
    Absent -> Close: never accepted, costs no attempt
    Unprovable -> deleting: Wait; else after unknownOutcomeSeconds: Close (Retry; costs one attempt) or Fail(OutcomeUnknown)

task
    deleting, policy Orphan -> Release
    deleting and bound passed -> Orphan, Release
    account or credentials away -> Wait(reason)
    the credentials belong to another owner than the claim -> Hold(AccountChanged)
    Succeeded, Failed or Cancelled: files not listed yet -> Collect
    Succeeded, a file is missing within the read lag -> Wait(Verifying)
    Succeeded -> Complete or Fail(OutputMissing, OutputEmpty, FormatMismatch)
    Cancelled -> Fail(Cancelled), never retried
    Failed, attempts left, cause worth another try, no stop: files are left -> Discard
    ... none are left -> Close, costs one attempt
    Failed -> Fail(the cloud's reason)
    Running and stop: a cancel call exists and is due -> Cancel (once, then backed off)
    Running and stop -> Wait(Cancelling), and say so where the cloud has no cancel
    Running -> Wait(progress)
    Absent beyond the read lag: files not listed yet -> Collect
    Absent beyond the read lag -> files prove success: Complete; else Fail(TaskLost)
    else -> Wait
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from imageferry.core import answers
from imageferry.core.errors import Refusal
from imageferry.core.facts import Facts
from imageferry.core.job import Job
from imageferry.core.journal import Journal
from imageferry.core.observation import Absent, Cancelled, Candidate, Failed, Running, Succeeded
from imageferry.core.resolved import Obstructed
from imageferry.core.situation import Situation
from imageferry.core.step import (
    Check,
    Claim,
    Discard,
    Guard,
    Release,
    Reopen,
    Rest,
    Step,
    Submit,
    Unguard,
    Withdraw,
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: `facts` and `step` are its words in the docs, `when` and `then` the same in code."""

    facts: str
    step: str
    when: Callable[[Situation], bool]
    then: Callable[[Situation], Step]


@dataclass(frozen=True, slots=True)
class Group:
    """The rows for one state of the journal."""

    journal: str
    rows: tuple[Row, ...]


def decide(job: Job, journal: Journal, facts: Facts) -> Step:
    """The next step: that of the first row that fits, in the group of the journal's state."""
    situation = Situation(job, journal, facts)
    return matching_row(situation).then(situation)


def matching_row(situation: Situation) -> Row:
    """The row that decides."""
    return next(row for row in group_of(situation).rows if row.when(situation))


def group_of(situation: Situation) -> Group:
    """The group that the journal's state belongs to."""
    journal = situation.journal
    if journal.finished:
        return FINISHED
    if journal.task:
        return TASK
    if journal.claim:
        return UNSENT if situation.facts.unsent else CLAIM
    return IDLE


def _always(_: Situation) -> bool:
    return True


_RELEASE_ORPHANING: Final = Row(
    "deleting, policy Orphan", "Release", lambda s: s.orphaning, lambda _: Release(orphan=False)
)
_RELEASE_BOUND: Final = Row(
    "deleting and bound passed", "Orphan, Release", lambda s: s.bound_passed, lambda _: Release(orphan=True)
)
_WAIT_ACCOUNT: Final = Row(
    "account or credentials away", "Wait(reason)", lambda s: s.facts.away is not None, answers.wait_for_account
)
_HOLD_OWNER: Final = Row(
    "the credentials belong to another owner than the claim",
    "Hold(AccountChanged)",
    lambda s: s.foreign_owner,
    answers.hold_for_owner,
)

FINISHED: Final = Group(
    "finished",
    (
        _RELEASE_ORPHANING,
        Row(
            "deleting, policy Delete, listed files remain, bound not passed",
            "Discard",
            lambda s: s.job.deleting and s.deletes_files and not s.bound_passed,
            lambda s: Discard(s.journal.artifacts),
        ),
        Row(
            "deleting",
            "Release, with an orphan record if files to be deleted remain",
            lambda s: s.job.deleting,
            lambda s: Release(orphan=s.deletes_files),
        ),
        Row(
            "finished badly and a retry request not yet handled",
            "Reopen",
            lambda s: s.journal.failed and s.retry_requested,
            lambda _: Reopen(),
        ),
        Row(
            "policy Delete, files listed, no finalizer",
            "Guard",
            lambda s: s.deletes_files and not s.job.guarded,
            lambda _: Guard(),
        ),
        Row(
            "a finalizer and nothing left for it to do",
            "Unguard",
            lambda s: s.job.guarded and not s.deletes_files,
            lambda _: Unguard(),
        ),
        Row("else", "Rest", _always, lambda _: Rest()),
    ),
)

IDLE: Final = Group(
    "idle (no claim, no task)",
    (
        Row(
            "lost by its status alone: no finalizer, not deleting",
            "Guard, so that a restart does not forget it",
            lambda s: s.must_look and s.lost and not s.job.guarded and not s.job.deleting,
            lambda _: Guard(),
        ),
        Row(
            "lost and bound not passed, or open end and no stop: not looked",
            "Look; Hold(reason) while account or credentials are away",
            lambda s: s.must_look and s.not_looked,
            answers.look,
        ),
        Row(
            "... a task of ours is found that runs or ended well (lost: one that ended badly too, as soon as no other can come)",
            "Adopt",
            lambda s: s.must_look and s.found_while_idle is not None,
            answers.adopt,
        ),
        Row(
            "... Candidate, or lost, with our finalizer, and nothing but bad ends for less than one whole window since the first look",
            "Wait",
            lambda s: s.nothing_proven,
            answers.look_again,
        ),
        Row(
            "... lost, Unprovable, with our finalizer, until unknownOutcomeSeconds or where unknownOutcome is Fail",
            "Wait until unknownOutcomeSeconds, then Fail(OutcomeUnknown)",
            lambda s: s.unprovable_loss,
            answers.settle_lost,
        ),
        Row("deleting", "Release", lambda s: s.job.deleting, lambda _: Release(orphan=False)),
        Row("cancel requested", "Fail(Cancelled)", lambda s: s.cancel_requested, lambda _: answers.CANCELLED_EARLY),
        Row(
            "deadline passed",
            "Fail(DeadlineExceeded)",
            lambda s: s.deadline_passed,
            lambda _: answers.DEADLINE_PASSED,
        ),
        Row(
            "no attempts left",
            "Fail(BackoffLimitExceeded), message: the cloud's last reason",
            lambda s: s.exhausted,
            answers.fail_exhausted,
        ),
        Row(
            "account, grant, spec or the remembered refusal of the last submission says no",
            "Hold(reason); Wait(reason) for what passes by itself",
            lambda s: s.says_no is not None,
            lambda s: answers.hold(s, s.says_no),
        ),
        Row("suspended", "Wait(Suspended)", lambda s: s.job.policy.suspend, lambda _: answers.SUSPENDED),
        Row("preflight not asked", "Check", lambda s: s.facts.checked is None, lambda _: Check()),
        Row(
            "preflight says no",
            "Hold(reason)",
            lambda s: isinstance(s.facts.checked, Refusal),
            lambda s: answers.hold(s, s.facts.checked if isinstance(s.facts.checked, Refusal) else None),
        ),
        Row(
            "a failed image of an earlier attempt stands in the way",
            "Discard",
            lambda s: isinstance(s.facts.checked, Obstructed),
            answers.discard_obstacle,
        ),
        Row(
            "the image is busy, or the lane has no slot",
            "Wait(reason)",
            lambda s: s.facts.turn is not None,
            answers.wait_for_turn,
        ),
        Row("no finalizer yet", "Guard", lambda s: not s.job.guarded, lambda _: Guard()),
        Row("else", "Claim(n+1)", _always, lambda s: Claim(s.last_number + 1)),
    ),
)

UNSENT: Final = Group(
    "claim, mine and unsent",
    (
        Row(
            "stop, suspended, grant lost, account changed, or the claim is older than a third of the signature's life",
            "Withdraw",
            lambda s: s.withdraws,
            lambda _: Withdraw(),
        ),
        Row(
            "the leader's lease outlives the call's deadline plus margin",
            "Submit",
            lambda s: s.facts.fenced,
            lambda _: Submit(again=False),
        ),
        Row("else", "Wait(lease)", _always, lambda _: answers.LEASE_TOO_SHORT),
    ),
)

CLAIM: Final = Group(
    "claim, otherwise",
    (
        _RELEASE_ORPHANING,
        _RELEASE_BOUND,
        _WAIT_ACCOUNT,
        _HOLD_OWNER,
        Row(
            "a task of ours is found (one of an earlier attempt: once the window is over)",
            "Adopt",
            lambda s: s.found_for_claim is not None,
            answers.adopt,
        ),
        Row("not looked", "Look", lambda s: s.not_looked, answers.look),
        Row("Candidate", "Wait", lambda s: s.sees(Candidate), answers.look_again),
        Row(
            "client token, Absent, window open, repeat due, no stop, not suspended, guarded, grants and fence hold",
            "Submit again, built from status.resolved alone",
            lambda s: s.may_repeat,
            lambda _: Submit(again=True),
        ),
        Row("window open", "Wait(SubmissionUnknown)", lambda s: s.window_open, answers.look_again),
        Row(
            "Absent",
            "Close: never accepted, costs no attempt",
            lambda s: s.sees(Absent),
            lambda _: answers.NEVER_ACCEPTED,
        ),
        Row(
            "Unprovable",
            "deleting: Wait; else after unknownOutcomeSeconds: Close (Retry; costs one attempt) or Fail(OutcomeUnknown)",
            _always,
            answers.settle_unknown,
        ),
    ),
)

TASK: Final = Group(
    "task",
    (
        _RELEASE_ORPHANING,
        _RELEASE_BOUND,
        _WAIT_ACCOUNT,
        _HOLD_OWNER,
        Row(
            "Succeeded, Failed or Cancelled: files not listed yet",
            "Collect",
            lambda s: s.files_unlisted,
            answers.collect,
        ),
        Row(
            "Succeeded, a file is missing within the read lag",
            "Wait(Verifying)",
            lambda s: s.file_may_come,
            answers.wait_for_file,
        ),
        Row(
            "Succeeded",
            "Complete or Fail(OutputMissing, OutputEmpty, FormatMismatch)",
            lambda s: s.sees(Succeeded),
            answers.conclude,
        ),
        Row("Cancelled", "Fail(Cancelled), never retried", lambda s: s.sees(Cancelled), answers.fail_cancelled),
        Row(
            "Failed, attempts left, cause worth another try, no stop: files are left",
            "Discard",
            lambda s: s.another_try and bool(s.left.items),
            answers.discard_left,
        ),
        Row("... none are left", "Close, costs one attempt", lambda s: s.another_try, answers.close_failed),
        Row("Failed", "Fail(the cloud's reason)", lambda s: s.sees(Failed), answers.fail_with_task),
        Row(
            "Running and stop: a cancel call exists and is due",
            "Cancel (once, then backed off)",
            lambda s: s.sees(Running) and s.stop and s.facts.can_cancel and s.facts.cancel_due,
            answers.cancel,
        ),
        Row(
            "Running and stop",
            "Wait(Cancelling), and say so where the cloud has no cancel",
            lambda s: s.sees(Running) and s.stop,
            answers.wait_for_end,
        ),
        Row("Running", "Wait(progress)", lambda s: s.sees(Running), answers.wait_for_task),
        Row(
            "Absent beyond the read lag: files not listed yet",
            "Collect",
            lambda s: s.task_gone and s.facts.collected is None,
            answers.collect,
        ),
        Row(
            "Absent beyond the read lag",
            "files prove success: Complete; else Fail(TaskLost)",
            lambda s: s.task_gone,
            answers.conclude,
        ),
        Row("else", "Wait", _always, answers.wait_for_task),
    ),
)

TABLES: Final = (FINISHED, IDLE, UNSENT, CLAIM, TASK)


def tables_text() -> str:
    """The tables as they stand in this module's docstring and in docs/decision.md."""
    lines: list[str] = []
    for group in TABLES:
        lines += [group.journal, *(f"    {row.facts} -> {row.step}" for row in group.rows), ""]
    return "\n".join(lines).rstrip()
