"""The command line: `python -m mutants` plants the mistakes, mutates the core, and ends with 1 where something was missed."""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

from mutants import copy, page, planted
from mutants.copy import Verdict
from mutants.mutant import Mutant, mutant_of

LOWEST_SCORE: Final = 0.85
"""Of all mutants of the core, so many at least have to be noticed by the unit tests."""


def main() -> int:
    """Do what the arguments say; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mutants", description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", choices=("planted", "core"), help="one of the two parts alone")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="mutants judged at one time")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="of the core these mutants alone")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="imageferry-mutants-") as folder:
        try:
            if arguments.part != "core":
                _planted(Path(folder) / "planted")
            missed = arguments.part != "planted" and _core(Path(folder) / "core", arguments.workers, arguments.only)
        except (planted.NotFoundError, copy.MutmutError) as error:
            print(error, file=sys.stderr)
            return 1
    return int(missed)


def _planted(folder: Path) -> None:
    began = time.monotonic()
    planted.make(folder)
    count = planted.find_all(folder)
    print(f"\n{count} mistakes planted, all found, in {time.monotonic() - began:.0f} s\n")


def _core(folder: Path, workers: int, names: list[str]) -> bool:
    """Whether too many mutants survived, or one that the page does not explain."""
    began = time.monotonic()
    copy.make(folder)
    copy.mutate(folder, workers=workers, names=names)
    found = list(copy.verdicts(folder))
    counts = Counter(verdict for _, _, verdict in found)
    alive = Counter(mutant_of(module, name) for module, name, verdict in found if verdict is Verdict.SURVIVED)
    score = 1 - counts[Verdict.SURVIVED] / len(found)
    print(f"\n{len(found)} mutants in {time.monotonic() - began:.0f} s: "
          + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))  # fmt: skip
    print(f"score: {score:.1%} (at least {LOWEST_SCORE:.0%})")
    explained = page.explained()
    _tell(alive - explained, "Survivors that docs/mutants.md does not explain")
    if not names:
        _tell(explained - alive, "Rows of docs/mutants.md that can go, as their mutant does not survive")
    return score < LOWEST_SCORE or bool(alive - explained)


def _tell(mutants: Counter[Mutant], what: str) -> None:
    if mutants:
        print(f"\n{what}:\n\n{page.told(mutants.elements())}")


if __name__ == "__main__":
    sys.exit(main())
