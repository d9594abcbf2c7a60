"""Waits are measured by a clock that never jumps: a wall clock that is set does not move a lease, a bound or a fence."""

import ast
from pathlib import Path
from typing import Final

ENGINE: Final = Path(__file__).parents[2] / "operator" / "imageferry" / "engine"
WALL_CLOCKS: Final = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}


def readers(folder: Path) -> dict[str, set[str]]:
    """The modules of a folder that name a wall clock, with the names."""
    found = {
        file.name: {ast.unparse(node) for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))} & WALL_CLOCKS
        for file in folder.glob("*.py")
    }
    return {name: clocks for name, clocks in found.items() if clocks}


def test_the_engine_reads_the_wall_clock_in_one_place() -> None:
    """Only clock.now() does, whose times are shown and compared with the cloud's; leases, bounds and waits never hear of it."""
    assert readers(ENGINE) == {"clock.py": {"datetime.now"}}
