"""Breadth-first search over all states; the first broken law is told as the shortest story that leads to it."""

from collections import Counter, deque
from dataclasses import dataclass, field

from imageferry.core import decide
from imageferry.core.decide import Row
from tests.explore.laws import judge, settled
from tests.explore.model import Setting, World, first_world
from tests.explore.moves import Move, moves
from tests.explore.replica import Broken

Key = tuple[object, ...]


@dataclass
class Result:
    """What a search saw. `met` counts (row, trouble) pairs; `stuck` is the story of a state without a way to an end."""

    setting: Setting
    states: int = 0
    edges: int = 0
    met: Counter[tuple[str, str]] = field(default_factory=Counter)
    broken: str = ""
    stuck: str = ""


def explore(setting: Setting, *, most_states: int = 2_000_000) -> Result:
    """Visit every state that can be reached; stops at the first broken law."""
    result = Result(setting)
    start = first_world(setting)
    ids: dict[Key, int] = {start.key(): 0}
    parents: list[tuple[int, str]] = [(-1, "a person applies the object")]
    ahead: deque[tuple[int, World]] = deque([(0, start)])
    back: list[list[int]] = [[]]
    ends: list[int] = []
    while ahead:
        number, world = ahead.popleft()
        if settled(world):
            ends.append(number)
        for move in moves(world, setting):
            result.edges += 1
            if move.row:
                result.met[row_name(move.row), str(move.trouble)] += 1
            if broken := _broken(world, move, setting):
                result.broken = _story(parents, number, move.story, str(broken))
                result.states = len(ids)
                return result
            key = move.world.key()
            if key not in ids:
                if len(ids) >= most_states:
                    raise AssertionError(f"more than {most_states} states: the model has no end")
                ids[key] = len(parents)
                parents.append((number, move.story))
                back.append([])
                ahead.append((ids[key], move.world))
            if not move.kind:
                back[ids[key]].append(number)
    result.states = len(ids)
    result.stuck = _stuck(parents, back, ends)
    return result


def _broken(before: World, move: Move, setting: Setting) -> Broken | None:
    if move.broken:
        return move.broken
    try:
        judge(before, move.world, setting)
    except Broken as broken:
        return broken
    return None


def _stuck(parents: list[tuple[int, str]], back: list[list[int]], ends: list[int]) -> str:
    """The story of the first state from which, with no further fault or wish, no end can be reached."""
    reached = set(ends)
    ahead = deque(ends)
    while ahead:
        for before in back[ahead.popleft()]:
            if before not in reached:
                reached.add(before)
                ahead.append(before)
    lost = next((number for number in range(len(parents)) if number not in reached), None)
    return "" if lost is None else _story(parents, lost, "", "L1: there is no way to an end from here")


def _story(parents: list[tuple[int, str]], number: int, last: str, law: str) -> str:
    lines = [last] if last else []
    while number >= 0:
        number, line = parents[number]
        lines.append(line)
    told = "\n".join(f"{position:3}. {line}" for position, line in enumerate(reversed(lines), 1))
    return f"{told}\n     => {law}"


def row_name(row: Row) -> str:
    """A row by its group and facts."""
    tables = (decide.FINISHED, decide.IDLE, decide.UNSENT, decide.CLAIM, decide.TASK)
    group = next(group for group in tables if row in group.rows)
    return f"{group.journal}: {row.facts}"
