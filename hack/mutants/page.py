"""docs/mutants.md as a value: the mutants of the core that no test tells from the original, each with the reason."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from mutants.copy import ROOT
from mutants.mutant import Mutant

PAGE: Final = ROOT / "docs" / "mutants.md"

_WHERE: Final = re.compile(r"### `(?P<where>\S+)`")
_ROW: Final = re.compile(r"- `(?P<before>.+?)` → `(?P<after>.+?)`: \S.*")


def explained(page: Path = PAGE) -> Counter[Mutant]:
    """The mutants that the page explains, as often as it lists them. A row without a reason explains nothing."""
    return Counter(_rows(page.read_text(encoding="utf-8").splitlines()))


def _rows(lines: Iterable[str]) -> Iterator[Mutant]:
    where = ""
    for line in lines:
        if heading := _WHERE.fullmatch(line):
            where = heading["where"]
        elif row := _ROW.fullmatch(line):
            yield Mutant(where, row["before"], row["after"])


def told(mutants: Iterable[Mutant]) -> str:
    """Mutants as the page lists them, a reason left to be written."""
    lines: list[str] = []
    where = ""
    for mutant in sorted(mutants):
        if mutant.where != where:
            where = mutant.where
            lines += ["", f"### `{where}`", ""]
        lines.append(f"{mutant}:")
    return "\n".join(lines).strip()
