"""A tap between the operator and the real API server, for tests that wait: it counts requests and can hold one.

The operator speaks plain HTTP to the tap, the tap TLS to the server, with the operator's own token: rights stay what they are.
"""

import asyncio
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.kube_errors import unavailable
from tests.tap import Line, Passage, Position, Request, Strike, Tap

__all__ = ["ApiTap", "Hold", "Position", "Request"]


@dataclass(eq=False)
class Hold:
    """Holds the first request that `matches`; `reached` is set when it is there."""

    matches: Callable[[Request], bool]
    position: Position
    reached: threading.Event = field(default_factory=threading.Event)
    strike: Strike = field(init=False)

    def __post_init__(self) -> None:
        self.strike = Strike(self.position, self.reached.set)


class ApiTap:
    """One tap on a port of its own. `requests` are all that passed, with the status of their answers."""

    def __init__(self, server: str, ca_file: Path) -> None:
        line = Line(server=server, tls=ssl.create_default_context(cafile=str(ca_file)), error=unavailable)
        self._tap = Tap(line, arrive=self._arrive, leave=self._leave)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._hold: Hold | None = None
        self.requests: list[tuple[Request, int]] = []

    @property
    def url(self) -> str:
        """Where it serves."""
        return self._tap.url

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._tap.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._tap.__aexit__())
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def hold(self, position: Position, matches: Callable[[Request], bool]) -> Hold:
        """Hold the next request that matches, at this position, until released."""
        self._hold = Hold(matches, position)
        return self._hold

    def release(self, hold: Hold) -> None:
        """Let go: what was held before the server saw it never reaches it, what was applied is never answered."""
        self._loop.call_soon_threadsafe(hold.strike.released.set)

    def cut(self) -> None:
        """End every watch stream that is open, as a server does that goes away."""
        self._loop.call_soon_threadsafe(self._tap.cut)

    def _arrive(self, passage: Passage) -> Strike | None:
        hold = self._hold
        if hold is None or not hold.matches(passage.request):
            return None
        self._hold = None
        return hold.strike

    def _leave(self, passage: Passage) -> None:
        assert passage.status is not None
        self.requests.append((passage.request, passage.status))

    async def _end(self) -> None:
        held = asyncio.all_tasks() - {asyncio.current_task()}
        for request in held:
            request.cancel()
        await asyncio.gather(*held, return_exceptions=True)

    def _call(self, coroutine: Any) -> None:  # noqa: ANN401 -- any coroutine
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=30)
