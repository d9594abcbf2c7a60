"""Blocking SDK calls in a bounded pool, with deadlines, and with the truth about whether a call has begun.

The SDKs' synchronous clients are used on purpose: the asynchronous credentials of one of them stall the event loop. Only
the pool's own future can tell whether a call has begun: an asyncio future may be cancelled while its thread still sends.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from imageferry.core.errors import Failure, Throttled

K = TypeVar("K")
T = TypeVar("T")
S = TypeVar("S")


class NeverBegunError(Exception):
    """The call was still in the queue when its time was over: nothing of it has happened, and nothing will."""


class OverdueError(Exception):
    """The call was under way when its time was over: what it does is unknown."""


class Threads:
    """Runs calls in `pool`. Each call is given the seconds that are left to it once its thread begins."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool

    async def ask(self, call: Callable[[float], T], *, seconds: float) -> T:
        """The result of a call that is safe to repeat; when cancelled or overdue it is abandoned to its own timeouts.

        Raises NeverBegunError or OverdueError after `seconds`, or what the call raises.
        """
        begun = self._begin(call, seconds)
        try:
            return await _outcome(begun, seconds)
        except asyncio.CancelledError:
            begun.cancel()
            raise

    async def send(self, call: Callable[[float], T], *, seconds: float) -> T:
        """The result of a call that must not be forgotten: a cancelled caller still learns what became of it.

        Raises NeverBegunError if the call provably never began (its time was over, or the caller was cancelled first),
        OverdueError after `seconds`, or what the call raises. A cancellation that comes once the call runs is held back.
        """
        begun = self._begin(call, seconds)
        waiter = asyncio.ensure_future(_outcome(begun, seconds))
        while not waiter.done():
            try:
                await asyncio.wait([waiter])
            except asyncio.CancelledError:
                if begun.cancel():
                    waiter.cancel()
                    raise NeverBegunError from None
        return waiter.result()

    def _begin(self, call: Callable[[float], T], seconds: float) -> "Future[T]":
        ends = time.monotonic() + seconds

        def timed() -> T:
            left = ends - time.monotonic()
            if left <= 0:
                raise NeverBegunError
            return call(left)

        return self._pool.submit(timed)


async def _outcome(begun: "Future[T]", seconds: float) -> T:
    waiter = asyncio.wrap_future(begun)
    # An abandoned call may still fail later; its failure then has no reader and must not be reported as lost.
    waiter.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    done, _ = await asyncio.wait([waiter], timeout=seconds)
    if done or begun.done():
        return begun.result()
    raise NeverBegunError if begun.cancel() else OverdueError


async def together(calls: Iterable[Awaitable[T]]) -> list[T]:
    """The results of several calls made at once; or, once all have ended, the first failure in the order of the calls.

    The order makes the failure the same from try to try, whichever answer came first.
    """
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    results: list[T] = []
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        results.append(outcome)
    return results


async def each_of(calls: Mapping[K, Awaitable[T]]) -> dict[K, T]:
    """The results of several calls by their keys. One that fails is left out: what is wrong with it is not wrong with the others.

    Raises the first failure where none succeeded, and that by which the cloud asks for fewer requests in any case.
    """
    outcomes = await asyncio.gather(*calls.values(), return_exceptions=True)
    results: dict[K, T] = {}
    failures: list[BaseException] = []
    for key, outcome in zip(calls, outcomes, strict=True):
        if isinstance(outcome, BaseException):
            failures.append(outcome)
        else:
            results[key] = outcome
    fatal = [failure for failure in failures if not isinstance(failure, Failure) or isinstance(failure, Throttled)]
    if fatal or (failures and not results):
        raise (fatal or failures)[0]
    return results


async def pair(first: Awaitable[T], second: Awaitable[S]) -> tuple[T, S]:
    """The same for two calls with results of different types."""
    left, right = await asyncio.gather(first, second, return_exceptions=True)
    if isinstance(left, BaseException):
        raise left
    if isinstance(right, BaseException):
        raise right
    return left, right
