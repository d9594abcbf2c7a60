"""Mistakes planted in the source: what a hurried change could do to the protocol, and which test tells.

Those that show only over several steps are planted in the explorer's model instead (tests/explore/test_planted.py). Here stand
the rest: one edit each, in the place where the mistake would be made, and the test by which it is found. A key is the promise
that the mistake breaks.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Mistake:
    """In `file` the text `before`, which stands there once, becomes `after`; the test `found_by` (pytest's id) fails."""

    file: str
    before: str
    after: str
    found_by: str


_CORE: Final = "operator/imageferry/core"
_ENGINE: Final = "operator/imageferry/engine"
_ALIBABA: Final = "operator/imageferry/clouds/alibaba"
_DECIDE: Final = "tests/unit/test_decide.py::test_the_row_that_fits_first_decides"
_LOOKING: Final = "tests/conformance/test_looking.py"
_SUBMITTING: Final = "tests/conformance/test_submitting.py"

MISTAKES: Final[dict[str, Mistake]] = {
    # The journal
    "a task is believed by its attempt's key, not by the id that a status names": Mistake(
        f"{_CORE}/status.py",
        'if not attempt or not attempt.claim or hints.text("key") != attempt.claim.key:',
        "if not attempt or not attempt.claim:",
        "tests/unit/test_status_doubts.py::test_a_task_that_bears_another_attempts_key_is_not_believed",
    ),
    "a claim names the owner of the credentials it was made with": Mistake(
        f"{_CORE}/transition.py",
        "account_id=account_id,\n        claimed_at=at",
        'account_id="",\n        claimed_at=at',
        "tests/unit/test_transition.py::test_a_claim_names_attempt_owner_and_process",
    ),
    "a retry request is acted upon once": Mistake(
        f"{_CORE}/transition.py",
        "last_refusal=None,\n        handled_retry=job.retry_request,",
        "last_refusal=None,",
        "tests/unit/test_transition.py::test_a_reopened_job_starts_over_with_the_next_number",
    ),
    # The decision
    "nothing is sent that the lease does not outlive": Mistake(
        f"{_CORE}/decide.py",
        "lambda s: s.facts.fenced,",
        "_always,",
        f"{_DECIDE}[no lease, no submission]",
    ),
    "a deadline fires only by a clock that the cloud confirms": Mistake(
        f"{_CORE}/situation.py",
        "return deadline is not None and self.facts.clock_agrees and",
        "return deadline is not None and",
        f"{_DECIDE}[a deadline does not fire while the clocks disagree]",
    ),
    "a finalizer leaves when nothing is left for it to do": Mistake(
        f"{_CORE}/decide.py",
        "lambda s: s.job.guarded and not s.deletes_files,",
        "lambda _: False,",
        f"{_DECIDE}[with nothing left to do the finalizer comes off]",
    ),
    # The submission
    "no SDK sends a submission again": Mistake(
        f"{_ALIBABA}/client.py",
        'protocol=address.scheme or "https",\n',
        'protocol=address.scheme or "https",\n'
        '            retry_options=_sdk("darabonba.policy.retry").RetryOptions({"retryable": True, "retryCondition": ['
        '{"maxAttempts": 3, "exception": ["ServerException"], "errorCode": ["InternalError"]}]}),\n',
        f"{_SUBMITTING}::test_an_unclear_answer_is_unconfirmed_and_sent_once",
    ),
    "a submission without a readable answer stays open": Mistake(
        "operator/imageferry/clouds/verdicts.py",
        'return Unconfirmed(Reason.SUBMISSION_UNKNOWN, "The answer to the submission was lost.")',
        'return Transient(Reason.CLOUD_UNAVAILABLE, "The answer to the submission was lost.")',
        f"{_SUBMITTING}::test_an_answer_that_takes_too_long_is_unconfirmed",
    ),
    "a busy image may be busy with our own task": Mistake(
        "operator/imageferry/clouds/verdicts.py",
        "code and fault.status < _SERVER_ERROR and self.row(action, fault).started is Started.NO",
        "code and fault.status < _SERVER_ERROR",
        f"{_SUBMITTING}::test_a_busy_image_proves_nothing",
    ),
    "a request bears the time of its claim": Mistake(
        f"{_ALIBABA}/calls.py",
        "signed = signed_at.astimezone(UTC)",
        "signed = datetime.now(UTC)",
        f"{_SUBMITTING}::test_it_is_signed_with_the_time_of_the_claim",
    ),
    "what a thread has begun is not taken for unsent": Mistake(
        "operator/imageferry/clouds/threads.py",
        "if begun.cancel():\n                    waiter.cancel()",
        "if begun.cancel() or waiter.cancel():\n                    waiter.cancel()",
        f"{_SUBMITTING}::test_a_cancelled_caller_still_learns_of_its_task",
    ),
    # The look
    "a first page proves nothing absent": Mistake(
        "operator/imageferry/clouds/paging.py",
        "first, total = first + size, page.total\n        if not found:",
        "first, total = first + size, 0\n        if not found:",
        f"{_LOOKING}::test_a_task_on_the_second_page_is_found",
    ),
    "a file is ours only with the delimiter behind our mark": Mistake(
        f"{_CORE}/keys.py",
        'object_name.startswith(f"{object_prefix}_")',
        "object_name.startswith(object_prefix)",
        "tests/unit/test_keys.py::test_only_the_whole_prefix_and_its_end_make_a_file_ours",
    ),
    "a running task that shows no files is not taken for another's": Mistake(
        f"{_ALIBABA}/search.py",
        "running = [each for each in unclear if not each.listed.ended]",
        "running: list[_Shown] = []",
        f"{_LOOKING}::test_a_running_task_that_shows_no_files_is_a_candidate",
    ),
    # Writes, slots, clocks, secrets
    "a write for an older version changes nothing": Mistake(
        "operator/imageferry/kube/objects.py",
        '        {"op": "test", "path": "/metadata/resourceVersion", "value": resource_version},\n',
        "",
        "tests/integration/test_kube_client.py::test_a_write_for_an_older_version_is_a_conflict_and_changes_nothing",
    ),
    "a status is put in place whole, never merged": Mistake(
        "operator/imageferry/kube/objects.py",
        '        {"op": "add", "path": path, "value": value},\n',
        '        *({"op": "add", "path": f"{path}/{name}", "value": part} for name, part in dict(value).items()),\n',
        "tests/integration/test_kube_client.py::test_a_status_is_replaced_whole",
    ),
    "a quota holds for all processes, by what the records say": Mistake(
        f"{_ENGINE}/lanes.py",
        "return len(self.holders.keys() | self.reserved.keys()) + self.orphans",
        "return len(self.reserved) + self.orphans",
        "tests/unit/test_lanes.py::test_whoever_may_have_a_task_holds_a_slot",
    ),
    "a lease is timed by a clock that never jumps": Mistake(
        f"{_ENGINE}/leader.py",
        "clock: Callable[[], float] = time.monotonic,",
        "clock: Callable[[], float] = time.time,",
        "tests/unit/test_clocks.py",
    ),
    "a key that was put right is read again": Mistake(
        f"{_ENGINE}/credentials.py",
        "if ring.looked_at is None or now - ring.looked_at >= self._patience(account, ring, patience_seconds):",
        "if ring.looked_at is None:",
        "tests/integration/test_refusals.py::test_a_wrong_key_stalls_account_and_export_until_it_is_right",
    ),
    "no failure shows a secret or a signed address": Mistake(
        "operator/imageferry/clouds/verdicts.py",
        "The cloud said: {clean(refused.text)}",
        "The cloud said: {refused.text}",
        "tests/unit/test_quoted_words.py::test_no_quoted_word_of_a_cloud_shows_a_secret_or_an_address",
    ),
    "a tenant names no address": Mistake(
        "crds/imageexports.yaml",
        "                roleName:\n                  type: string\n                  minLength: 1\n",
        "                endpoint:\n                  type: string\n                  maxLength: 64\n"
        "                roleName:\n                  type: string\n                  minLength: 1\n",
        "tests/unit/test_crds.py::test_no_field_of_a_tenant_is_an_address_a_secret_or_a_namespace",
    ),
}
