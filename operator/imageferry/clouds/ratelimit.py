"""Token buckets, one per region and action, slowed down by throttling answers and recovering slowly.

The clouds count requests per account and action, so each connection (one account) holds limits of its own. No figure is
published per action; what a cloud grants is learned from its refusals.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Final

USUAL_RATE: Final = 20.0
"""Requests per second and action before a cloud has refused any. A judgement: a full lane is polled with far fewer."""

LOWEST_RATE: Final = 0.1
"""Requests per second that throttling never goes below, so that every lane goes on."""

RECOVERY_SECONDS: Final = 60.0
"""The time in which a halved rate doubles again, where no further refusal comes."""

_ROUNDING: Final = 1e-9


class RateLimits:
    """The buckets of one account. `clock` is monotonic, in seconds; `sleep` waits for as many seconds as it is told."""

    def __init__(
        self,
        requests_per_second: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._rate = requests_per_second or USUAL_RATE
        self._clock = clock
        self._sleep = sleep
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    async def acquire(self, region: str, action: str) -> None:
        """Wait for the turn of one request, first come first served."""
        bucket = self._bucket(region, action)
        async with bucket.turn:
            while (wait := bucket.wait(self._clock())) > 0:
                await self._sleep(wait)
            bucket.tokens -= 1

    def throttled(self, region: str, action: str, retry_after_seconds: float | None) -> None:
        """Halve the rate, and stay silent for as long as the cloud asked for (a second where it named no time)."""
        self._bucket(region, action).slow_down(self._clock(), retry_after_seconds or 1.0)

    def rate(self, region: str, action: str) -> float:
        """Requests per second at this moment."""
        return self._bucket(region, action).rate_at(self._clock())

    def _bucket(self, region: str, action: str) -> "_Bucket":
        return self._buckets.setdefault((region, action), _Bucket(self._rate, self._clock()))


class _Bucket:
    """Holds at most one second's worth of tokens, and always room for one."""

    def __init__(self, rate: float, now: float) -> None:
        self.turn = asyncio.Lock()
        self.tokens = max(1.0, rate)
        self._full_rate = self._slow_rate = rate
        self._slowed_at = self._filled_at = self._silent_until = now

    def rate_at(self, now: float) -> float:
        doublings = (now - self._slowed_at) / RECOVERY_SECONDS
        return min(self._full_rate, self._slow_rate * math.exp2(min(doublings, 64.0)))

    def wait(self, now: float) -> float:
        if now < self._silent_until:
            return self._silent_until - now
        rate = self.rate_at(now)
        self.tokens = min(max(1.0, rate), self.tokens + (now - self._filled_at) * rate)
        self._filled_at = now
        missing = 1.0 - self.tokens
        return missing / rate if missing > _ROUNDING else 0.0

    def slow_down(self, now: float, seconds: float) -> None:
        # Requests that were under way together are refused together: that is one refusal, not many.
        if now >= self._silent_until:
            self._slow_rate = max(min(LOWEST_RATE, self._full_rate), self.rate_at(now) / 2)
            self._slowed_at = now
        self._silent_until = max(self._silent_until, now + seconds)
        self._filled_at = max(self._filled_at, self._silent_until)
        self.tokens = 0.0
