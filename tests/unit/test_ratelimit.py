"""Requests are held back as the cloud asks for it, first come first served, and never for good."""

import asyncio

import pytest

from imageferry.clouds.ratelimit import LOWEST_RATE, RECOVERY_SECONDS, RateLimits

HERE = ("cn-hangzhou", "DescribeTasks")


class Clock:
    """A monotonic clock that goes on only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> Clock:
    """A clock of the test's own."""
    return Clock()


def _limits(clock: Clock, rate: float | None = 5.0) -> RateLimits:
    return RateLimits(rate, clock=clock, sleep=clock.sleep)


async def _times(limits: RateLimits, clock: Clock, count: int) -> list[float]:
    times = []
    for _ in range(count):
        await limits.acquire(*HERE)
        times.append(round(clock.now - 100.0, 6))
    return times


async def test_a_second_of_requests_goes_at_once_and_the_rest_at_the_rate(clock: Clock) -> None:
    """A burst of one second's worth, then one request each 1/rate."""
    assert await _times(_limits(clock), clock, 8) == [0, 0, 0, 0, 0, 0.2, 0.4, 0.6]


async def test_less_than_one_request_a_second_is_possible(clock: Clock) -> None:
    """There is always room for one."""
    assert await _times(_limits(clock, 0.5), clock, 3) == [0, 2, 4]


async def test_each_region_and_action_has_its_own(clock: Clock) -> None:
    """What one action has used up is no loss to another."""
    limits = _limits(clock, 1.0)
    for region, action in (HERE, ("cn-hangzhou", "ExportImage"), ("eu-central-1", "DescribeTasks")):
        await limits.acquire(region, action)
    assert clock.now == 100.0


async def test_a_refusal_halves_the_rate_and_its_time_is_kept(clock: Clock) -> None:
    """Nothing is sent before the time that the cloud named is over."""
    limits = _limits(clock, 8.0)
    limits.throttled(*HERE, 3.0)
    assert limits.rate(*HERE) == 4.0
    first, second, third = await _times(limits, clock, 3)
    assert 3.2 < first < 3.25
    assert 0.2 < third - second <= second - first < 0.25


async def test_refusals_of_one_burst_are_one_refusal(clock: Clock) -> None:
    """Requests that were under way together do not halve the rate one by one."""
    limits = _limits(clock, 8.0)
    for _ in range(10):
        limits.throttled(*HERE, None)
    assert limits.rate(*HERE) == 4.0


async def test_the_rate_comes_back_slowly(clock: Clock) -> None:
    """A minute without a refusal doubles it, up to where it was and no further."""
    limits = _limits(clock, 8.0)
    for _ in range(2):
        limits.throttled(*HERE, None)
        clock.now += 1.0
    halved_twice = limits.rate(*HERE)
    assert halved_twice < 3.0
    clock.now += RECOVERY_SECONDS
    assert halved_twice < limits.rate(*HERE) <= 8.0
    clock.now += 10_000 * RECOVERY_SECONDS
    assert limits.rate(*HERE) == 8.0


async def test_it_never_stops_for_good(clock: Clock) -> None:
    """However often the cloud refuses, a request goes out now and then."""
    limits = _limits(clock, 8.0)
    for _ in range(100):
        limits.throttled(*HERE, None)
        clock.now += 1.0
    assert limits.rate(*HERE) >= LOWEST_RATE
    await limits.acquire(*HERE)


async def test_whoever_came_first_goes_first(clock: Clock) -> None:
    """Nobody is overtaken, and one who gives up does not hold the others."""
    limits = _limits(clock, 1.0)
    order: list[int] = []

    async def request(number: int) -> None:
        await limits.acquire(*HERE)
        order.append(number)

    tasks = [asyncio.ensure_future(request(number)) for number in range(5)]
    await asyncio.sleep(0)
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == [0, 1, 3, 4]
