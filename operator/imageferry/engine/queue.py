"""What is to be looked at next: a work queue with the rules of client-go's.

A key waits at most once however often it is added; a key that is being worked on is never handed out a second time, but
comes again when its worker is done if it was added meanwhile. Later visits lie in one heap of due times with one timer,
so that ten thousand waiting objects cost ten thousand heap entries and no task. What a key means, and what happened when
it was worked on, may not enter here.

    add ------------------> dirty, ready ---get---> busy ---done---> (again ready if dirty)
    add_after --> due heap ----^                      |
    add_rate_limited --^ <----------- failed ---------+
"""

import asyncio
import heapq
import itertools
import random
import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

# Spreads retries; SystemRandom needs no seed and shares no state with a test's.
_RANDOM: Final = random.SystemRandom()
_SLACK: Final = 64  # heap entries; below this many stale ones a clean-up costs more than it frees


class QueueClosed(Exception):  # noqa: N818 -- says what happened, as all failures of this house do
    """The queue was shut down: the worker that waited in `get` ends."""


class WorkQueue(Generic[Key]):
    """Keys to work on, for any number of workers in one event loop. Not for use from other threads.

    `clock` gives seconds that never go back; `jitter` a number in [0, 1).
    """

    def __init__(
        self,
        *,
        retry_min_seconds: float,
        retry_max_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = _RANDOM.random,
    ) -> None:
        self._retry_min, self._retry_max = retry_min_seconds, retry_max_seconds
        self._clock, self._jitter = clock, jitter
        self._ready: deque[tuple[Key, float]] = deque()  # with the time since which it waits
        self._dirty: set[Key] = set()
        self._busy: set[Key] = set()
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []  # may hold stale entries: `_due` is the truth
        self._order = itertools.count()  # keys need not be comparable
        self._failures: dict[Key, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._getters: deque[asyncio.Future[None]] = deque()
        self._closed = False

    def __len__(self) -> int:
        """How many keys could be handed out now."""
        self._promote()
        return len(self._ready)

    @property
    def delayed(self) -> int:
        """How many keys wait for their due time."""
        return len(self._due)

    @property
    def oldest_seconds(self) -> float:
        """How long the first key has been ready and nobody took it; 0 for an empty queue."""
        return self._clock() - self._ready[0][1] if self._ready else 0.0

    def add(self, key: Key) -> None:
        """Have the key looked at as soon as a worker is free."""
        if self._closed or key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._busy:
            self._ready.append((key, self._clock()))
            self._wake()

    def add_after(self, key: Key, seconds: float) -> None:
        """Have the key looked at in so many seconds; of several times asked for the earliest wins."""
        if seconds <= 0:
            self.add(key)
            return
        due = self._clock() + seconds
        if self._closed or self._due.get(key, due + 1) <= due:
            return
        self._due[key] = due
        if len(self._heap) > _SLACK + 2 * len(self._due):  # times that an earlier one has overtaken
            self._heap = [entry for entry in self._heap if self._due.get(entry[2]) == entry[0]]
            heapq.heapify(self._heap)
        heapq.heappush(self._heap, (due, next(self._order), key))
        if self._heap[0][0] == due:
            self._set_timer()

    def add_rate_limited(self, key: Key) -> float:
        """Have a key that failed looked at again later, each time later than before; returns in how many seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        # 2**64 seconds is beyond any limit; a larger exponent would overflow a float in the end.
        seconds = min(self._retry_min * 2.0 ** min(failures, 64), self._retry_max) * (0.5 + self._jitter() / 2)
        self.add_after(key, seconds)
        return seconds

    def forget(self, key: Key) -> None:
        """The key was worked on well: its next failure is its first. Says nothing about visits already due."""
        self._failures.pop(key, None)

    def failures(self, key: Key) -> int:
        """How often in a row the key has failed."""
        return self._failures.get(key, 0)

    async def get(self) -> Key:
        """The next key, as soon as there is one; the caller owes a `done`.

        Raises:
            QueueClosed: the queue was shut down; keys still waiting are for the next leader to find.
        """
        self._promote()
        while not self._ready and not self._closed:
            getter = asyncio.get_running_loop().create_future()
            self._getters.append(getter)
            try:
                await getter
            except asyncio.CancelledError:
                if getter.cancelled() or not getter.done():
                    self._getters.remove(getter)
                else:  # woken and cancelled at once: the wake-up goes to another, or a key would lie unseen
                    self._wake()
                raise
            self._promote()
        if self._closed:
            raise QueueClosed
        key, _ = self._ready.popleft()
        self._busy.add(key)
        self._dirty.discard(key)
        return key

    def done(self, key: Key) -> None:
        """The worker has finished with the key; if it was added meanwhile, it is ready again."""
        self._busy.discard(key)
        if key in self._dirty and not self._closed:
            self._ready.append((key, self._clock()))
            self._wake()

    def shutdown(self) -> None:
        """Hand out nothing more: every worker waiting in `get`, or coming to it, gets QueueClosed."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        while self._getters:
            self._wake()

    def _wake(self) -> None:
        while self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
                return

    def _promote(self) -> None:
        now = self._clock()
        while self._heap and self._heap[0][0] <= now:
            due, _, key = heapq.heappop(self._heap)
            if self._due.get(key) == due:
                del self._due[key]
                self.add(key)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap and not self._closed:
            wait = max(0.0, self._heap[0][0] - self._clock())
            self._timer = asyncio.get_running_loop().call_later(wait, self._on_timer)

    def _on_timer(self) -> None:
        self._promote()
        self._set_timer()
