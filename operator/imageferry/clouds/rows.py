"""What a row of a cloud's table of errors is, and how one is written. No code of any cloud stands here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Final

from imageferry.core.errors import Blocked, Deferred, Failure, Rejected, Scope, Transient
from imageferry.core.reasons import Reason


@unique
class Started(StrEnum):
    """Whether a task may run although its submission was answered with this code."""

    NO = "No"
    MAYBE = "Maybe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A code's row. `seconds` is how long a deferral lasts; `quotes` adds the cloud's words, which hold its figures."""

    kind: type[Failure]
    reason: Reason
    text: str
    started: Started = Started.NO
    scope: Scope = Scope.SLOT
    seconds: float = 0.0
    quotes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The codes that some calls have in common. `by_status` holds the codes that mean something else with one HTTP status."""

    calls: tuple[str, ...]
    source: str
    rows: Mapping[str, Row]
    by_status: Mapping[tuple[str, int], Row] = field(default_factory=dict)


def rejected(reason: Reason, text: str, *, quotes: bool = False) -> Row:
    """This spec can never work."""
    return Row(kind=Rejected, reason=reason, text=text, quotes=quotes)


def blocked(reason: Reason, text: str) -> Row:
    """The world must change, not the spec."""
    return Row(kind=Blocked, reason=reason, text=text)


def transient(reason: Reason, text: str) -> Row:
    """Worth another try."""
    return Row(kind=Transient, reason=reason, text=text)


def deferred(reason: Reason, text: str, *, scope: Scope, seconds: float) -> Row:
    """A quota, with the cloud's own figures."""
    return Row(kind=Deferred, reason=reason, text=text, scope=scope, seconds=seconds, quotes=True)


def maybe(reason: Reason, text: str) -> Row:
    """A refusal that may speak of our own request: worth another try for a read, no proof for a submission."""
    return Row(kind=Transient, reason=reason, text=text, started=Started.MAYBE)


def busy(text: str) -> Row:
    """Another task works on the image, and it may be our own."""
    return Row(
        kind=Deferred,
        reason=Reason.IMAGE_BUSY,
        text=text,
        started=Started.MAYBE,
        scope=Scope.IMAGE,
        seconds=BUSY_SECONDS,
    )


BUSY_SECONDS: Final = 30.0
"""After this long a busy image is worth another look; tasks take minutes."""

BAD_CALL: Final = transient(Reason.INTERNAL_ERROR, "The cloud did not understand a request of the operator.")
UNAVAILABLE: Final = transient(Reason.CLOUD_UNAVAILABLE, "The cloud answered with an error of its own.")
NO_RIGHT: Final = blocked(
    Reason.NOT_AUTHORIZED, "The credentials lack a permission: attach the policy of the provider's page to them."
)
NO_MONEY: Final = blocked(Reason.NOT_AUTHORIZED, "The cloud account is in arrears: settle its bill.")
ARCHIVED: Final = blocked(Reason.OBJECT_INVALID, "An archived file must be restored in the bucket first.")
NO_KEY: Final = blocked(
    Reason.CREDENTIALS_REJECTED, "The cloud does not accept the key: renew it in the Secret, or enable it."
)
NO_TOKEN: Final = blocked(
    Reason.CREDENTIALS_REJECTED, "The cloud does not accept the security token: renew it in the Secret."
)
SKEW: Final = transient(
    Reason.CLOCK_SKEW, "The cloud found the request's time too far from its own: synchronise the clock."
)
