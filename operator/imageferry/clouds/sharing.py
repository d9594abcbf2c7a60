"""Calls that several ask for at the same moment: gathered for an instant, sent as one, answered to each.

A hundred objects that are checked together ask for a hundred images in one request. Nobody is given an answer to a request
that was sent before they asked. What is asked, and what an answer means, may not enter here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from imageferry.core.errors import Failure, Transient
from imageferry.core.reasons import Reason

K = TypeVar("K")
V = TypeVar("V")

GATHER_SECONDS: Final = 0.02
"""How long the first one waits for others: far less than a request takes, and what starts together is together by then."""


@dataclass(slots=True)
class _Batch(Generic[K, V]):
    """The keys gathered so far, in order, and what all who asked for them wait for."""

    answer: "asyncio.Future[Mapping[K, V] | Failure]"
    bell: asyncio.TimerHandle
    keys: dict[K, None] = field(default_factory=dict)


class Shared(Generic[K, V]):
    """One kind of call, for at most `most` keys at a time. `ask` has a deadline of its own, and leaves out what is not there."""

    def __init__(self, ask: Callable[[tuple[K, ...]], Awaitable[Mapping[K, V]]], *, most: int) -> None:
        self._ask, self._most = ask, most
        self._batch: _Batch[K, V] | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    async def get(self, key: K) -> V | None:
        """The value of a key, None if there is none. Raises a Failure of one's own if the shared call failed.

        Whoever is cancelled leaves; the others still get their answer.
        """
        if self._batch and len(self._batch.keys) == self._most and key not in self._batch.keys:
            self._send()
        batch = self._batch = self._batch or self._begin()
        batch.keys[key] = None
        outcome = await asyncio.shield(batch.answer)
        if isinstance(outcome, Failure):
            raise outcome.again()
        return outcome.get(key)

    async def aclose(self) -> None:
        """Give up what is gathered and what is under way; who waits for it is told so by a failure."""
        if self._batch:
            self._send()
        for call in self._under_way:
            call.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _begin(self) -> _Batch[K, V]:
        loop = asyncio.get_running_loop()
        return _Batch(loop.create_future(), loop.call_later(GATHER_SECONDS, self._send))

    def _send(self) -> None:
        batch, self._batch = self._batch, None
        if batch is None:
            raise AssertionError("a batch is sent once: its bell is silenced when it leaves early")
        batch.bell.cancel()
        call = asyncio.ensure_future(self._perform(batch))
        self._under_way.add(call)
        call.add_done_callback(self._under_way.discard)
        call.add_done_callback(lambda _: _give_up(batch.answer))

    async def _perform(self, batch: _Batch[K, V]) -> None:
        try:
            batch.answer.set_result(await self._ask(tuple(batch.keys)))
        except Failure as failure:
            batch.answer.set_result(failure)
        except Exception as fault:  # noqa: BLE001 -- a bug is whoever's who waits, and is told there
            batch.answer.set_exception(fault)


def _give_up(answer: "asyncio.Future[Mapping[K, V] | Failure]") -> None:
    """A call that was cancelled, perhaps before it began, has told nobody."""
    if not answer.done():
        answer.set_result(Transient(Reason.CLOUD_UNAVAILABLE, "The connection was closed before the cloud answered."))
