"""What the papers say about the repository is so: links, commands and versions."""

import re
import tomllib
from pathlib import Path

import pytest

import imageferry

ROOT = Path(__file__).parents[2]
PAPERS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "emulator" / "README.md"])


def _text(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file(paper: Path) -> None:
    """A link within the repository ends at something that is there."""
    links = re.findall(r"\]\(([^)\s#]+)[^)]*\)", paper.read_text(encoding="utf-8"))
    within = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in within if not (paper.parent / link).exists()] == []


def test_every_test_that_a_providers_page_names_is_there() -> None:
    """Whoever doubts a limit can read the test that shows it."""
    named = [
        (ROOT / file, test)
        for paper in ROOT.glob("docs/providers/*.md")
        for file, test in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", paper.read_text(encoding="utf-8"))
    ]
    assert named
    assert [file for file, test in named if not file.exists() or f"def {test}" not in file.read_text("utf-8")] == []


@pytest.mark.parametrize("paper", ["README.md", "CONTRIBUTING.md"])
def test_every_make_command_is_a_target(paper: str) -> None:
    """Whoever types a command from the paper gets what it says."""
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", _text(paper), re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", _text("Makefile"), re.MULTILINE))
    assert named
    assert named - targets == set()


def test_there_is_one_version() -> None:
    """Package, emulator and the newest entry of the changelog agree."""
    newest = re.search(r"^## \[?(\d+\.\d+\.\d+)", _text("CHANGELOG.md"), re.MULTILINE)
    packages = [
        tomllib.loads(_text(file))["project"]["version"] for file in ("pyproject.toml", "emulator/pyproject.toml")
    ]
    assert newest
    assert [*packages, newest[1]] == [imageferry.__version__] * 3
