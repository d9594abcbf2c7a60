"""Cheap starts of the real operator: a process that has imported everything, and forks one operator per wish.

It starts no thread and no loop before it forks, so that a fork is what a fresh process would be after its imports. The
operators are processes of their own: their SIGKILL is real. They end with the zygote, and it ends with whoever made it.

    {"settings": {variable: text}, "log": path} -> {"started": pid}, and later {"ended": pid, "status": exit status}
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Self

from tests.emulator_process import environment_without_proxy

_ROOT: Final = Path(__file__).parent.parent
_ANSWER_SECONDS: Final = 60.0
_SDK: Final = (
    "alibabacloud_ecs20140526.client",
    "alibabacloud_sts20150401.client",
    "alibabacloud_oss_v2",
    "darabonba.runtime",
)
"""What the operator imports on first use only."""


class Forked:
    """One operator that a zygote forked."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._ended = threading.Event()
        self._status = 0

    def end(self, status: int) -> None:
        """Note its end."""
        self._status = status
        self._ended.set()

    def poll(self) -> int | None:
        """The exit status (negative: the signal), None while it runs."""
        return self._status if self._ended.is_set() else None

    def wait(self, timeout: float) -> int:
        """The exit status, once it has ended. Raises subprocess.TimeoutExpired."""
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired("operator", timeout)
        return self._status

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens if it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.signal(signal.SIGKILL)


class Zygote:
    """The side of whoever wants operators. `plant` names a function, "module:name", that is called before any fork."""

    def __init__(self, plant: str = "") -> None:
        self._plant = plant
        self._lock = threading.Lock()
        self._started: list[int] = []
        self._news = threading.Condition()
        self._all: dict[int, Forked] = {}
        self._over = False

    def __enter__(self) -> Self:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.zygote", str(theirs.fileno()), self._plant],
                pass_fds=(theirs.fileno(),),
                env=environment_without_proxy(),
                cwd=_ROOT,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # it has ended already
            self._socket.shutdown(socket.SHUT_WR)
        self._process.wait(timeout=_ANSWER_SECONDS)
        self._reader.join()
        self._socket.close()

    def fork(self, settings: Mapping[str, str], log: Path) -> Forked:
        """A new operator, `imageferry run`, with these variables and its output in `log`."""
        wish = {"settings": dict(settings), "log": str(log)}
        with self._lock, self._news:
            with contextlib.suppress(OSError):
                self._socket.sendall(json.dumps(wish).encode() + b"\n")
            self._news.wait_for(lambda: self._started or self._over, _ANSWER_SECONDS)
            if not self._started:
                raise RuntimeError("the zygote does not answer; what it could not do stands in the standard error")
            return self._all[self._started.pop()]

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            self._listen()
        with self._news:
            self._over = True
            self._news.notify_all()

    def _listen(self) -> None:
        with self._socket.makefile("r", encoding="utf-8") as lines:
            for line in lines:
                news = json.loads(line)
                with self._news:
                    if "started" in news:
                        self._all[news["started"]] = Forked(news["started"])
                        self._started.append(news["started"])
                    else:
                        self._all.pop(news["ended"]).end(news["status"])
                    self._news.notify_all()


class _Nursery:
    """The process's own side."""

    def __init__(self, wishes: socket.socket) -> None:
        self._wishes = wishes
        self._children: set[int] = set()
        self._bell, ring = os.pipe()
        os.set_blocking(ring, False)
        self._ring = ring

    def serve(self) -> None:
        """Fork as often as is asked for, until whoever asks is gone; leave nobody behind then."""
        signal.set_wakeup_fd(self._ring)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        try:
            self._listen()
        except ConnectionError:
            return  # whoever asked did not wait for the answer
        finally:
            for child in self._children:
                os.kill(child, signal.SIGKILL)
            while self._children:
                self._children.discard(os.wait()[0])

    def _listen(self) -> None:
        waiting = b""
        while True:
            ready, _, _ = select.select([self._wishes.fileno(), self._bell], [], [])
            if self._bell in ready:
                os.read(self._bell, 4096)
                self._reap()
            if self._wishes.fileno() in ready:
                heard = self._wishes.recv(65536)
                if not heard:
                    return
                *lines, waiting = (waiting + heard).split(b"\n")
                for line in lines:
                    self._fork(json.loads(line))

    def _fork(self, wish: dict[str, Any]) -> None:
        pid = os.fork()
        if pid == 0:
            self._become(wish)
        self._children.add(pid)
        self._tell({"started": pid})

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._children.discard(pid)
            self._tell({"ended": pid, "status": os.waitstatus_to_exitcode(status)})

    def _tell(self, news: dict[str, int]) -> None:
        self._wishes.sendall(json.dumps(news).encode() + b"\n")

    def _become(self, wish: dict[str, Any]) -> None:
        """Be the operator, and nothing else ever after."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._wishes.close()
            log = os.open(wish["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.chdir("/")
            os.environ.update(wish["settings"])
            status = _operator()(["run"])
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        except BaseException:  # noqa: BLE001 -- whatever it was, this process must not go on as a zygote
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


def _operator() -> Callable[[list[str]], int]:
    from imageferry.cli import main  # noqa: PLC0415 -- whoever only wants a zygote shall not import the operator

    return main


def _import_all() -> None:
    import imageferry  # noqa: PLC0415 -- as above

    for module in pkgutil.walk_packages(imageferry.__path__, "imageferry."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in _SDK:
        importlib.import_module(name)


def main(descriptor: str, plant: str) -> None:
    """Import, plant, serve."""
    _import_all()
    if plant:
        module, _, name = plant.partition(":")
        getattr(importlib.import_module(module), name)()
    if threading.active_count() != 1:
        raise RuntimeError(f"no fork beside threads: {threading.enumerate()}")
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=int(descriptor)) as wishes:
        _Nursery(wishes).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
