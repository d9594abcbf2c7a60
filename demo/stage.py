"""The stage: one folder and the processes in it. Starts, watches, keeps and ends them; what they do, nobody here knows.

    folder/owner.lock     locked while a demo runs; says that the folder is a demo's
    folder/plane/         the control plane, with locks and logs of its own
    folder/emulator.*     lock and log of the emulated clouds, and their state in emulator/
    folder/operator.*     lock and log of the operator, and the kubeconfig of its service account

Every process is on a leash: it ends with the demo, however that goes, unless it is kept.
"""

import contextlib
import fcntl
import json
import shutil
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Self, TypeVar

import controlplane
from controlplane import ControlPlane, leash, plane
from controlplane.leash import Leash
from demo.failure import DemoError

NAMESPACE, SERVICE_ACCOUNT = "imageferry-system", "imageferry"
EMULATOR, OPERATOR = "emulator", "operator"
SPEED = "20"  # a task for one disk takes the emulated cloud 70 s by itself: so it takes 3.5
TOKEN_SECONDS = 7 * 24 * 3600  # a kept demo has nobody who would renew the token
START_SECONDS = 60
GRACE_SECONDS = 10
POLL_SECONDS = 0.05
LAST_LINES = 15
OWNER_LOCK = "owner.lock"

_Found = TypeVar("_Found")


class Stage:
    """The demo's processes in a folder of their own, which goes with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.plane = ControlPlane(self.folder / "plane")
        self._leashes: dict[str, Leash] = {}
        self._kept = False

    def __enter__(self) -> Self:
        self._owner = _claim(self.folder)
        return self

    def __exit__(self, *_: object) -> None:
        if not self._kept:
            if held := self._leashes.get(OPERATOR):
                held.terminate(GRACE_SECONDS)
            for held in self._leashes.values():
                held.kill()
            self.plane.stop()
            _remove(self.folder)
        self._owner.close()

    def start_emulator(self) -> dict[str, Any]:
        """Start the emulated clouds; return the emulator's first line when it serves.

        Raises:
            DemoError: it ended instead, or takes too long.
        """
        state = self.folder / EMULATOR
        options = ("--port", "0", "--state", state, "--speed", SPEED)
        self._start(EMULATOR, "imageferry_emulator", *options)
        return self._await(EMULATOR, lambda: self._said(EMULATOR, "endpoint"))

    def start_operator(self) -> str:
        """Start the operator as its service account, whose rights are the shipped ones; return its URL when it is ready.

        Raises:
            DemoError: it ended instead, or takes too long.
            controlplane.KubectlError: there is no such service account.
        """
        access = self.plane.kubeconfig_for(
            NAMESPACE, SERVICE_ACCOUNT, self.folder / f"{OPERATOR}.kubeconfig", token_seconds=TOKEN_SECONDS
        )
        options = ("--kubeconfig", access, "--namespace", NAMESPACE, "--http-host", "127.0.0.1", "--http-port", "0")
        self._start(OPERATOR, "imageferry", "run", *options, "--log-format", "json")
        told = self._await(OPERATOR, lambda: self._said(OPERATOR, "port"))
        url = f"http://127.0.0.1:{told['port']}"
        self._await(OPERATOR, lambda: _answers(f"{url}/readyz"))
        return url

    def check(self) -> None:
        """See that everything that was started still runs.

        Raises:
            DemoError: something ended.
        """
        for name, held in self._leashes.items():
            if not held.holds:
                raise DemoError(f"the {name} ended by itself")

    def keep(self) -> None:
        """Let everything outlive this process; `stop` ends it."""
        self.plane.detach()
        for held in self._leashes.values():
            held.let_go()
        self._kept = True

    def last_words(self) -> str:
        """The end of the logs of operator and emulator, for whoever has to find out what went wrong."""
        return "\n".join(_tail(held.log, name) for name, held in self._leashes.items())

    def _start(self, name: str, module: str, *arguments: str | Path) -> None:
        command = [sys.executable, "-m", module, *arguments]
        self._leashes[name] = Leash(self.folder / f"{name}.lock", command, log=self.folder / f"{name}.log")

    def _await(self, name: str, found: Callable[[], _Found | None]) -> _Found:
        deadline = time.monotonic() + START_SECONDS
        while (value := found()) is None:
            self.check()
            if time.monotonic() > deadline:
                raise DemoError(f"the {name} is not ready after {START_SECONDS} s")
            time.sleep(POLL_SECONDS)
        return value

    def _said(self, name: str, key: str) -> dict[str, Any] | None:
        """The first line of JSON with this key in a log."""
        for line in self._leashes[name].log.read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                if isinstance(told := json.loads(line), dict) and key in told:
                    return told
        return None


def stop(folder: Path) -> None:
    """End what a kept demo left running and remove its folder.

    Raises:
        DemoError: there is no demo in the folder, or one that still has its owner.
    """
    if not (folder / OWNER_LOCK).exists():
        raise DemoError(f"there is no demo in {folder}")
    with _claimed(folder / OWNER_LOCK):
        for name in (OPERATOR, EMULATOR):
            if (lock := folder / f"{name}.lock").exists():
                leash.end(lock)
        with contextlib.suppress(controlplane.ControlPlaneError):  # it had no plane yet
            plane.stop(folder / "plane")
        _remove(folder)


def _claim(folder: Path) -> IO[str]:
    """Make the folder this process's own, and empty."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) and not (folder / OWNER_LOCK).exists():
        raise DemoError(f"{folder} holds something else: a demo wants a folder of its own")
    owner = _claimed(folder / OWNER_LOCK)
    if any(_is_held(lock) for lock in folder.rglob("*.lock") if lock.name != OWNER_LOCK):
        owner.close()
        raise DemoError(f"a kept demo runs in {folder}; stop it first: python -m demo stop")
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != OWNER_LOCK:
            entry.unlink()
    return owner


def _claimed(lock: Path) -> IO[str]:
    file = lock.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise DemoError(f"a demo runs in {lock.parent} already; Ctrl-C in its terminal ends it") from None
    return file


def _is_held(lock: Path) -> bool:
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _remove(folder: Path) -> None:
    shutil.rmtree(folder)
    with contextlib.suppress(OSError):  # it holds something else
        folder.parent.rmdir()


def _answers(url: str) -> bool | None:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 -- the operator's own address on loopback
            return True
    except OSError:
        return None


def _tail(log: Path, name: str) -> str:
    lines = log.read_text(errors="replace").splitlines()[-LAST_LINES:] if log.exists() else []
    return "\n".join([f"--- the end of the {name}'s log:", *lines])
