"""`python -m tests.crash`: repeat one plan or one life cycle, list all plans, run them all, or write the page about it."""

import argparse
import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from controlplane import ControlPlane
from tests.crash import report
from tests.crash.cycles import BY_NAME, CYCLES
from tests.crash.matrix import Tally, matrix
from tests.crash.plans import Plan, every, selection


def main() -> int:
    """Do what the arguments ask for; 0 if nothing was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument(
        "what", help="a plan, a life cycle's name, `list`, `short` (as in make test), `soak` or `report`"
    )
    parser.add_argument("--lanes", type=int, default=12, help="runs at one time")
    parser.add_argument("--cycles", default="", help="only these life cycles, comma separated")
    parser.add_argument("--plant", default="", help="a mistake for the operator to make, module:name")
    parser.add_argument("--seed", type=int, default=0, help="which share of the rest a short run takes")
    parser.add_argument("--parts", type=int, default=30, help="how many shares the rest is cut into")
    parser.add_argument("--record", action="store_true", help="write figures and page into docs/ afterwards")
    given = parser.parse_args()
    if given.what == "report":
        report.write()
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # an orderly end, which leaves no process behind
    folder = Path(tempfile.mkdtemp(prefix="imageferry-crash-"))
    _say(f"logs: {folder}")
    with ControlPlane(folder / "controlplane") as plane:
        tally, plans = asyncio.run(_do(given, plane, folder))
    for line in (*tally.failures, *(f"not met: {each}" for each in tally.missed), tally, f"slowest: {tally.slowest}"):
        _say(line)
    if given.record:
        report.record(tally, given.what, plans)
    return 1 if tally.failures else 0


async def _do(given: argparse.Namespace, plane: ControlPlane, folder: Path) -> tuple[Tally, int]:
    names, single = given.cycles.split(",") if given.cycles else [cycle.name for cycle in CYCLES], None
    if given.what in BY_NAME:
        names = [given.what]
    elif given.what not in ("list", "short", "soak"):
        single = Plan.parse(given.what)
        names = [single.cycle]
    lanes = 2 if single else given.lanes
    async with matrix(plane, folder, lanes=lanes, plant=given.plant, say=_say) as ready:
        await ready.learn(BY_NAME[name] for name in names)
        if given.what == "short":
            chosen = selection(ready.places, given.seed, given.parts)
        else:
            chosen = [single] if single else every(ready.places)
        if given.what == "list":
            _say("\n".join(map(str, chosen)))
        else:
            await ready.carry_out(chosen)
    return ready.tally, len(every(ready.places))


def _say(line: object) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
