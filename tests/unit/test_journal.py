"""What a status remembers comes back as it was written; what cannot have been written by us is not believed."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imageferry.core.errors import MESSAGE_LIMIT
from imageferry.core.job import Kind
from imageferry.core.journal import Condition, Journal, LastRefusal, Progress, Queued
from imageferry.core.keys import LOST_NUMBERING, attempt_key
from imageferry.core.reasons import Reason
from imageferry.core.status import read, write
from tests.admission import admitted, refusals, status_schema
from tests.builders import (
    LONG_AFTER,
    NOON,
    UID,
    a_claim,
    a_closed_attempt,
    a_file,
    a_journal,
    a_task,
    an_attempt,
    an_error,
    claimed,
    exported,
    failed,
    resolved,
    running,
)

SCHEMA = status_schema("imageexports")
READY = Condition(
    type="Ready",
    status="False",
    reason="Running",
    message="The cloud's task is in state Processing.",
    observed_generation=1,
    last_transition_at=NOON,
)
REFUSAL = LastRefusal(
    reason=Reason.NOT_WHITELISTED,
    failure_class="Blocked",
    message="The account may not use image export.",
    generation=1,
    next_try_at=LONG_AFTER,
)
REFUSED = a_journal(
    attempt=a_closed_attempt(),
    resolved=resolved(),
    last_refusal=REFUSAL,
    last_error=an_error(Reason.NOT_WHITELISTED, message=REFUSAL.message, request_id="473469C7"),
)

STATES = {
    "a new object": Journal(),
    "an object seen once": a_journal(conditions=(READY,)),
    "a job that waits in its lane": a_journal(queued=Queued(NOON, LONG_AFTER), resolved=resolved()),
    "an open claim": claimed(),
    "a closed attempt": a_journal(attempt=a_closed_attempt(2, failures=1), resolved=resolved(data_disks=2)),
    "a remembered refusal": REFUSED,
    "a running task": running(progress=Progress(percent=62, updated_at=NOON, estimated_finish_at=LONG_AFTER)),
    "a task at zero percent": running(progress=Progress(percent=0, updated_at=NOON)),
    "a task without percent or id": running(task=a_task(id=None), progress=Progress(percent=None, updated_at=NOON)),
    "a task that cannot be cancelled": running(task=a_task(cancellable=False)),
    "an export with data disks": exported(artifacts=(a_file(), a_file(device="xvdb"))),
    "a failure with requests handled": failed(handled_retry="yes", handled_cancel="please"),
    "an adopted task of an attempt before the loss": running(
        attempt=replace(an_attempt(LOST_NUMBERING), claim=a_claim(3)), task=a_task(3)
    ),
}
STATE = pytest.mark.parametrize("journal", [pytest.param(state, id=name) for name, state in STATES.items()])


@STATE
def test_what_is_written_is_read_back(journal: Journal) -> None:
    """A restart loses nothing."""
    assert read(json.loads(json.dumps(write(journal))), UID, Kind.EXPORT) == journal


@STATE
def test_what_is_written_is_admitted_whole(journal: Journal) -> None:
    """The API server neither refuses nor prunes what the operator writes."""
    assert refusals(SCHEMA, write(journal)) == []


def test_texts_of_any_length_from_a_cloud_are_admitted() -> None:
    """However much a cloud says, its words never keep a status from being written."""
    much = "x" * 100_000
    task = a_task(state=much)
    error = an_error(message=much[:MESSAGE_LIMIT], code=much, request_id=much)
    meaning = resolved(image_name=much, platform=much, architecture=much)
    journal = running(task=task, last_error=error, resolved=meaning)
    assert refusals(SCHEMA, write(journal)) == []


@settings(max_examples=60, deadline=None)
@given(admitted(SCHEMA))
def test_no_status_that_the_server_admits_is_beyond_reading(status: dict[str, Any]) -> None:
    """A forged or cut status is read as far as it makes sense, and what was read can be written and read again."""
    journal = read(status, UID, Kind.EXPORT)
    assert read(write(journal), UID, Kind.EXPORT) == replace(journal, doubtful=False)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["key", "number", "time"]), inner),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(SCHEMA["properties"], _JSON)))
def test_no_json_at_all_is_beyond_reading(status: dict[str, Any]) -> None:
    """Even where an older or newer schema admitted something else, reading never breaks."""
    assert read(status, UID, Kind.EXPORT).finished in (True, False)


@pytest.mark.parametrize("journal", [pytest.param(STATES[n], id=n) for n in STATES if STATES[n].claim])
@pytest.mark.parametrize("lost", ["objectPrefix", "accountID", "claimedAt", "claimedBy"])
def test_a_claim_that_was_cut_is_not_taken_for_a_closed_one(journal: Journal, lost: str) -> None:
    """An attempt of which a part is missing may have a task: the journal counts as lost, and the cloud is asked."""
    status = write(journal)
    del status["attempt"][lost]
    known = read(status, UID, Kind.EXPORT)
    assert (known.attempt, known.task, known.doubtful) == (None, None, True)


@STATE
def test_a_status_copied_from_another_object_is_not_believed(journal: Journal) -> None:
    """Whoever copies or forges a status cannot make another object's task or files ours."""
    known = read(write(journal), "another-uid", Kind.EXPORT)
    assert known.claim is None
    assert known.task is None
    assert known.artifacts == ()
    assert known.doubtful == (journal.claim is not None)


def test_a_prefix_that_does_not_end_in_our_key_is_not_ours() -> None:
    """A forged prefix cannot point at another object's files."""
    status = write(claimed())
    status["attempt"]["objectPrefix"] = "web" + attempt_key("another-uid", 1)
    assert read(status, UID, Kind.EXPORT).doubtful


def test_files_that_do_not_bear_our_mark_are_not_listed() -> None:
    """Policy Delete cannot be turned against files that no attempt of ours wrote."""
    status = write(exported(artifacts=(a_file(), a_file(key="payroll.db"), a_file(key="web_x.raw.tar.gz"))))
    assert read(status, UID, Kind.EXPORT).artifacts == (a_file(),)


def test_a_forged_number_costs_no_time() -> None:
    """The largest number that the server admits is read as fast as any other."""
    status = write(claimed())
    status["attempt"]["number"] = 2**63 - 1
    assert read(status, UID, Kind.EXPORT).number == 2**63 - 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param({"reason": "TaskFailed"}, "TaskFailed", id="no time"),
        pytest.param({"reason": "TaskFailed", "time": "0000-01-01T00:00:00Z"}, "TaskFailed", id="a time of no clock"),
        pytest.param({"message": "gone"}, "TaskFailed", id="no reason"),
        pytest.param({"reason": "FromALaterRelease", "time": "2026-11-21T12:00:00Z"}, "TaskFailed", id="a new reason"),
    ],
)
def test_a_bad_end_never_reads_as_a_good_one(error: dict[str, Any], reason: str) -> None:
    """Of an error beside the end something always remains: a job that failed is never shown as done."""
    known = read(write(failed()) | {"lastError": error}, UID, Kind.EXPORT)
    assert known.failed
    assert known.last_error
    assert known.last_error.reason == reason


def test_a_time_that_no_clock_shows_is_no_time() -> None:
    """Times at the ends of the calendar, with which nothing can be reckoned, count as absent."""
    times = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "next week")
    found = [read({"startTime": time, "queue": {"since": time}}, UID, Kind.EXPORT) for time in times]
    assert found == [Journal()] * len(times)
    assert read({"startTime": "2026-11-21T13:00:00+01:00"}, UID, Kind.EXPORT).start_at == NOON


def test_the_refusal_keeps_its_words_over_a_restart() -> None:
    """Why a submission was refused is still told after a restart, in the words of the error beside it."""
    known = read(write(REFUSED), UID, Kind.EXPORT).last_refusal
    assert known == REFUSAL
    assert known.next_try_at
    assert known.next_try_at - NOON > timedelta(minutes=10)
