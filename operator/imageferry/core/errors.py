"""The failures: every way in which a cloud, an account or a spec can say no, each with its own rule of retry.

    Failure
    |-- Transient            try again later; the state is kept
    |   `-- Throttled        the same, after a time that the cloud named
    |-- Deferred             a quota or a busy image: wait in the lane, costs no attempt
    |-- Blocked              the world must change, not this object
    |-- Rejected             this spec can never work
    |-- Unsent               the request provably never left this process
    `-- Unconfirmed          the submission may have happened: look, never send

Only these cross the contract of a cloud (clouds/provider.py). Anything else that escapes is a bug.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique
from typing import Final, Self

from imageferry.core.reasons import Reason

MESSAGE_LIMIT: Final = 1024
"""Longest message in characters: conditions and events stay readable (reliability: at most 1 KiB)."""


class Failure(Exception):  # noqa: N818 -- the word of the design; each kind below names what happened, not that it is an error
    """Something said no.

    `message` is stable from try to try and holds no request id, time or signed address; `code` (the cloud's own error
    code) and `request_id` go to the log line and to `status.lastError`.
    """

    def __init__(self, reason: Reason, message: str, *, code: str = "", request_id: str = "") -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message[:MESSAGE_LIMIT]
        self.code = code
        self.request_id = request_id

    def again(self) -> Self:
        """The same failure once more, for each of several who wait for one call: a raised exception belongs to its raiser."""
        found = type(self).__new__(type(self), *self.args)
        found.__dict__.update(self.__dict__)
        return found


class Transient(Failure):
    """Try again: every unknown answer to a read, and every passing fault."""


class Throttled(Transient):
    """The cloud asks for fewer requests; `retry_after_seconds` is its own figure, or None."""

    def __init__(
        self, message: str, *, retry_after_seconds: float | None = None, code: str = "", request_id: str = ""
    ) -> None:
        super().__init__(Reason.THROTTLED, message, code=code, request_id=request_id)
        self.retry_after_seconds = retry_after_seconds


@unique
class Scope(StrEnum):
    """What a deferral holds back."""

    SLOT = "Slot"  # the lane runs as many tasks as the cloud allows
    LANE = "Lane"  # the whole lane is closed for a time
    IMAGE = "Image"  # this image only


class Deferred(Failure):
    """A quota or a busy image; `retry_after_seconds` is when it is worth another try."""

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        scope: Scope,
        retry_after_seconds: float,
        code: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(reason, message, code=code, request_id=request_id)
        self.scope = scope
        self.retry_after_seconds = retry_after_seconds


class Blocked(Failure):
    """The world must change, not this object: rechecked slowly and when account, Secret or spec change."""


class Rejected(Failure):
    """This spec can never work: rechecked when spec or account change."""


class Unsent(Failure):
    """The request provably never left: the same process may send it again."""


class Unconfirmed(Failure):
    """The submission may have happened: the claim stays open until a look has told."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A "no" as a value, as decide and status need it. `retry_at` is when it is looked at again, where that is known."""

    reason: Reason
    message: str
    retry_at: datetime | None = None

    @classmethod
    def of(cls, failure: Failure) -> "Refusal":
        """The value of a failure, without what changes from try to try."""
        return cls(failure.reason, failure.message)
