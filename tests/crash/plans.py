"""Plans: which request of a life cycle is struck, and how. Made from what a run without faults was seen to ask, never by hand.

A plan is also its own text: `<life cycle> <strike> <request>#<number>`.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from tests.crash.names import MOST, Point
from tests.tap import Mishap, Position

KILL: Final = "kill-"


@dataclass(frozen=True, slots=True)
class Plan:
    """One strike at one request of one life cycle."""

    cycle: str
    what: Position | Mishap
    name: str
    number: int

    def __str__(self) -> str:
        what = f"{KILL}{self.what}" if isinstance(self.what, Position) else str(self.what)
        return f"{self.cycle} {what} {self.name}#{self.number}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The plan that a text means. Raises ValueError."""
        cycle, what, point = text.split()
        name, _, number = point.rpartition("#")
        kind = Position(what.removeprefix(KILL)) if what.startswith(KILL) else Mishap(what)
        return cls(cycle, kind, name, int(number))

    @property
    def kills(self) -> bool:
        """The operator dies of it."""
        return isinstance(self.what, Position)


@dataclass(frozen=True, slots=True)
class Place:
    """A point of a life cycle. `scene` is the name of the cycle once its user has acted; before that, what its cloud is like.

    What two life cycles share up to a point (the same road, nothing done by the user yet) is one place in both, and so is
    what runs beside the job.
    """

    point: Point
    scene: str

    @property
    def same(self) -> tuple[object, ...]:
        """Equal for places that are the same in two life cycles."""
        road = self.point.road
        return (self.scene if road else "", road, self.point.name, self.point.number)


def stable(first: Sequence[Place], second: Sequence[Place]) -> tuple[Place, ...]:
    """The places of the first run that the second came to as well, without what only repeats itself."""
    known = {(place.point.name, place.point.number) for place in second}
    return tuple(
        place for place in first if (place.point.name, place.point.number) in known and place.point.number <= MOST
    )


def every(trace: Mapping[str, Sequence[Place]]) -> list[Plan]:
    """Every plan for these life cycles, whose runs without faults came to these places."""
    return [plan for cycle, places in trace.items() for place in places for plan in _plans(cycle, place)]


def _plans(cycle: str, place: Place) -> list[Plan]:
    return [Plan(cycle, what, place.point.name, place.point.number) for what in _strikes(place.point)]


def _strikes(point: Point) -> Sequence[Position | Mishap]:
    if point.watches:  # there is no moment at which a stream is answered in full
        return (Position.BEFORE, Position.ANSWERED)
    return (*Position, *Mishap) if point.mutates else tuple(Position)


def _by_turn(plans: Sequence[Plan], turn: int) -> list[Plan]:
    """One kill, and of a request that changes something one other fault."""
    kills = [plan for plan in plans if plan.kills]
    others = [plan for plan in plans if not plan.kills]
    return [kills[turn % len(kills)], *([others[turn % len(others)]] if others else ())]


def selection(trace: Mapping[str, Sequence[Place]], seed: int, parts: int) -> list[Plan]:
    """What a short run takes: each place, by strikes that change with the seed, and one of `parts` shares of all plans.

    Of places that several life cycles share, the first one's.
    """
    chosen: dict[Plan, None] = {}
    met: set[tuple[object, ...]] = set()
    for cycle, places in trace.items():
        for place in places:
            if place.same not in met:
                met.add(place.same)
                chosen |= dict.fromkeys(_by_turn(_plans(cycle, place), seed + len(met)))
    plans = every(trace)
    random.Random(0).shuffle(plans)  # noqa: S311 -- shares, not secrets
    return list(chosen | dict.fromkeys(plans[seed % parts :: parts]))
