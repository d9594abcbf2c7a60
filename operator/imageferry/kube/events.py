"""Events beside an object, for people who ask `kubectl describe`: written down without anybody waiting for it.

An event is a courtesy: one that cannot be written is dropped with a log line, and a flood drops the oldest. Which events
there are is decided elsewhere.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import structlog

from imageferry.kube import errors
from imageferry.kube.objects import KubeClient, Manifest, Resource

_log = structlog.stdlib.get_logger(__name__)
_REPORTER: Final = "imageferry"
_MAX_WAITING: Final = 1_000
_MAX_MESSAGE_CHARS: Final = 1_024  # the API server refuses longer ones


class EventType(StrEnum):
    """The API server's own two words."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True)
class Regarding:
    """The object that an event is about."""

    resource: Resource
    namespace: str | None  # None for a cluster-scoped object, whose events lie in the namespace "default"
    name: str
    uid: str
    resource_version: str


class Recorder:
    """Takes events at once and writes them in `run`, one after the other."""

    def __init__(self, client: KubeClient, *, identity: str) -> None:
        self._client, self._identity = client, identity
        self._waiting: deque[Manifest] = deque(maxlen=_MAX_WAITING)
        self._filled = asyncio.Event()

    def record(self, about: Regarding, kind: EventType, *, reason: str, message: str) -> None:
        """Have an event written about the object, soon."""
        self._waiting.append(self._manifest(about, kind, reason, message))
        self._filled.set()

    async def run(self) -> None:
        """Write what was recorded, for ever."""
        while True:
            await self._filled.wait()
            while self._waiting:
                await self._write(self._waiting.popleft())
            self._filled.clear()

    async def _write(self, event: Manifest) -> None:
        try:
            await self._client.create_event(event["metadata"]["namespace"], event)
        except errors.KubeFailure as failure:
            about = event["involvedObject"]
            _log.warning("an event was not written", reason=event["reason"], object=about["name"], error=str(failure))

    def _manifest(self, about: Regarding, kind: EventType, reason: str, message: str) -> Manifest:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        involved = {
            "apiVersion": about.resource.api_version,
            "kind": about.resource.kind,
            "name": about.name,
            "uid": about.uid,
            "resourceVersion": about.resource_version,
        }
        if about.namespace is not None:
            involved["namespace"] = about.namespace
        return {
            "apiVersion": "v1",
            "kind": "Event",
            # generateName cuts what is too long for it.
            "metadata": {"generateName": f"{about.name}.", "namespace": about.namespace or "default"},
            "involvedObject": involved,
            "type": kind,
            "reason": reason,
            "message": message[:_MAX_MESSAGE_CHARS],
            "source": {"component": _REPORTER},
            "reportingComponent": _REPORTER,
            "reportingInstance": self._identity,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
