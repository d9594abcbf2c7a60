"""What an account's status remembers of lanes and orphans where a part is missing, forged or not known."""

from dataclasses import replace

import pytest

from imageferry.core.accountbook import Book, LaneRow, Orphan, kind_of, operation_of, orphan_of, read, write
from imageferry.core.job import DeletionPolicy, Kind
from tests.builders import (
    BUCKET,
    IMAGE,
    LONG_AFTER,
    NOON,
    OWNER,
    UID,
    a_claim,
    a_job,
    a_task,
    an_import,
    claimed,
    resolved,
    resolved_import,
    running,
)

LANE = {"region": "cn-hangzhou", "operation": "Export", "running": 3, "queued": 12}


def an_orphan() -> Orphan:
    """What an ordinary export with a running task leaves behind."""
    return orphan_of(a_job(deletion_policy=DeletionPolicy.DELETE), running(), a_claim(), LONG_AFTER)


def test_what_an_object_leaves_behind_is_recorded_whole() -> None:
    """The object is gone: what it was, whose keys it needs and what is to become of its files stands in the record."""
    assert an_orphan() == Orphan(
        operation="Export",
        task_id="t-bp67acfmxazb4p0b",
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


def test_what_was_resolved_goes_before_what_the_spec_says() -> None:
    """The task runs where it was submitted to, whatever the spec says since."""
    job = a_job(region="cn-beijing", bucket="another")
    orphan = orphan_of(job, running(resolved=resolved(bucket="b1", region="r1", image_id="m-1")), a_claim(), NOON)
    assert (orphan.bucket, orphan.region, orphan.image_id) == ("b1", "r1", "m-1")


@pytest.mark.parametrize("journal", [claimed(), running(task=a_task(id=None))])
def test_a_task_without_an_id_is_looked_for_by_its_key(journal: object) -> None:
    """An open claim, and a task that the cloud names by nothing but its files."""
    assert orphan_of(a_job(), journal, a_claim(), NOON).task_id == ""  # type: ignore[arg-type]


def test_an_import_leaves_the_image_that_it_makes() -> None:
    """Its name from the claim on, and its id once the cloud has told it."""
    open_claim = orphan_of(an_import(), claimed(resolved=resolved_import()), a_claim(), NOON)
    assert (open_claim.operation, open_claim.image_id, open_claim.image_name) == ("Import", "", "web-restored")
    running_task = running(resolved=resolved_import(), task=a_task(image_id="m-new"))
    orphan = orphan_of(an_import(), running_task, a_claim(), NOON)
    assert (orphan.image_id, orphan.task.image_id, orphan.resolved.mutex) == ("m-new", "m-new", "web-restored")


def test_an_unobserved_account_is_older_than_any_generation() -> None:
    """Generations count from one."""
    assert read({}) == Book()
    assert read({}).observed_generation == -1
    assert read({"observedGeneration": 0}).observed_generation == 0


@pytest.mark.parametrize("field", ["region", "operation"])
@pytest.mark.parametrize("value", [None, "", "Elsewhere"])
def test_a_lane_that_is_not_named_is_not_believed(field: str, value: str | None) -> None:
    """Both words are needed, and the direction is one of two."""
    named = field == "region" and value == "Elsewhere"
    assert bool(read({"lanes": [LANE | {field: value}]}).lanes) is named


def test_a_reason_without_a_time_closes_no_lane() -> None:
    """A lane is closed until a time or not at all."""
    assert read({"lanes": [LANE | {"closedReason": "WeeklyQuotaExceeded"}]}).lanes == (
        LaneRow(
            region="cn-hangzhou",
            operation="Export",
            limit=None,
            learned_limit=None,
            running=3,
            queued=12,
            closed_until=None,
            closed_reason="",
        ),
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("operation", "Copy", id="a direction that nobody knows"),
        pytest.param("objectPrefix", "webkanother", id="a prefix that does not end in the key"),
        pytest.param("deletionPolicy", "Keep", id="a policy that nobody knows"),
    ],
)
def test_an_orphan_that_contradicts_itself_is_not_followed(field: str, value: str) -> None:
    """Its record was forged, and following it might harm somebody else."""
    status = write(Book(orphans=(an_orphan(),)))
    status["orphans"][0][field] = value
    assert read(status).orphans == ()


def test_an_orphan_without_its_time_counts_from_its_claim() -> None:
    """It is followed for no longer than it may have lived."""
    status = write(Book(orphans=(an_orphan(),)))
    del status["orphans"][0]["since"]
    assert read(status).orphans == (replace(an_orphan(), since=NOON),)


def test_a_direction_is_known_by_its_word() -> None:
    """Lanes and orphans lead back to the kind of their jobs."""
    assert [kind_of(operation_of(kind)) for kind in Kind] == list(Kind)
