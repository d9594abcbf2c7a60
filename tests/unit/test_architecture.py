"""ARCHITECTURE.md leads to every room of the house, and to none that is not there."""

import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("operator", "emulator", "hack", "demo")


def _last_table() -> Iterator[tuple[str, str]]:
    """The rows of the page's last table, its head left out."""
    lines = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").rstrip().splitlines()
    rows = list(takewhile(lambda line: line.startswith("|"), reversed(lines)))
    for row in reversed(rows[:-2]):
        component, file = (cell.strip() for cell in row.strip("|").split("|"))
        yield component, file.strip("`")


def test_the_page_ends_in_a_table_of_components_and_files() -> None:
    """Whoever looks for a component finds its file at the end of the page."""
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert re.search(r"\n\| component \| file \|\n\| --- \| --- \|\n(\| .+ \| `\S+` \|\n)+\Z", page)


def test_the_table_has_one_row_for_each_module() -> None:
    """A module that is added, moved or removed shows in the table; packages say in their own docstring what they are."""
    modules = {
        file.relative_to(ROOT).as_posix()
        for folder in SOURCES
        for file in (ROOT / folder).rglob("*.*")
        if file.suffix in {".py", ".go"} and file.name != "__init__.py"
    }
    assert sorted(file for _, file in _last_table()) == sorted(modules)


def test_no_two_rows_name_the_same_component() -> None:
    """One word per idea: two rooms with one name would be one room too many."""
    components = [component for component, _ in _last_table()]
    assert sorted(components) == sorted(set(components))


def test_the_operators_folder_does_not_hide_the_standard_librarys_module() -> None:
    """`import operator` means Python's own, also where the repository itself is on the path."""
    assert not (ROOT / "operator" / "__init__.py").exists()
    told = subprocess.run(
        [sys.executable, "-c", "import operator; print(operator.__file__)"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(told.stdout.strip()) == Path(sysconfig.get_path("stdlib"), "operator.py")
