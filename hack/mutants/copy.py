"""The copy of the tree that mutmut works on, and mutmut's verdicts on it. Nothing is ever mutated in place.

The package lies at the copy's root: mutmut finds a module by its path and would not find one below a source root of its own.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from enum import StrEnum, unique
from pathlib import Path
from typing import Final

from mutants.lift import lifted

ROOT: Final = Path(__file__).parents[2]
_PACKAGE: Final = Path("imageferry")
_CORE: Final = _PACKAGE / "core"
_IGNORED: Final = shutil.ignore_patterns("__pycache__", "*.pyc")
_KILLED: Final = frozenset({1, 3})
"""Exit codes of pytest: a test failed, or pytest itself was brought down."""
_OUT_OF_TIME: Final = frozenset({-24, 24, 36, 152, 255})
"""Exit codes that mutmut takes for a mutant that never ends (mutmut/stats.py, status_by_exit_code)."""


@unique
class Verdict(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    OUT_OF_TIME = "out of time"
    SURVIVED = "survived"


class MutmutError(Exception):
    """mutmut gave no verdicts; it has said why."""


def make(into: Path) -> None:
    """Write the copy: the package with its core lifted, the tests, and what those read."""
    shutil.copytree(ROOT / "operator" / _PACKAGE, into / _PACKAGE, ignore=_IGNORED)
    for folder in ("tests", "crds"):
        shutil.copytree(ROOT / folder, into / folder, ignore=_IGNORED)
    shutil.copy(ROOT / "pyproject.toml", into)
    for module in (into / _CORE).glob("*.py"):
        module.write_text(lifted(module.read_text(encoding="utf-8")), encoding="utf-8")


def mutate(copy: Path, *, workers: int, names: list[str]) -> None:
    """Have mutmut judge all mutants, or those whose names fit. Raises MutmutError."""
    command = [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", str(workers), *names]
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    if subprocess.run(command, cwd=copy, env=environment | {"PYTHONDONTWRITEBYTECODE": "1"}, check=False).returncode:
        raise MutmutError("mutmut gave no verdicts: see its words above")


def verdicts(copy: Path) -> Iterator[tuple[Path, str, Verdict]]:
    """Each mutant that was judged: the mutated module, the mutant's function in it, and what became of it."""
    for told in sorted((copy / "mutants" / _CORE).glob("*.py.meta")):
        codes: dict[str, int | None] = json.loads(told.read_text(encoding="utf-8"))["exit_code_by_key"]
        for name, code in codes.items():
            if code is not None:
                yield told.with_suffix(""), name.rpartition(".")[2], _verdict(code)


def _verdict(code: int) -> Verdict:
    if code in _KILLED:
        return Verdict.KILLED
    return Verdict.OUT_OF_TIME if code in _OUT_OF_TIME else Verdict.SURVIVED
