"""docs/reliability.md: what was killed and what came of it, made from figures that a run wrote down, and from the life cycles.

`python -m tests.crash soak --record` runs everything and writes figures and page (`short --record` what `make test` runs);
`report` writes the page anew from the figures there are. No date stands in either.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from docsgen.pages import table
from tests.crash.cycles import CYCLES
from tests.crash.judge import Wrong
from tests.crash.matrix import Tally

DOCS: Final = Path(__file__).parents[2] / "docs"
FIGURES: Final = DOCS / "reliability.json"
PAGE: Final = DOCS / "reliability.md"

_MADE: Final = "<!-- Made by `{command}`; a test compares it with reliability.json. -->"

_WHAT: Final = """\
**No cloud task is ever doubled and none is ever lost, whatever crashes, and no person has to step in.** This page says how that is
proven, by which command, what came of it, and what the proof does not reach. `{command}` repeats it and writes the page; `make test`
strikes every place, by a kill and by another fault that change from day to day, and takes a share of all plans that does so too."""

_HOW: Final = """\
## How

A life cycle is what a user wishes and does with one object: an export that succeeds, one that is deleted while its task runs, and
so on; most are the same in both directions, in one definition. Each is run without faults first: real operator process, real API
server and etcd, and the emulator of the cloud, with a tap on both lines. The taps note every request that the operator makes. From
these notes the plans are made, none by hand, so that a request that comes new into the code brings its own plans:

- **SIGKILL** of the operator before each request (the server never sees it), in it (carried out, the answer never heard) and after it;
- for each request that changes something, while the operator lives: the answer is **lost**; it is an **error** though the request was
  carried out; it is an error and it was not; the connection breaks and the server carries it out **late**, two seconds afterwards.

What only repeats itself (polls, renewals of the Lease) is struck the first and the second time in each part of a life. After a kill a
new process starts, as under a Deployment. All waits are real ones, shortened by settings: none is switched off.

## Who judges

- **The cloud's ledger** of accepted requests: at most one submission per attempt and no more in all than the life cycle has without
  faults; no task runs on unowned; the last accepted task is the one in the status; the files, or the image and its snapshots, are
  those that the status lists, or none, or all, as the deletion policy says. Every other image, snapshot and file is as it was
  before: with each import goes a stranger's image whose name begins alike.
- **The API server's log**: no submission whose claim this very process was not told to be in the status; every write names uid and
  resourceVersion; the finalizer leaves only when no own task runs or the account's status holds it as an orphan.
- **The run without faults**: the same conditions, reasons, output and failure count at the end, and at most ten more writes per process.
- **The clock**: an end within 75 seconds, with an operator that does not end by itself unless it lost its Lease, and no traceback.

The judge is judged too: operators with a mistake planted in them (a submission that does not wait for its claim, an answer that is
not looked for, a write without resourceVersion, a window that nobody waits for, a finalizer let go too early, a failed image that
stays, a stranger's that goes, a repeat under another token) are each caught, in `make test`."""

_LONGEST: Final = """\
The longest time is that of the shortened settings: a dead leader's Lease of 4 seconds, a window of 7 seconds, and what a busy machine
adds. With the defaults the Lease lasts 15 seconds and the window 20 minutes."""

_ASSUMED: Final = """\
## What is assumed of the clouds

The emulator is the cloud here. It follows the vendor's documents; where these are silent it follows its own list of switches
(emulator/README.md), whose defaults hold in these runs. Above all: a signed request is refused once its time is older than the
signature's life (15 minutes at Alibaba Cloud), and a nonce is accepted once; a task that was accepted can be seen within the read lag;
a file lies in the bucket only under the name that the submission gave; answers carry the cloud's own Date.

## What is not covered

- Two faults in one run: the search in `tests/explore` does that on the protocol's model, not on processes.
- Loss of what the API server acknowledged, and a cloud that breaks one of the assumptions above.
- Several replicas: a killed leader's place is taken by the next process of one replica here; `tests/integration` has the failovers.
- Faults inside a process that lives on (memory, threads); a kill in mid-request stands for all of them.
- A status that somebody wipes within two minutes of its object's creation, after a task has ended that fast: the object reads as a
  new one.
- The files of an earlier run: an object that failed, was asked to try again, and is deleted under Delete before the new run has
  ended leaves what the first run had listed.
- Other clouds than Alibaba Cloud."""


def figures_of(tally: Tally, command: str, plans: int) -> dict[str, Any]:
    """What a run came to; `plans` is how many there were to choose from."""
    return {
        "command": command,
        "plans": plans,
        "runs": tally.runs,
        "points": len(tally.points),
        "kills": tally.kills,
        "faults": tally.mishaps,
        "missed": len(tally.missed),
        "slowest recovery": f"{tally.recovery_seconds:.0f} s",
        **{str(wrong): tally.wrong[wrong] for wrong in Wrong},
        "cycles": {cycle.name: sum(1 for name, _, _ in tally.points if name == cycle.name) for cycle in CYCLES},
    }


def page(figures: Mapping[str, Any]) -> str:
    """The page. `figures` holds what the matrix came to and, line by line, what the search counted."""
    matrix = figures["matrix"]
    told = (
        ("plans made from the runs without faults", "plans"),
        ("of these carried out: operators killed", "kills"),
        ("... other faults", "faults"),
        ("requests struck, each at its own place in a life cycle", "points"),
        ("plans whose request did not come (a matter of timing)", "missed"),
        ("tasks doubled", str(Wrong.DOUBLED)),
        ("tasks, files or images lost", str(Wrong.LOST)),
        ("runs that did not end", str(Wrong.STUCK)),
        ("runs that broke a law or ended otherwise than without faults", str(Wrong.BROKEN)),
        ("longest time that a kill cost", "slowest recovery"),
    )
    rows = [(words, str(matrix[name])) for words, name in told]
    made = {"command": matrix["command"]}
    lives = [(cycle.name, cycle.promise, str(matrix["cycles"].get(cycle.name, 0))) for cycle in CYCLES]
    searched = "\n".join(f"- {line}" for line in figures["explorer"])
    parts = [
        _MADE.format_map(made),
        "# Reliability",
        _WHAT.format_map(made),
        "## What came of it",
        table(("ImageExport and ImageImport on Alibaba Cloud", "Count"), rows),
        table(("Life cycle", "What happens", "Requests struck"), lives),
        _LONGEST,
        _HOW,
        *(["## What the search of all states counted", searched] if searched else []),
        _ASSUMED,
    ]
    return "\n\n".join(parts) + "\n"


def record(tally: Tally, what: str, plans: int) -> None:
    """Write the matrix's figures down, and the page; `what` was asked of the command."""
    command = f".venv/bin/python -m tests.crash {what} --record"
    known = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {"explorer": []}
    FIGURES.write_text(
        json.dumps(known | {"matrix": figures_of(tally, command, plans)}, indent=2) + "\n", encoding="utf-8"
    )
    write()


def write() -> None:
    """Write the page from the figures there are."""
    PAGE.write_text(page(json.loads(FIGURES.read_text(encoding="utf-8"))), encoding="utf-8")
