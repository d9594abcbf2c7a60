"""The probes tell a stuck process from a waiting one, over real HTTP."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from imageferry.health import Check, HealthServer


class Process:
    """What the server asks: set by the tests."""

    def __init__(self) -> None:
        self.silent = {"lease": 1.0, "watch": 2.0}
        self.ready = False
        self.server = HealthServer(
            checks={
                "lease": Check(silent_seconds=lambda: self.silent["lease"], limit_seconds=30),
                "watch": Check(silent_seconds=lambda: self.silent["watch"], limit_seconds=90),
            },
            ready=lambda: self.ready,
            metrics=lambda accept: (f"# for {accept}\n".encode(), "text/plain; version=0.0.4; charset=utf-8"),
        )


@pytest.fixture
def process() -> Process:
    """A process whose loops all live, not ready yet."""
    return Process()


@pytest.fixture
async def url(process: Process) -> AsyncIterator[str]:
    """Where it serves: port 0 asks for a free one."""
    port = await process.server.start(host="127.0.0.1", port=0)
    yield f"http://127.0.0.1:{port}"
    await process.server.aclose()


async def get(url: str, accept: str = "*/*") -> tuple[int, str, str]:
    """Status, text and content type."""
    async with aiohttp.ClientSession() as session, session.get(url, headers={"Accept": accept}) as answer:
        return answer.status, await answer.text(), answer.headers["Content-Type"]


async def test_a_process_whose_loops_live_is_healthy(url: str) -> None:
    """Ready or not."""
    assert (await get(f"{url}/healthz"))[:2] == (200, "ok\n")


async def test_one_stuck_loop_is_named_and_fails_the_probe(process: Process, url: str) -> None:
    """The kubelet restarts the pod, the log and the answer say why."""
    process.silent["lease"] = 31
    assert (await get(f"{url}/healthz"))[:2] == (503, "lease: silent for 31 s\n")
    process.silent["lease"] = 30
    assert (await get(f"{url}/healthz"))[0] == 200


async def test_readiness_follows_the_process(process: Process, url: str) -> None:
    """Not before it says so."""
    assert (await get(f"{url}/readyz"))[0] == 503
    process.ready = True
    assert (await get(f"{url}/readyz"))[0] == 200


async def test_metrics_come_in_the_format_asked_for(url: str) -> None:
    """The Accept header reaches who renders, whose content type reaches the scraper unchanged."""
    answer = await get(f"{url}/metrics", accept="application/openmetrics-text")
    assert answer == (200, "# for application/openmetrics-text\n", "text/plain; version=0.0.4; charset=utf-8")


@pytest.mark.parametrize("path", ["/", "/healthz/../x", "/debug"])
async def test_there_is_nothing_else(url: str, path: str) -> None:
    """Three paths, no index and no debugging."""
    assert (await get(f"{url}{path}"))[0] == 404
