"""What a fault means for whoever called: the failure that leaves a cloud, and the words that users read.

Each cloud's table of errors says what its codes mean; here it is applied, once for calls that are safe to repeat and once for
submissions. The cloud's own words pass through `clean` and nowhere else.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from imageferry.clouds.faults import Fault, Refused, Unreachable, Unreadable
from imageferry.clouds.rows import Row, Started
from imageferry.core.errors import Deferred, Failure, Rejected, Throttled, Transient, Unconfirmed, Unsent
from imageferry.core.reasons import Reason

_SERVER_ERROR: Final = 500


@dataclass(frozen=True, slots=True)
class Verdicts:
    """One cloud's table, applied.

    `row` is that of an answer to an action, `documented` that of a code or None, and codes that begin with `throttling` ask for
    fewer requests.
    """

    row: Callable[[str, Refused], Row]
    documented: Callable[[str, str], Row | None]
    throttling: str

    def reading(self, action: str, fault: Fault) -> Failure:
        """What the fault of a call means that is safe to repeat; an unknown code is worth another try."""
        match fault:
            case Refused():
                return self._failure(action, fault)
            case Unreachable():
                return Transient(Reason.CLOUD_UNAVAILABLE, "The cloud could not be reached.")
            case Unreadable():
                return Transient(Reason.CLOUD_UNAVAILABLE, f"The cloud gave no readable answer to {action}.")

    def submitting(self, action: str, fault: Fault) -> Failure:
        """What the fault of the one and only submission of a claim means.

        Unsent only if it provably never left. An error below HTTP 500 that names a code proves that no task started, unless
        its row says Maybe; everything else leaves it open.
        """
        match fault:
            case Unreachable():
                return Unsent(Reason.CLOUD_UNAVAILABLE, "The cloud could not be reached; nothing was sent.")
            case Refused(code=code) if (
                code and fault.status < _SERVER_ERROR and self.row(action, fault).started is Started.NO
            ):
                return self._failure(action, fault)
            case Refused():
                text = "The cloud's answer leaves open whether the task has started."
                return Unconfirmed(
                    Reason.SUBMISSION_UNKNOWN, text, code=word(fault.code), request_id=word(fault.request_id)
                )
            case Unreadable():
                return Unconfirmed(Reason.SUBMISSION_UNKNOWN, "The answer to the submission was lost.")

    def label(self, action: str, fault: Fault) -> str:
        """The fault as a metric's label: one of the codes that are documented, or a word for what bears none."""
        match fault:
            case Refused(code=code) if self.documented(action, code):
                return code
            case Refused(code=code):
                return self.throttling if code.startswith(self.throttling) else "Undocumented"
            case Unreachable():
                return "Unreachable"
            case Unreadable():
                return "Unreadable"

    def ended(self, action: str, code: str, text: str) -> tuple[Reason, str, bool]:
        """Reason, message and whether another attempt may fare better, of a task of `action` that failed with `code`."""
        known = self.documented(action, code)
        said = f"The cloud ended the task with {word(code) or 'no code'}: {clean(text) or 'no text'}"
        if known is None or known.kind is Transient:
            return Reason.TASK_FAILED, said, True
        return known.reason, said, known.kind is not Rejected

    def _failure(self, action: str, refused: Refused) -> Failure:
        code, request_id = word(refused.code), word(refused.request_id)
        if refused.code.startswith(self.throttling) or refused.retry_after_seconds is not None:
            return Throttled(
                f"The cloud asks for fewer {action} requests.",
                retry_after_seconds=refused.retry_after_seconds,
                code=code,
                request_id=request_id,
            )
        found = self.row(action, refused)
        text = f"{found.text} ({action} answered {code or 'an error without a code'}.)"
        if found.quotes and refused.text:
            text = f"{text} The cloud said: {clean(refused.text)}"
        if found.kind is Deferred:
            return Deferred(
                found.reason,
                text,
                scope=found.scope,
                retry_after_seconds=found.seconds,
                code=code,
                request_id=request_id,
            )
        return found.kind(found.reason, text, code=code, request_id=request_id)


_UNSTABLE: Final = re.compile(
    r"""
      \S*://\S*                                                           # addresses, which may be signed
    | \S*\?\S*=\S*                                                        # query strings
    | \b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f-]{20,}\S*                # request ids
    | \b(?:LTAI|STS\.|AKID)[0-9A-Za-z._-]*                                # key ids
    | (?i:\b\w*(?:signature|token|secret|accesskey)\w*["']?\s*[=:]\s*\S+)  # whatever calls itself a secret
    | \b\d{4}-\d{2}-\d{2}T\S+                                             # times
    """,
    re.VERBOSE,
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
_LONGEST_QUOTE: Final = 300


def clean(text: str) -> str:
    """The cloud's words without addresses, ids, times and anything like a secret, on one line of at most 300 characters."""
    return " ".join(_UNSTABLE.sub("...", _CONTROL.sub(" ", text)).split())[:_LONGEST_QUOTE]


def word(text: str) -> str:
    """A code or id as far as it looks like one."""
    return re.sub(r"[^0-9A-Za-z._-]", "", text)[:100]
