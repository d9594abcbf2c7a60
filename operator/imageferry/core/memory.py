"""What one process remembers of a job beside its status: a restart may lose it without harm.

Each method is one thing that happened; the engine calls it where it happens, and so does whoever searches the protocol for
faults. Times are monotonic seconds of this process unless they say otherwise.
"""

from dataclasses import dataclass, field
from datetime import datetime
from math import inf

from imageferry.core.artifacts import DISCARDED, Artifacts
from imageferry.core.errors import Refusal
from imageferry.core.journal import Journal
from imageferry.core.observation import Absent, Cancelled, Failed, NotLooked, Observation, Unprovable
from imageferry.core.resolved import Checked


@dataclass(slots=True)
class Memory:
    """One process's memory of one job."""

    wiped: bool = False
    """The status lost what it held: an attempt that was known, or, when first seen two minutes old, every condition."""
    stale: bool = False
    """A write got no clear answer: read the object again before the next decision."""
    observation: Observation = field(default_factory=NotLooked)
    clocks_apart_seconds: float = inf
    """Between the cloud's clock and the local one, at the last observation that showed the cloud's."""
    clock_offset_seconds: float = 0.0
    """The local clock less the monotonic one at that observation: if it is another now, the local clock has jumped since."""
    absent_since: datetime | None = None
    """The cloud's clock at the first of the consecutive looks that found nothing that lives or ended well."""
    collected: Artifacts | None = None
    checked: Checked | None = None
    checked_at: float = 0.0
    paused: Refusal | None = None
    """What refused the last submission of this process for a passing reason; no other is made before `paused_until`."""
    paused_until: float = 0.0
    guarded_here: bool = False
    """This process put the finalizer on and has written no claim since."""
    unsent: bool = False
    """This process made the claim and has not handed its request over."""
    sending_first: bool = False
    """The request last handed over was the claim's first one, and not a repeat."""
    claimed_at: float = 0.0
    sent_at: float | None = None
    """When this process last sent the claim's request; None while it has not."""
    sends: int = 0
    cancel_asked_at: float | None = None
    cancels: int = 0
    deletion_seen_at: float | None = None
    deletion_tried: bool = False
    cloud_away: bool = False
    events: int = 0

    def turn_page(self, before: Journal, after: Journal) -> None:
        """The journal changed, by whomever: what was seen of another attempt, or before its task was known, is past."""
        if before.attempt and not after.attempt:
            self.wiped = True
        if _chapter(before) != _chapter(after):
            self.forget_looks()
            self.deletion_tried = False

    def begin_visit(self, *, has_task: bool) -> None:
        """A look counts for the visit that made it; of a task the poller tells."""
        if not has_task:
            self.observation = NotLooked()

    def observe(self, seen: Observation, *, now: datetime, at: float) -> None:
        """The cloud was seen to say something. Absence counts from the first of the looks that found nothing that lives or ended well."""
        self.observation = seen
        if not isinstance(seen, NotLooked):
            self.clocks_apart_seconds = abs((seen.cloud_time - now).total_seconds())
            self.clock_offset_seconds = now.timestamp() - at
        if not isinstance(seen, Absent | Unprovable | Failed | Cancelled):
            self.absent_since = None
        elif self.absent_since is None:
            self.absent_since = seen.cloud_time

    def check(self, checked: Checked, *, at: float) -> None:
        """Preflight answered."""
        self.checked, self.checked_at = checked, at

    def guard(self) -> None:
        """This process put the finalizer on."""
        self.guarded_here = True

    def begin_claim(self) -> None:
        """A claim is about to be written: from now on the finalizer may tell of one, and none counts until this one does."""
        self.guarded_here, self.unsent = False, False

    def claim(self, *, at: float) -> None:
        """The server holds our claim; what was seen before says nothing about it. `at` is before its write."""
        self.forget_looks()
        self.unsent, self.claimed_at = True, at
        self.sent_at, self.sends = None, 0

    def send(self, *, at: float) -> None:
        """The request is being handed over: from now on it may leave."""
        self.sending_first, self.unsent = self.unsent, False
        self.sent_at, self.sends = at, self.sends + 1

    def take_back(self) -> None:
        """The request provably never left. That a repeat did not says nothing about the first one."""
        self.unsent = self.sending_first

    def pause(self, refusal: Refusal, *, until: float) -> None:
        """A submission was refused for a reason that passes by itself."""
        self.paused, self.paused_until = refusal, until

    def discard(self) -> None:
        """What the attempt left is gone: should the cloud forget the task now, it has not ended well."""
        self.collected, self.checked = DISCARDED, None

    def submit(self) -> None:
        """The cloud accepted the task; what was seen before says nothing about it."""
        self.forget_looks()
        self.paused = None

    def ask_to_cancel(self, *, at: float) -> None:
        """The cloud took a request to end the task."""
        self.cancel_asked_at = at
        self.cancels += 1

    def forget_looks(self) -> None:
        """What was seen so far belongs to the past."""
        self.observation, self.collected, self.absent_since = NotLooked(), None, None

    def forget_attempt(self) -> None:
        """The attempt is closed."""
        self.forget_looks()
        self.checked, self.unsent = None, False
        self.sent_at, self.sends = None, 0
        self.cancel_asked_at, self.cancels = None, 0


def _chapter(journal: Journal) -> tuple[str, bool]:
    """What a look is about: the attempt, and whether its task is known."""
    return journal.claim.key if journal.claim else "", journal.task is not None
