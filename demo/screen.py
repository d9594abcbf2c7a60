"""What the reader sees: a live table on a terminal, plain lines elsewhere. Knows nothing of how it came about."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich import box
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from demo.watch import Job

Show = Callable[[Mapping[str, Job]], None]
"""Takes all jobs, by name, whenever one has changed."""

BAR_WIDTH = 10
MESSAGE_WIDTH = 20  # what is left of 80 columns
NAME_WIDTH = len("imgexp/again")
STYLES = {"Exported": "green", "Imported": "green", "Queued": "yellow", "ExportNotReady": "yellow", "Running": "cyan"}


class Screen(Protocol):
    """Where the story is told."""

    def say(self, text: str) -> None:
        """Print some lines as they are."""

    def step(self, name: str) -> AbstractContextManager[Callable[[str], None]]:
        """Show that a step is under way; what is given to the yielded function is shown at its end, with its time."""

    def jobs(self) -> AbstractContextManager[Show]:
        """Show the exports and imports as they change."""


def screen() -> Screen:
    """Return the screen that fits the standard output."""
    return Terminal() if sys.stdout.isatty() else Lines()


class Lines:
    """One line for each thing that happened."""

    def say(self, text: str) -> None:
        """Print some lines as they are."""
        print(text, flush=True)

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """Print one line at the end of the step."""
        started, told = time.monotonic(), list[str]()
        yield told.append
        self.say(f"{name}: {' '.join(told)} ({time.monotonic() - started:.1f} s)")

    @contextmanager
    def jobs(self) -> Iterator[Show]:
        """Print one line for each job that looks different from before."""
        started, shown = time.monotonic(), dict[str, str]()

        def show(jobs: Mapping[str, Job]) -> None:
            for name, job in jobs.items():
                line = _line(job)
                if job.reason and shown.get(name) != line:
                    shown[name] = line
                    self.say(f"{time.monotonic() - started:6.1f} s  {line}")

        yield show


class Terminal:
    """A spinner for each step, a table for the jobs."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)

    def say(self, text: str) -> None:
        """Print some lines as they are."""
        self._console.print(text, markup=False, soft_wrap=True)

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """Turn a spinner until the end of the step, then print one line."""
        started, told = time.monotonic(), list[str]()
        with self._console.status(name):
            yield told.append
        seconds = f"({time.monotonic() - started:.1f} s)"
        line = Text.assemble(("✓ ", "green"), (name, "bold"), ": ", " ".join(told), " ", (seconds, "dim"))
        self._console.print(line, soft_wrap=True)

    @contextmanager
    def jobs(self) -> Iterator[Show]:
        """Draw a table and draw it again at each change; the last one stays."""
        with Live(console=self._console, auto_refresh=False) as live:
            yield lambda jobs: live.update(_table(jobs), refresh=True)


def _line(job: Job) -> str:
    message = f": {job.message}" if job.stalled else ""
    return f"{job.name:<{NAME_WIDTH}} {job.reason} {_percent(job)}".rstrip() + message


def _table(jobs: Mapping[str, Job]) -> Table:
    table = Table(box=box.ROUNDED)
    table.add_column("Name", min_width=NAME_WIDTH, no_wrap=True)
    table.add_column("Reason", no_wrap=True)
    table.add_column("Progress", width=BAR_WIDTH)
    table.add_column("", width=len("100 %"), justify="right")
    table.add_column("Message", min_width=MESSAGE_WIDTH)
    for job in jobs.values():
        style = "red" if job.stalled else STYLES.get(job.reason, "")
        bar = "" if job.percent is None else ProgressBar(100, job.percent, width=BAR_WIDTH)
        table.add_row(job.name, Text(job.reason, style=style), bar, _percent(job), _message(job))
    return table


def _message(job: Job) -> Text:
    """All of it where a person has to act on it; of the others one line, so that the table fits on a screen."""
    if job.stalled:
        return Text(job.message, style="red")
    return Text(job.message, style="dim", no_wrap=True, overflow="ellipsis")


def _percent(job: Job) -> str:
    return "" if job.percent is None else f"{job.percent} %"
