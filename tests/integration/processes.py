"""Processes that the tests of the control plane start, watch and wait for."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PS = shutil.which("ps") or "ps"


def until(holds: Callable[[], bool], *, seconds: float = 30) -> bool:
    """Poll until something holds; False when it did not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def runs(pid: int) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    state = subprocess.run([PS, "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return state.strip()[:1] not in ("", "Z")


def controlplane(*args: str | Path, **environment: str | Path) -> subprocess.Popen[str]:
    """Start `python -m controlplane` with these variables on top of the environment."""
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "controlplane", *args],
        env={**os.environ, **{name: str(value) for name, value in environment.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
