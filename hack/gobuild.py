"""Programs built from Go modules: where they are, and how they get built. What each is good for may not enter here.

A recipe is a folder with a go.mod, which pins one version of everything. What is built by it lies in the cache
`$XDG_CACHE_HOME/imageferry/<folder>/<key>`, whose key covers all that a build depends on. There a name stands for a
complete program: it appears by a rename, after the build has ended well.
"""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

Report = Callable[[str], None]

HEARTBEAT_SECONDS = 30


class BuildError(Exception):
    """A program is missing and could not be built; the message names the remedy."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A folder with a go.mod: the module that gives the cache its version, the linker's flags, what helps without Go."""

    folder: Path
    module: str
    linker_flags: str
    remedy: str

    def pinned(self, module: str) -> str:
        """Return the version that go.mod asks of a module, as in "1.36.3"."""
        return pinned(self.folder, module)

    def cache(self) -> Path:
        """Return the folder of the programs built by this very recipe for this machine."""
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        system, machine = _platform()
        sources = [self.folder / "go.mod", self.folder / "go.sum", *sorted(self.folder.rglob("*.go"))]
        written = b"".join(source.read_bytes() for source in sources) + self.linker_flags.encode()
        key = f"{self.pinned(self.module)}-{system}-{machine}-{hashlib.sha256(written).hexdigest()[:12]}"
        return home / "imageferry" / self.folder.name / key


@dataclass(frozen=True, slots=True)
class Program:
    """One program: its recipe, its file name, the Go package it is built from, the module whose version it has."""

    recipe: Recipe
    name: str
    package: str
    module: str

    @property
    def cached(self) -> Path:
        """Where it is once it was built."""
        return self.recipe.cache() / self.name


def pinned(folder: Path, module: str) -> str:
    """Return the version that the folder's go.mod asks of a module, as in "1.36.3"."""
    match = re.search(rf"^\s*{re.escape(module)} v(\S+)", (folder / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise BuildError(f"{folder / 'go.mod'} does not require {module}")
    return match[1]


def build_missing(missing: Iterable[Program], report: Report) -> None:
    """Build programs of one recipe, telling `report` line by line how it goes; two callers at once share one build.

    Raises:
        BuildError: Go is missing or too old, or a build failed.
    """
    programs = list(missing)
    if not programs:
        return
    with _alone(programs[0].recipe.cache(), report):
        for number, program in enumerate(programs, 1):
            if not program.cached.exists():
                _build(program, f"[{number}/{len(programs)}] {program.name}", report)


@contextmanager
def _alone(folder: Path, report: Report) -> Iterator[None]:
    """Hold the folder's build lock, which the system lets go of when its holder dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("another build is under way; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in folder.glob(".partial-*"):
            leftover.unlink()
        yield


def _build(program: Program, label: str, report: Report) -> None:
    recipe, go = program.recipe, shutil.which("go")
    if go is None:
        raise BuildError(f"{program.name} is missing and Go, which builds it, is not installed. {recipe.remedy}")
    system, machine = _platform()
    partial, log = recipe.cache() / f".partial-{program.name}-{os.getpid()}", recipe.cache() / f"{program.name}.log"
    environment = {**os.environ, "CGO_ENABLED": "0", "GOOS": system, "GOARCH": machine, "GOWORK": "off"}
    command: list[str | Path] = [
        go,
        "build",
        "-mod=readonly",
        "-trimpath",
        "-ldflags",
        recipe.linker_flags,
        "-o",
        partial,
        program.package,
    ]
    report(f"{label} {recipe.pinned(program.module)}: none this new found; building it from source, once (minutes)")
    started = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=recipe.folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            while _still_running(process):
                report(f"{label}: still building after {time.monotonic() - started:.0f} s")
        finally:
            process.kill()
            process.wait()
    if process.returncode:
        raise BuildError(f"{program.name} could not be built. {recipe.remedy}\n{tail(log)}")
    partial.rename(program.cached)
    report(f"{label}: done after {time.monotonic() - started:.0f} s")


def _platform() -> tuple[str, str]:
    machine = platform.machine().lower()
    return platform.system().lower(), {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _still_running(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(HEARTBEAT_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


def tail(log: Path) -> str:
    """Return a log's last lines: what a reader needs when the program that wrote it is gone."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
