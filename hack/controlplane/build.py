"""The programs: where they are. Nothing here starts a server.

The go.mod beside this file pins one version of Kubernetes and of etcd. A program is taken from, in this order,

1. `KUBEBUILDER_ASSETS`, the folder that users of envtest have,
2. the cache of what was built here before (see `gobuild`),
3. `PATH`,
4. a build into the cache, which needs Go and takes minutes, once.

What others installed counts only from the pinned minor version on.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import gobuild
from gobuild import BuildError, Report, tail

__all__ = ["PROGRAMS", "Binaries", "BuildError", "ensure", "find", "ready", "tail", "version"]

MODULE = Path(__file__).parent
REMEDY = (
    "Install Go (https://go.dev/dl/) of at least the version that hack/controlplane/go.mod names, or set "
    "KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver, kube-controller-manager and kubectl."
)
_KUBERNETES = "k8s.io/kubernetes"
_ETCD = "go.etcd.io/etcd/server/v3"


def _linker_flags() -> str:
    # Kubernetes' own build sets these; without them an API server calls itself v0.0.0-master+$Format.
    # https://github.com/kubernetes/kubernetes/blob/master/hack/lib/version.sh
    full = gobuild.pinned(MODULE, _KUBERNETES)
    major, minor, _ = full.split(".", 2)
    values = {"gitVersion": f"v{full}", "gitMajor": major, "gitMinor": minor}
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return "-s -w " + " ".join(f"-X {package}.{key}={text}" for package in packages for key, text in values.items())


RECIPE = gobuild.Recipe(MODULE, _KUBERNETES, _linker_flags(), REMEDY)


@dataclass(frozen=True, slots=True)
class Program(gobuild.Program):
    """One program, which may have been installed by others: with the arguments by which it tells its version."""

    version_arguments: tuple[str, ...]


ETCD = Program(RECIPE, "etcd", _ETCD, _ETCD, ("--version",))
KUBECTL = Program(RECIPE, "kubectl", f"{_KUBERNETES}/cmd/kubectl", _KUBERNETES, ("version", "--client"))
APISERVER = Program(RECIPE, "kube-apiserver", f"{_KUBERNETES}/cmd/kube-apiserver", _KUBERNETES, ("--version",))
CONTROLLERS = Program(
    RECIPE, "kube-controller-manager", f"{_KUBERNETES}/cmd/kube-controller-manager", _KUBERNETES, ("--version",)
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
    gobuild.build_missing([program for program in PROGRAMS if find(program) is None], report)
    return ready()


def find(program: Program) -> Path | None:
    """Return where a program that is new enough can be found, or None."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and _new_enough(program, candidate := Path(assets) / program.name):
        return candidate
    if program.cached.exists():
        return program.cached
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


def _new_enough(program: Program, path: Path) -> bool:
    def minor(text: str) -> list[int]:
        return [int(part) for part in text.split(".")[:2] if part]

    return minor(version(program, path)) >= minor(RECIPE.pinned(program.module))
