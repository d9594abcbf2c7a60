"""How findings are shown: lines for eyes, or JSON lines. What a finding says is not decided here."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from imageferry.clouds.finding import Finding

_VERDICT_WIDTH: Final = 8
_SUBJECT_WIDTH: Final = 26


@dataclass(frozen=True, slots=True)
class Group:
    """The findings about one object; `title` is its kind and name."""

    title: str
    findings: Sequence[Finding]


def lines(groups: Sequence[Group]) -> Iterator[str]:
    """For eyes: a title, its findings one to a line, and below what is not in order its remedy."""
    for group in groups:
        yield _printable(group.title)
        for each in group.findings:
            yield _printable(f"  {each.verdict:<{_VERDICT_WIDTH}} {each.subject:<{_SUBJECT_WIDTH}} {each.text}")
            yield from (_printable(f"{'':>{_VERDICT_WIDTH + 3}}| {line}") for line in each.remedy.split("\n") if line)
        yield ""
    count = sum(each.missing for group in groups for each in group.findings)
    yield f"{count} missing" if count else "nothing is missing"


def json_lines(groups: Sequence[Group]) -> Iterator[str]:
    """For programs: one object for each finding."""
    for group in groups:
        for each in group.findings:
            yield json.dumps(
                {
                    "object": group.title,
                    "verdict": each.verdict,
                    "subject": each.subject,
                    "text": each.text,
                    "remedy": each.remedy,
                }
            )


def _printable(line: str) -> str:
    """Names come from objects that anyone may have written: none of them speaks to the terminal."""
    return "".join(each if each.isprintable() else "?" for each in line)
