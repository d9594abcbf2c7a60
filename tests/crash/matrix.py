"""The matrix: learn every life cycle from runs without faults, make the plans, run them on many lanes, count.

Waits are most of a run (a dead leader's Lease, a lost claim's window), so that a few lanes per processor keep it busy.
"""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from controlplane import ControlPlane
from tests.crash.cluster import Cluster
from tests.crash.cycle import Cycle
from tests.crash.judge import Verdict, Wrong, judge
from tests.crash.lane import ROOT, Lane
from tests.crash.plans import Place, Plan, stable
from tests.crash.record import Record
from tests.crash.run import Run
from tests.zygote import Zygote

PATIENCE_SECONDS: Final = 75.0
"""How long a run may take; the longest without faults takes about twelve."""

_SLACKS: Final = (1, 2, 4)
"""A run is repeated, with longer waits, if its request did not come (a matter of timing) or the machine was too busy for it."""


@dataclass(frozen=True)
class Learned:
    """A life cycle as it is without faults: its record, and the requests that every run makes."""

    record: Record
    places: tuple[Place, ...]


@dataclass
class Tally:
    """What the runs came to."""

    points: set[tuple[str, str, int]] = field(default_factory=set)
    kills: int = 0
    mishaps: int = 0
    runs: int = 0
    missed: list[str] = field(default_factory=list)
    restarts: int = 0
    wrong: Counter[Wrong] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    recovery_seconds: float = 0.0
    slowest: str = ""

    def count(self, record: Record, verdicts: Sequence[Verdict], learned: Learned | None) -> None:
        """Take in one run."""
        self.runs += 1
        self.restarts += len(record.exits)
        for wrong in {verdict.wrong for verdict in verdicts}:
            self.wrong[wrong] += 1
        if verdicts:
            self.failures.append(told(record, verdicts))
        plan = record.plan
        if plan is None or record.struck_at is None:
            return
        self.points.add((plan.cycle, plan.name, plan.number))
        self.kills += plan.kills
        self.mishaps += not plan.kills
        if learned and record.ended_at is not None and plan.kills and not record.disturbed:
            self._time(plan, record, learned)

    def _time(self, plan: Plan, record: Record, learned: Learned) -> None:
        usual = learned.record
        at = next(each.at for each in usual.heard if (each.point.name, each.point.number) == (plan.name, plan.number))
        assert record.ended_at is not None
        assert record.struck_at is not None
        assert usual.ended_at is not None
        more = (record.ended_at - record.struck_at) - (usual.ended_at - at)
        if more > self.recovery_seconds:
            self.recovery_seconds, self.slowest = more, str(plan)

    def __str__(self) -> str:
        counts = ", ".join(f"{self.wrong[each]} {each}" for each in Wrong)
        return (
            f"{self.runs} runs, {len(self.points)} points, {self.kills} kills, {self.mishaps} other faults, "
            f"{len(self.missed)} not met: {counts}; slowest recovery {self.recovery_seconds:.1f} s"
        )


def _but_for_haste(record: Record, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """What was wrong, but for an end that did not come while operators lost their Lease to a busy machine."""
    return [each for each in verdicts if not (record.disturbed and each.wrong is Wrong.STUCK)]


def _places(record: Record) -> tuple[Place, ...]:
    cycle = record.cycle
    before = f"{cycle.direction.kind}{' tells' if cycle.tells else ''}"
    return tuple(Place(each.point, cycle.name if each.acts else before) for each in record.heard)


def told(record: Record, verdicts: Iterable[Verdict]) -> str:
    """A failure with the command that repeats it."""
    plan = f"'{record.plan}'" if record.plan else f"'{record.cycle.name}'"
    lines = [f"{each.wrong}: {each.sentence}" for each in verdicts]
    return "\n  ".join([f".venv/bin/python -m tests.crash {plan}", *lines])


class Matrix:
    """Lanes on one control plane, ready to run life cycles and plans."""

    def __init__(self, lanes: Sequence[Lane], say: Callable[[str], None], patience: float) -> None:
        self._free: asyncio.Queue[Lane] = asyncio.Queue()
        for lane in lanes:
            self._free.put_nowait(lane)
        self._say, self._patience = say, patience
        self.learned: dict[str, Learned] = {}
        self.tally = Tally()

    async def learn(self, cycles: Iterable[Cycle]) -> None:
        """Run each life cycle twice without faults. Raises AssertionError if that does not end well."""
        done = await asyncio.gather(*(self._learn(cycle) for cycle in cycles))
        self.learned |= {learned.record.cycle.name: learned for learned in done}

    async def _learn(self, cycle: Cycle) -> Learned:
        first, second = await asyncio.gather(self._calm(cycle), self._calm(cycle))
        differs = judge(second, first)
        assert not differs, f"not twice the same without faults:\n{told(second, differs)}"
        return Learned(first, stable(_places(first), _places(second)))

    async def _calm(self, cycle: Cycle) -> Record:
        """A run in which no operator lost its Lease, as one may on a machine that is too busy for these short waits."""
        for slack in _SLACKS:
            record = await self._run(cycle, None, slack)
            verdicts = _but_for_haste(record, judge(record, None))
            self.tally.count(record, verdicts, None)
            assert not verdicts, f"without faults:\n{told(record, verdicts)}"
            if not record.disturbed:
                return record
        raise AssertionError(f"{cycle.name}: this machine is too busy for any run without faults")

    @property
    def places(self) -> dict[str, Sequence[Place]]:
        """The places of every life cycle that was learned."""
        return {name: learned.places for name, learned in self.learned.items()}

    async def carry_out(self, chosen: Iterable[Plan]) -> None:
        """Run plans, as many at once as there are lanes."""
        waiting = list(chosen)[::-1]

        async def work() -> None:
            while waiting:
                await self._carry_out(waiting.pop())

        async with asyncio.TaskGroup() as group:
            for _ in range(self._free.qsize()):
                group.create_task(work())

    async def _carry_out(self, plan: Plan) -> None:
        learned = self.learned[plan.cycle]
        for slack in _SLACKS:
            began = time.monotonic()
            record = await self._run(learned.record.cycle, plan, slack)
            verdicts = judge(record, learned.record)
            if slack != _SLACKS[-1]:
                verdicts = _but_for_haste(record, verdicts)
            self.tally.count(record, verdicts, learned)
            self._say(f"{'WRONG' if verdicts else 'ok'} {time.monotonic() - began:.1f} s {plan}"
                      + ("" if record.struck_at else " (not met)"))  # fmt: skip
            if verdicts or (record.struck_at is not None and not record.left):
                return
        self.tally.missed.append(str(plan))

    async def _run(self, cycle: Cycle, plan: Plan | None, slack: int) -> Record:
        lane = await self._free.get()
        try:
            return await Run(lane, cycle, plan, slack=slack, patience=self._patience).go()
        finally:
            self._free.put_nowait(lane)


@asynccontextmanager
async def matrix(
    plane: ControlPlane,
    folder: Path,
    *,
    lanes: int,
    plant: str = "",
    patience: float = PATIENCE_SECONDS,
    say: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Matrix]:
    """A matrix with so many lanes; `plant` makes a mistake in every operator (tests/zygote.py), `patience` is for one run."""
    async with AsyncExitStack() as stack:
        zygote = stack.enter_context(Zygote(plant))
        cluster = await stack.enter_async_context(Cluster(plane))
        for path in sorted((ROOT / "crds").glob("*.yaml")):
            await asyncio.to_thread(plane.kubectl_run, "apply", "-f", str(path))
        await asyncio.to_thread(
            plane.kubectl_run, "wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"
        )
        names = [f"lane-{secrets.token_hex(3)}" for _ in range(lanes)]  # others' namespaces may still be going away
        ready = [await stack.enter_async_context(Lane(cluster, zygote, folder / name, name)) for name in names]
        yield Matrix(ready, say, patience)
