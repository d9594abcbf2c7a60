"""What a cloud's refusals teach about one lane: how many tasks it allows, and when another one is worth a try.

No cloud tells its quotas in advance, so they are learned: a refusal for too many tasks at one time sets the count to what ran
then, and it is tried upward by one, rarely; a refusal for a used-up quota closes the lane until a time. Whatever is tried
then is one submission, and the next waits for its outcome. Who waits and who holds a slot is in engine/lanes.py.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from imageferry.core.errors import Deferred, Refusal, Scope
from imageferry.core.reasons import Reason

ALL: Final = 1_000_000
"""As many as want to, where nothing is known to limit them."""

_LONGEST: Final = timedelta(hours=1)
"""No lane is closed for longer at a time: a used-up weekly quota is tried once an hour."""


@dataclass(slots=True)
class Quota:
    """What is known of one lane. Nothing is, while `reason` is None."""

    reason: Reason | None = None
    until: datetime | None = None
    """From then on one submission beyond what is known may be tried."""
    pause: timedelta = timedelta()
    learned: int | None = None
    """Tasks that the cloud allows at one time; None: none at all, until the time has come."""

    def refused(self, deferred: Deferred, *, used: int, now: datetime) -> datetime:
        """The cloud refused another task while `used` slots were taken; returns when it is worth another try."""
        self.learned = used if deferred.scope is Scope.SLOT else None
        self.reason, self.pause = deferred.reason, timedelta(seconds=deferred.retry_after_seconds)
        self.until = now + self.pause
        return self.until

    def accepted(self, *, used: int, now: datetime) -> None:
        """The cloud accepted a task, by which `used` slots are taken."""
        if self.learned is None and self._due(now):
            self.reason = self.until = None
        elif self.learned is not None and used > self.learned:
            self.learned, self.until = used, now + self.pause

    def allows(self, *, used: int, trying: bool, now: datetime) -> int:
        """How many more submissions may be made; `trying`: the outcome of one is awaited."""
        if self.reason is None:
            return ALL
        known = 0 if self.learned is None else max(0, self.learned - used)
        return known or int(self._due(now) and not trying)

    def refusal(self, now: datetime) -> Refusal:
        """What is told to those whom it keeps waiting."""
        if self._due(now):
            message = "One submission is finding out whether the cloud's quota allows another."
            return Refusal(self.reason or Reason.QUEUED, message, now + self.pause)
        message = "The lane is closed by the cloud's quota; it is tried again later."
        return Refusal(self.reason or Reason.QUEUED, message, self.until)

    def recall(self, reason: str, until: datetime, learned: int | None, *, now: datetime) -> None:
        """What an earlier process wrote down, as far as it still holds; what this one learned itself is newer."""
        if self.reason is None and now < until and reason in frozenset(Reason):
            self.reason, self.until, self.learned = Reason(reason), min(until, now + _LONGEST), learned
            self.pause = self.until - now

    def _due(self, now: datetime) -> bool:
        return self.until is None or now >= self.until
