"""Breadth-first search over all states; the first broken law is told as the shortest story that leads to it.

A state is a row of small numbers, one for each of its parts (identity.py): parts are few, states are many. Edges are kept as
numbers too, for what can only be judged over the whole graph: ways to an end, and which faults lay on the way to each row.
"""

import gc
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from sys import intern

from imageferry.core import decide
from tests.explore.begin import first_world
from tests.explore.identity import Part, parts
from tests.explore.laws import going, judge, settled
from tests.explore.model import Setting, World
from tests.explore.moves import Move, moves
from tests.explore.replica import Broken
from tests.explore.troubles import BIT, KINDS, Fault, Kind

Pair = tuple[str, str]


@dataclass
class Result:
    """What a search saw.

    `met` holds (row, kind): the row decided on a path on which that fault or wish had happened. `struck` holds those where the
    fault struck the row's own step. `stuck` is the story of a state without a way to an end, or of a deletion without end.
    """

    setting: Setting
    states: int = 0
    edges: int = 0
    rows: set[str] = field(default_factory=set)
    met: set[Pair] = field(default_factory=set)
    struck: set[Pair] = field(default_factory=set)
    broken: str = ""
    stuck: str = ""
    cut: bool = False
    """The search ended at its limit of states: ways to an end were not judged."""


@dataclass
class _Graph:
    """All states by number; edge i leads from sources[i] to targets[i], by row and kind (both from 1; 0 is none)."""

    parents: "array[int]" = field(default_factory=lambda: array("l", [-1]))
    stories: list[str] = field(default_factory=lambda: ["a person applies the object"])
    sources: "array[int]" = field(default_factory=lambda: array("L"))
    targets: "array[int]" = field(default_factory=lambda: array("L"))
    kinds: "array[int]" = field(default_factory=lambda: array("B"))
    rows: "array[int]" = field(default_factory=lambda: array("B"))
    ends: list[int] = field(default_factory=list)
    going: bytearray = field(default_factory=bytearray)

    def story(self, number: int, last: str, law: str) -> str:
        lines = [last] if last else []
        while number >= 0:
            lines.append(self.stories[number])
            number = self.parents[number]
        told = "\n".join(f"{position:3}. {line}" for position, line in enumerate(reversed(lines), 1))
        return f"{told}\n     => {law}"


def explore(
    setting: Setting, *, most_states: int = 2_000_000, progress: Callable[[int, int], object] | None = None
) -> Result:
    """Visit every state that can be reached; stops at the first broken law, or where there are `most_states`.

    `progress` hears of the states seen and ahead.
    """
    with _without_collector():
        return _explore(setting, most_states, progress)


def _explore(setting: Setting, most_states: int, progress: Callable[[int, int], object] | None) -> Result:
    result, graph, rows = Result(setting), _Graph(), row_names()
    row_ids = {"": 0} | {name: place for place, name in enumerate(rows, 1)}
    kind_ids: dict[Kind | None, int] = {None: 0} | {kind: place for place, kind in enumerate(KINDS, 1)}
    start = first_world(setting)
    known: dict[Part, int] = {}
    ids = {_number(known, parts(start)): 0}
    ahead: deque[World] = deque([start])
    number = -1
    while ahead:
        if len(ids) >= most_states:
            result.cut = True
            break
        world = ahead.popleft()
        number += 1
        graph.going.append(going(world))
        if settled(world):
            graph.ends.append(number)
        if progress and number % _REPORTED == 0:
            progress(len(ids), len(ahead))
        for move in moves(world, setting):
            if broken := _broken(world, move):
                result.broken = graph.story(number, move.story, str(broken))
                result.states, result.edges = len(ids), len(graph.sources)
                return result
            key = _number(known, parts(move.world))
            target = ids.get(key)
            if target is None:
                target = ids[key] = len(ids)
                graph.parents.append(number)
                graph.stories.append(intern(move.story))
                ahead.append(move.world)
            graph.sources.append(number)
            graph.targets.append(target)
            graph.kinds.append(kind_ids[move.kind])
            graph.rows.append(row_ids[move.row])
    result.states, result.edges = len(ids), len(graph.sources)
    _note_met(result, graph, rows)
    if not result.cut:
        result.stuck = _stuck(graph) or _endless(graph)
    return result


_REPORTED = 20_000


@contextmanager
def _without_collector() -> Iterator[None]:
    """The values hold no cycles: there is nothing for the collector to find, and much to walk through."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _number(known: dict[Part, int], state: Iterable[Part]) -> Part:
    return tuple([known.setdefault(part, len(known)) for part in state])


def _broken(before: World, move: Move) -> Broken | None:
    if move.broken:
        return move.broken
    try:
        judge(before, move.world)
    except Broken as broken:
        return broken
    return None


def strangers(setting: Setting) -> list[str]:
    """The stories of states that count as one already known, and go on otherwise: identity.py has forgotten something."""
    start = first_world(setting)
    known, ahead = {parts(start): start}, deque([start])
    found = []
    while ahead:
        for move in moves(ahead.popleft(), setting):
            first = known.setdefault(parts(move.world), move.world)
            if first is move.world:
                ahead.append(first)
            elif _future(first, setting) != _future(move.world, setting):
                found.append(move.story)
    return found


def _future(world: World, setting: Setting) -> set[tuple[str, str, tuple[Part, ...]]]:
    return {(move.story, move.row, parts(move.world)) for move in moves(world, setting)}


def _note_met(result: Result, graph: _Graph, names: list[str]) -> None:
    """Which kinds lay on some path to each state: the least fixpoint along the edges; mostly one pass, as edges lead ahead."""
    masks = [0] * result.states
    masks[0] = _surroundings(result.setting)
    bits = [0, *(BIT[kind] for kind in KINDS)]
    grew = True
    while grew:
        grew = False
        for source, target, kind in zip(graph.sources, graph.targets, graph.kinds, strict=True):
            mask = masks[source] | bits[kind] | masks[target]
            if mask != masks[target]:
                masks[target] = mask
                grew = True
    seen = [0] * (len(names) + 1)
    for source, row, kind in zip(graph.sources, graph.rows, graph.kinds, strict=True):
        if row:
            seen[row] |= masks[source]
            if kind:
                result.struck.add((names[row - 1], KINDS[kind - 1]))
            else:
                result.rows.add(names[row - 1])
    result.met |= {
        (name, kind) for name, mask in zip(names, seen[1:], strict=True) for kind in KINDS if mask & BIT[kind]
    }


def _surroundings(setting: Setting) -> int:
    """What is wrong from the start."""
    return (BIT[Fault.SKEWED] if any(setting.skews) else 0) | (BIT[Fault.BUSY] if setting.foreign_task else 0)


def _stuck(graph: _Graph) -> str:
    """L1. The story of the first state from which, with no further fault or wish, no end can be reached."""
    back = _neighbours(graph, graph.targets, graph.sources)
    reached = bytearray(len(graph.parents))
    ahead = deque(graph.ends)
    for number in graph.ends:
        reached[number] = 1
    while ahead:
        for before in back(ahead.popleft()):
            if not reached[before]:
                reached[before] = 1
                ahead.append(before)
    lost = reached.find(0)
    return "" if lost < 0 else graph.story(lost, "", "L1: there is no way to an end from here")


def _endless(graph: _Graph) -> str:
    """L2. The story of a state of a deletion that time, without further faults and wishes, may lead in a circle."""
    forth = _neighbours(graph, graph.sources, graph.targets, among=graph.going)
    back = _neighbours(graph, graph.targets, graph.sources, among=graph.going)
    left = array("l", [0]) * len(graph.parents)
    for number, inside in enumerate(graph.going):
        if inside:
            left[number] = len(forth(number))
    ahead = deque(number for number, inside in enumerate(graph.going) if inside and not left[number])
    done = bytearray(len(graph.parents))
    while ahead:
        number = ahead.popleft()
        done[number] = 1
        for before in back(number):
            left[before] -= 1
            if not left[before]:
                ahead.append(before)
    lost = next((number for number, inside in enumerate(graph.going) if inside and not done[number]), None)
    return "" if lost is None else graph.story(lost, "", "L2: from here on a deletion may go in a circle for ever")


def _neighbours(
    graph: _Graph, here: "array[int]", there: "array[int]", among: bytearray | None = None
) -> Callable[[int], "array[int]"]:
    """Who is one move away, by moves that are neither fault nor wish: all sorted into one row, with where each begins."""
    chosen = [
        not kind and (among is None or bool(among[source] and among[target]))
        for source, target, kind in zip(graph.sources, graph.targets, graph.kinds, strict=True)
    ]
    begins = array("L", [0]) * (len(graph.parents) + 1)
    for number, wanted in zip(here, chosen, strict=True):
        if wanted:
            begins[number + 1] += 1
    for number in range(len(graph.parents)):
        begins[number + 1] += begins[number]
    place, found = array("L", begins), array("L", [0]) * begins[-1]
    for number, other, wanted in zip(here, there, chosen, strict=True):
        if wanted:
            found[place[number]] = other
            place[number] += 1
    return lambda number: found[begins[number] : begins[number + 1]]


def row_names() -> list[str]:
    """Every row of the tables by its group and facts, in their order."""
    return [f"{group.journal}: {row.facts}" for group in decide.TABLES for row in group.rows]
