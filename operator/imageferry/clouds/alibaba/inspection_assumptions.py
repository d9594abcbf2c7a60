"""What the documents leave open, and which value an account shows: pure, from answers as they came.

The names are those of the emulator's switches, so that an emulator can be set to what a real account shows. What no task and
no dry run has shown is said to be not seen, and never guessed.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from imageferry.clouds import finding
from imageferry.clouds.alibaba import translate
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.alibaba.import_state import IN_THE_MAKING
from imageferry.clouds.alibaba.translate import DELETED, FAILED, Image
from imageferry.clouds.finding import Finding
from imageferry.core.job import Kind

DRY_RUN_PASSED: Final = ("DryRunOperation", "DRYRUN.SUCCESS")
"""The error codes by which a dry run is told to have passed: the first is common to ECS, the second is ImportImage's."""

BUSY: Final = "ImageIsExporting"

_NAME_TAKEN: Final = ("InvalidImageName.Duplicated", "ImageIsImporting")
_SUFFIX: Final = "UnsupportedSuffix.OSSObject"
_CONTENT: Final = (
    "InvalidImageFormat.Malformed",
    "InvalidBlockSize.NotSupport",
    "InvalidVHDImage.IncorrectSize",
    "InvalidImageSize",
)
"""ImportImage reference, error codes."""

_PACKED: Final = ".raw.tar.gz"
_USUAL: Final = (".raw", ".img", ".vhd", ".qcow2", ".vmdk")
"""Names that end so say their format, or that of a plain disk."""

_WITH_SECONDS: Final = re.compile(r"T\d\d:\d\d:\d\d")
_NO_TASK: Final = "no task is listed"
_NO_DRY_RUN: Final = "no dry run passed"

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """How a dry run was answered. `busy`: a task on its image, or on one of its name, was seen at that time.

    `files` are those of an import, `unfit` says that one of them holds what the documents say is not imported.
    """

    action: Action
    code: str
    busy: bool
    files: tuple[str, ...] = ()
    unfit: bool = False

    @property
    def passed(self) -> bool:
        """Whether the cloud would have taken it."""
        return self.code in DRY_RUN_PASSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Rows of DescribeTasks, answers of DescribeTaskAttribute to exports that run, and dry runs.

    `made` are imports that run or ended badly: the task's state, and the image that it makes.
    """

    rows: tuple[Body, ...] = ()
    running: tuple[Body, ...] = ()
    made: tuple[tuple[str, Image], ...] = ()
    dry_runs: tuple[DryRun, ...] = ()


@dataclass(frozen=True, slots=True)
class _Assumption:
    """`kind` is the direction that it matters to; None for both."""

    kind: Kind | None
    name: str
    meaning: str
    values: Callable[[Evidence], Iterable[str]]
    unseen: str


def _actions(seen: Evidence) -> Iterator[str]:
    shown = (str(row["TaskAction"]) for row in seen.rows if row.get("TaskAction"))
    return ("EXPORT_IMAGE" if "_" in each else "ExportImage" for each in shown)


def _times(seen: Evidence) -> Iterator[str]:
    shown = (str(row["CreationTime"]) for row in seen.rows if row.get("CreationTime"))
    return ("seconds" if _WITH_SECONDS.search(each) else "minutes" for each in shown)


def _cancel_flags(seen: Evidence) -> Iterator[str]:
    flags = (row["SupportCancel"] for row in seen.rows if row.get("SupportCancel") is not None)
    return ("boolean" if isinstance(flag, bool) else "string" for flag in flags)


def _waiting(seen: Evidence) -> Iterator[str]:
    yield from ("true" for row in seen.rows if row.get("TaskStatus") == "Waiting")
    yield from ("false" for each in seen.dry_runs if each.code == BUSY and not each.busy)


def _related(seen: Evidence) -> Iterator[str]:
    return ("true" if translate.detail(body).objects else "false" for body in seen.running)


def _codes(seen: Evidence) -> Iterator[str]:
    return (each.code for each in seen.dry_runs if each.passed)


def _busy(seen: Evidence) -> Iterator[str]:
    exports = [each for each in seen.dry_runs if each.action is Action.EXPORT_IMAGE]
    yield from ("true" for each in exports if each.code == BUSY)
    yield from ("false" for each in exports if each.busy and each.passed)


def _names(seen: Evidence) -> Iterator[str]:
    imports = (each for each in seen.dry_runs if each.action is Action.IMPORT_IMAGE)
    return (each.code for each in imports if each.busy and each.code in _NAME_TAKEN)


def _packed(seen: Evidence) -> Iterator[str]:
    yield from ("accepted" for each in seen.dry_runs if each.passed and any(map(_is_packed, each.files)))
    yield from ("refused" for each in seen.dry_runs if each.code == _SUFFIX and all(map(_is_packed, each.files)))


def _suffixes(seen: Evidence) -> Iterator[str]:
    yield from ("false" for each in seen.dry_runs if each.passed and any(map(_is_unusual, each.files)))
    yield from ("true" for each in seen.dry_runs if each.code == _SUFFIX and not any(map(_is_packed, each.files)))


def _contents(seen: Evidence) -> Iterator[str]:
    unfit = [each for each in seen.dry_runs if each.unfit]
    yield from ("byTask" for each in unfit if each.passed)
    yield from ("atOnce" for each in unfit if each.code in _CONTENT)


def _tags(seen: Evidence) -> Iterator[str]:
    return ("atOnce" for _, image in seen.made if image.status in IN_THE_MAKING and image.tags)


def _images_of(state: str) -> Callable[[Evidence], Iterator[str]]:
    """The statuses of images whose import is in a state. One that is not there proves nothing: it may have been deleted."""
    return lambda seen: (image.status for found, image in seen.made if found == state and image.status)


def _is_packed(file: str) -> bool:
    return file.lower().endswith(_PACKED)


def _is_unusual(file: str) -> bool:
    name = file.rpartition("/")[2].lower()
    return "." in name and not name.endswith((*_USUAL, _PACKED))


_ASSUMPTIONS: Final = (
    _Assumption(None, "taskActionStyle", "how answers write a task's action", _actions, _NO_TASK),
    _Assumption(None, "taskTimeStyle", "how exact the times of tasks are", _times, _NO_TASK),
    _Assumption(None, "supportCancelStyle", "the type of SupportCancel", _cancel_flags, _NO_TASK),
    _Assumption(None, "waitingTasksListed", "whether tasks are listed that wait", _waiting, "no task waits now"),
    _Assumption(
        Kind.EXPORT,
        "relatedItemsWhileRunning",
        "whether a task tells its files before it ends",
        _related,
        "no export task is being processed now",
    ),
    _Assumption(None, "dryRunCode", "the code of a dry run that passed", _codes, _NO_DRY_RUN),
    _Assumption(
        Kind.EXPORT,
        "dryRunSeesBusyImage",
        "whether a dry run is refused for an image that is being exported",
        _busy,
        "no dry run of an image that is being exported",
    ),
    _Assumption(
        Kind.IMPORT,
        "importingNameCode",
        "the code of a dry run under the name of an image that is being imported",
        _names,
        "no dry run under the name of an image that is being imported",
    ),
    _Assumption(
        Kind.IMPORT,
        "packedRawImports",
        f"whether a {_PACKED} is refused at once; what its task makes of it only an import shows",
        _packed,
        f"no dry run of a {_PACKED} passed, or was refused for its name",
    ),
    _Assumption(
        Kind.IMPORT,
        "importSuffixChecked",
        "whether a file must be named like an image file",
        _suffixes,
        "no dry run of a file that is named otherwise",
    ),
    _Assumption(
        Kind.IMPORT,
        "importContentChecked",
        "whether a dry run looks into the files",
        _contents,
        "no dry run of a file that cannot be imported",
    ),
    _Assumption(
        Kind.IMPORT,
        "importTagsShown",
        "whether an image shows its tags while it is being imported",
        _tags,
        "no image that is being imported shows tags",
    ),
    _Assumption(
        Kind.IMPORT,
        "waitingImportStatus",
        "the status of an image whose import waits",
        _images_of("Waiting"),
        "no import waits now",
    ),
    _Assumption(
        Kind.IMPORT,
        "failedImportLeaves",
        "the image of an import that failed",
        _images_of(FAILED),
        "no import that failed shows its image",
    ),
    _Assumption(
        Kind.IMPORT,
        "cancelledImportLeaves",
        "the image of an import that was cancelled",
        _images_of(DELETED),
        "no import that was cancelled shows its image",
    ),
)


def told(seen: Evidence, kinds: Iterable[Kind]) -> list[Finding]:
    """One finding for each assumption that matters to these directions."""
    meant = {None, *kinds}
    return [_told(each, sorted(set(each.values(seen)))) for each in _ASSUMPTIONS if each.kind in meant]


def _told(each: _Assumption, values: list[str]) -> Finding:
    if not values:
        return finding.unknown(each.name, f"not seen: {each.unseen} ({each.meaning})")
    return finding.note(each.name, f"{', '.join(values)} ({each.meaning})")
