"""A tap between the operator and the real API server: it counts requests and can hold one at an exact point.

The operator speaks plain HTTP to the tap, the tap TLS to the server, with the operator's own token: rights stay what they are.
"""

import asyncio
import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiohttp import web

_HOP_HEADERS = frozenset({"host", "connection", "transfer-encoding", "content-length", "content-encoding"})


class Position(StrEnum):
    """Where a request is held."""

    BEFORE = "before"  # the server has not seen it
    APPLIED = "applied"  # the server has carried it out, the operator has no answer
    ANSWERED = "answered"  # the operator has the answer


@dataclass(frozen=True)
class Request:
    """A request as the operator made it; `body` is the parsed JSON, or None."""

    method: str
    path: str
    body: Any
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def watches(self) -> bool:
        """It asks for a stream of events."""
        return self.query.get("watch") == "true"

    @property
    def written_status(self) -> dict[str, Any]:
        """The status that a guarded status write puts in place; empty for any other request."""
        if self.method != "PATCH" or not self.path.endswith("/status") or not isinstance(self.body, list):
            return {}
        return next((op["value"] for op in self.body if op.get("path") == "/status"), {})


@dataclass
class Hold:
    """Holds the first request that `matches`; `reached` is set when it is there."""

    matches: Callable[[Request], bool]
    position: Position
    reached: threading.Event = field(default_factory=threading.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)


class ApiTap:
    """One tap on a port of its own. `requests` are all that passed, with the status of their answers."""

    def __init__(self, server: str, ca_file: Path) -> None:
        self._server, self._tls = server, ssl.create_default_context(cafile=str(ca_file))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._hold: Hold | None = None
        self._upstream: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self._streams: set[aiohttp.ClientResponse] = set()
        self._sockets: list[socket.socket] = []
        self.requests: list[tuple[Request, int]] = []
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._stop())
        deadline = time.monotonic() + 10
        # A TLS connection that a cut request gave up still says goodbye to the server, after the session has closed.
        while any(each.fileno() != -1 for each in self._sockets) and time.monotonic() < deadline:
            time.sleep(0.001)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def hold(self, position: Position, matches: Callable[[Request], bool]) -> Hold:
        """Hold the next request that matches, at this position, until released."""
        self._hold = Hold(matches, position)
        return self._hold

    def release(self, hold: Hold) -> None:
        """Let go: what was held before the server saw it never reaches it, what was applied is never answered."""
        self._loop.call_soon_threadsafe(hold.released.set)

    def cut(self) -> None:
        """End every watch stream that is open, as a server does that goes away."""
        self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        for stream in list(self._streams):
            stream.close()

    def _call(self, coroutine: Any) -> None:  # noqa: ANN401 -- any coroutine
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=30)

    async def _start(self) -> None:
        timeout = aiohttp.ClientTimeout(total=None)
        connector = aiohttp.TCPConnector(limit=0, ssl=self._tls, socket_factory=self._socket)
        self._upstream = aiohttp.ClientSession(timeout=timeout, connector=connector)
        application = web.Application(client_max_size=2**24)
        application.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def _socket(self, address: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, *_ = address
        made = socket.socket(family, kind, protocol)
        self._sockets.append(made)
        return made

    async def _stop(self) -> None:
        assert self._runner is not None
        assert self._upstream is not None
        await self._runner.cleanup()
        await self._upstream.close()
        held = asyncio.all_tasks() - {asyncio.current_task()}
        for request in held:
            request.cancel()
        await asyncio.gather(*held, return_exceptions=True)

    async def _pass(self, incoming: web.Request) -> web.StreamResponse:
        raw = await incoming.read()
        request = Request(incoming.method, incoming.path, json.loads(raw) if raw else None, dict(incoming.query))
        hold = self._take(request)
        if hold and hold.position is Position.BEFORE:
            await self._wait(hold)
            return web.Response(status=503)
        return await self._forward(incoming, raw, request, hold)

    def _take(self, request: Request) -> Hold | None:
        hold = self._hold
        if hold is None or not hold.matches(request):
            return None
        self._hold = None
        return hold

    async def _wait(self, hold: Hold) -> None:
        hold.reached.set()
        await hold.released.wait()

    async def _forward(
        self, incoming: web.Request, raw: bytes, request: Request, hold: Hold | None
    ) -> web.StreamResponse:
        assert self._upstream is not None
        headers = {name: value for name, value in incoming.headers.items() if name.lower() not in _HOP_HEADERS}
        url = f"{self._server}{incoming.raw_path}"
        async with self._upstream.request(request.method, url, data=raw or None, headers=headers) as answer:
            self.requests.append((request, answer.status))
            if hold and hold.position is Position.APPLIED:
                await self._wait(hold)
                return web.Response(status=503)
            outgoing = web.StreamResponse(
                status=answer.status,
                headers={name: value for name, value in answer.headers.items() if name.lower() not in _HOP_HEADERS},
            )
            if request.watches:
                self._streams.add(answer)
            # The operator was killed meanwhile, or the stream was cut.
            with contextlib.suppress(ConnectionResetError, aiohttp.ClientError):
                await outgoing.prepare(incoming)
                async for chunk in answer.content.iter_any():
                    await outgoing.write(chunk)
                await outgoing.write_eof()
            self._streams.discard(answer)
            if hold:
                hold.reached.set()
            return outgoing
