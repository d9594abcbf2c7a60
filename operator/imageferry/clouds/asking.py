"""An SDK's calls as coroutines: each waits for its turn, runs in the pool on a deadline, and fails only with a Failure.

Every request is told to the metrics by action, region and code. Which calls there are, and what an answer means, may not enter
here.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from imageferry.clouds.faults import Fault, Unreachable, Unreadable
from imageferry.clouds.provider import Access
from imageferry.clouds.ratelimit import RateLimits
from imageferry.clouds.threads import NeverBegunError, OverdueError, Threads
from imageferry.clouds.verdicts import Verdicts
from imageferry.core.errors import Failure, Throttled
from imageferry.core.reasons import Reason

T = TypeVar("T")


class Asking:
    """One account in one region; `limits` are the account's, `fault` tells what an exception of the SDKs says of its request."""

    def __init__(
        self,
        access: Access,
        limits: RateLimits,
        region: str,
        *,
        fault: Callable[[Exception], Fault],
        verdicts: Verdicts,
    ) -> None:
        self._region = region
        self._timings, self._report, self._doubt = access.timings, access.report, access.doubt
        self._limits, self._threads = limits, Threads(access.pool)
        self._fault, self._verdicts = fault, verdicts

    async def ask(self, action: str, call: Callable[[float], T]) -> T:
        """The result of a call that is safe to repeat; it is given the seconds that are left to it."""
        seconds = self._timings.read_deadline_seconds
        await self._turn(action, seconds)
        return await self._told(action, self._threads.ask(call, seconds=seconds), self._verdicts.reading)

    async def submit(self, action: str, call: Callable[[float], T]) -> T:
        """The result of a submission, at most one request on the wire.

        Raises Unsent only if it provably never left, Unconfirmed whenever the task may have started.
        """
        ends = time.monotonic() + self._timings.submit_deadline_seconds
        try:
            await self._turn(action, self._timings.submit_deadline_seconds)
        except (Throttled, asyncio.CancelledError):
            raise self._verdicts.submitting(action, Unreachable()) from None
        sent = self._threads.send(call, seconds=ends - time.monotonic())
        return await self._told(action, sent, self._verdicts.submitting)

    async def _turn(self, action: str, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._limits.acquire(self._region, action)
        except TimeoutError:
            raise Throttled(f"The operator holds {action} requests back, as the cloud asked for fewer.") from None

    async def _told(self, action: str, outcome: Awaitable[T], judge: Callable[[str, Fault], Failure]) -> T:
        try:
            result = await outcome
        except Failure:
            raise
        except NeverBegunError:
            fault: Fault = Unreachable()
        except OverdueError:
            fault = Unreadable()
        except Exception as error:  # noqa: BLE001 -- an SDK raises what it likes, and most of it says nothing about the request
            fault = self._fault(error)
        else:
            self._report(action, self._region, "OK")
            return result
        self._report(action, self._region, self._verdicts.label(action, fault))
        failure = judge(action, fault)
        if isinstance(failure, Throttled):
            self._limits.throttled(self._region, action, failure.retry_after_seconds)
        if failure.reason is Reason.CREDENTIALS_REJECTED:
            self._doubt()
        raise failure
