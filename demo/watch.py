"""What `kubectl get --watch` says of exports and imports, as values. How it is shown or judged may not enter."""

import contextlib
import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from controlplane import ControlPlane
from demo.failure import DemoError

CHECK_SECONDS = 0.5
KINDS = {"ImageExport": "imgexp", "ImageImport": "imgimp"}


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file that an export wrote, as its status lists it; `crc64` is the number that the object store computed."""

    uri: str
    bucket: str
    key: str
    size_bytes: int
    crc64: int


@dataclass(frozen=True, slots=True)
class Job:
    """An ImageExport or ImageImport as a person sees it: how far it is, and why. Its name is as in `kubectl get imgexp/web`."""

    name: str
    succeeded: str
    stalled: bool
    reason: str
    message: str
    percent: int | None
    artifacts: tuple[Artifact, ...]

    @property
    def settled(self) -> bool:
        """Whether nothing more will happen unless a person changes something."""
        return self.stalled or self.succeeded in {"True", "False"}


class Watch:
    """A running `kubectl get --watch` for each kind, because one watches no two. A context manager: they end with it."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        get = ("get", "--watch", "--output=json", f"--namespace={namespace}")
        self._command: list[str | Path] = [plane.kubectl, "--kubeconfig", plane.admin_kubeconfig, *get]
        self._environment = {**os.environ, "HOME": str(plane.data / "home")}
        self._seen: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._running = contextlib.ExitStack()

    def __enter__(self) -> Self:
        for kind in KINDS.values():
            self._running.enter_context(self._watching(kind))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def changes(self, *, seconds: float, check: Callable[[], None]) -> Iterator[Job]:
        """Yield each job at each change for as long as is asked for, and call `check` twice a second.

        Raises:
            DemoError: the time is up, or kubectl ended.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            check()
            try:
                job = self._seen.get(timeout=min(left, CHECK_SECONDS))
            except queue.Empty:
                continue
            if job is None:
                raise DemoError("kubectl get --watch ended")
            yield job
        raise DemoError(f"the exports and imports have not all ended after {seconds:.0f} s")

    @contextlib.contextmanager
    def _watching(self, kind: str) -> Iterator[None]:
        process = subprocess.Popen(
            [*self._command, kind],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        with process:
            reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
            reader.start()
            try:
                yield
            finally:
                process.kill()
                reader.join()

    def _read(self, output: Iterable[str]) -> None:
        lines: list[str] = []
        for line in output:
            lines.append(line)
            if line == "}\n":  # kubectl indents: only the end of an object stands at the margin
                self._seen.put(read(json.loads("".join(lines))))
                lines.clear()
        self._seen.put(None)


def read(manifest: dict[str, Any]) -> Job:
    """Return what an ImageExport or ImageImport from the API server says; an object that nobody has visited yet says nothing."""
    status = manifest.get("status", {})
    conditions = {condition["type"]: condition for condition in status.get("conditions", [])}
    ready = conditions.get("Ready", {})
    return Job(
        name=f"{KINDS[manifest['kind']]}/{manifest['metadata']['name']}",
        succeeded=conditions.get("Succeeded", {}).get("status", ""),
        stalled="Stalled" in conditions,
        reason=ready.get("reason", ""),
        message=ready.get("message", ""),
        percent=status.get("progress", {}).get("percent"),
        artifacts=tuple(_artifact(entry) for entry in status.get("artifacts", [])),
    )


def _artifact(entry: dict[str, Any]) -> Artifact:
    return Artifact(
        uri=entry["uri"],
        bucket=entry["bucket"],
        key=entry["key"],
        size_bytes=int(entry["sizeBytes"]),
        crc64=int(entry["crc64"]),
    )
