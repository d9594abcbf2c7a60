"""The matrix in two halves of the same size, one for each test process: which plan is whose depends on its text alone."""

import os
import time
from pathlib import Path
from typing import Final
from zlib import crc32

from controlplane import ControlPlane
from tests.crash.cycles import CYCLES
from tests.crash.matrix import Matrix, matrix
from tests.crash.plans import selection

SEED: Final = int(os.environ.get("IMAGEFERRY_CRASH_SEED") or time.time() // 86400)
"""Which share of the rest is run; another one each day, so that all of it is run in `PARTS` days."""

PARTS: Final = 60
LANES: Final = 10
_HALVES: Final = 2


async def run_half(plane: ControlPlane, folder: Path, number: int) -> Matrix:
    """Learn every life cycle and carry out the plans of one half."""
    async with matrix(plane, folder, lanes=LANES) as ready:
        await ready.learn(CYCLES)
        chosen = selection(ready.places, SEED, PARTS)
        await ready.carry_out(plan for plan in chosen if crc32(str(plan).encode()) % _HALVES == number)
        return ready


def hold(done: Matrix, half: str) -> str:
    """Raise AssertionError with what was wrong and the commands that repeat it; returns the line that tells the figures."""
    tally = done.tally
    assert not tally.failures, "\n" + "\n".join(tally.failures)
    assert len(tally.missed) * 50 <= tally.kills + tally.mishaps, tally.missed
    return f"crash matrix, {half} half, seed {SEED}: {tally}"
