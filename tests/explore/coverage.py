"""Which rows were met with which kinds of fault, over several searches, and which pairs cannot meet.

A row is met with a fault when it decides on a path on which that fault has struck before, whatever came between. There are two
tables of what the tests do not meet: what cannot be, and what takes three things at once and is met by `soak.py` alone. Both
are held against the searches: a pair in them that the tests meet is a mistake of the table.
"""

from collections.abc import Iterable
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
        """The pairs of a row and a kind of fault that no search met, although they can meet."""
        return [pair for pair in pairs() if pair not in self.met and pair not in CANNOT_MEET]

    def unexplained(self) -> list[Pair]:
        """The missing pairs for which it does not take three things at once."""
        return [pair for pair in self.missing() if pair not in TAKES_THREE]

    def denied(self) -> list[Pair]:
        """The pairs that the tables say are not met, and that were met all the same."""
        return [pair for pair in (*CANNOT_MEET, *TAKES_THREE) if pair in self.met]

    def told(self) -> str:
        """One line for the end of a run."""
        faults = {pair for pair in self.met if pair in set(pairs())}
        wishes = {pair for pair in self.met if pair[1] in set(Wish)}
        return (
            f"{self.states} states and {self.moves} moves in {self.searches} searches: {len(self.rows)} of "
            f"{len(row_names())} rows, {len(faults)} of {len(pairs())} pairs of row and fault met, {len(CANNOT_MEET)} "
            f"impossible, {len(self.missing())} left to three things at once; {len(self.struck)} steps struck themselves, {len(wishes)} pairs of row and wish"
        )


def pairs() -> list[Pair]:
    """Every row with every kind of fault."""
    return [(row, fault) for row in row_names() for fault in Fault]


def _rows(group: str, *first_words: str) -> list[str]:
    """The rows of a group whose facts begin so; none named, all of it."""
    names = [name for name in row_names() if name.startswith(f"{group}: ")]
    words = first_words or ("",)
    return [name for name in names if name.removeprefix(f"{group}: ").startswith(words)]


def _row(group: str, facts: str) -> list[str]:
    """One row by all of its facts."""
    return [name for name in row_names() if name == f"{group}: {facts}"]


def _impossible() -> Iterable[tuple[list[str], Iterable[Fault], str]]:
    yield (
        _rows("claim, mine and unsent", "else"),
        Fault,
        "In this model a lease that is held outlives the next call; tests/unit/test_decide.py has the row.",
    )
    yield (
        _rows("idle (no claim, no task)", "deadline passed"),
        (Fault.SKEWED,),
        "A deadline does not fire while the local clock and the cloud's are apart.",
    )
    yield (
        _rows("task", "Succeeded, a file is missing within the read lag"),
        Fault,
        "The model's cloud shows a file in the very moment in which its task ends. tests/conformance has the lag.",
    )


_BEFORE_THE_CLAIM = (
    Fault.UNSENT, Fault.REFUSED, Fault.LASTING, Fault.UNFIT, Fault.LAGGING, Fault.SILENT, Fault.ENDED, Fault.JUMPED,
    Fault.FORGOTTEN,
)  # fmt: skip
_A_TASK_OF_OURS = (Fault.LOST_ANSWER, Fault.UNSENT, Fault.LAGGING, Fault.UNRECORDED)


def _of_three() -> Iterable[tuple[list[str], Iterable[Fault], str]]:
    idle, claim = "idle (no claim, no task)", "claim, otherwise"
    yield (
        _rows("finished", "finished badly"),
        (
            *_A_TASK_OF_OURS, Fault.REFUSED, Fault.LASTING, Fault.UNFIT, Fault.SILENT, Fault.KILLED_IN,
            Fault.KILLED_AFTER,
        ),
        "The fault strikes, the job ends badly, and a person asks for another run.",
    )  # fmt: skip
    yield (
        _rows(idle, "deadline passed"),
        (*_A_TASK_OF_OURS, Fault.ENDED, Fault.DEAF, Fault.FAILED, Fault.FORGOTTEN),
        "The fault strikes, the attempt fails, and a person sets a deadline that passes before the next one.",
    )
    yield (
        _rows(idle, "no attempts left"),
        (*_A_TASK_OF_OURS, Fault.FAILED),
        "The fault strikes, the attempt fails, and a person lowers the limit before the next one.",
    )
    yield (
        _rows(idle, "account, grant"),
        (Fault.LAGGING, Fault.UNRECORDED),
        "The task that was accepted has to fail, and a person to take the account away, after the fault.",
    )
    yield (
        _rows(idle, "preflight says no"),
        (Fault.LOST_ANSWER, Fault.UNSENT),
        "The attempt with the fault has to fail or to be closed, and preflight to refuse the next one.",
    )
    yield (
        _rows(idle, "the image is busy"),
        (
            Fault.NOT_DONE, Fault.DENIED, Fault.UNSENT, Fault.REFUSED, Fault.LASTING, Fault.LAGGING, Fault.KILLED_AFTER,
            Fault.ENDED, Fault.FAILED, Fault.FORGOTTEN,
        ),
        "The image becomes busy anew only by a task that a second fault hides and whose attempt a third event closes.",
    )  # fmt: skip
    yield (
        _rows(idle, "no finalizer yet"),
        (Fault.UNSENT, Fault.REFUSED, Fault.LASTING, Fault.LAGGING, Fault.UNRECORDED),
        "The job has to be past its first claim, and to end badly and be opened anew, or its finalizer to be removed by hand.",
    )
    yield (
        _rows(claim, "deleting, policy Orphan"),
        (*_BEFORE_THE_CLAIM, Fault.FAILED),
        "The fault strikes, a later fault leaves a claim open, and a person deletes the object.",
    )
    yield (
        _rows(claim, "deleting and bound passed"),
        (*_BEFORE_THE_CLAIM, Fault.NOT_DONE, Fault.DENIED, Fault.KILLED_BEFORE, Fault.KILLED_AFTER),
        "The fault strikes, another keeps the claim open beyond the bound, and a person deletes the object.",
    )
    yield (
        _rows(claim, "account or credentials", "the credentials belong"),
        (*_BEFORE_THE_CLAIM, Fault.DEAF, Fault.FAILED),
        "The fault strikes, a later fault leaves a claim open, and a person changes the credentials.",
    )
    yield (
        _rows(claim, "client token"),
        (Fault.LOST_ANSWER, Fault.DEAF, Fault.FAILED, Fault.FORGOTTEN),
        "An attempt ends with the fault, and two more faults leave the next claim open without its task.",
    )
    yield (
        _rows(claim, "Unprovable"),
        (Fault.LAGGING, Fault.DEAF),
        "A task is accepted and fails with the fault, and the next claim is left open by another.",
    )
    yield (
        _row("task", "Failed"),
        (Fault.BUSY, Fault.SKEWED),
        "The surroundings are wrong from the start, and two attempts have to fail.",
    )


def _table(entries: Iterable[tuple[list[str], Iterable[Fault], str]]) -> dict[Pair, str]:
    return {(row, fault): reason for rows, faults, reason in entries for row in rows for fault in faults}


CANNOT_MEET = _table(_impossible())
"""Pairs of a row and a kind of fault that no path of the model can join, each with the reason."""

TAKES_THREE = _table(_of_three())
"""Pairs that take three things at once, each with what they are: `soak.py` searches so far, the tests do not."""
