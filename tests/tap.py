"""A tap on the line to a server: it notes every request and can strike one at an exact point.

It serves plain HTTP and passes on what it hears unchanged, Host header and body included, so that signatures hold and rights
stay what they are. What a request means may not enter here.
"""

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, Self

import aiohttp
import yarl
from aiohttp import web

_HOP_HEADERS: Final = frozenset({"connection", "transfer-encoding", "keep-alive"})
_UNASKED: Final = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")
"""What an HTTP client adds by itself."""
_CLOSE_SECONDS: Final = 10.0


class Position(StrEnum):
    """Where a request is held."""

    BEFORE = "before"  # the server has not seen it
    APPLIED = "applied"  # the server has carried it out, the client has no answer
    ANSWERED = "answered"  # the client has the answer


class Mishap(StrEnum):
    """What happens to a request while everybody lives."""

    LOST = "lost"  # carried out, the connection ends without an answer
    ERROR_APPLIED = "error-applied"  # carried out, answered with an error of the server's own
    ERROR_UNAPPLIED = "error-unapplied"  # answered with such an error, never carried out
    LATE = "late"  # the connection ends, and the server carries it out afterwards


@dataclass(frozen=True)
class Request:
    """A request as the client made it; `body` is the parsed JSON, or None, `target` path and query as they were sent."""

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes

    @cached_property
    def body(self) -> Any:  # noqa: ANN401 -- any JSON
        """The parsed JSON, or None."""
        try:
            return json.loads(self.raw) if self.raw else None
        except ValueError:
            return None

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


@dataclass(eq=False)
class Passage:
    """One request on its way. `status` is the server's answer, None before; `delivered`, whether the client has it all."""

    request: Request
    status: int | None = None
    answer: bytes = b""
    delivered: bool = False


@dataclass(eq=False)
class Strike:
    """What to do to a request. `reached` is called once it has come to the point; a held one then waits for `released`.

    What was held before the server saw it never reaches it, what was carried out is never answered.
    """

    what: Position | Mishap
    reached: Callable[[], None]
    released: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, kw_only=True)
class Line:
    """What the tap is put between: the server's URL, how to speak TLS to it, and what its own errors look like."""

    server: str
    tls: ssl.SSLContext | None = None
    error: Callable[[Request], web.Response]
    late_seconds: float = 1.0
    retarget: Callable[[Request], str] = lambda request: request.target


class Tap:
    """One tap on a port of its own, in the running loop.

    `arrive` sees every request before the server does and may answer with a strike; `leave` sees it with the server's answer.
    """

    def __init__(
        self, line: Line, *, arrive: Callable[[Passage], Strike | None], leave: Callable[[Passage], None]
    ) -> None:
        self._line, self._arrive, self._leave = line, arrive, leave
        self._upstream: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self._streams: set[aiohttp.ClientResponse] = set()
        self._sockets: list[socket.socket] = []
        self._late: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[Any]] = set()
        self.url = ""

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=0, ssl=self._line.tls or True, socket_factory=self._socket)
        self._upstream = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None),
            connector=connector,
            auto_decompress=False,
            skip_auto_headers=_UNASKED,
        )
        application = web.Application(client_max_size=2**24)
        application.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, auto_decompress=False)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        assert self._upstream is not None
        # What serves a client that is gone ends with no client's connection.
        left = [*self._late, *self._busy]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._runner.cleanup()
        await self._upstream.close()
        # A TLS connection that a cut request gave up still says goodbye to the server, after the session has closed.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                while any(each.fileno() != -1 for each in self._sockets):  # noqa: ASYNC110 -- nobody tells of its end
                    await asyncio.sleep(0.001)

    def cut(self) -> None:
        """End every watch stream that is open, as a server does that goes away."""
        for stream in list(self._streams):
            stream.close()

    def _socket(self, address: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, *_ = address
        made = socket.socket(family, kind, protocol)
        self._sockets = [each for each in self._sockets if each.fileno() != -1]
        self._sockets.append(made)
        return made

    async def _pass(self, incoming: web.Request) -> web.StreamResponse:
        busy = asyncio.current_task()
        assert busy is not None
        self._busy.add(busy)
        try:
            return await self._take(incoming)
        except aiohttp.ClientError:  # the server hung up, and so does the tap
            return _hang_up(incoming)
        finally:
            self._busy.discard(busy)

    async def _take(self, incoming: web.Request) -> web.StreamResponse:
        raw = await incoming.read()
        path, query = incoming.path, dict(incoming.rel_url.query)
        passage = Passage(Request(incoming.method, incoming.raw_path, path, query, dict(incoming.headers), raw))
        strike = self._arrive(passage)
        match strike.what if strike else None:
            case Position.BEFORE | Mishap.ERROR_UNAPPLIED | Mishap.LATE:
                assert strike is not None
                return await self._strike_first(incoming, passage, strike)
            case _:
                return await self._forward(incoming, passage, strike)

    async def _strike_first(self, incoming: web.Request, passage: Passage, strike: Strike) -> web.StreamResponse:
        strike.reached()
        match strike.what:
            case Position.BEFORE:
                await strike.released.wait()
            case Mishap.ERROR_UNAPPLIED:
                return self._line.error(passage.request)
            case _:
                late = asyncio.create_task(self._deliver_late(passage))
                self._late.add(late)
                late.add_done_callback(self._late.discard)
        return _hang_up(incoming)

    async def _deliver_late(self, passage: Passage) -> None:
        await asyncio.sleep(self._line.late_seconds)
        with contextlib.suppress(aiohttp.ClientError):
            async with self._send(passage) as answer:
                passage.answer = await answer.read()
                passage.status = answer.status
                self._leave(passage)

    def _send(self, passage: Passage) -> Any:  # noqa: ANN401 -- aiohttp's context of a request
        assert self._upstream is not None
        request = passage.request
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_HEADERS}
        url = yarl.URL(f"{self._line.server}{self._line.retarget(request)}", encoded=True)
        return self._upstream.request(
            request.method, url, data=request.raw or None, headers=headers, allow_redirects=False
        )

    async def _forward(self, incoming: web.Request, passage: Passage, strike: Strike | None) -> web.StreamResponse:
        async with self._send(passage) as answer:
            passage.status = answer.status
            if not passage.request.watches:
                passage.answer = await answer.read()
            self._leave(passage)
            match strike.what if strike else None:
                case Position.APPLIED | Mishap.LOST | Mishap.ERROR_APPLIED:
                    assert strike is not None
                    strike.reached()
                    if strike.what is Position.APPLIED:
                        await strike.released.wait()
                    if strike.what is Mishap.ERROR_APPLIED:
                        return self._line.error(passage.request)
                    return _hang_up(incoming)
                case _:
                    return await self._answer(incoming, passage, answer, strike)

    async def _answer(
        self, incoming: web.Request, passage: Passage, answer: aiohttp.ClientResponse, strike: Strike | None
    ) -> web.StreamResponse:
        headers = [(name, value) for name, value in answer.headers.items() if name.lower() not in _HOP_HEADERS]
        outgoing = web.StreamResponse(status=answer.status)
        outgoing.headers.extend(headers)
        # The client was killed meanwhile, or the stream was cut.
        with contextlib.suppress(ConnectionResetError, aiohttp.ClientError):
            await outgoing.prepare(incoming)
            if passage.request.watches:
                self._streams.add(answer)
                if strike:
                    strike.reached()
                async for chunk in answer.content.iter_any():
                    await outgoing.write(chunk)
            elif passage.answer:
                await outgoing.write(passage.answer)
            await outgoing.write_eof()
            passage.delivered = True
        self._streams.discard(answer)
        if strike and not passage.request.watches:
            strike.reached()
        return outgoing


def _hang_up(incoming: web.Request) -> web.Response:
    if incoming.transport is not None:
        incoming.transport.abort()
    return web.Response(status=503)
