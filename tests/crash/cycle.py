"""What a life cycle is: what a user wishes and does with one object, and how that has to end. Which there are is in cycles.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.crash.cluster import Manifest
from tests.crash.directions import Direction

Holds = Callable[[Manifest], bool]


class Output(StrEnum):
    """What has to be in the cloud at the end, of all that the object's attempts ever made."""

    LISTED = "listed"  # what the status lists, and nothing else
    KEPT = "kept"  # whatever was made: nobody may delete any of it
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a user does once something holds: a merge patch, or the deletion where there is none."""

    when: Holds
    change: Mapping[str, Any] | None = None
    subresource: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One life cycle. `seconds` are real ones per disk; `faults` strike its submissions; `quota` is how many may run.

    An act waits for a state that passes by, or for what comes after it: on a slow machine nobody may have seen the state.
    """

    name: str
    promise: str
    direction: Direction
    spec: Mapping[str, Any] = field(default_factory=dict)
    disks: int = 1
    seconds: float = 0.6
    image: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Mapping[str, Any], ...] = ()
    fails_at: int | None = None
    """At so many percent the first task that the cloud accepts fails, whichever of the submissions that is."""
    settings: Mapping[str, str] = field(default_factory=dict)
    quota: int = 100
    tells: bool = False
    """The cloud tells while a task runs which files it writes, so that a task whose answer was lost can be cancelled."""
    acts: tuple[Act, ...] = ()
    ends: Holds | None
    """None: the object is gone."""
    output: Output
    fewest: int = 1
    most: int = 1
    """How many submissions the cloud accepts in all, at the least and at the most."""
    leaves_task: bool = False
    """The policy says that a running task goes on when its object is gone."""
