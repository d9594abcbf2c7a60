"""The work queue hands out each key once, at its time, and never twice at a time."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageferry.engine.queue import QueueClosed, WorkQueue


class HandClock:
    """A clock that goes only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def clock() -> HandClock:
    """A clock at a fixed time."""
    return HandClock()


@pytest.fixture
def queue(clock: HandClock) -> WorkQueue[str]:
    """A queue whose retries double from 1 s to 8 s, without jitter."""
    return WorkQueue(retry_min_seconds=1, retry_max_seconds=8, clock=clock, jitter=lambda: 1.0)


async def test_a_key_added_many_times_is_handed_out_once(queue: WorkQueue[str]) -> None:
    """Many events of one object cost one visit."""
    for _ in range(3):
        queue.add("a")
    assert len(queue) == 1
    assert await queue.get() == "a"
    assert len(queue) == 0


async def test_keys_come_in_the_order_in_which_they_were_added(queue: WorkQueue[str]) -> None:
    """Nobody overtakes."""
    for key in ("a", "b", "a", "c"):
        queue.add(key)
    assert [await queue.get() for _ in range(3)] == ["a", "b", "c"]


async def test_a_key_being_worked_on_is_not_handed_to_a_second_worker(queue: WorkQueue[str]) -> None:
    """One object has one worker; what comes meanwhile is seen after it."""
    queue.add("a")
    assert await queue.get() == "a"
    queue.add("a")
    assert len(queue) == 0
    queue.done("a")
    assert await queue.get() == "a"
    queue.done("a")
    assert len(queue) == 0


async def test_a_delayed_key_comes_at_its_time_and_not_before(queue: WorkQueue[str], clock: HandClock) -> None:
    """add_after means after."""
    queue.add_after("a", 5)
    clock.now += 4.9
    assert len(queue) == 0
    clock.now += 0.1
    assert await queue.get() == "a"
    assert queue.delayed == 0


async def test_of_several_times_the_earliest_wins(queue: WorkQueue[str], clock: HandClock) -> None:
    """A later wish never puts off an earlier one, and does not add a second visit."""
    queue.add_after("a", 50)
    queue.add_after("a", 5)
    queue.add_after("a", 20)
    assert queue.delayed == 1
    clock.now += 5
    assert await queue.get() == "a"
    queue.done("a")
    clock.now += 100
    assert len(queue) == 0


async def test_a_time_in_the_past_is_now(queue: WorkQueue[str]) -> None:
    """A wait of nothing is no wait."""
    queue.add_after("a", 0)
    queue.add_after("b", -3)
    assert [await queue.get(), await queue.get()] == ["a", "b"]


async def test_a_failing_key_waits_twice_as_long_each_time_up_to_the_limit(
    queue: WorkQueue[str], clock: HandClock
) -> None:
    """Per-key backoff: 1, 2, 4, 8, 8 s; forgotten after a good visit."""
    waits = []
    for _ in range(5):
        waits.append(queue.add_rate_limited("a"))
        clock.now += waits[-1]
        assert await queue.get() == "a"
        queue.done("a")
    assert waits == [1, 2, 4, 8, 8]
    assert queue.failures("a") == 5
    queue.forget("a")
    assert queue.add_rate_limited("a") == 1


async def test_backoff_stays_finite_however_long_a_key_fails(clock: HandClock) -> None:
    """Ten thousand failures are waited for like the tenth."""
    queue = WorkQueue[str](retry_min_seconds=1, retry_max_seconds=8, clock=clock)
    for _ in range(10_000):
        assert 0.5 <= queue.add_rate_limited("a") <= 8


async def test_a_waiting_worker_is_woken_by_the_timer() -> None:
    """A due time wakes a worker by itself, on the real clock."""
    queue = WorkQueue[str](retry_min_seconds=1, retry_max_seconds=8)
    getting = asyncio.create_task(queue.get())
    queue.add_after("later", 3600)
    queue.add_after("soon", 0.01)
    async with asyncio.timeout(30):
        assert await getting == "soon"
    queue.shutdown()


async def test_a_wake_up_is_not_lost_when_the_woken_worker_is_cancelled(queue: WorkQueue[str]) -> None:
    """A key that came with a cancelled worker's wake-up goes to the next worker."""
    first, second = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("a")
    first.cancel()
    async with asyncio.timeout(30):
        assert await second == "a"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_shutdown_ends_every_worker(queue: WorkQueue[str]) -> None:
    """Who waits and who comes later both learn that it is over."""
    waiting = [asyncio.create_task(queue.get()) for _ in range(3)]
    await asyncio.sleep(0)
    queue.shutdown()
    queue.add("a")
    for task in waiting:
        with pytest.raises(QueueClosed):
            await task
    with pytest.raises(QueueClosed):
        await queue.get()


async def test_the_age_of_the_first_key_shows_a_queue_that_nobody_serves(
    queue: WorkQueue[str], clock: HandClock
) -> None:
    """The age counts from when the key became ready."""
    assert queue.oldest_seconds == 0
    queue.add("a")
    clock.now += 7
    queue.add("b")
    assert queue.oldest_seconds == 7
    await queue.get()
    assert queue.oldest_seconds == 0


async def test_overtaken_times_do_not_pile_up(queue: WorkQueue[str], clock: HandClock) -> None:
    """An object visited often while a far date stands leaves no trail of old dates."""
    for _ in range(5_000):
        queue.add_after("a", 100_000)
        queue.add_after("a", 1)
        clock.now += 1
        assert await queue.get() == "a"
        queue.done("a")
    assert len(queue._heap) < 200


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["add", "after", "get", "done", "tick"])), max_size=60)
)
def test_no_key_is_ever_lost_or_worked_on_twice_at_a_time(steps: list[tuple[str, str]]) -> None:
    """Whatever the order of calls: every added key is handed out after its last add, and to one worker at a time."""

    async def play() -> None:
        clock = HandClock()
        queue = WorkQueue[str](retry_min_seconds=1, retry_max_seconds=8, clock=clock)
        owed: set[str] = set()
        busy: set[str] = set()
        for key, step in steps:
            if step == "add":
                queue.add(key)
                owed.add(key)
            elif step == "after":
                queue.add_after(key, 3)
                owed.add(key)
            elif step == "get" and len(queue):
                got = await queue.get()
                assert got not in busy
                busy.add(got)
                if got not in queue._due:
                    owed.discard(got)
            elif step == "done" and key in busy:
                busy.discard(key)
                queue.done(key)
            elif step == "tick":
                clock.now += 2
        for key in sorted(busy):
            queue.done(key)
        clock.now += 3
        rest = {await queue.get() for _ in range(len(queue))}
        assert owed <= rest
        queue.shutdown()

    asyncio.run(play())
