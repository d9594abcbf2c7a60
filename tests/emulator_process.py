"""Starts the real emulator as a process of its own, for every test folder that needs a cloud.

A promise made here: `start` returns once the emulator serves, `kill` is a SIGKILL, and nothing started is left behind.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path

PROXY_VARIABLES = frozenset({"http_proxy", "https_proxy", "all_proxy"})
STOP_SECONDS = 20.0
ANSWER_SECONDS = 90.0


def environment_without_proxy() -> dict[str, str]:
    """The environment for a child that talks to loopback: the ECS SDK would send even that to a proxy."""
    return {name: value for name, value in os.environ.items() if name.lower() not in PROXY_VARIABLES}


class EmulatorProcess:
    """One emulator on a free port; `info` is the line of JSON it printed on start.

    The state directory outlives the process: start again on the same one to see what survived.
    """

    def __init__(self, state: Path, *args: str) -> None:
        self._command = [sys.executable, "-m", "imageferry_emulator", "--port", "0", "--state", str(state), *args]
        self._process: subprocess.Popen[bytes] | None = None
        self._log = state.with_name(f"{state.name}.log")
        self.info: dict[str, Any] = {}

    def start(self) -> EmulatorProcess:
        """Start it and wait until it serves. Raises RuntimeError with its log if it does not."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=log, env=environment_without_proxy()
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise RuntimeError(f"the emulator did not start:\n{self.log()}")
        self.info = json.loads(line)
        return self

    def listen_on_same_port(self) -> None:
        """Have the next start serve where this one does, so that clients find it again."""
        self._command[self._command.index("--port") + 1] = str(urlsplit(self.endpoint).port)

    @property
    def endpoint(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return str(self.info["endpoint"])

    @property
    def address(self) -> str:
        """`127.0.0.1:PORT`, as the SDKs want it."""
        return urlsplit(self.endpoint).netloc

    @property
    def pid(self) -> int:
        """The process id of the running emulator."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that is not heard."""
        self._end(signal.SIGTERM)

    def log(self) -> str:
        """What it wrote to standard error so far."""
        return self._log.read_text(errors="replace")

    def admin(self, method: str, path: str, json_body: Any = None) -> Any:  # noqa: ANN401 (JSON in, JSON out)
        """Call the admin API: `admin("POST", "/faults", {...})`. Raises RuntimeError on an error answer."""
        connection = http.client.HTTPConnection(self.address, timeout=ANSWER_SECONDS)
        try:
            body = None if json_body is None else json.dumps(json_body)
            connection.request(method, f"/_emulator{path}", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= http.client.BAD_REQUEST:
            raise RuntimeError(f"{method} {path}: {answer.status} {content.decode(errors='replace')}")
        return json.loads(content) if content else None

    def _end(self, number: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdout is not None:
            process.stdout.close()
        self._process = None
