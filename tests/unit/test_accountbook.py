"""What an account's status remembers comes back as it was written; what nobody can follow is not believed."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from imageferry.core.accountbook import Book, LaneRow, Orphan, operation_of, orphan_of, read, write
from imageferry.core.job import DeletionPolicy, Kind
from imageferry.core.journal import Condition
from imageferry.core.reasons import Reason
from tests.admission import admitted, refusals, status_schema
from tests.builders import (
    BUCKET,
    IMAGE,
    LONG_AFTER,
    NOON,
    OWNER,
    UID,
    a_claim,
    a_job,
    a_journal,
    a_task,
    an_attempt,
    claimed,
    running,
)

SCHEMA = status_schema("cloudaccounts")
LANE = LaneRow(
    region="cn-hangzhou",
    operation="Export",
    limit=None,
    learned_limit=None,
    running=0,
    queued=0,
    closed_until=None,
    closed_reason="",
)
ORPHAN = orphan_of(a_job(deletion_policy=DeletionPolicy.DELETE), running(), a_claim(), LONG_AFTER)
READY = Condition(
    type="Ready",
    status="True",
    reason=Reason.ACCEPTED,
    message="The account can be used.",
    observed_generation=1,
    last_transition_at=NOON,
)

STATES = {
    "a new account": Book(),
    "an account in use": Book(
        observed_generation=2,
        conditions=(READY,),
        account_id=OWNER,
        lanes=(replace(LANE, limit=5, running=3, queued=12),),
    ),
    "a lane closed by the weekly quota": Book(
        lanes=(replace(LANE, learned_limit=3, closed_until=LONG_AFTER, closed_reason="WeeklyQuotaExceeded"),)
    ),
    "orphans of both kinds": Book(orphans=(ORPHAN, replace(ORPHAN, task_id="", key="k2", object_prefix="webk2"))),
}
STATE = pytest.mark.parametrize("book", [pytest.param(state, id=name) for name, state in STATES.items()])


@STATE
def test_what_is_written_is_read_back(book: Book) -> None:
    """A restart forgets no orphan."""
    assert read(json.loads(json.dumps(write(book)))) == book


@STATE
def test_what_is_written_is_admitted_whole(book: Book) -> None:
    """The API server neither refuses nor prunes what the operator writes."""
    assert refusals(SCHEMA, write(book)) == []


@settings(max_examples=60, deadline=None)
@given(admitted(SCHEMA))
def test_no_status_that_the_server_admits_is_beyond_reading(status: dict[str, Any]) -> None:
    """A forged or cut status is read as far as it makes sense, and what was read can be written and read again."""
    book = read(status)
    assert read(write(book)) == book


@pytest.mark.parametrize("field", ["operation", "objectPrefix", "region", "accountID", "deletionPolicy", "claimedAt"])
def test_an_orphan_that_lacks_a_part_is_not_followed(field: str) -> None:
    """Where the server admits less than what is needed, nothing is guessed."""
    status = write(Book(orphans=(ORPHAN,)))
    del status["orphans"][0][field]
    assert refusals(SCHEMA, status) == []
    assert read(status).orphans == ()


def test_an_orphan_holds_all_that_following_it_takes() -> None:
    """The object is gone: what it was, whose keys it needs and what is to become of its files stands in the record."""
    assert (
        Orphan(
            operation="Export",
            task_id=a_task().id or "",
            key=a_claim().key,
            object_prefix=a_claim().object_prefix,
            image_id=IMAGE,
            image_name="web",
            bucket=BUCKET,
            region="cn-hangzhou",
            account_id=OWNER,
            namespace="images",
            name="web-2026-11",
            uid=UID,
            deletion_policy=DeletionPolicy.DELETE,
            claimed_at=NOON,
            since=LONG_AFTER,
        )
        == ORPHAN
    )


def test_an_open_claim_is_an_orphan_without_a_task() -> None:
    """A submission whose outcome nobody knows is looked for after its object has gone."""
    assert orphan_of(a_job(), claimed(), a_claim(), NOON).task_id == ""


def test_without_what_was_resolved_the_spec_says_where_to_look() -> None:
    """A cut status still leaves bucket and region."""
    orphan = orphan_of(a_job(), a_journal(attempt=an_attempt()), a_claim(), NOON)
    assert (orphan.bucket, orphan.region, orphan.image_id) == (BUCKET, "cn-hangzhou", "")


def test_each_direction_has_its_word() -> None:
    """Lanes and orphans are told apart by direction."""
    assert [operation_of(kind) for kind in Kind] == ["Export", "Import"]
