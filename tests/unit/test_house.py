"""The house is in order: rooms that say what they are, a map that is true, locks that pin, one version everywhere."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

import imageferry

ROOT = Path(__file__).parents[2]
SOURCES = [file for room in ("operator", "emulator", "hack", "demo") for file in sorted((ROOT / room).rglob("*.py"))]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
MAP = ROOT / "ARCHITECTURE.md"
PINNED = re.compile(r"^[a-z0-9][a-z0-9._-]*(\[[a-z0-9,-]+\])?==\S+( ; .+?)? \\$")


def last_table(text: str) -> dict[str, str]:
    """The rows of a page's last table, second column by first."""
    lines = text.rstrip().splitlines()
    rows = []
    while lines and lines[-1].startswith("|"):
        rows.append([cell.strip().strip("`") for cell in lines.pop().strip("|").split("|")])
    return dict(reversed(rows[:-2]))  # without the head and the line below it


def test_the_source_root_is_no_package() -> None:
    """An __init__.py in operator/ would shadow the standard library's `operator` for every program that runs here."""
    assert (ROOT / "operator" / "imageferry").is_dir()
    assert not (ROOT / "operator" / "__init__.py").exists()


@pytest.mark.parametrize("file", [pytest.param(file, id=str(file.relative_to(ROOT))) for file in SOURCES])
def test_every_module_says_what_room_it_is(file: Path) -> None:
    """A module opens with a docstring."""
    assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))


def test_the_map_ends_in_a_table_of_files_that_exist() -> None:
    """Whoever looks for a component finds its file."""
    files = last_table(MAP.read_text(encoding="utf-8"))
    assert len(files) > 20
    assert {component: file for component, file in files.items() if not (ROOT / file).exists()} == {}


def test_no_room_of_the_operator_is_missing_on_the_map() -> None:
    """A module that comes, or is split off another, is found as well."""
    shown = set(last_table(MAP.read_text(encoding="utf-8")).values())
    rooms = {str(file.relative_to(ROOT)) for file in SOURCES if file.name != "__init__.py"}
    assert sorted(room for room in rooms - shown if room.startswith("operator/")) == []


@pytest.mark.parametrize("lock", [pytest.param(lock, id=lock.name) for lock in LOCKS])
def test_a_lock_pins_every_package_by_its_hash_and_names_no_index(lock: Path) -> None:
    """The same bytes are installed everywhere, wherever they come from."""
    text = lock.read_text(encoding="utf-8")
    heads = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    blocks = re.split(r"^(?=\S)", text, flags=re.MULTILINE)
    pinned = [block for block in blocks if PINNED.match(block.partition("\n")[0])]
    assert heads
    assert [head for head in heads if not PINNED.match(head)] == []
    assert [block.split()[0] for block in pinned if "--hash=sha256:" not in block] == []
    assert not re.search(r"https?://|index-url|find-links|trusted-host", text)


def test_every_part_is_of_one_version() -> None:
    """The package, its metadata, the emulator and the newest entry of the changelog agree."""
    metadata = [
        tomllib.loads((ROOT / part / "pyproject.toml").read_text(encoding="utf-8")) for part in (".", "emulator")
    ]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[?(\d+\.\d+\.\d+)", changelog, flags=re.MULTILINE)
    assert newest
    assert {newest[1], *(each["project"]["version"] for each in metadata)} == {imageferry.__version__}
