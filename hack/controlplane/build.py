"""The programs: where they are, and how they get built. Nothing here starts a server.

The go.mod beside this file pins one version of Kubernetes and of etcd. A program is taken from, in this order,

1. `KUBEBUILDER_ASSETS`, the folder that users of envtest have,
2. the cache `$XDG_CACHE_HOME/imageferry/controlplane/<key>`, whose key covers all that a build depends on,
3. `PATH`,
4. a build into the cache, which needs Go and takes minutes, once.

What others installed counts only from the pinned minor version on. In the cache a name stands for a complete program:
it appears by a rename, after the build has ended well.
"""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

Report = Callable[[str], None]

MODULE = Path(__file__).parent
HEARTBEAT_SECONDS = 30
REMEDY = (
    "Install Go (https://go.dev/dl/) of at least the version that hack/controlplane/go.mod names, or set "
    "KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver, kube-controller-manager and kubectl."
)


class BuildError(Exception):
    """A program is missing and could not be built; the message names the remedy."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program: its file name, the Go package it is built from, the module whose version it has, how it tells it."""

    name: str
    package: str
    module: str
    version_arguments: tuple[str, ...]


_KUBERNETES = "k8s.io/kubernetes"
_ETCD = "go.etcd.io/etcd/server/v3"
ETCD = Program("etcd", _ETCD, _ETCD, ("--version",))
KUBECTL = Program("kubectl", f"{_KUBERNETES}/cmd/kubectl", _KUBERNETES, ("version", "--client"))
APISERVER = Program("kube-apiserver", f"{_KUBERNETES}/cmd/kube-apiserver", _KUBERNETES, ("--version",))
CONTROLLERS = Program(
    "kube-controller-manager", f"{_KUBERNETES}/cmd/kube-controller-manager", _KUBERNETES, ("--version",)
)
PROGRAMS = (ETCD, KUBECTL, APISERVER, CONTROLLERS)


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where the four programs are."""

    etcd: Path
    kubectl: Path
    apiserver: Path
    controllers: Path


def ready() -> Binaries:
    """Find the four programs without building any.

    Raises:
        BuildError: one is missing.
    """
    paths = {program: find(program) for program in PROGRAMS}
    missing = ", ".join(program.name for program, path in paths.items() if path is None)
    if missing:
        raise BuildError(f"{missing} not found: run `make controlplane` (python -m controlplane), once.")
    etcd, kubectl, apiserver, controllers = (path for path in paths.values() if path is not None)
    return Binaries(etcd=etcd, kubectl=kubectl, apiserver=apiserver, controllers=controllers)


def ensure(report: Report = print) -> Binaries:
    """Find the four programs and build those that are missing, telling `report` line by line how it goes.

    Says nothing when nothing is missing. Two callers at once share one build.

    Raises:
        BuildError: Go is missing or too old, or a build failed.
    """
    missing = [program for program in PROGRAMS if find(program) is None]
    if missing:
        with _alone(cache(), report):
            for number, program in enumerate(missing, 1):
                if not (cache() / program.name).exists():
                    _build(program, f"[{number}/{len(missing)}] {program.name}", report)
    return ready()


def find(program: Program) -> Path | None:
    """Return where a program that is new enough can be found, or None."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    cached = cache() / program.name
    if assets and _new_enough(program, candidate := Path(assets) / program.name):
        return candidate
    if cached.exists():
        return cached
    if (on_path := shutil.which(program.name)) and _new_enough(program, Path(on_path)):
        return Path(on_path)
    return None


def version(program: Program, path: Path) -> str:
    """Ask a program for its version, as in "1.36.3"; an empty answer if it does not tell."""
    try:
        told = subprocess.run(
            [path, *program.version_arguments], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    match = re.search(r"\bv?(\d+\.\d+\.\d+)", told.stdout)
    return match[1] if match else ""


def pinned(module: str) -> str:
    """Return the version that go.mod asks of a module, as in "1.36.3"."""
    match = re.search(rf"^\s*{re.escape(module)} v(\S+)", (MODULE / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise BuildError(f"{MODULE / 'go.mod'} does not require {module}")
    return match[1]


def cache() -> Path:
    """Return the folder of the programs built from this very go.mod for this machine."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    system, machine = _platform()
    recipe = (MODULE / "go.mod").read_bytes() + (MODULE / "go.sum").read_bytes() + _linker_flags().encode()
    key = f"{pinned(_KUBERNETES)}-{system}-{machine}-{hashlib.sha256(recipe).hexdigest()[:12]}"
    return home / "imageferry" / "controlplane" / key


def _new_enough(program: Program, path: Path) -> bool:
    def minor(text: str) -> list[int]:
        return [int(part) for part in text.split(".")[:2] if part]

    return minor(version(program, path)) >= minor(pinned(program.module))


def _platform() -> tuple[str, str]:
    machine = platform.machine().lower()
    return platform.system().lower(), {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _linker_flags() -> str:
    # Kubernetes' own build sets these; without them an API server calls itself v0.0.0-master+$Format.
    # https://github.com/kubernetes/kubernetes/blob/master/hack/lib/version.sh
    full = pinned(_KUBERNETES)
    major, minor, _ = full.split(".", 2)
    values = {"gitVersion": f"v{full}", "gitMajor": major, "gitMinor": minor}
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return "-s -w " + " ".join(f"-X {package}.{key}={text}" for package in packages for key, text in values.items())


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
    go = shutil.which("go")
    if go is None:
        raise BuildError(f"{program.name} is missing and Go, which builds it, is not installed. {REMEDY}")
    system, machine = _platform()
    partial, log = cache() / f".partial-{program.name}-{os.getpid()}", cache() / f"{program.name}.log"
    environment = {**os.environ, "CGO_ENABLED": "0", "GOOS": system, "GOARCH": machine, "GOWORK": "off"}
    command: list[str | Path] = [
        go,
        "build",
        "-mod=readonly",
        "-trimpath",
        "-ldflags",
        _linker_flags(),
        "-o",
        partial,
        program.package,
    ]
    report(f"{label} {pinned(program.module)}: none this new found; building it from source, once (minutes)")
    started = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=MODULE, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            while _still_running(process):
                report(f"{label}: still building after {time.monotonic() - started:.0f} s")
        finally:
            process.kill()
            process.wait()
    if process.returncode:
        raise BuildError(f"{program.name} could not be built. {REMEDY}\n{tail(log)}")
    partial.rename(cache() / program.name)
    report(f"{label}: done after {time.monotonic() - started:.0f} s")


def _still_running(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(HEARTBEAT_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


def tail(log: Path) -> str:
    """Return a log's last lines: what a reader needs when the program that wrote it is gone."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
