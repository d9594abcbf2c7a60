"""A manifest that the API server admits becomes a job; one that it does not is refused by the field's name."""

from datetime import timedelta
from typing import Any

import pytest

from imageferry.core.errors import Rejected
from imageferry.core.job import (
    CANCEL_ANNOTATION,
    RETRY_ANNOTATION,
    TASK_FINALIZER,
    DeletionPolicy,
    ImageSource,
    RunPolicy,
    UnknownOutcome,
    format_time,
    parse_time,
)
from imageferry.core.manifest import parse_export
from imageferry.core.reasons import Reason
from tests.builders import NOON, UID


def a_manifest(**spec: object) -> dict[str, Any]:
    """The smallest ImageExport as the API server returns it, with these fields of spec."""
    smallest = {
        "accountRef": {"name": "alibaba-prod"},
        "source": {"imageID": "m-1"},
        "destination": {"bucket": "team-images"},
    }
    metadata = {
        "name": "web",
        "namespace": "images",
        "uid": UID,
        "generation": 2,
        "creationTimestamp": "2026-11-21T12:00:00Z",
    }
    return {"metadata": metadata, "spec": smallest | spec}


def test_the_smallest_export_that_the_schema_admits_is_a_job() -> None:
    """A prefix is optional: the file names begin with the key then."""
    job = parse_export(a_manifest())
    assert (job.account, job.source, job.bucket, job.prefix) == (
        "alibaba-prod",
        ImageSource(image_id="m-1"),
        "team-images",
        "",
    )
    assert (job.uid, job.generation, job.created_at) == (UID, 2, NOON)
    assert (job.region, job.role_name, job.format, job.disks, job.policy) == ("", "", "RAW", "All", RunPolicy())
    assert (job.deleting, job.guarded, job.retry_request, job.cancel_request) == (False, False, "", "")


def test_every_wish_arrives() -> None:
    """Each field of spec and each mark in the metadata is read."""
    manifest = a_manifest(
        region="cn-shanghai",
        source={"imageFamily": "web"},
        destination={"bucket": "b1", "prefix": "web"},
        format="QCOW2",
        disks="SystemOnly",
        roleName="exporter",
        suspend=True,
        priority=-5,
        backoffLimit=0,
        activeDeadlineSeconds=3600,
        deletionPolicy="Delete",
        unknownOutcome="Retry",
        unknownOutcomeSeconds=60,
    )
    manifest["metadata"] |= {
        "deletionTimestamp": "2026-11-21T13:00:00Z",
        "finalizers": ["other", TASK_FINALIZER],
        "annotations": {RETRY_ANNOTATION: "now", CANCEL_ANNOTATION: "please"},
    }
    job = parse_export(manifest)
    assert job.policy == RunPolicy(
        suspend=True,
        priority=-5,
        backoff_limit=0,
        active_deadline_seconds=3600,
        deletion_policy=DeletionPolicy.DELETE,
        unknown_outcome=UnknownOutcome.RETRY,
        unknown_outcome_seconds=60,
    )
    assert (job.source, job.bucket, job.prefix) == (ImageSource(image_family="web"), "b1", "web")
    assert (job.region, job.format, job.disks, job.role_name) == ("cn-shanghai", "QCOW2", "SystemOnly", "exporter")
    assert (job.deleting, job.guarded, job.retry_request, job.cancel_request) == (True, True, "now", "please")


def test_a_request_of_any_length_can_be_remembered_as_handled() -> None:
    """The value of an annotation may be longer than what a status holds: the end of the job can be written all the same."""
    manifest = a_manifest()
    manifest["metadata"]["annotations"] = {RETRY_ANNOTATION: "x" * 5000, CANCEL_ANNOTATION: "y" * 5000}
    job = parse_export(manifest)
    assert (len(job.retry_request), len(job.cancel_request)) == (1024, 1024)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        pytest.param({"destination": "team-images"}, "spec.destination must be an object.", id="an object"),
        pytest.param({"destination": {}}, "spec.destination.bucket must be a string.", id="a string"),
        pytest.param({"priority": "high"}, "spec.priority must be an integer.", id="an integer"),
        pytest.param({"priority": True}, "spec.priority must be an integer.", id="no truth value"),
        pytest.param({"suspend": 1}, "spec.suspend must be true or false.", id="a truth value"),
        pytest.param(
            {"deletionPolicy": "Keep"}, "spec.deletionPolicy must be one of Retain, Delete, Orphan.", id="a choice"
        ),
        pytest.param({"deletionPolicy": []}, "spec.deletionPolicy must be one of Retain, Delete, Orphan.", id="a list"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(spec: dict[str, Any], message: str) -> None:
    """A spec that no schema of ours admits is refused with the field's name, never with a traceback."""
    with pytest.raises(Rejected) as refusal:
        parse_export(a_manifest(**spec))
    assert (refusal.value.reason, refusal.value.message) == (Reason.INVALID_SPEC, message)


def test_times_are_utc_and_in_whole_seconds() -> None:
    """Whatever its offset, a time is compared and shown in UTC."""
    assert parse_time("2026-11-21T14:30:00+02:30") == NOON
    assert format_time(NOON + timedelta(microseconds=5)) == "2026-11-21T12:00:00Z"
