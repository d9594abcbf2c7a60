"""What a check of an account finds: one thing each, whether it is as it must be, and what mends it. Pure values."""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from imageferry.core.errors import Deferred, Failure, Refusal, Transient
from imageferry.core.reasons import MEANINGS

NO_JOB: Final = ""
"""In place of a job's uid: the finding is about the account."""

SCOPE: Final = "inspection"
"""The subject under which an inspection tells what it looks at: silence about all else means nothing."""


@unique
class Verdict(StrEnum):
    """What a finding says of its subject."""

    OK = "ok"
    MISSING = "missing"  # nothing will be exported or imported before it is mended
    UNKNOWN = "unknown"  # only the real thing would tell, or the cloud gave no answer
    NOTE = "note"  # worth knowing, nothing to mend


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `remedy` may have many lines: a command, a policy; `uid` is that of the job it is about."""

    verdict: Verdict
    subject: str
    text: str
    remedy: str = ""
    uid: str = NO_JOB

    @property
    def missing(self) -> bool:
        """Whether somebody has to do something."""
        return self.verdict is Verdict.MISSING


def ok(subject: str, text: str, uid: str = NO_JOB) -> Finding:
    """As it must be."""
    return Finding(Verdict.OK, subject, text, uid=uid)


def note(subject: str, text: str, uid: str = NO_JOB) -> Finding:
    """Worth knowing."""
    return Finding(Verdict.NOTE, subject, text, uid=uid)


def unknown(subject: str, text: str, *, remedy: str = "", uid: str = NO_JOB) -> Finding:
    """It could not be told."""
    return Finding(Verdict.UNKNOWN, subject, text, remedy, uid)


def refused(subject: str, refusal: Refusal, *, remedy: str = "", uid: str = NO_JOB) -> Finding:
    """A "no" that somebody has to mend; the remedy of its reason unless a better one is known."""
    means = remedy or MEANINGS[refusal.reason].remedy
    return Finding(Verdict.MISSING, subject, f"{refusal.message} ({refusal.reason})", means, uid)


def failed(subject: str, failure: Failure, *, remedy: str = "", uid: str = NO_JOB) -> Finding:
    """What a failure means to a check: no answer is unknown, a wait is a note, and all else is missing."""
    text = f"{failure.message} ({failure.reason})"
    match failure:
        case Transient():
            return unknown(subject, text, uid=uid)
        case Deferred():
            return note(subject, text, uid)
        case _:
            return refused(subject, Refusal.of(failure), remedy=remedy, uid=uid)
