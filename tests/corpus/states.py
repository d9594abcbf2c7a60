"""Objects in every state that a release leaves behind, made through the code of that release.

Each export and import names the step that the operator takes on it right after a restart, when it remembers nothing: a later
release has to take the same one. The imports are those that are not just an export the other way.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from imageferry.core import accountbook
from imageferry.core import status as status_of
from imageferry.core.accountbook import Book, LaneRow, orphan_of
from imageferry.core.artifacts import Snapshot
from imageferry.core.conditions import conditions, report
from imageferry.core.errors import Refusal
from imageferry.core.job import (
    CANCEL_ANNOTATION,
    RETRY_ANNOTATION,
    TASK_FINALIZER,
    AlibabaOptions,
    DeletionPolicy,
    ExportJob,
    ImageWish,
    ImportJob,
    Job,
    format_time,
)
from imageferry.core.journal import Condition, Journal, LastRefusal, Progress, Queued
from imageferry.core.keys import LOST_NUMBERING
from imageferry.core.observation import DiskProgress
from imageferry.core.reasons import MEANINGS, Reason
from imageferry.core.step import Hold, Step, Wait
from tests.builders import (
    IMPORTED_IMAGE,
    LONG_AFTER,
    NOON,
    OWNER,
    UID,
    a_claim,
    a_closed_attempt,
    a_file,
    a_job,
    a_journal,
    a_task,
    an_attempt,
    an_error,
    an_import,
    claimed,
    exported,
    failed,
    imported,
    resolved,
    resolved_import,
    running,
)
from tests.kstatus import Status

YOUNG_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """An ImageExport or ImageImport: what is wished, what its status remembers, what was said last, and what follows."""

    journal: Journal
    said: Step
    kstatus: Status
    step: str
    job: Job


def _state(job: Job, status: Status, step: str, remembered: Journal, said: Reason | Step) -> State:
    shown = Wait(said, MEANINGS[said].meaning) if isinstance(said, Reason) else said
    return State(kstatus=status, step=step, journal=remembered, said=shown, job=job)


def _export(
    status: Status, step: str, remembered: Journal, said: Reason | Step = Reason.ACCEPTED, **wishes: object
) -> State:
    return _state(a_job(**{"guarded": True, **wishes}), status, step, remembered, said)


def _import(
    status: Status, step: str, remembered: Journal, said: Reason | Step = Reason.ACCEPTED, **wishes: object
) -> State:
    return _state(an_import(**{"guarded": True, **wishes}), status, step, remembered, said)


_BUSY, _BAD, _GOOD, _GOING = Status.IN_PROGRESS, Status.FAILED, Status.CURRENT, Status.TERMINATING
_NO_GRANT: Final = Hold(Refusal(Reason.BUCKET_NOT_PERMITTED, "The bucket is not allowed (spec.allow.buckets)."), 900.0)
_STRANGE: Final = Hold(Refusal(Reason.ACCOUNT_CHANGED, "The credentials belong to another account."), 30.0)
_NOT_LISTED: Final = Refusal(Reason.NOT_WHITELISTED, "The account may not use image export.")
_HALF: Final = Progress(percent=62, updated_at=NOON, estimated_finish_at=LONG_AFTER)
_AFTER_ONE: Final = a_journal(
    attempt=a_closed_attempt(failures=1), resolved=resolved(), start_at=NOON, last_error=an_error()
)
_REFUSED: Final = a_journal(
    attempt=a_closed_attempt(),
    resolved=resolved(),
    last_error=an_error(_NOT_LISTED.reason, message=_NOT_LISTED.message, request_id="473469C7-AA6F"),
    last_refusal=LastRefusal(
        reason=_NOT_LISTED.reason,
        failure_class="Blocked",
        message=_NOT_LISTED.message,
        generation=1,
        next_try_at=LONG_AFTER,
    ),
)


def _failed(reason: Reason, **changes: object) -> Journal:
    end = NOON + timedelta(minutes=48)
    return failed(reason, last_error=an_error(reason, message=MEANINGS[reason].meaning, code="", time=end), **changes)


def _early(reason: Reason) -> Journal:
    """The end of a job that never had a task."""
    error = an_error(reason, message=MEANINGS[reason].meaning, code="")
    return a_journal(completion_at=NOON, last_error=error)


EXPORTS: Final[Mapping[str, State]] = {
    "new": _export(_BUSY, "Check", a_journal(), guarded=False),
    "held": _export(_BAD, "Check", a_journal(), _NO_GRANT, guarded=False),
    "queued": _export(
        _BUSY, "Check", a_journal(queued=Queued(NOON, None), resolved=resolved()), Reason.QUEUED, guarded=False
    ),
    "queued-for-the-weekly-quota": _export(
        _BUSY,
        "Check",
        a_journal(attempt=a_closed_attempt(), queued=Queued(NOON, LONG_AFTER), resolved=resolved()),
        Reason.WEEKLY_QUOTA_EXCEEDED,
    ),
    "suspended": _export(_BUSY, "Wait(Suspended)", a_journal(), Reason.SUSPENDED, guarded=False, suspend=True),
    "claimed": _export(_BUSY, "Look", claimed(), Reason.CLAIMED),
    "submission-unknown": _export(_BUSY, "Look", claimed(), Reason.SUBMISSION_UNKNOWN),
    "account-changed": _export(_BAD, "Look", claimed(), _STRANGE),
    "not-whitelisted": _export(_BAD, "Hold(NotWhitelisted)", _REFUSED, Hold(_NOT_LISTED, 900.0)),
    "waiting": _export(_BUSY, "Wait(Waiting)", running(task=a_task(state="Waiting")), Reason.WAITING),
    "running": _export(_BUSY, "Wait(Running)", running(progress=_HALF), Reason.RUNNING),
    "running-without-id": _export(_BUSY, "Wait(Submitted)", running(task=a_task(id=None, state="")), Reason.SUBMITTED),
    "running-suspended": _export(_BUSY, "Wait(Running)", running(progress=_HALF), Reason.RUNNING, suspend=True),
    "adopted-after-a-loss": _export(
        _BUSY,
        "Wait(Running)",
        running(attempt=replace(an_attempt(LOST_NUMBERING), claim=a_claim(3)), task=a_task(3)),
        Reason.RUNNING,
    ),
    "cancelling": _export(
        _BUSY, "Wait(Running)", running(progress=_HALF), Reason.CANCELLING, cancel_request="2026-11-21T12:10:00Z"
    ),
    "verifying": _export(
        _BUSY,
        "Wait(Running)",
        running(progress=replace(_HALF, percent=100, estimated_finish_at=None)),
        Reason.VERIFYING,
    ),
    "retrying": _export(_BUSY, "Check", _AFTER_ONE, Reason.TASK_FAILED),
    "exported": _export(_GOOD, "Rest", exported(), guarded=False),
    "exported-not-unguarded-yet": _export(_GOOD, "Unguard", exported()),
    "exported-to-be-deleted-one-day": _export(_GOOD, "Rest", exported(), deletion_policy=DeletionPolicy.DELETE),
    "exported-with-data-disks": _export(
        _GOOD,
        "Rest",
        exported(resolved=resolved(data_disks=2), artifacts=(a_file(), a_file(device="xvdb"), a_file(device="xvdc"))),
        guarded=False,
    ),
    "failed-task": _export(_BAD, "Rest", _failed(Reason.TASK_FAILED), guarded=False),
    "failed-output-missing": _export(_BAD, "Rest", _failed(Reason.OUTPUT_MISSING), guarded=False),
    "failed-output-empty": _export(
        _BAD, "Rest", _failed(Reason.OUTPUT_EMPTY, artifacts=(a_file(size_bytes=0),)), guarded=False
    ),
    "failed-format-mismatch": _export(
        _BAD, "Rest", _failed(Reason.FORMAT_MISMATCH, artifacts=(a_file(format="QCOW2"),)), guarded=False
    ),
    "failed-backoff-limit": _export(
        _BAD,
        "Rest",
        replace(_early(Reason.BACKOFF_LIMIT_EXCEEDED), attempt=a_closed_attempt(4, failures=4), start_at=NOON),
        guarded=False,
    ),
    "cancelled": _export(
        _BAD,
        "Rest",
        _failed(Reason.CANCELLED, handled_cancel="please"),
        guarded=False,
        cancel_request="please",
    ),
    "cancelled-before-submission": _export(
        _BAD,
        "Rest",
        replace(_early(Reason.CANCELLED), handled_cancel="please"),
        guarded=False,
        cancel_request="please",
    ),
    "deadline-exceeded": _export(
        _BAD, "Rest", _failed(Reason.DEADLINE_EXCEEDED), guarded=False, active_deadline_seconds=600
    ),
    "outcome-unknown": _export(
        _BAD, "Rest", replace(_early(Reason.OUTCOME_UNKNOWN), attempt=an_attempt(), resolved=resolved()), guarded=False
    ),
    "task-lost": _export(_BAD, "Rest", _failed(Reason.TASK_LOST), guarded=False),
    "retry-requested": _export(
        _BAD, "Reopen", _failed(Reason.TASK_FAILED), guarded=False, retry_request="2026-11-22T08:00:00Z"
    ),
    "reopened": _export(
        _BUSY,
        "Check",
        a_journal(
            attempt=a_closed_attempt(),
            resolved=resolved(),
            last_error=an_error(),
            artifacts=(a_file(),),
            handled_retry="2026-11-22T08:00:00Z",
        ),
        retry_request="2026-11-22T08:00:00Z",
    ),
    "reopened-after-an-unknown-outcome": _export(
        _BUSY,
        "Look",
        a_journal(attempt=a_closed_attempt(), resolved=resolved(), last_error=an_error(Reason.OUTCOME_UNKNOWN)),
    ),
    "journal-lost": _export(_BUSY, "Look", a_journal()),
    "deleted-while-running": _export(_GOING, "Wait(Running)", running(), Reason.CANCELLING, deleting=True),
    "deleted-while-claimed": _export(_GOING, "Look", claimed(), Reason.SUBMISSION_UNKNOWN, deleting=True),
    "deleted-under-orphan": _export(
        _GOING, "Release", running(), Reason.RUNNING, deleting=True, deletion_policy=DeletionPolicy.ORPHAN
    ),
    "deleted-with-files": _export(_GOING, "Discard", exported(), deleting=True, deletion_policy=DeletionPolicy.DELETE),
}


_NO_FILE: Final = Hold(Refusal(Reason.OBJECT_NOT_FOUND, "There is no file web.raw in the bucket team-images."), 900.0)
_NAME_TAKEN: Final = Hold(Refusal(Reason.NAME_CONFLICT, "Another image bears the name web-restored."), 900.0)
_FAMILY: Final = ImageWish(
    name="web-restored",
    description="Web server of November 2026",
    family="web-family",
    architecture="x86_64",
    os_type="Windows",
    platform="Windows Server 2022",
    os_version="2022",
    boot_mode="UEFI",
    license_type="BYOL",
    tags=(("stage", "golden"), ("team", "web")),
)
_OPTIONS: Final = AlibabaOptions(
    resource_group_id="rg-bp67acfmxazb4ph", detection_strategy="Standard", nvme_support="Supported", imds_support="V2"
)
_EVERY_PARAMETER: Final = resolved_import(image=_FAMILY, alibaba=_OPTIONS)
_TWO_DISKS: Final = replace(_HALF, disks=(DiskProgress("/dev/xvda", 80), DiskProgress("/dev/xvdb", 31)))
_IN_THE_MAKING: Final = a_task(image_id=IMPORTED_IMAGE)

IMPORTS: Final[Mapping[str, State]] = {
    "new": _import(_BUSY, "Check", a_journal(), guarded=False),
    "waiting-for-its-export": _import(
        _BUSY, "Check", a_journal(), Reason.EXPORT_NOT_READY, guarded=False, disks=(), export_name="web"
    ),
    "file-missing": _import(_BAD, "Check", a_journal(), _NO_FILE, guarded=False),
    "name-taken": _import(_BAD, "Check", a_journal(), _NAME_TAKEN, guarded=False),
    "claimed": _import(_BUSY, "Look", claimed(resolved=resolved_import()), Reason.CLAIMED),
    "running": _import(
        _BUSY,
        "Wait(Running)",
        running(resolved=resolved_import(), task=_IN_THE_MAKING, progress=_TWO_DISKS),
        Reason.RUNNING,
    ),
    "running-with-every-parameter": _import(
        _BUSY,
        "Wait(Running)",
        running(resolved=_EVERY_PARAMETER, task=_IN_THE_MAKING),
        Reason.RUNNING,
        image=_FAMILY,
        alibaba=_OPTIONS,
    ),
    "cancelling": _import(
        _BUSY,
        "Wait(Running)",
        running(resolved=resolved_import(), task=_IN_THE_MAKING),
        Reason.CANCELLING,
        cancel_request="2026-11-21T12:10:00Z",
    ),
    "retrying": _import(_BUSY, "Check", replace(_AFTER_ONE, resolved=resolved_import()), Reason.TASK_FAILED),
    "imported": _import(_GOOD, "Rest", imported(), guarded=False),
    "imported-of-an-export": _import(_GOOD, "Rest", imported(), guarded=False, disks=(), export_name="web"),
    "imported-to-be-deleted-one-day": _import(_GOOD, "Rest", imported(), deletion_policy=DeletionPolicy.DELETE),
    "failed-object-changed": _import(
        _BAD, "Rest", _failed(Reason.OBJECT_CHANGED, resolved=resolved_import()), guarded=False
    ),
    "failed-task-with-a-snapshot": _import(
        _BAD,
        "Rest",
        _failed(Reason.TASK_FAILED, resolved=resolved_import(), artifacts=(Snapshot("s-bp67acfmxazb4p0c", ""),)),
        guarded=False,
    ),
    "deleted-while-running": _import(
        _GOING,
        "Wait(Running)",
        running(resolved=resolved_import(), task=_IN_THE_MAKING),
        Reason.CANCELLING,
        deleting=True,
    ),
    "deleted-with-its-image": _import(
        _GOING, "Discard", imported(), deleting=True, deletion_policy=DeletionPolicy.DELETE
    ),
}


def manifest(state: State) -> dict[str, Any]:
    """The object as the API server returns it."""
    job = state.job
    later = NOON + timedelta(minutes=50)
    told = report(job, state.journal, state.said, now=later, young_seconds=YOUNG_SECONDS)
    remembered = replace(
        state.journal,
        conditions=conditions(job, state.journal, told, now=NOON),
        observed_generation=job.generation,
    )
    annotations = {RETRY_ANNOTATION: job.retry_request, CANCEL_ANNOTATION: job.cancel_request}
    policy = job.policy
    spec: dict[str, Any] = {
        "accountRef": {"name": job.account},
        "region": job.region,
        **_wish_of(job),
        "suspend": policy.suspend,
        "priority": policy.priority,
        "backoffLimit": policy.backoff_limit,
        "deletionPolicy": str(policy.deletion_policy),
        "unknownOutcome": str(policy.unknown_outcome),
        "unknownOutcomeSeconds": policy.unknown_outcome_seconds,
    }
    if policy.active_deadline_seconds:
        spec["activeDeadlineSeconds"] = policy.active_deadline_seconds
    return {
        "apiVersion": "imageferry.dev/v1alpha1",
        "kind": str(job.kind),
        "metadata": _metadata(job.name, UID, deleting=job.deleting)
        | {"namespace": job.namespace}
        | ({"finalizers": [TASK_FINALIZER]} if job.guarded else {})
        | ({"annotations": given} if (given := {name: text for name, text in annotations.items() if text}) else {}),
        "spec": spec,
        "status": status_of.write(remembered),
    }


def _wish_of(job: Job) -> dict[str, Any]:
    """What only this kind of job has in its spec."""
    match job:
        case ExportJob():
            return {
                "source": {"imageID": job.source.image_id},
                "destination": {"bucket": job.bucket, "prefix": job.prefix},
                "format": job.format,
                "disks": job.disks,
            }
        case ImportJob():
            return _wish_of_import(job)


def _wish_of_import(job: ImportJob) -> dict[str, Any]:
    image = {
        "name": job.image.name,
        "description": job.image.description,
        "family": job.image.family,
        "architecture": job.image.architecture,
        "osType": job.image.os_type,
        "platform": job.image.platform,
        "osVersion": job.image.os_version,
        "bootMode": job.image.boot_mode,
        "licenseType": job.image.license_type,
        "tags": dict(job.image.tags),
    }
    files = [
        {"bucket": disk.bucket, "key": disk.key, "format": disk.format, "sizeGiB": disk.size_gib} for disk in job.disks
    ]
    options = job.alibaba and {
        "resourceGroupID": job.alibaba.resource_group_id,
        "detectionStrategy": job.alibaba.detection_strategy,
        "nvmeSupport": job.alibaba.nvme_support,
        "imdsSupport": job.alibaba.imds_support,
    }
    return {
        "source": {"exportRef": {"name": job.export_name}} if job.export_name else {"disks": files},
        "image": {name: value for name, value in image.items() if value},
    } | ({"alibaba": options} if options else {})


def _metadata(name: str, uid: str, *, deleting: bool) -> dict[str, Any]:
    created = {"name": name, "uid": uid, "generation": 1, "creationTimestamp": format_time(NOON)}
    gone = {"deletionTimestamp": format_time(NOON + timedelta(minutes=40)), "deletionGracePeriodSeconds": 0}
    return created | {"resourceVersion": "4711"} | (gone if deleting else {})


_LANE: Final = LaneRow(
    region="cn-hangzhou",
    operation="Export",
    limit=5,
    learned_limit=None,
    running=3,
    queued=12,
    closed_until=None,
    closed_reason="",
)
_ORPHANS: Final = (
    orphan_of(a_job(deletion_policy=DeletionPolicy.DELETE), running(), a_claim(), LONG_AFTER),
    orphan_of(a_job(uid="another-uid"), claimed(2), a_claim(2), LONG_AFTER),
)


def _book(reason: Reason, kind: str = "", **changes: Any) -> Book:  # noqa: ANN401 -- the fields of a Book
    ready = "False" if kind else "True"
    rows = [("Ready", ready), *([(kind, "True")] if kind else [])]
    shown = tuple(
        Condition(
            type=name,
            status=status,
            reason=reason,
            message=MEANINGS[reason].meaning,
            observed_generation=1,
            last_transition_at=NOON,
        )
        for name, status in rows
    )
    return replace(Book(observed_generation=1, conditions=shown), **changes)


ACCOUNTS: Final[Mapping[str, tuple[Status, Book]]] = {
    "new": (_BUSY, Book()),
    "ready": (_GOOD, _book(Reason.ACCEPTED, account_id=OWNER)),
    "in-use": (_GOOD, _book(Reason.ACCEPTED, account_id=OWNER, lanes=(_LANE,))),
    "closed-by-the-weekly-quota": (
        _GOOD,
        _book(
            Reason.ACCEPTED,
            account_id=OWNER,
            lanes=(replace(_LANE, closed_until=LONG_AFTER, closed_reason="WeeklyQuotaExceeded", learned_limit=3),),
        ),
    ),
    "secret-awaited": (_BUSY, _book(Reason.CREDENTIALS_MISSING, "Reconciling")),
    "secret-missing": (_BAD, _book(Reason.CREDENTIALS_MISSING, "Stalled")),
    "credentials-rejected": (_BAD, _book(Reason.CREDENTIALS_REJECTED, "Stalled", account_id=OWNER)),
    "with-orphans": (_GOOD, _book(Reason.ACCEPTED, account_id=OWNER, orphans=_ORPHANS)),
    "deleted-with-orphans": (_GOING, _book(Reason.ACCEPTED, account_id=OWNER, orphans=_ORPHANS)),
}


def account_manifest(status: Status, book: Book) -> dict[str, Any]:
    """The account as the API server returns it."""
    guarded = {"finalizers": ["imageferry.dev/account"]} if book.orphans or book.lanes else {}
    uid = "0b8f8b0e-58a7-4d0f-8a53-1c9d0f3b6c11"
    return {
        "apiVersion": "imageferry.dev/v1alpha1",
        "kind": "CloudAccount",
        "metadata": _metadata("alibaba-prod", uid, deleting=status is _GOING) | guarded,
        "spec": {
            "provider": "Alibaba",
            "region": "cn-hangzhou",
            "credentials": {"secretRef": {"name": "alibaba-prod"}},
            "allowedNamespaces": {"from": "Names", "names": ["images"]},
            "limits": {"concurrentExports": 5},
        },
        "status": accountbook.write(book),
    }
