"""Starts the real operator as a process of its own, outside the cluster, under a service account's token.

A promise made here: `start` returns once the process answers its probe, `kill` is a SIGKILL, and nothing is left behind.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Self

from tests.emulator_process import environment_without_proxy

START_SECONDS = 60.0
STOP_SECONDS = 40.0

QUICK = {
    "signature_life_seconds": "27",
    "window_seconds": "30",
    "look_again_seconds": "0.5",
    "read_lag_seconds": "2",
    "poll_min_seconds": "0.2",
    "poll_max_seconds": "1",
    "retry_min_seconds": "0.2",
    "retry_max_seconds": "2",
    "lease_duration_seconds": "4",
    "lease_renew_seconds": "0.5",
    "lease_give_up_seconds": "3",
    "call_deadline_seconds": "2",
    "fence_margin_seconds": "0.5",
    "secret_reread_seconds": "1",
    "lost_journal_age_seconds": "5",
    "delete_cancelled_bound_seconds": "6",
    "delete_away_bound_seconds": "8",
    "delete_claim_extra_seconds": "4",
    "delete_no_date_bound_seconds": "40",
}
"""Every wait of the settings that a test shortens; none is switched off."""


class OperatorProcess:
    """One operator process; `settings` are names of settings and their values as text."""

    def __init__(self, kubeconfig: Path, log: Path, **settings: str) -> None:
        self._kubeconfig, self._log = kubeconfig, log
        self.settings = QUICK | settings
        self.command = [sys.executable, "-m", "imageferry", "run"]
        self._process: subprocess.Popen[bytes] | None = None
        self._offset = 0
        self.port = 0

    def start(self) -> Self:
        """Start it and wait until it answers its probe. Raises RuntimeError with its log if it ends instead."""
        variables = {f"IMAGEFERRY_{name.upper()}": value for name, value in self.settings.items()}
        variables |= {"IMAGEFERRY_KUBECONFIG": str(self._kubeconfig), "IMAGEFERRY_HTTP_HOST": "127.0.0.1"}
        variables |= {"IMAGEFERRY_HTTP_PORT": "0", "IMAGEFERRY_LOG_FORMAT": "json", "IMAGEFERRY_LOG_LEVEL": "debug"}
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._offset = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment_without_proxy() | variables,
                cwd="/",
            )
        deadline = time.monotonic() + START_SECONDS
        while not (found := self._bound_port()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the operator did not start:\n{self.log()[-4000:]}")
            time.sleep(0.05)
        self.port = found
        return self

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """The process has not ended."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this process and no other."""
        os.kill(self.pid, number)

    def wait(self) -> int:
        """The exit status, once the process has ended."""
        assert self._process is not None
        return self._process.wait(timeout=STOP_SECONDS)

    def stop(self) -> int:
        """SIGTERM and the exit status; SIGKILL if that does not help."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            return self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def log(self) -> str:
        """What this start and the earlier ones wrote."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def get(self, path: str) -> str:
        """The body of a probe or of the metrics; an error status raises."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def _bound_port(self) -> int:
        with self._log.open(encoding="utf-8", errors="replace") as log:
            log.seek(self._offset)
            for line in log:
                if "serving probes" in line:
                    return int(json.loads(line)["port"])
        return 0
