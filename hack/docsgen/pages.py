"""What each generated page says: decision tables, reasons, error codes and settings, as markdown. Nothing is decided here."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Final

from imageferry.clouds.alibaba import faults as alibaba
from imageferry.clouds.rows import Row, Table
from imageferry.clouds.tencent import faults as tencent
from imageferry.core import decide
from imageferry.core.errors import Blocked, Deferred, Failure, Rejected, Transient
from imageferry.core.reasons import MEANINGS, NOT_YET
from imageferry.settings import WHEN_ABSENT, Settings

DOCS: Final = Path(__file__).parents[2] / "docs"

_MADE: Final = "<!-- Made by `python -m docsgen`; a test compares. Change the code, not this page. -->"

_SETTINGS: Final = (
    "Each setting is a flag of `imageferry run` and an environment variable. The flag wins; an empty variable counts as"
    " unset. Nothing else is configured this way: what differs between two objects or accounts belongs into their specs."
    " Times are in seconds. Settings that contradict each other are refused at the start, with a message that says why."
)


_FAILURES: Final[Mapping[type[Failure], str]] = {
    Transient: "It is tried again, with growing pauses.",
    Deferred: "A quota or a busy image: the object keeps its place in the lane, and it costs no attempt.",
    Blocked: "The world must change, not the object: looked at again slowly, and when spec, account or Secret change.",
    Rejected: "This spec can never work: looked at again when spec or account change.",
}
"""What each class of failure means for the object."""


def decision_tables() -> str:
    """The decision tables, row for row as in core/decide.py."""
    what = (
        "What the operator does next for one object is decided by one pure function out of three things: the job (what the "
        "object asks for), the journal (what its status remembers) and the facts (what account, lane, lease and cloud say "
        "right now). The journal's state chooses a table; in a table the first row that fits wins."
    )
    words = " ".join((decide.__doc__ or "").split("\n\n")[2].split())
    parts = [_MADE, "# The decision", what, words]
    for group in decide.TABLES:
        parts += [f"## {_capital(group.journal)}", _rows(group)]
    return "\n\n".join(parts) + "\n"


def reason_list() -> str:
    """Every reason with its meaning and remedy."""
    rows = [
        (f"`{reason}`", meaning.meaning, meaning.remedy, _capital(meaning.again))
        for reason, meaning in sorted(MEANINGS.items())
    ]
    awaited = ", ".join(f"`{reason}`" for reason in sorted(NOT_YET))
    heads = ("Reason", "What it means", "What to do", "Looked at again")
    words = "Conditions, events and metric labels use these words and no others."
    young = (
        f"What may simply not be there yet ({awaited}) is awaited (Reconciling) until the object is five minutes old, and "
        "stalls it (Stalled) only then: a tool that applies everything at once would give up at the first Stalled."
    )
    parts = [_MADE, "# Reasons", words, table(heads, rows), young]
    return "\n\n".join(parts) + "\n"


def error_codes() -> str:
    """Every documented error code of each cloud: what it means and what is done about it."""
    what = (
        "What the operator makes of a cloud's error codes. The reason is shown in conditions and events "
        "([reasons](reasons.md)), the code itself in `status.lastError` and in the log."
    )
    classes = [(f"`{kind.__name__}`", sentence) for kind, sentence in _FAILURES.items()]
    unknown = (
        "A code that no table names is worth another try (`Transient`, `CloudUnavailable`). As the answer to a submission it "
        "proves that nothing started on Alibaba Cloud if its HTTP status is below 500; on Tencent Cloud, whose status is 200 "
        "whatever happened, it proves nothing. From 500 on, and where an answer is lost or cannot be read, the task *may have "
        "started* whatever the code: then nothing is sent again until a look at the cloud has told. Codes that begin with "
        "`Throttling` (Alibaba Cloud) or `RequestLimitExceeded` (Tencent Cloud) slow the lane's requests down (`Throttled`)."
    )
    parts = [_MADE, "# Error codes", what, table(("Class", "What the operator does"), classes), unknown]
    for cloud, tables in (("Alibaba Cloud", alibaba.TABLES), ("Tencent Cloud", tencent.TABLES)):
        parts.append(f"## {cloud}")
        for group in tables:
            parts += [f"### {_capital(', '.join(group.calls))}", f"Source: <{group.source}>", _codes(group)]
    return "\n\n".join(parts) + "\n"


def setting_list() -> str:
    """Every setting in the order of its field, with what holds where it is not given."""
    rows = [
        (
            f"`{each.name}`",
            f"`IMAGEFERRY_{each.name.upper()}`",
            f"`--{each.name.replace('_', '-')}`",
            _default(each.name, each.default),
            each.metadata["why"],
        )
        for each in fields(Settings)
    ]
    parts = [
        _MADE,
        "# Settings",
        _SETTINGS,
        table(("Setting", "Variable", "Flag", "Default", "Why"), rows),
    ]
    return "\n\n".join(parts) + "\n"


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "decision.md": decision_tables,
    "errors.md": error_codes,
    "reasons.md": reason_list,
    "settings.md": setting_list,
}
"""Each page's file name and what makes its text."""


def write(docs: Path) -> list[Path]:
    """Write every page into the folder; returns the files."""
    docs.mkdir(exist_ok=True)
    files = [docs / name for name in PAGES]
    for file, text in zip(files, PAGES.values(), strict=True):
        file.write_text(text(), encoding="utf-8")
    return files


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A markdown table; a bar inside a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _rows(group: decide.Group) -> str:
    return table(("Facts, in this order", "Step"), [(row.facts, row.step) for row in group.rows])


def _codes(group: Table) -> str:
    """The rows of a table; a code that has a meaning of its own for an HTTP status has one row for each."""
    by_status = {code for code, _ in group.by_status}
    rows = [(code, "", row) for code, row in group.rows.items() if code not in by_status]
    rows += [(code, f" ({status})", row) for (code, status), row in group.by_status.items()]
    heads = ("Code", "Class", "Reason", "May have started", "What it says")
    return table(heads, [_code(code, status, row) for code, status, row in sorted(rows, key=lambda each: each[:2])])


def _code(code: str, status: str, row: Row) -> tuple[str, ...]:
    started = row.started.value.lower()
    return f"`{code}`{status}", f"`{row.kind.__name__}`", f"`{row.reason}`", started, row.text


def _default(name: str, default: object) -> str:
    """The value that holds where none is given, or in words where it is found at the start."""
    if default in ("", ()):
        return WHEN_ABSENT[name]
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
