"""The two clocks of the emulator, kept apart.

The real clock gives Date headers, signature windows, nonces and every time a client is shown. The task clock runs `speed`
times as fast and says how far tasks have come and which exports still count for a weekly quota. What a client compares with
its own clock may not be compressed; what only makes it wait may.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imageferry_emulator.state import Journal


@dataclass(frozen=True, slots=True)
class Anchor:
    """A point at which both clocks were read: the task clock stood at `task` seconds when the real one showed `real`."""

    real: float
    task: float
    speed: float


class Clock:
    """Reads both clocks; the anchor is kept in the journal, so tasks go on while the emulator is down."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._offset = 0.0
        stored = journal.table("clock").get("anchor")
        self._anchor = Anchor(**stored) if stored else Anchor(real=time.time(), task=0.0, speed=1.0)

    def real_now(self) -> datetime:
        """The cloud's wall clock, with time zone UTC: what Date headers show and signatures are held against."""
        return datetime.fromtimestamp(self.real_seconds(), tz=UTC)

    def real_seconds(self) -> float:
        """The cloud's wall clock in seconds since 1970."""
        return time.time() + self._offset

    def task_seconds(self) -> float:
        """The task clock in its own seconds since it was first started."""
        return self._anchor.task + (time.time() - self._anchor.real) * self._anchor.speed

    @property
    def speed(self) -> float:
        """Task seconds per real second."""
        return self._anchor.speed

    def wait_until(self, task_seconds: float) -> float:
        """Real seconds until the task clock shows `task_seconds`; never negative."""
        return max(0.0, (task_seconds - self.task_seconds()) / self._anchor.speed)

    def run_at(self, speed: float) -> None:
        """Change the speed, which must be positive, from now on; what has passed stays as it was."""
        self._anchor = Anchor(real=time.time(), task=self.task_seconds(), speed=speed)
        self._journal.put("clock", "anchor", {"real": self._anchor.real, "task": self._anchor.task, "speed": speed})

    def shift(self, seconds: float) -> None:
        """Let the cloud's wall clock differ from this machine's by `seconds`; the task clock is not touched."""
        self._offset = seconds
