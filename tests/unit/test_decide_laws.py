"""The decision, searched: over every combination of the facts that matter to a state, the laws hold.

The combinations are made per state of the journal, each with every wish (deletion, policies, requests, suspend, deadline)
and every answer of the cloud, the account and the lane that the state's rows can tell apart.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any, Final, NamedTuple

import pytest

from imageferry.core.artifacts import Artifacts, Flaw
from imageferry.core.decide import decide
from imageferry.core.errors import Refusal
from imageferry.core.facts import Facts
from imageferry.core.job import DeletionPolicy, Job, UnknownOutcome
from imageferry.core.observation import Absent, Cancelled, NotLooked, Observation, Running, Succeeded
from imageferry.core.reasons import Reason
from imageferry.core.situation import Situation
from imageferry.core.step import (
    Adopt,
    Cancel,
    Claim,
    Close,
    Collect,
    Complete,
    Discard,
    Fail,
    Guard,
    Hold,
    Look,
    Release,
    Reopen,
    Rest,
    Step,
    Submit,
    Unguard,
    Wait,
    Withdraw,
)
from tests.builders import (
    LONG_AFTER,
    NOON,
    OWNER,
    STRANGER,
    a_candidate,
    a_closed_attempt,
    a_file,
    a_job,
    a_journal,
    a_task,
    absent,
    an_attempt,
    an_error,
    claimed,
    collected,
    exported,
    facts,
    failed,
    running,
    seen_cancelled,
    seen_failed,
    seen_running,
    seen_succeeded,
    unprovable,
)


class Case(NamedTuple):
    """One combination and what was decided upon it."""

    situation: Situation
    step: Step


NO: Final = Refusal(Reason.BUCKET_NOT_PERMITTED, "No.")
GONE: Final = Refusal(Reason.CREDENTIALS_MISSING, "Gone.")
FLAWED: Final = Artifacts((a_file(),), Flaw(Reason.OUTPUT_MISSING, "One of two files is missing."))
A_DAY: Final = 86_400.0
MUCH_LATER: Final = NOON + timedelta(days=2)

_ACCOUNTS: Final[Sequence[dict[str, Any]]] = (
    {"owner": OWNER},
    {"owner": STRANGER},
    {"owner": "", "away": GONE},
)
_BOUNDS: Final[Sequence[dict[str, Any]]] = (
    {},
    {"deleting_seconds": A_DAY, "deletion_tried": True},
)
_ABSENCES: Final[Sequence[dict[str, Any]]] = tuple(
    {"observation": seen, "absent_since": NOON}
    for seen in (absent(), absent(LONG_AFTER), unprovable(LONG_AFTER), unprovable(MUCH_LATER))
)
_ENDS: Final[Sequence[Observation]] = (
    seen_succeeded(),
    seen_succeeded(at=LONG_AFTER),
    seen_failed(),
    seen_failed(retryable=False),
    seen_cancelled(),
)


def _seen(*others: Observation) -> Sequence[dict[str, Any]]:
    known = (NotLooked(), a_candidate(), a_candidate(LONG_AFTER), seen_running(), *_ENDS, *others)
    return (*_ABSENCES, *({"observation": each} for each in known))


def _flags(name: str, *values: object) -> Sequence[dict[str, Any]]:
    return [{name: value} for value in values or (False, True)]


_WISHES: Final[Sequence[dict[str, Any]]] = (
    {},
    *({"deleting": True, "deletion_policy": policy} for policy in DeletionPolicy),
)
_STOPS: Final[Sequence[dict[str, Any]]] = ({}, {"cancel_request": "now"}, {"active_deadline_seconds": 1})


def _jobs(*columns: Sequence[dict[str, Any]]) -> Iterator[Job]:
    """Every wish: a policy, a deletion, a cancel request, a deadline that has passed."""
    for row in product(_WISHES, _STOPS, *columns):
        yield a_job(**{name: value for part in row for name, value in part.items()})


def _facts(*columns: Sequence[dict[str, Any]]) -> Iterator[Facts]:
    for row in product(*columns):
        yield facts(**{name: value for part in row for name, value in part.items()})


_LAST_TRY: Final = running(attempt=replace(an_attempt(), failures=3))
_SPENT: Final = a_closed_attempt(4, failures=4)
_SUSPEND: Final = _flags("suspend")
_GUARDED: Final = _flags("guarded")
_UNKNOWN: Final = _flags("unknown_outcome", *UnknownOutcome)

_FINISHED: Final = (
    (
        exported(),
        failed(),
        failed(artifacts=(a_file(),)),
        failed(Reason.OUTCOME_UNKNOWN),
        failed(handled_retry="again"),
    ),
    [
        *_jobs(_GUARDED, _flags("retry_request", "", "again")),
        *(a_job(deletion_policy=DeletionPolicy.DELETE, guarded=guarded) for guarded in (False, True)),
    ],
    _facts(_ACCOUNTS, _BOUNDS, _flags("observation", NotLooked(), seen_running(), seen_succeeded())),
)
_IDLE: Final = (
    (
        a_journal(),
        a_journal(doubtful=True),
        a_journal(attempt=a_closed_attempt(2, failures=1), start_at=NOON, last_error=an_error()),
        a_journal(attempt=a_closed_attempt(2), start_at=NOON, last_error=an_error(Reason.OUTCOME_UNKNOWN)),
        a_journal(attempt=_SPENT, start_at=NOON),
    ),
    _jobs(_GUARDED, _SUSPEND, _UNKNOWN),
    _facts(
        (
            *_ABSENCES,
            *_flags("observation", NotLooked(), a_candidate(), seen_running(), seen_succeeded(), seen_failed()),
        ),
        ({}, {"barred": NO}, {"turn": NO}, {"checked": None}, {"checked": NO}, {"owner": "", "away": GONE}),
        _BOUNDS,
        _flags("guarded_here"),
    ),
)
_UNSENT: Final = (
    (claimed(), claimed(start_at=NOON)),
    _jobs(_SUSPEND, _GUARDED),
    _facts(
        ({"unsent": True},),
        _ACCOUNTS,
        _flags("fenced"),
        _flags("barred", None, NO),
        _flags("claim_age_seconds", 1.0, 301.0),
        _BOUNDS,
    ),
)
_CLAIM: Final = (
    (claimed(2), claimed(2, start_at=NOON)),
    _jobs(_SUSPEND, _UNKNOWN),
    _facts(
        _seen(seen_running(2), seen_failed(2)),
        _ACCOUNTS,
        _BOUNDS,
        _flags("fenced"),
        _flags("has_token"),
        _flags("barred", None, NO),
    ),
)
_TASK: Final = (
    (running(), _LAST_TRY, running(task=a_task(id=None))),
    _jobs(),
    _facts(
        _seen(seen_running(percent=62)),
        _ACCOUNTS,
        _BOUNDS,
        _flags("collected", None, collected(a_file()), collected(), FLAWED),
        ({}, {"cancel_due": False}, {"can_cancel": False}, {"cancel_acknowledged": True}),
    ),
)


def _lives(situation: Situation) -> bool:
    """A task of ours is there, or may have left a good result."""
    return isinstance(situation.facts.observation, Running | Succeeded) and (
        situation.journal.claim is not None or situation.must_look
    )


def _strange_keys(situation: Situation) -> bool:
    claim = situation.journal.claim
    return claim is not None and situation.facts.owner not in ("", claim.account_id)


# The words of the laws, in terms of what the search varies: a fault in core/situation.py must not excuse itself.


def _stop(situation: Situation) -> bool:
    job, started = situation.job, situation.journal.start_at is not None
    late = started and job.policy.active_deadline_seconds is not None
    return job.deleting or late or job.cancel_request != ""


def _orphaning(situation: Situation) -> bool:
    return situation.job.deleting and situation.job.policy.deletion_policy is DeletionPolicy.ORPHAN


def _bound_passed(situation: Situation) -> bool:
    return situation.job.deleting and situation.facts.deleting_seconds >= A_DAY


def _window_over(situation: Situation) -> bool:
    seen = situation.facts.observation
    return not isinstance(seen, NotLooked) and seen.cloud_time >= LONG_AFTER


# Each law by its sentence: whether a case breaks it. The kind of step is asked first: most cases end there.
LAWS: Final[dict[str, Callable[[Situation, Step], bool]]] = {
    "nothing is claimed or sent once a stop is wished": lambda s, step: isinstance(step, Claim | Submit) and _stop(s),
    "nothing is claimed or sent while suspended": lambda s, step: (
        isinstance(step, Claim | Submit) and s.job.policy.suspend
    ),
    "nothing is claimed or sent without grants": lambda s, step: (
        isinstance(step, Claim | Submit) and s.facts.barred is not None
    ),
    "nothing is sent without the fence": lambda s, step: isinstance(step, Submit) and not s.facts.fenced,
    "nothing is claimed without our finalizer": lambda s, step: isinstance(step, Claim) and not s.job.guarded,
    "nothing is claimed while a claim or a task is recorded": lambda s, step: (
        isinstance(step, Claim) and s.journal.claim is not None
    ),
    "nothing is sent beside a task of ours": lambda s, step: isinstance(step, Claim | Submit) and _lives(s),
    "an unsent claim is withdrawn once a stop is wished": lambda s, step: (
        s.facts.unsent and _stop(s) and step != Withdraw()
    ),
    "a number is used once": lambda s, step: isinstance(step, Claim) and step.number <= s.journal.number,
    "no attempt beyond the limit": lambda s, step: (
        isinstance(step, Claim) and s.journal.failures > s.job.policy.backoff_limit
    ),
    "no second try after a cancelled task": lambda s, step: (
        isinstance(step, Claim | Submit | Close | Discard)
        and s.journal.task is not None
        and not s.journal.finished
        and isinstance(s.facts.observation, Cancelled)
    ),
    # Of a finished job the engine holds the discard back; only its good end is certain without keys.
    "another owner's keys are used for nothing": lambda s, step: (
        isinstance(step, Submit | Look | Adopt | Cancel | Collect | Discard)
        and not s.journal.finished
        and _strange_keys(s)
    ),
    "under Orphan a deletion touches nothing": lambda s, step: (
        not isinstance(step, Release) and _orphaning(s) and not s.facts.unsent
    ),
    "under Orphan nothing is recorded to be followed": lambda s, step: step == Release(orphan=True) and _orphaning(s),
    "a deletion whose bound has passed ends": lambda s, step: (
        not isinstance(step, Release) and _bound_passed(s) and not s.facts.unsent
    ),
    "no bound is longer than a day": lambda s, _: _bound_passed(s) and not s.bound_passed,
    "only a deleted object is released": lambda s, step: isinstance(step, Release) and not s.job.deleting,
    "no finalizer leaves a claim or task behind unrecorded": lambda s, step: (
        step == Release(orphan=False) and not _orphaning(s) and not s.journal.finished and s.journal.claim is not None
    ),
    "a finalizer is taken off only at the end": lambda s, step: isinstance(step, Unguard) and not s.journal.finished,
    "a finished job only rests, clears up, leaves, or is reopened on request": lambda s, step: (
        s.journal.finished and not isinstance(step, Rest | Guard | Unguard | Discard | Release | Reopen)
    ),
    "only what finished badly is reopened, and only on request": lambda s, step: (
        isinstance(step, Reopen) and not (s.journal.failed and s.retry_requested and not s.job.deleting)
    ),
    "nothing but a finished job rests": lambda s, step: isinstance(step, Rest) and not s.journal.finished,
    "nothing fails while its task runs or ended well unseen": lambda s, step: (
        isinstance(step, Fail)
        and _lives(s)
        and not (isinstance(s.facts.observation, Succeeded) and s.facts.collected == FLAWED)
    ),
    "nothing is complete unless its files were listed and are whole": lambda s, step: (
        isinstance(step, Complete) and (s.facts.collected is None or s.facts.collected.flaw is not None)
    ),
    "nothing is cancelled unless a stop is wished": lambda s, step: isinstance(step, Cancel) and not _stop(s),
    "only listed files are deleted": lambda s, step: (
        isinstance(step, Discard) and step.items not in (s.journal.artifacts, s.left.items)
    ),
    "an attempt's files are deleted only after it failed": lambda s, step: (
        isinstance(step, Discard) and not s.journal.finished and not s.another_try
    ),
    "a claim is closed only once its window is over": lambda s, step: (
        isinstance(step, Close) and s.journal.task is None and not _window_over(s)
    ),
    "a submission that was never accepted costs nothing": lambda s, step: (
        isinstance(step, Close) and isinstance(s.facts.observation, Absent) and step.costs_attempt
    ),
    "whoever waits knows for what": lambda _, step: (
        (isinstance(step, Wait) and not step.message) or (isinstance(step, Hold) and not step.refusal.message)
    ),
}

GROUPS: Final = {"finished": _FINISHED, "idle": _IDLE, "unsent": _UNSENT, "claim": _CLAIM, "task": _TASK}


class Search(NamedTuple):
    """What the search found: combinations by group, steps by kind, and the first case that broke each law."""

    sizes: Counter[str]
    kinds: Counter[str]
    broken: dict[str, Case]


@pytest.fixture(scope="module")
def search() -> Search:
    """All combinations, decided once; a decision that raises ends the search."""
    laws, found = tuple(LAWS.items()), Search(Counter(), Counter(), {})
    for group, (journals, jobs, known) in GROUPS.items():
        steps: Counter[type] = Counter()
        for journal, job, fact in product(journals, list(jobs), list(known)):
            step, situation = decide(job, journal, fact), Situation(job, journal, fact)
            steps[type(step)] += 1
            for sentence, breaks in laws:
                if breaks(situation, step):
                    found.broken.setdefault(sentence, Case(situation, step))
        found.sizes[group] = steps.total()
        found.kinds.update({kind.__name__: count for kind, count in steps.items()})
    return found


@pytest.mark.parametrize("sentence", LAWS)
def test_the_law_holds_in_every_combination(search: Search, sentence: str) -> None:
    """No combination of wishes and facts breaks the law."""
    assert search.broken.get(sentence) is None


def test_every_combination_is_decided_and_every_step_occurs(search: Search) -> None:
    """The search is as wide as it says: hundreds of thousands of cases, and no kind of step that none of them calls for."""
    assert set(search.kinds) == {kind.__name__ for kind in Step.__args__}
    assert search.sizes.total() > 200_000
