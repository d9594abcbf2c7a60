"""What is said about the code in more than one place is the same in each."""

import pytest

from docsgen import PAGES
from docsgen.pages import DOCS, table
from imageferry.core import decide


def test_the_tables_stand_in_the_modules_docstring_row_for_row() -> None:
    """Whoever reads core/decide.py reads the tables that are run."""
    assert decide.__doc__
    assert decide.__doc__.endswith(f"\n\n{decide.tables_text()}\n")


@pytest.mark.parametrize("name", PAGES)
def test_the_generated_page_is_up_to_date(name: str) -> None:
    """The page says what the code does; `python -m docsgen` writes it anew."""
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name]()


def test_a_bar_does_not_break_a_table() -> None:
    """A cell may hold any text."""
    assert table(["a", "b"], [["x|y", "z"]]) == "| a | b |\n| --- | --- |\n| x\\|y | z |"
