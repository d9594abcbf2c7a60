"""A server on a leash: it cannot outlive its owner. Both ends are here; what the server is, nobody here knows.

    python leash.py LOCK PROGRAM [ARGUMENT...]      standard input: the owner's end of the leash

The leash is a process between the owner and the program. It kills the program when its standard input ends, which the
system makes happen however the owner goes, SIGKILL included; and when it gets SIGTERM. One byte on standard input
instead of the end lets the program go on without an owner. The first line on standard output is the program's process
id; what the program prints goes to standard error. The leash ends when the program has ended.

A pipe is used because the alternative, PR_SET_PDEATHSIG, is bound to the thread that forked and not to its process
(https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html).

LOCK is a file that the leash keeps locked (flock) as long as it lives, with its own process id inside: whoever sees the
lock held may trust the id. This file is run by path, in a bare interpreter: it imports the standard library only.
"""

import fcntl
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class Leash:
    """The owner's end: starts a program and holds it. The program's output is appended to `log`."""

    def __init__(self, lock: Path, command: Sequence[str | Path], *, log: Path) -> None:
        """Start the program.

        Raises:
            OSError: there is no such program.
        """
        self.log = log
        held, hold = os.pipe()
        told, tell = os.pipe()
        self._hold = os.fdopen(hold, "wb", buffering=0)
        with log.open("ab") as output, os.fdopen(held), os.fdopen(tell):
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, lock, *command],
                stdin=held,
                stdout=tell,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the owner, who then decides
            )
        with os.fdopen(told) as line:
            pid = line.readline()
        if not pid:
            self.kill()
            raise OSError(f"{command[0]} could not be started; see {log}")
        self.pid = int(pid)

    @property
    def holds(self) -> bool:
        """Whether the program runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End the program with SIGKILL; return when it is gone."""
        self._hold.close()
        self._process.wait()

    def terminate(self, grace_seconds: float) -> None:
        """Ask the program to end, and kill it if it has not after the grace; return when it is gone."""
        if self.holds:
            os.kill(self.pid, signal.SIGTERM)
        try:
            self._process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self.kill()

    def let_go(self) -> None:
        """Make the program outlive its owner; `end` ends it."""
        self._hold.write(b".")
        self._hold.close()


def end(lock: Path) -> None:
    """End, from any process, the program whose leash keeps this file locked; return when it is gone."""
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.kill(int(file.read()), signal.SIGTERM)
            fcntl.flock(file, fcntl.LOCK_EX)


def main() -> int:
    """Be the leash: run the program until it, the owner or a signal ends it; return its exit code."""
    lock_file, *command = sys.argv[1:]
    with Path(lock_file).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(str(os.getpid()))
        lock.flush()
        wake, notify = os.pipe()
        os.set_blocking(notify, False)
        signal.set_wakeup_fd(notify)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, stderr=sys.stderr)
        signal.signal(signal.SIGTERM, lambda *_: program.kill())
        print(program.pid, flush=True)
        watched = [sys.stdin.fileno(), wake]
        while program.poll() is None:
            ready, _, _ = select.select(watched, [], [])
            if wake in ready:
                os.read(wake, 1)
            elif os.read(sys.stdin.fileno(), 1):
                watched.remove(sys.stdin.fileno())
            else:
                program.kill()
                program.wait()
        return program.returncode


if __name__ == "__main__":
    sys.exit(main())
