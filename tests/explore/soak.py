"""The deeper search: more faults and more wishes at once than a change can wait for. Run as `python -m tests.explore.soak`.

Prints what it counts as it goes, stops at the first broken law with its story, and leaves a status other than 0 then. Each
search ends at the number of states that a few GiB hold; one that would go further says so, and is no failure: breadth first,
every state of that many moves was seen.
"""

import argparse
import resource
import sys
import time

from tests.explore.cases import DEEP
from tests.explore.coverage import Coverage
from tests.explore.model import Setting
from tests.explore.search import Result, explore

MOST_STATES = 6_000_000


def main() -> int:
    """Search all that is named on the command line, or everything."""
    parser = argparse.ArgumentParser(prog="python -m tests.explore.soak", description=__doc__)
    parser.add_argument("--only", default="", help="search settings whose name holds this")
    parser.add_argument("--most-states", type=int, default=MOST_STATES, help="states after which one search ends")
    chosen = parser.parse_args()
    seen = Coverage()
    for setting in DEEP:
        if chosen.only in setting.name and not _holds(setting, chosen.most_states, seen):
            return 1
    _say(seen.told())
    return 0


def _holds(setting: Setting, most_states: int, seen: Coverage) -> bool:
    begun = time.monotonic()
    name = f"{setting.name}, {setting.faults} faults, {setting.wish_count} wishes"
    result = explore(setting, most_states=most_states, progress=lambda known, ahead: _tell(name, known, ahead, begun))
    if result.broken or result.stuck:
        _say(f"{name}: a law is broken\n{result.broken or result.stuck}")
        return False
    seen.add(result)
    _say(_line(name, result, begun))
    return True


def _line(name: str, result: Result, begun: float) -> str:
    end = "cut off there, 0 laws broken" if result.cut else "0 laws broken, 0 stuck"
    return f"{name}: {result.states} states, {result.edges} moves, {end}, {time.monotonic() - begun:.0f} s"


def _tell(name: str, known: int, ahead: int, begun: float) -> None:
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sys.stderr.write(f"\r{name}: {known} states, {ahead} ahead, {gib:.1f} GiB, {time.monotonic() - begun:.0f} s ")


def _say(line: str) -> None:
    sys.stdout.write(f"\n{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
