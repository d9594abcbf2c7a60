"""What asks the tests is itself in order: mistakes that can be planted, source rewritten without a change, a page that is read whole."""

from pathlib import Path

import pytest

from mutants.copy import ROOT
from mutants.lift import lifted
from mutants.mistakes import MISTAKES, Mistake
from mutants.mutant import Mutant, mutant_of
from mutants.page import PAGE, explained, told

SOURCE = '''
class Ship:
    """A ship."""

    @property
    def name(self) -> str:
        return "ferry"

SHIPS = ((lambda ship: ship.name), (lambda _: "none"))
'''

MUTATED = """
def x_limit__mutmut_orig(most: int=5) -> bool:
    '''Said.'''
    return most <= 5 and bool(most)

def x_limit__mutmut_1(most: int=6) -> bool:
    '''Said.'''
    return most <= 5 and bool(most)

def x_limit__mutmut_2(most: int=5) -> bool:
    '''Said.'''
    return most < 5 and bool(most)
"""


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_can_still_be_planted(mistake: Mistake) -> None:
    """The line that it changes stands where it stood, once, and the test that finds it is there."""
    assert (ROOT / mistake.file).read_text(encoding="utf-8").count(mistake.before) == 1
    file, _, name = mistake.found_by.partition("::")
    assert name.partition("[")[0] in (ROOT / file).read_text(encoding="utf-8")


def test_lifted_source_means_the_same() -> None:
    """Properties and the lambdas of tables become plain functions, which a mutation can reach."""
    room: dict[str, object] = {}
    exec(lifted(SOURCE), room)  # noqa: S102 -- the source above
    ship = room["Ship"]()  # type: ignore[operator]
    assert ship.name == "ferry"
    assert [find(ship) for find in room["SHIPS"]] == ["ferry", "none"]  # type: ignore[attr-defined]
    assert "lambda" not in lifted(SOURCE)
    assert "@" not in lifted(SOURCE)


def test_a_mutant_is_told_by_what_became_what(tmp_path: Path) -> None:
    """With a little of the code around the change, so that a person knows it again."""
    module = tmp_path / "keys.py"
    module.write_text(MUTATED, encoding="utf-8")
    assert mutant_of(module, "x_limit__mutmut_1") == Mutant(
        "keys.limit", "(most: int=5) return most <= 5 and bool(", "(most: int=6) return most <= 5 and bool("
    )
    assert mutant_of(module, "x_limit__mutmut_2") == Mutant(
        "keys.limit", "(most: int=5) return most <= 5 and bool(most)", "(most: int=5) return most < 5 and bool(most)"
    )


def test_what_is_told_is_read_back_once_it_has_a_reason(tmp_path: Path) -> None:
    """A row without a reason explains nothing."""
    first, second = Mutant("keys.mark", "a <= b", "a < b"), Mutant("keys.marks", "'x'", "'XxX'")
    page = tmp_path / "page.md"
    page.write_text(told([second, first]), encoding="utf-8")
    assert sorted(explained(page)) == []
    page.write_text(told([second, first]).replace("`:", "`: no test can tell."), encoding="utf-8")
    assert sorted(explained(page)) == [first, second]


def test_every_row_of_the_page_explains_a_mutant() -> None:
    """None is passed over because it was written in another form."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("- `")]
    assert explained().total() == len(rows)
