"""The shell around the engine: kopf lists, watches and logs in; each event is handed on at once. The one module that knows kopf.

kopf holds no state here and writes nothing: no handlers but on.event, storages that store nothing, a finalizer name that
no object bears, its own event posting and peering off. Nothing may be awaited on behalf of an event, and what an event
means may not enter here.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import kopf
import structlog

from imageferry.kube import errors
from imageferry.kube.objects import KubeClient, Resource
from imageferry.kube.session import KubeSession
from imageferry.settings import Settings

_log = structlog.stdlib.get_logger(__name__)

_KOPF: Final = Path(kopf.__file__).parent
_MOST_CANCELS: Final = 10
_GROUP: Final = "imageferry.dev"
_SPARE_CONNECTIONS: Final = 5  # beside one per watch stream: lists, discovery, a stream being replaced
_RELOGIN_SECONDS: Final = 5.0
_DISCOVERY_SECONDS: Final = 2.0
_STREAM_SECONDS: Final = 60

DEAF_SECONDS: Final = 90.0
"""An interval without a request for one of the kinds that cannot be explained by a healthy watch or a server away."""

Observe = Callable[[Resource, str | None, dict[str, Any]], None]
"""Called with the kind, the watch event's type (None for an object of the initial list) and the object as it came."""


class Ears:
    """When kopf last asked for each kind: the proof that it still listens, whoever is away."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: dict[str, float] = {}

    def expect(self, paths: Collection[str]) -> None:
        """From now on these are to be asked for, each now and then."""
        self._asked = dict.fromkeys(paths, self._clock())

    def note(self, path: str) -> None:
        """A request was made."""
        if path in self._asked:
            self._asked[path] = self._clock()

    def seconds_deaf(self) -> float:
        """For how long one of the kinds was not asked for; 0 before watching begins."""
        return self._clock() - min(self._asked.values()) if self._asked else 0.0


class _Forever:
    """Waits between kopf's tries, without an end: by default it exits after 54 s without an API server, or of 403."""

    def __iter__(self) -> Iterator[float]:
        yield from (1.0, 2.0, 5.0)
        while True:
            yield 10.0


class _NoProgress(kopf.ProgressStorage):
    """Remembers nothing about handlers: there are none with a state."""

    def fetch(self, **_: object) -> None:
        return None

    def store(self, **_: object) -> None:
        pass

    def purge(self, **_: object) -> None:
        pass

    def touch(self, **_: object) -> None:
        pass

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence


class _NoDiffBase(kopf.DiffBaseStorage):
    """Remembers no last-handled configuration; an empty essence saves a deep copy of every object at every event."""

    def build(self, **_: object) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: object) -> None:
        return None

    def store(self, **_: object) -> None:
        pass


async def watch(
    session: KubeSession,
    *,
    settings: Settings,
    observe: Observe,
    resources: Sequence[Resource],
    ears: Ears,
    stop: asyncio.Event,
) -> None:
    """Hand every event of these kinds to `observe` until `stop` is set, by the caller or by SIGTERM or SIGINT.

    A kind that is not served, or no more, is waited for: its definition may be applied after the operator, or again.

    Raises:
        Exception: what ended kopf although all kinds are served; the process is to be restarted.
    """
    # kopf asks getpass for a name, which fails for a uid without a passwd entry: the rule in a restricted pod.
    os.environ.setdefault("USER", "imageferry")
    _take_signals(stop)
    client = KubeClient(session, request_seconds=settings.kube_request_seconds)
    while await _all_served(client, resources, ears, stop):
        try:
            await _watch_once(_Watch(session, settings, observe, resources, ears), stop)
        except Exception as failure:
            if not await _missing(client, resources):
                raise
            _log.warning("a kind is no longer served; waiting until it is", failure=repr(failure))


def _take_signals(stop: asyncio.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)


async def _all_served(client: KubeClient, resources: Sequence[Resource], ears: Ears, stop: asyncio.Event) -> bool:
    """Wait until the API server serves all the kinds; false if `stop` came first."""
    told: object = None
    while not stop.is_set():
        ears.expect(())
        try:
            missing: object = await _missing(client, resources)
        except errors.KubeFailure as failure:
            missing = str(failure)
        if not missing:
            return True
        if missing != told:
            _log.warning("waiting for the API server to serve all kinds", missing=missing)
            told = missing
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DISCOVERY_SECONDS):
                await stop.wait()
    return False


async def _missing(client: KubeClient, resources: Sequence[Resource]) -> list[str]:
    # kopf looks for the kinds once, when it begins, and would never hear of one that is not there by then.
    served = {each: await client.served(*each) for each in {(r.group, r.version) for r in resources}}
    return [r.plural for r in resources if r.plural not in served[r.group, r.version]]


@dataclass(frozen=True, slots=True)
class _Watch:
    session: KubeSession
    settings: Settings
    observe: Observe
    resources: Sequence[Resource]
    ears: Ears

    @property
    def paths(self) -> list[str]:
        """What kopf asks for, each with a stream of its own."""
        namespaces = self.settings.watch_namespaces or (None,)
        return [r.path(n) for r in self.resources for n in (namespaces if r.namespaced else (None,))]


async def _watch_once(what: _Watch, stop: asyncio.Event) -> None:
    sessions = contextlib.AsyncExitStack()
    names = what.settings.watch_namespaces
    what.ears.expect(what.paths)
    roots = await kopf.spawn_tasks(
        registry=_registry(what, sessions),
        settings=_kopf_settings(what.settings),
        standalone=True,
        clusterwide=not names,
        namespaces=names,
    )
    _take_signals(stop)  # kopf has just taken them for itself
    # kopf.run_tasks would end by cancelling every task of this process that is younger than kopf, submits among them,
    # after having waited 5 s for the metrics server's idle connections. Its root tasks end their own children.
    try:
        await _first_of(roots, stop)
    finally:
        for task in roots:
            task.cancel()
        outcomes = await asyncio.gather(*roots, return_exceptions=True)
        await _end_the_rest()
        await sessions.aclose()
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    if not stop.is_set():
        raise RuntimeError("kopf ended by itself")


async def _end_the_rest() -> None:
    """End what kopf leaves behind: when one of its streams breaks it forgets the others, which go on beside their successors.

    Such a stream passes over its first cancellation and waits for a pause that nobody ends: it is cancelled until it is gone.
    """
    for _ in range(_MOST_CANCELS):
        left = [task for task in asyncio.all_tasks() if _is_kopfs(task)]
        if not left:
            return
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=1.0)
    _log.warning(
        "streams of kopf do not end", tasks=sorted(task.get_name() for task in asyncio.all_tasks() if _is_kopfs(task))
    )


def _is_kopfs(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and Path(code.co_filename).is_relative_to(_KOPF)


async def _first_of(tasks: Collection[asyncio.Task[Any]], stop: asyncio.Event) -> None:
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()


def _registry(what: _Watch, sessions: contextlib.AsyncExitStack) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()
    last_login = float("-inf")

    async def login(**_: object) -> kopf.AiohttpSession:
        # kopf closes the session it has on every 401 and logs in anew, at once. As each session differs from the one
        # before, nothing but this wait keeps a token that stays refused from being tried thousands of times a second.
        nonlocal last_login
        await asyncio.sleep(max(0.0, last_login + _RELOGIN_SECONDS - time.monotonic()))
        last_login = time.monotonic()
        # Each stream holds a connection for ever: too few would be deafness.
        connections = len(what.paths) + _SPARE_CONNECTIONS
        sibling = what.session.sibling(connections=connections, on_request=what.ears.note)
        sessions.push_async_callback(sibling.aclose)
        return kopf.AiohttpSession(server=sibling.server, aiohttp_session=sibling.http)

    kopf.on.login(registry=registry)(login)
    for each in what.resources:
        handler = _handler(what.observe, each)
        kopf.on.event(each.group, each.version, each.plural, id=each.plural, registry=registry)(handler)
    return registry


def _handler(observe: Observe, kind: Resource) -> Callable[..., Coroutine[Any, Any, None]]:
    # kopf knows a keyword "resource" of its own, so that the kind is bound here and not by a default argument.
    async def on_event(*, event: kopf.RawEvent, **_: object) -> None:
        observe(kind, event["type"], cast("dict[str, Any]", event["object"]))

    return on_event


def _kopf_settings(settings: Settings) -> kopf.OperatorSettings:
    s = kopf.OperatorSettings()
    s.scanning.disabled = True  # no watch of definitions and namespaces: least rights, no 54 s stall without them
    s.peering.standalone = True  # the Lease elects
    s.posting.enabled = False  # the engine writes its own events
    s.persistence.finalizer = f"{_GROUP}/kopf-unused"  # kopf strips its finalizer from every object it sees
    s.persistence.progress_storage = _NoProgress()
    s.persistence.diffbase_storage = _NoDiffBase()
    s.queueing.worker_limit = None  # an idle worker keeps its slot: any limit is a queue of seconds
    s.queueing.idle_timeout = 1.0  # halves the memory at the start
    s.watching.chunk_size = 500
    s.watching.server_timeout = _STREAM_SECONDS  # a new request that often is what `Ears` goes by
    s.watching.inactivity_timeout = 70.0  # a stream that outlives its end is dead
    s.watching.connect_timeout = s.networking.connect_timeout = 10
    s.networking.request_timeout = settings.kube_request_seconds
    s.networking.error_backoffs = _Forever()
    s.networking.enforce_retry_after = True
    s.process.ultimate_exiting_timeout = None  # how long an exit may take is the app's and the kubelet's matter
    return s
