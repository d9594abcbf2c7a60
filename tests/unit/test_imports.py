"""Imports as values: the manifest, the status, the files of an export, and what each act makes of the journal."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from imageferry.core import status, transition
from imageferry.core.account import barred, parse_account
from imageferry.core.artifacts import Artifacts, Flaw, Image, Role, Snapshot
from imageferry.core.conditions import FLAWS, report
from imageferry.core.decide import decide
from imageferry.core.errors import Refusal, Rejected
from imageferry.core.job import AlibabaOptions, DiskFile, ImageWish, Job, Kind, TencentOptions
from imageferry.core.journal import Journal, Progress
from imageferry.core.keys import OwnKeys, attempt_key
from imageferry.core.manifest import parse_import
from imageferry.core.observation import DiskProgress, Running, Succeeded
from imageferry.core.reasons import Reason
from imageferry.core.resolved import Obstructed
from imageferry.core.source import bound
from imageferry.core.step import Complete, Discard, Fail, Rest, Submit, Wait
from tests.builders import (
    BUCKET,
    IMPORTED_IMAGE,
    NOON,
    UID,
    a_claim,
    a_file,
    a_job,
    a_journal,
    a_task,
    absent,
    an_error,
    an_import,
    claimed,
    exported,
    facts,
    imported,
    resolved_import,
    running,
)


def a_manifest(**spec: object) -> dict[str, Any]:
    """An import of one file as the API server returns it; `spec` adds to it."""
    plain = {
        "accountRef": {"name": "alibaba-prod"},
        "source": {"disks": [{"bucket": BUCKET, "key": "web.raw"}]},
        "image": {"name": "web-restored"},
    }
    metadata = {
        "namespace": "images",
        "name": "web-restored",
        "uid": UID,
        "generation": 1,
        "creationTimestamp": "2026-11-21T12:00:00Z",
    }
    return {"metadata": metadata, "spec": plain | spec}


def test_an_import_asks_for_an_image_of_files() -> None:
    """Everything that a spec may say reaches the job."""
    image = {
        "name": "web-restored",
        "description": "from the archive",
        "family": "web",
        "architecture": "arm64",
        "osType": "Linux",
        "platform": "Ubuntu",
        "osVersion": "24.04",
        "bootMode": "UEFI",
        "licenseType": "BYOL",
        "tags": {"team": "web", "env": "prod"},
    }
    disks = [
        {"bucket": BUCKET, "key": "web.raw", "format": "RAW", "sizeGiB": 40},
        {"bucket": BUCKET, "key": "data.raw"},
    ]
    alibaba = {
        "resourceGroupID": "rg-1",
        "detectionStrategy": "Standard",
        "nvmeSupport": "supported",
        "imdsSupport": "v2",
    }
    job = parse_import(a_manifest(image=image, source={"disks": disks}, alibaba=alibaba, tencent={"force": True}))
    assert job.disks == (
        DiskFile(bucket=BUCKET, key="web.raw", format="RAW", size_gib=40),
        DiskFile(bucket=BUCKET, key="data.raw"),
    )
    assert job.image == ImageWish(
        name="web-restored",
        description="from the archive",
        family="web",
        architecture="arm64",
        os_type="Linux",
        platform="Ubuntu",
        os_version="24.04",
        boot_mode="UEFI",
        license_type="BYOL",
        tags=(("env", "prod"), ("team", "web")),
    )
    assert job.alibaba == AlibabaOptions(
        resource_group_id="rg-1", detection_strategy="Standard", nvme_support="supported", imds_support="v2"
    )
    assert job.tencent == TencentOptions(force=True)
    assert (job.bucket, job.places) == (BUCKET, ((BUCKET, "web.raw"), (BUCKET, "data.raw")))


def test_what_an_import_leaves_out_is_left_to_the_cloud() -> None:
    """Empty words and no options."""
    job = parse_import(a_manifest())
    assert (job.image, job.alibaba, job.tencent, job.export_name) == (ImageWish(name="web-restored"), None, None, "")


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"source": {"disks": "web.raw"}}, "spec.source.disks"),
        ({"source": {"disks": [{"bucket": BUCKET}]}}, "spec.source.disks[0].key"),
        ({"image": {}}, "spec.image.name"),
        ({"image": {"name": "web", "tags": {"a": 1}}}, "spec.image.tags.a"),
        ({"source": {"exportRef": {}}}, "spec.source.exportRef.name"),
        ({"tencent": {"force": "yes"}}, "spec.tencent.force"),
    ],
)
def test_a_field_that_does_not_fit_is_named(spec: dict[str, Any], field: str) -> None:
    """The schema lets none of these in; a later one might."""
    with pytest.raises(Rejected, match=field.replace("[", r"\[").replace("]", r"\]")):
        parse_import(a_manifest(**spec))


@pytest.mark.parametrize(
    "journal",
    [
        imported(),
        running(resolved=resolved_import(), task=a_task(image_id=IMPORTED_IMAGE)),
        running(
            resolved=resolved_import(image=ImageWish(name="web-restored"), force=True),
            progress=Progress(percent=40, updated_at=NOON, disks=(DiskProgress("/dev/xvda", 40),)),
        ),
        transition.reopened(imported(last_error=an_error()), an_import(retry_request="again")),
    ],
    ids=["imported", "running", "with progress of each disk", "reopened"],
)
def test_a_journal_of_an_import_is_read_as_it_was_written(journal: Journal) -> None:
    """Nothing that a later decision needs is lost in the status."""
    assert status.read(status.write(journal), UID, Kind.IMPORT) == journal


def test_the_image_of_a_running_task_is_no_result() -> None:
    """It is listed once the job has ended."""
    journal = status.read(
        status.write(running(resolved=resolved_import(), task=a_task(image_id="m-1"))), UID, Kind.IMPORT
    )
    assert journal.artifacts == ()
    assert journal.task == a_task(image_id="m-1")


def test_an_import_takes_the_files_of_the_export_it_names() -> None:
    """The system disk's first; those of earlier attempts are not meant."""
    data, earlier = a_file(2, device="xvdb"), a_file(1)
    export = exported(attempt=replace(running(2).attempt, claim=a_claim(2)), artifacts=(earlier, data, a_file(2)))  # type: ignore[type-var]
    job = bound(an_import(disks=(), export_name="web-2026-11"), (a_job(), export))
    assert not isinstance(job, Refusal)
    assert [(bucket, key) for bucket, key in job.places] == [(BUCKET, a_file(2).key), (BUCKET, data.key)]
    assert a_file(2).role is Role.SYSTEM


@pytest.mark.parametrize(
    ("export", "reason"),
    [
        (None, Reason.EXPORT_NOT_FOUND),
        ((a_job(deleting=True), exported()), Reason.EXPORT_NOT_FOUND),
        ((a_job(), running()), Reason.EXPORT_NOT_READY),
        ((a_job(), exported(last_error=an_error())), Reason.EXPORT_FAILED),
    ],
    ids=["missing", "going", "running", "failed"],
)
def test_an_import_waits_for_its_export_and_says_for_what(export: tuple[Job, Journal] | None, reason: Reason) -> None:
    """Nothing is imported of what is not whole."""
    found = bound(an_import(disks=(), export_name="web-2026-11"), export)
    assert isinstance(found, Refusal)
    assert found.reason is reason
    assert "web-2026-11" in found.message


def test_a_job_that_names_its_files_needs_no_export() -> None:
    """Nor does an export."""
    assert bound(an_import(), None) == an_import()
    assert bound(a_job(), None) == a_job()


def test_progress_of_each_disk_and_what_is_left_are_shown_as_the_cloud_says() -> None:
    """Its own word for the rest is better than a guess from the start."""
    disks = (DiskProgress("/dev/xvda", 5),)
    seen = Running(NOON, a_task(image_id="m-1"), 5, disks=disks, seconds_left=90)
    after = transition.observed(running(resolved=resolved_import()), seen, NOON)
    assert after.progress is not None
    assert (after.progress.disks, after.progress.estimated_finish_at) == (disks, NOON + timedelta(seconds=90))
    assert after.task is not None
    assert after.task.image_id == "m-1"


def test_an_ended_import_names_the_image_that_is_there_and_no_other() -> None:
    """Good or bad, the status tells what is left in the cloud."""
    job, before = an_import(), running(resolved=resolved_import(), task=a_task(image_id="m-1"))
    items = (Image("m-1"), Snapshot("s-1", "/dev/xvda"))
    done = transition.completed(before, job, Complete(Artifacts(items, None)), NOON)
    assert status.write(done)["imageID"] == "m-1"
    assert status.write(done)["snapshots"] == [{"id": "s-1", "device": "/dev/xvda"}]
    gone = transition.failed(before, job, Fail(Reason.CANCELLED, "The task was cancelled."), NOON)
    assert "imageID" not in status.write(gone)
    assert "imageID" not in status.write(transition.discarded(done, items))


def test_a_good_import_says_which_image_it_made() -> None:
    """The id is what everybody asks for next."""
    said = report(an_import(), imported(), Rest(), now=NOON, young_seconds=300)
    assert (said.reason, IMPORTED_IMAGE in said.message) == (Reason.IMPORTED, True)


def test_a_source_that_changed_under_way_is_an_image_not_verified() -> None:
    """Its own reason, and no second try by itself."""
    assert Reason.OBJECT_CHANGED in FLAWS
    flaw = Flaw(Reason.OBJECT_CHANGED, "web.raw changed while it was imported.")
    journal = running(resolved=resolved_import())
    from_cloud = facts(observation=Succeeded(NOON, a_task(image_id="m-1")), collected=Artifacts((Image("m-1"),), flaw))
    step = decide(an_import(), journal, from_cloud)
    assert isinstance(step, Fail)
    assert (step.reason, step.items) == (Reason.OBJECT_CHANGED, (Image("m-1"),))


def test_what_an_earlier_attempt_left_in_the_way_is_cleared_away_before_the_next() -> None:
    """A failed image keeps its name until it is deleted."""
    left = (Image("m-failed"),)
    assert decide(an_import(), a_journal(), facts(checked=Obstructed(left))) == Discard(left)


def test_a_repeat_waits_until_it_is_due() -> None:
    """An answer that stays away is no reason to send again at once."""
    around = facts(observation=absent(), has_token=True)
    assert decide(an_import(), claimed(resolved=resolved_import()), around) == Submit(again=True)
    waits = decide(an_import(), claimed(resolved=resolved_import()), replace(around, repeat_due=False))
    assert isinstance(waits, Wait)


def test_only_keys_of_the_objects_own_attempts_are_own() -> None:
    """Whatever bears another is a stranger's."""
    own = OwnKeys(UID, 3)
    assert attempt_key(UID, 3) in own
    assert attempt_key("another", 3) not in own
    assert None not in own


def test_every_file_of_an_import_must_be_granted() -> None:
    """The second disk's as well as the first's."""
    grants = {"buckets": [BUCKET], "objectPrefixes": ["web"]}
    account = parse_account(
        {
            "metadata": {"name": "alibaba-prod", "uid": "1"},
            "spec": {
                "provider": "Alibaba",
                "region": "cn-hangzhou",
                "credentials": {"secretRef": {"name": "s"}},
                "allowedNamespaces": {"from": "All"},
                "allow": grants,
            },
        }
    )
    first = DiskFile(bucket=BUCKET, key="web.raw")
    assert barred(account, an_import(disks=(first,)), {}, "") is None
    other_key = barred(account, an_import(disks=(first, DiskFile(bucket=BUCKET, key="db.raw"))), {}, "")
    assert other_key is not None
    assert (other_key.reason, "db.raw" in other_key.message) == (Reason.OBJECT_NOT_PERMITTED, True)
    other_bucket = barred(account, an_import(disks=(first, DiskFile(bucket="b2", key="web2.raw"))), {}, "")
    assert other_bucket is not None
    assert other_bucket.reason is Reason.BUCKET_NOT_PERMITTED
