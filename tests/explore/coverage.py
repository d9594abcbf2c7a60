"""Which rows were met with which kinds of fault, over several searches.

A row is met with a fault when it decides on a path on which that fault has struck before, whatever came between. No pair of a
row and a fault is impossible: the searches of cases.py meet each.
"""

from dataclasses import dataclass, field

from tests.explore.search import Pair, Result, row_names
from tests.explore.troubles import Fault, Wish


@dataclass
class Coverage:
    """What the searches so far have seen together."""

    searches: int = 0
    states: int = 0
    moves: int = 0
    rows: set[str] = field(default_factory=set)
    met: set[Pair] = field(default_factory=set)
    struck: set[Pair] = field(default_factory=set)

    def add(self, result: Result) -> None:
        """Count one search in."""
        self.searches += 1
        self.states += result.states
        self.moves += result.edges
        self.rows |= result.rows
        self.met |= result.met
        self.struck |= result.struck

    def missing(self) -> list[Pair]:
        """The pairs of a row and a kind of fault that no search met."""
        return [pair for pair in pairs() if pair not in self.met]

    def told(self) -> str:
        """One line for the end of a run."""
        faults = {pair for pair in self.met if pair in set(pairs())}
        wishes = {pair for pair in self.met if pair[1] in set(Wish)}
        return (
            f"{self.states} states and {self.moves} moves in {self.searches} searches: {len(self.rows)} of "
            f"{len(row_names())} rows, {len(faults)} of {len(pairs())} pairs of row and fault met; "
            f"{len(self.struck)} steps struck themselves, {len(wishes)} pairs of row and wish"
        )


def pairs() -> list[Pair]:
    """Every row with every kind of fault."""
    return [(row, fault) for row in row_names() for fault in Fault]
