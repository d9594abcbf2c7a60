"""Jobs, journals, facts and accounts for tests: each builder makes an ordinary one, and a call names only what differs.

The ordinary export is of one image with one disk, at noon; its first attempt is claimed at noon by the process `me`.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from imageferry.core.account import Account, Endpoints, Grants, Limits, StoredKey
from imageferry.core.artifacts import Artifact, Artifacts, File, Image, Role, Snapshot
from imageferry.core.facts import Bounds, Facts
from imageferry.core.job import DiskFile, ExportJob, ImageSource, ImageWish, ImportJob, Kind, RunPolicy
from imageferry.core.journal import Attempt, Claim, Journal, LastError, Progress
from imageferry.core.keys import attempt_key
from imageferry.core.observation import (
    Absent,
    Cancelled,
    Candidate,
    Failed,
    NotLooked,
    Running,
    Succeeded,
    Task,
    Unprovable,
)
from imageferry.core.reasons import Reason
from imageferry.core.resolved import ResolvedExport, ResolvedImport, SourceFile

UID: Final = "6a1f0c9e-3d1b-4f5e-9d3a-2b7c8e901234"
NOON: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
OWNER: Final = "1234567890123456"
STRANGER: Final = "6543210987654321"
ME: Final = "imageferry-7d4b9-x2k4q-9f3b2d6a"
BUCKET: Final = "team-images"
IMAGE: Final = "m-bp67acfmxazb4p0a"
IMPORTED_IMAGE: Final = "m-bp67acfmxazb4p0i"
WINDOW_SECONDS: Final = 1200.0
LONG_AFTER: Final = NOON + timedelta(seconds=2 * WINDOW_SECONDS)
"""The window of a claim made at noon is over by then."""

_Value = TypeVar("_Value")
_POLICY_FIELDS: Final = {field.name for field in fields(RunPolicy)}


def _changed(value: _Value, changes: Mapping[str, Any]) -> _Value:
    return replace(value, **changes)  # type: ignore[type-var]  # every builder makes a dataclass


def a_job(**changes: object) -> ExportJob:
    """An export that nobody has touched since it was created at noon; fields of its run policy are named like its own."""
    policy = {name: changes.pop(name) for name in list(changes) if name in _POLICY_FIELDS}
    job = ExportJob(
        kind=Kind.EXPORT,
        namespace="images",
        name="web-2026-11",
        uid=UID,
        generation=1,
        created_at=NOON,
        deleting=False,
        guarded=True,
        retry_request="",
        cancel_request="",
        account="alibaba-prod",
        region="cn-hangzhou",
        role_name="",
        policy=_changed(RunPolicy(), policy),
        source=ImageSource(image_id=IMAGE),
        bucket=BUCKET,
        prefix="web",
        format="RAW",
        disks="All",
    )
    return _changed(job, changes)


def an_import(**changes: object) -> ImportJob:
    """An import of one disk file that nobody has touched since it was created at noon; else as a_job."""
    policy = {name: changes.pop(name) for name in list(changes) if name in _POLICY_FIELDS}
    export = a_job()
    job = ImportJob(
        **{field.name: getattr(export, field.name) for field in fields(ImportJob) if hasattr(export, field.name)}
        | {
            "kind": Kind.IMPORT,
            "name": "web-restored",
            "policy": _changed(RunPolicy(), policy),
            "disks": (DiskFile(bucket=BUCKET, key="web.raw", format="RAW", size_gib=40),),
            "export_name": "",
            "image": ImageWish(name="web-restored", tags=(("team", "web"),)),
            "alibaba": None,
            "tencent": None,
        }
    )
    return _changed(job, changes)


def a_claim(number: int = 1, **changes: object) -> Claim:
    """The claim of the attempt of this number."""
    key = attempt_key(UID, number)
    claim = Claim(key=key, object_prefix=f"web{key}", account_id=OWNER, claimed_at=NOON, claimed_by=ME)
    return _changed(claim, changes)


def an_attempt(number: int = 1, *, failures: int = 0) -> Attempt:
    """An attempt whose claim is open, or belongs to the task."""
    return Attempt(number=number, failures=failures, claim=a_claim(number))


def a_closed_attempt(number: int = 1, *, failures: int = 0) -> Attempt:
    """An attempt that is over, while the job goes on."""
    return Attempt(number=number, failures=failures, claim=None)


def a_task(number: int = 1, **changes: object) -> Task:
    """The cloud's task of the attempt of this number."""
    claim = a_claim(number)
    task = Task(
        id="t-bp67acfmxazb4p0b",
        key=claim.key,
        object_prefix=claim.object_prefix,
        state="Processing",
        cancellable=True,
        started_at=NOON,
    )
    return _changed(task, changes)


def resolved(**changes: object) -> ResolvedExport:
    """What the ordinary export means in the cloud."""
    meaning = ResolvedExport(
        region="cn-hangzhou",
        image_id=IMAGE,
        image_name="web",
        platform="Ubuntu",
        architecture="x86_64",
        size_gib=40,
        data_disks=0,
        bucket=BUCKET,
        format="RAW",
        role_name="AliyunECSImageExportDefaultRole",
    )
    return _changed(meaning, changes)


def resolved_import(**changes: object) -> ResolvedImport:
    """What the ordinary import means in the cloud."""
    file = SourceFile(bucket=BUCKET, key="web.raw", format="RAW", size_gib=40, etag="5B3C", size_bytes=3_145_728)
    meaning = ResolvedImport(
        region="cn-hangzhou",
        disks=(file,),
        image=an_import().image,
        role_name="AliyunECSImageImportDefaultRole",
    )
    return _changed(meaning, changes)


def a_file(number: int = 1, *, device: str = "", **changes: object) -> File:
    """A file that the attempt of this number wrote: the system disk, or the data disk `device`."""
    disk = f"data_{device}" if device else "system"
    key = f"{a_claim(number).object_prefix}_{IMAGE}_{disk}.raw.tar.gz"
    file = File(
        role=Role.DATA if device else Role.SYSTEM,
        device=device,
        bucket=BUCKET,
        key=key,
        uri=f"oss://{BUCKET}/{key}",
        format="RAW",
        size_bytes=1_288_490_188,
        crc64="12345678901234567890",
        etag="5B3C1A2E053D763E1B002CC607C5A0FE",
    )
    return _changed(file, changes)


def an_error(reason: Reason = Reason.TASK_FAILED, **changes: object) -> LastError:
    """What went wrong last."""
    error = LastError(reason=reason, message="The snapshot could not be read.", code="ExportImageFailed", time=NOON)
    return _changed(error, changes)


# Journals, by the state that they stand for


def a_journal(**changes: object) -> Journal:
    """The journal of an object that was looked at once, and no more."""
    return _changed(Journal(observed_generation=1), changes)


def claimed(number: int = 1, **changes: object) -> Journal:
    """A claim is open."""
    return _changed(a_journal(attempt=an_attempt(number), resolved=resolved()), changes)


def running(number: int = 1, **changes: object) -> Journal:
    """The cloud works on a task."""
    return _changed(claimed(number, task=a_task(number), start_at=NOON), changes)


def exported(**changes: object) -> Journal:
    """Finished well, with one file."""
    ended = NOON + timedelta(minutes=48)
    progress = Progress(percent=100, updated_at=ended)
    task = a_task(state="Finished", finished_at=ended)
    return _changed(running(task=task, artifacts=(a_file(),), progress=progress, completion_at=ended), changes)


def imported(**changes: object) -> Journal:
    """Finished well, with an image and the snapshot that was made for it."""
    ended = NOON + timedelta(minutes=48)
    items = (Image(IMPORTED_IMAGE), Snapshot("s-bp67acfmxazb4p0c", "/dev/xvda"))
    task = a_task(state="Finished", finished_at=ended, image_id=IMPORTED_IMAGE)
    progress = Progress(percent=100, updated_at=ended)
    meaning = resolved_import()
    return _changed(
        running(task=task, artifacts=items, progress=progress, completion_at=ended, resolved=meaning), changes
    )


def failed(reason: Reason = Reason.TASK_FAILED, **changes: object) -> Journal:
    """Finished badly, without files."""
    ended = NOON + timedelta(minutes=48)
    return _changed(running(completion_at=ended, last_error=an_error(reason, time=ended)), changes)


# What the cloud was seen to say


def absent(at: datetime = NOON) -> Absent:
    """Nothing of ours."""
    return Absent(at)


def a_candidate(at: datetime = NOON) -> Candidate:
    """A task on our image that does not show its files yet."""
    return Candidate(at, "Task t-1 runs on the image.")


def unprovable(at: datetime = NOON) -> Unprovable:
    """Nothing of ours, which proves nothing."""
    return Unprovable(at, "The cloud may have forgotten its task.")


def seen_running(number: int = 1, *, at: datetime = NOON, percent: int | None = None, **changes: object) -> Running:
    """A task of ours that runs."""
    return Running(at, a_task(number, **changes), percent)


def seen_succeeded(number: int = 1, *, at: datetime = NOON, **changes: object) -> Succeeded:
    """A task of ours that ended well, as long ago as it is seen."""
    return Succeeded(at, a_task(number, state="Finished", **{"finished_at": at, **changes}))


def seen_failed(number: int = 1, *, at: datetime = NOON, retryable: bool = True) -> Failed:
    """A task of ours that ended badly."""
    return Failed(
        at,
        a_task(number, state="Failed"),
        Reason.TASK_FAILED,
        "The snapshot could not be read.",
        retryable=retryable,
        code="ExportImageFailed",
    )


def seen_cancelled(number: int = 1, *, at: datetime = NOON) -> Cancelled:
    """A task of ours that was cancelled."""
    return Cancelled(at, a_task(number, state="Cancelled"))


# The facts of a decision

BOUNDS: Final = Bounds(
    window_seconds=WINDOW_SECONDS,
    send_seconds=300.0,
    read_lag_seconds=120.0,
    look_again_seconds=30.0,
    hold_recheck_seconds=900.0,
    young_object_seconds=300.0,
    cancelled_bound_seconds=60.0,
    away_bound_seconds=600.0,
    claim_extra_seconds=120.0,
    no_date_bound_seconds=1800.0,
    clock_agreement_seconds=60.0,
)


def facts(**changes: object) -> Facts:
    """A minute after noon; nothing was looked at yet, and nothing speaks against anything."""
    ordinary = Facts(
        now=NOON + timedelta(minutes=1),
        clock_agrees=True,
        observation=NotLooked(),
        collected=None,
        owner=OWNER,
        away=None,
        barred=None,
        refused=None,
        checked=resolved(),
        turn=None,
        unsent=False,
        fenced=True,
        repeat_due=True,
        claim_age_seconds=1.0,
        cancel_due=True,
        cancel_acknowledged=False,
        absent_since=None,
        wiped=False,
        guarded_here=True,
        deleting_seconds=0.0,
        deletion_tried=False,
        cloud_away=False,
        can_cancel=True,
        has_token=False,
        bounds=BOUNDS,
    )
    return _changed(ordinary, changes)


def collected(*items: Artifact) -> Artifacts:
    """What was listed after the task's end, with nothing wrong about it."""
    return Artifacts(items, None)


# Accounts


def an_account(**changes: object) -> Account:
    """An account whose key lies in a Secret, open to the namespace `images`, without further narrowing."""
    account = Account(
        name="alibaba-prod",
        uid="0b8f8b0e-58a7-4d0f-8a53-1c9d0f3b6c11",
        generation=1,
        deleting=False,
        guarded=False,
        provider="Alibaba",
        region="cn-hangzhou",
        source=StoredKey("alibaba-prod"),
        assumed=None,
        namespaces_from="Names",
        namespace_names=("images",),
        namespace_selector={},
        grants=Grants(),
        limits=Limits(),
        endpoints=Endpoints(),
    )
    return _changed(account, changes)
