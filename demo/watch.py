"""What `kubectl get imgexp --watch` says, as values. How it is shown or judged may not enter."""

import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from controlplane import ControlPlane
from demo.failure import DemoError

CHECK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file that an export wrote, as its status lists it; `crc64` is the number that OSS computed."""

    uri: str
    bucket: str
    key: str
    size_bytes: int
    crc64: int


@dataclass(frozen=True, slots=True)
class Export:
    """An ImageExport as a person sees it: the answers of its conditions, and why."""

    name: str
    ready: str
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
    """A running `kubectl get --watch`. Used as a context manager: kubectl ends with it."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        get = ("get", "imgexp", "--watch", "--output=json", f"--namespace={namespace}")
        self._command: list[str | Path] = [plane.kubectl, "--kubeconfig", plane.admin_kubeconfig, *get]
        self._environment = {**os.environ, "HOME": str(plane.data / "home")}
        self._seen: queue.SimpleQueue[Export | None] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        if self._process.stdout:
            self._process.stdout.close()

    def changes(self, *, seconds: float, check: Callable[[], None]) -> Iterator[Export]:
        """Yield each export at each change for as long as is asked for, and call `check` twice a second.

        Raises:
            DemoError: the time is up, or kubectl ended.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            check()
            try:
                export = self._seen.get(timeout=min(left, CHECK_SECONDS))
            except queue.Empty:
                continue
            if export is None:
                raise DemoError("kubectl get --watch ended")
            yield export
        raise DemoError(f"the exports have not all ended after {seconds:.0f} s")

    def _read(self) -> None:
        lines: list[str] = []
        for line in self._process.stdout or ():
            lines.append(line)
            if line == "}\n":  # kubectl indents: only the end of an object stands at the margin
                self._seen.put(read(json.loads("".join(lines))))
                lines.clear()
        self._seen.put(None)


def read(manifest: dict[str, Any]) -> Export:
    """Return what an ImageExport from the API server says; an object that nobody has visited yet says nothing."""
    status = manifest.get("status", {})
    conditions = {condition["type"]: condition for condition in status.get("conditions", [])}
    ready = conditions.get("Ready", {})
    return Export(
        name=manifest["metadata"]["name"],
        ready=ready.get("status", ""),
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
