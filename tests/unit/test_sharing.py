"""Calls that are asked for together are sent together, and each who asked is answered."""

import asyncio
from collections.abc import Mapping

import pytest

from imageferry.clouds.sharing import Shared
from imageferry.core.errors import Deferred, Scope, Throttled, Transient
from imageferry.core.reasons import Reason

MOST = 4


class _Book:
    """Looks words up: what was asked for, call by call, and what is answered. It answers once its door is open."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.failure = failure
        self.door, self.begun = asyncio.Event(), asyncio.Semaphore(0)
        self.door.set()

    async def look_up(self, keys: tuple[str, ...]) -> Mapping[str, str]:
        self.calls.append(keys)
        self.begun.release()
        await self.door.wait()
        if self.failure:
            raise self.failure
        return {key: key.upper() for key in keys if key != "nothing"}


async def test_what_is_asked_for_together_is_one_call() -> None:
    """Each gets the value of its own key, or None; a key that several ask for is asked for once."""
    book = _Book()
    shared = Shared(book.look_up, most=MOST)
    found = [*await asyncio.gather(*(shared.get(key) for key in ("a", "b", "nothing", "a")))]
    assert found == ["A", "B", None, "A"]
    assert book.calls == [("a", "b", "nothing")]


async def test_no_call_holds_more_keys_than_the_cloud_takes() -> None:
    """A full one leaves without waiting, and the rest go on in the next."""
    book = _Book()
    shared = Shared(book.look_up, most=MOST)
    found = [*await asyncio.gather(*(shared.get(str(number)) for number in range(MOST + 1)))]
    assert found == [str(number) for number in range(MOST + 1)]
    assert [len(keys) for keys in book.calls] == [MOST, 1]


async def test_one_key_that_many_ask_for_is_one_call() -> None:
    """Also where the cloud takes one key at a time, as for a bucket."""
    book = _Book()
    shared = Shared(book.look_up, most=1)
    found = [*await asyncio.gather(*(shared.get(key) for key in ("a", "a", "b", "b", "b")))]
    assert found == ["A", "A", "B", "B", "B"]
    assert book.calls == [("a",), ("b",)]


async def test_nobody_is_answered_by_a_call_that_left_before() -> None:
    """Whoever asks while a call is under way gets a call of their own: its answer may be older than the question."""
    book = _Book()
    shared = Shared(book.look_up, most=MOST)
    book.door.clear()
    first = asyncio.ensure_future(shared.get("a"))
    await book.begun.acquire()
    second = asyncio.ensure_future(shared.get("a"))
    await book.begun.acquire()
    book.door.set()
    assert (await first, await second) == ("A", "A")
    assert book.calls == [("a",), ("a",)]


async def test_one_failure_reaches_all_each_as_its_own() -> None:
    """Reason, message, code and the cloud's figures are the same; the exception is not: each raiser's traceback is its own."""
    failure = Deferred(
        Reason.IMAGE_BUSY, "Busy.", scope=Scope.IMAGE, retry_after_seconds=30, code="C", request_id="R-1"
    )
    shared = Shared(_Book(failure).look_up, most=MOST)
    got = await asyncio.gather(shared.get("a"), shared.get("b"), return_exceptions=True)
    raised = [each for each in got if isinstance(each, Deferred)]
    assert [(each.reason, each.message, each.code, each.request_id, each.scope) for each in raised] == [
        (Reason.IMAGE_BUSY, "Busy.", "C", "R-1", Scope.IMAGE)
    ] * 2
    assert len({id(each) for each in (failure, *raised)}) == 3
    assert {str(each) for each in raised} == {str(failure)}


async def test_a_failure_is_not_remembered() -> None:
    """Whoever asks afterwards asks the cloud."""
    book = _Book(Throttled("Slower.", retry_after_seconds=2.0))
    shared = Shared(book.look_up, most=MOST)
    with pytest.raises(Throttled) as throttled:
        await shared.get("a")
    assert throttled.value.retry_after_seconds == 2.0
    book.failure = None
    assert await shared.get("a") == "A"


async def test_whoever_leaves_takes_nobody_along() -> None:
    """A caller that is cancelled, even the first, leaves the call to the others."""
    book = _Book()
    shared = Shared(book.look_up, most=MOST)
    book.door.clear()
    leaving, staying = asyncio.ensure_future(shared.get("a")), asyncio.ensure_future(shared.get("b"))
    await book.begun.acquire()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    book.door.set()
    assert await staying == "B"


async def test_a_bug_is_told_to_whoever_waits() -> None:
    """An exception that is no failure is not swallowed."""
    shared = Shared(_Book(KeyError("x")).look_up, most=MOST)
    with pytest.raises(KeyError):
        await shared.get("a")


@pytest.mark.parametrize("under_way", [False, True], ids=["still being gathered", "under way"])
async def test_closing_lets_nobody_wait_for_ever(under_way: bool) -> None:  # noqa: FBT001 -- the case
    """What is gathered or under way is given up with a failure, and nothing is left behind in the loop."""
    book = _Book()
    shared = Shared(book.look_up, most=MOST)
    book.door.clear()
    waiting = asyncio.ensure_future(shared.get("a"))
    await asyncio.sleep(0)
    if under_way:
        await book.begun.acquire()
    await shared.aclose()
    with pytest.raises(Transient):
        await waiting
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_a_failure_again_is_of_the_same_kind() -> None:
    """Subclasses with arguments of their own come out whole."""
    found = Transient(Reason.CLOUD_UNAVAILABLE, "Away.").again()
    assert (type(found), found.message) == (Transient, "Away.")
