"""The one endpoint for probes and metrics: /healthz, /readyz, /metrics. It asks others and knows nothing itself.

/healthz fails when a loop of this process is stuck, so that the kubelet restarts it; it never fails because the API server
or a cloud is away, as a restart helps neither. /readyz says whether this replica could act. Kopf's own probe is off.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web

_log = structlog.stdlib.get_logger(__name__)
_MAX_REQUEST_BYTES: Final = 1_024  # nobody has anything to send here
_SHUTDOWN_SECONDS: Final = 0.5  # for answers under way; idle connections are closed


@dataclass(frozen=True, slots=True)
class Check:
    """How long a loop has given no sign, and how long it may."""

    silent_seconds: Callable[[], float]
    limit_seconds: float


Metrics = Callable[[str], tuple[bytes, str]]
"""From the request's Accept header to the exposition and its content type."""


class HealthServer:
    """Serves until closed. `checks` is looked at afresh by every probe, so that loops may come and go."""

    def __init__(self, *, checks: Mapping[str, Check], ready: Callable[[], bool], metrics: Metrics) -> None:
        self._checks, self._ready, self._metrics = checks, ready, metrics
        self._runner: web.AppRunner | None = None

    async def start(self, *, host: str, port: int) -> int:
        """Begin to serve; returns the port, which is a free one if 0 was asked for.

        Raises:
            OSError: the address cannot be bound.
        """
        application = web.Application(client_max_size=_MAX_REQUEST_BYTES)
        application.router.add_get("/healthz", self._on_healthz)
        application.router.add_get("/readyz", self._on_readyz)
        application.router.add_get("/metrics", self._on_metrics)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        bound: int = self._runner.addresses[0][1]
        _log.info("serving probes and metrics", host=host, port=bound)
        return bound

    async def aclose(self) -> None:
        """Stop serving; nothing happens if it never began."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _on_healthz(self, _: web.Request) -> web.Response:
        stuck = {
            name: silent
            for name, check in self._checks.items()
            if (silent := check.silent_seconds()) > check.limit_seconds
        }
        if stuck:
            _log.error("a loop is stuck", silent_seconds=stuck)
        return _verdict(
            ok=not stuck, text="".join(f"{name}: silent for {seconds:.0f} s\n" for name, seconds in stuck.items())
        )

    async def _on_readyz(self, _: web.Request) -> web.Response:
        ready = self._ready()
        return _verdict(ok=ready, text="" if ready else "the first lists are not complete\n")

    async def _on_metrics(self, request: web.Request) -> web.Response:
        body, content_type = self._metrics(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})


def _verdict(*, ok: bool, text: str) -> web.Response:
    return web.Response(text=text or "ok\n", status=HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE)
