"""What is seen of one run. Values only: run.py fills them, the judge reads them."""

from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.cluster import Manifest
from tests.crash.cycle import Cycle
from tests.crash.names import Point
from tests.crash.plans import Plan
from tests.tap import Passage


@dataclass(frozen=True)
class Heard:
    """A request that the operator made: by which of its processes, when (seconds of the run), and after how many acts."""

    point: Point
    passage: Passage
    process: int
    at: float
    acts: int


@dataclass(frozen=True)
class LetGo:
    """What the cloud and the account showed when the finalizer was about to leave."""

    running: frozenset[str]
    orphans: frozenset[str]


@dataclass
class Record:
    """What was seen of a run. Times are seconds of the run; `left` is why it did not end, empty if it did.

    `disturbed`: an operator ended by itself, as one does that lost its Lease on a machine too busy to renew it. `made` is what its
    attempts have left in the cloud, `touched` what was there before the run and is no longer as it was.
    """

    cycle: Cycle
    plan: Plan | None
    logs: list[Path]
    heard: list[Heard] = field(default_factory=list)
    versions: list[Manifest] = field(default_factory=list)
    exits: list[int] = field(default_factory=list)
    struck_at: float | None = None
    ended_at: float | None = None
    left: str = ""
    disturbed: bool = False
    last: Manifest | None = None
    account: Manifest | None = None
    accepted: list[Manifest] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    tasks: list[Manifest] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)
    let_go: list[LetGo] = field(default_factory=list)
    unclaimed: list[str] = field(default_factory=list)
