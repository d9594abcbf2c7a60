"""Plants the mistakes in a copy of the tree, one at a time, and has the test run that is to find each."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mutants.copy import ROOT
from mutants.mistakes import MISTAKES, Mistake

_LEFT_OUT: Final = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info")
_SOURCES: Final = ("operator", "emulator", "hack", ".")
_FAILED: Final = 1
"""pytest's exit code when tests failed; another one would say that no test was run."""


class NotFoundError(Exception):
    """A mistake that no test found, or that could not be planted."""


def make(into: Path) -> None:
    """Write the copy: the whole tree, as the tests read more than the source."""
    shutil.copytree(ROOT, into, ignore=_LEFT_OUT)


def find_all(copy: Path) -> int:
    """Plant each mistake in the copy and tell how it was found; how many there are. Raises NotFoundError."""
    clean = _pytest(copy, sorted({mistake.found_by for mistake in MISTAKES.values()}))
    if clean.returncode:
        raise NotFoundError(f"with nothing planted the tests fail:\n{clean.stdout}")
    for promise, mistake in MISTAKES.items():
        print(f"{promise}\n    {_story(copy, promise, mistake)}", flush=True)
    return len(MISTAKES)


def _story(copy: Path, promise: str, mistake: Mistake) -> str:
    """What the test said of the mistake."""
    file = copy / mistake.file
    right = file.read_text(encoding="utf-8")
    if right.count(mistake.before) != 1:
        raise NotFoundError(f"{promise}: the text to change is not there, or more than once: {mistake.file}")
    file.write_text(right.replace(mistake.before, mistake.after), encoding="utf-8")
    try:
        found = _pytest(copy, [mistake.found_by])
    finally:
        file.write_text(right, encoding="utf-8")
    if found.returncode != _FAILED:
        raise NotFoundError(f"{promise}: {mistake.found_by} did not find the mistake:\n{found.stdout}")
    said = re.search(r"^E +(\S.*)$", found.stdout, flags=re.MULTILINE)
    return f"{mistake.found_by}: {said[1] if said else 'it failed'}"


def _pytest(copy: Path, tests: Iterable[str]) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment["PYTHONPATH"] = os.pathsep.join(str(copy / source) for source in _SOURCES)
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # two edits within a second would share their bytecode
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
