"""Objects in every state that a release leaves behind, made through the code of that release.

Each export names the step that the operator takes on it right after a restart, when it remembers nothing: a later release
has to take the same one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from imageferry.core import accountbook
from imageferry.core import status as status_of
from imageferry.core.accountbook import Book, LaneRow, orphan_of
from imageferry.core.conditions import conditions, report
from imageferry.core.errors import Refusal
from imageferry.core.job import (
    CANCEL_ANNOTATION,
    RETRY_ANNOTATION,
    TASK_FINALIZER,
    DeletionPolicy,
    ExportJob,
    format_time,
)
from imageferry.core.journal import Condition, Journal, LastRefusal, Progress, Queued
from imageferry.core.keys import LOST_NUMBERING
from imageferry.core.reasons import MEANINGS, Reason
from imageferry.core.step import Hold, Step, Wait
from tests.builders import (
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
    claimed,
    exported,
    failed,
    resolved,
    running,
)
from tests.kstatus import Status

YOUNG_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An ImageExport: what is wished, what its status remembers, what was said last, and what follows."""

    journal: Journal
    said: Step
    kstatus: Status
    step: str
    job: ExportJob


def _export(
    status: Status, step: str, remembered: Journal, said: Reason | Step = Reason.ACCEPTED, **wishes: object
) -> Export:
    shown = Wait(said, MEANINGS[said].meaning) if isinstance(said, Reason) else said
    return Export(kstatus=status, step=step, journal=remembered, said=shown, job=a_job(**{"guarded": True, **wishes}))


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


EXPORTS: Final[Mapping[str, Export]] = {
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


def export_manifest(state: Export) -> dict[str, Any]:
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
        "source": {"imageID": job.source.image_id},
        "destination": {"bucket": job.bucket, "prefix": job.prefix},
        "format": job.format,
        "disks": job.disks,
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
        "kind": "ImageExport",
        "metadata": _metadata(job.name, UID, deleting=job.deleting)
        | {"namespace": job.namespace}
        | ({"finalizers": [TASK_FINALIZER]} if job.guarded else {})
        | ({"annotations": given} if (given := {name: text for name, text in annotations.items() if text}) else {}),
        "spec": spec,
        "status": status_of.write(remembered),
    }


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
