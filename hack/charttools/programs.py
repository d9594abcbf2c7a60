"""Helm and `verdicts`: found in the cache, or built into it once. Always the pinned ones: what they say is compared."""

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import gobuild

_FOLDER: Final = Path(__file__).parent
_HELM: Final = "helm.sh/helm/v3"
_REMEDY: Final = "Install Go (https://go.dev/dl/) of at least the version that hack/charttools/go.mod names."


def _linker_flags() -> str:
    # Helm's own build sets these; without them it takes every cluster that it does not ask for Kubernetes 1.20.
    # https://github.com/helm/helm/blob/main/Makefile
    _, minor, _ = gobuild.pinned(_FOLDER, "k8s.io/client-go").split(".")  # 0.37.x comes from Kubernetes 1.37.x
    values = {f"{_HELM}/internal/version.version": f"v{gobuild.pinned(_FOLDER, _HELM)}"}
    for package in ("pkg/lint/rules", "pkg/chartutil"):
        values |= {f"{_HELM}/{package}.k8sVersionMajor": "1", f"{_HELM}/{package}.k8sVersionMinor": minor}
    return "-s -w " + " ".join(f"-X {name}={text}" for name, text in values.items())


_RECIPE: Final = gobuild.Recipe(_FOLDER, _HELM, _linker_flags(), _REMEDY)
HELM: Final = gobuild.Program(_RECIPE, "helm", f"{_HELM}/cmd/helm", _HELM)
VERDICTS: Final = gobuild.Program(_RECIPE, "verdicts", "charttools/verdicts", "github.com/yuin/gopher-lua")
PROGRAMS: Final = (HELM, VERDICTS)


class HelmError(Exception):
    """Helm failed; the message is what it printed to standard error."""


def ensure(report: gobuild.Report = print) -> None:
    """Build what is missing, telling `report` how it goes; nothing is said when nothing is missing.

    Raises:
        BuildError: Go is missing or too old, or a build failed.
    """
    gobuild.build_missing([program for program in PROGRAMS if not program.cached.exists()], report)


def ready(program: gobuild.Program) -> Path:
    """Return where a program is, without building it.

    Raises:
        BuildError: it is missing.
    """
    if not program.cached.exists():
        raise gobuild.BuildError(f"{program.name} not found: run `make charttools` (python -m charttools), once.")
    return program.cached


def helm(*arguments: str | Path) -> str:
    """Run Helm; return what it printed to standard output. No plugin, repository or cached discovery of a user has a say.

    Raises:
        HelmError: its exit code is not 0.
        BuildError: it is missing.
    """
    command = [ready(HELM), *arguments]
    with tempfile.TemporaryDirectory() as home:
        environment = {name: text for name, text in os.environ.items() if not name.startswith(("HELM_", "XDG_"))}
        done = subprocess.run(command, env=environment | {"HOME": home}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HelmError(done.stderr.strip() or done.stdout.strip())
    return done.stdout
