"""The pool's own future, and nothing else, tells whether a call has begun."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from imageferry.clouds.threads import NeverBegunError, OverdueError, Threads, pair, together

LONG = 60.0


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """A pool with a single thread."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


class Gate:
    """A blocking call that says when it has begun and ends when it is told to."""

    def __init__(self) -> None:
        self.begun, self.open = threading.Event(), threading.Event()

    def __call__(self, left: float) -> float:
        """The seconds that were left at its begin."""
        self.begun.set()
        self.open.wait(LONG)
        return left


async def _begun(gate: Gate) -> None:
    await asyncio.to_thread(gate.begun.wait, LONG)


async def test_a_call_is_told_how_long_it_may_take(pool: ThreadPoolExecutor) -> None:
    """What waiting has used up is no longer there."""
    assert 0 < await Threads(pool).ask(lambda left: left, seconds=LONG) <= LONG
    assert 0 < await Threads(pool).send(lambda left: left, seconds=LONG) <= LONG


async def test_what_a_call_raises_is_raised(pool: ThreadPoolExecutor) -> None:
    """Nothing comes between."""

    def broken(_: float) -> None:
        raise KeyError("broken")

    for way in (Threads(pool).ask, Threads(pool).send):
        with pytest.raises(KeyError):
            await way(broken, seconds=LONG)


@pytest.mark.parametrize("verb", ["ask", "send"])
async def test_a_call_that_waits_too_long_never_begins(pool: ThreadPoolExecutor, verb: str) -> None:
    """What was still in the queue when its time was over does not run afterwards."""
    gate, ran = Gate(), threading.Event()
    pool.submit(gate, LONG)
    await _begun(gate)
    with pytest.raises(NeverBegunError):
        await getattr(Threads(pool), verb)(lambda _: ran.set(), seconds=0.01)
    gate.open.set()
    pool.shutdown(wait=True)
    assert not ran.is_set()


@pytest.mark.parametrize("verb", ["ask", "send"])
async def test_a_call_that_takes_too_long_is_overdue(pool: ThreadPoolExecutor, verb: str) -> None:
    """It may still do something: nothing is claimed about it."""
    gate = Gate()
    with pytest.raises(OverdueError):
        await getattr(Threads(pool), verb)(gate, seconds=0.05)
    gate.open.set()


async def test_a_cancelled_send_in_the_queue_never_begins(pool: ThreadPoolExecutor) -> None:
    """It can be withdrawn: the pool itself says that it has not begun."""
    gate, ran = Gate(), threading.Event()
    pool.submit(gate, LONG)
    await _begun(gate)
    sending = asyncio.ensure_future(Threads(pool).send(lambda _: ran.set(), seconds=LONG))
    await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(NeverBegunError):
        await sending
    gate.open.set()
    pool.shutdown(wait=True)
    assert not ran.is_set()


async def test_a_cancelled_send_under_way_is_waited_for(pool: ThreadPoolExecutor) -> None:
    """Its outcome is the truth, however often the caller is cancelled."""
    gate = Gate()
    sending = asyncio.ensure_future(Threads(pool).send(gate, seconds=LONG))
    await _begun(gate)
    for _ in range(3):
        sending.cancel()
        await asyncio.sleep(0)
    assert not sending.done()
    gate.open.set()
    assert 0 < await sending <= LONG


async def test_a_cancelled_question_is_let_go(pool: ThreadPoolExecutor) -> None:
    """What is safe to repeat holds nobody up."""
    gate = Gate()
    asking = asyncio.ensure_future(Threads(pool).ask(gate, seconds=LONG))
    await _begun(gate)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    gate.open.set()


async def _fail(reason: str, *, after: int) -> None:
    for _ in range(after):
        await asyncio.sleep(0)
    raise LookupError(reason)


async def test_of_several_failures_the_first_in_order_is_told() -> None:
    """Whichever came first by the clock: the same fault is told from try to try."""
    with pytest.raises(LookupError, match="one"):
        await together([_fail("one", after=5), _fail("two", after=0)])
    with pytest.raises(LookupError, match="one"):
        await pair(_fail("one", after=5), _fail("two", after=0))
