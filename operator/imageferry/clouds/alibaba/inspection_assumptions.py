"""What the documents leave open, and which value an account shows: pure, from answers as they came.

The names are those of the emulator's switches, so that an emulator can be set to what a real account shows. What no task and
no dry run has shown is said to be not seen, and never guessed.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from imageferry.clouds import finding
from imageferry.clouds.alibaba import translate
from imageferry.clouds.finding import Finding

DRY_RUN_PASSED: Final = ("DryRunOperation", "DRYRUN.SUCCESS")
"""The error codes by which a dry run is told to have passed: the first is common to ECS, the second is ImportImage's."""

BUSY: Final = "ImageIsExporting"

_WITH_SECONDS: Final = re.compile(r"T\d\d:\d\d:\d\d")
_NO_TASK: Final = "no export task is listed"
_NO_DRY_RUN: Final = "no dry run of an export passed"

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DryRun:
    """How a dry run was answered, and whether a task on its image was listed at that time."""

    code: str
    listed: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """Rows of DescribeTasks, answers of DescribeTaskAttribute to tasks that run, and dry runs."""

    rows: tuple[Body, ...]
    running: tuple[Body, ...]
    dry_runs: tuple[DryRun, ...]


@dataclass(frozen=True, slots=True)
class _Assumption:
    name: str
    meaning: str
    values: Callable[[Evidence], Iterator[str]]
    unseen: str


def _actions(seen: Evidence) -> Iterator[str]:
    return (str(row["TaskAction"]) for row in seen.rows if row.get("TaskAction"))


def _times(seen: Evidence) -> Iterator[str]:
    shown = (str(row["CreationTime"]) for row in seen.rows if row.get("CreationTime"))
    return ("seconds" if _WITH_SECONDS.search(each) else "minutes" for each in shown)


def _cancel_flags(seen: Evidence) -> Iterator[str]:
    flags = (row["SupportCancel"] for row in seen.rows if row.get("SupportCancel") is not None)
    return ("boolean" if isinstance(flag, bool) else "string" for flag in flags)


def _waiting(seen: Evidence) -> Iterator[str]:
    yield from ("true" for row in seen.rows if row.get("TaskStatus") == "Waiting")
    yield from ("false" for each in seen.dry_runs if each.code == BUSY and not each.listed)


def _related(seen: Evidence) -> Iterator[str]:
    return ("true" if translate.detail(body).objects else "false" for body in seen.running)


def _codes(seen: Evidence) -> Iterator[str]:
    return (each.code for each in seen.dry_runs if each.code in DRY_RUN_PASSED)


def _busy(seen: Evidence) -> Iterator[str]:
    yield from ("true" for each in seen.dry_runs if each.code == BUSY)
    yield from ("false" for each in seen.dry_runs if each.listed and each.code in DRY_RUN_PASSED)


_ASSUMPTIONS: Final = (
    _Assumption("taskActionStyle", "how answers write a task's action", _actions, _NO_TASK),
    _Assumption("taskTimeStyle", "how exact the times of tasks are", _times, _NO_TASK),
    _Assumption("supportCancelStyle", "the type of SupportCancel", _cancel_flags, _NO_TASK),
    _Assumption("waitingTasksListed", "whether tasks are listed that wait", _waiting, "no export task waits now"),
    _Assumption(
        "relatedItemsWhileRunning",
        "whether a task tells its files before it ends",
        _related,
        "no export task is being processed now",
    ),
    _Assumption("dryRunCode", "the code of a dry run that passed", _codes, _NO_DRY_RUN),
    _Assumption(
        "dryRunSeesBusyImage",
        "whether a dry run is refused for an image that is being exported",
        _busy,
        "no dry run of an image that is being exported",
    ),
)


def told(seen: Evidence) -> list[Finding]:
    """One finding for each assumption."""
    return [_told(each, sorted(set(each.values(seen)))) for each in _ASSUMPTIONS]


def _told(each: _Assumption, values: list[str]) -> Finding:
    if not values:
        return finding.unknown(each.name, f"not seen: {each.unseen} ({each.meaning})")
    return finding.note(each.name, f"{', '.join(values)} ({each.meaning})")
