"""The Dockerfile, read: its stages, and what a container made by it runs with."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Stage:
    """One FROM and what follows it: instructions with their words, lines joined."""

    base: str
    instructions: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """What stands behind an instruction, each time."""
        return [words for each, words in self.instructions if each == name]

    def one(self, name: str) -> str:
        """The same, where there is exactly one."""
        (words,) = self.all(name)
        return words

    def commands(self) -> list[list[str]]:
        """Every command of every RUN, split as a shell would."""
        return [shlex.split(command) for words in self.all("RUN") for command in words.split("&&")]

    @property
    def environment(self) -> dict[str, str]:
        """What ENV sets."""
        return dict(pair.split("=", 1) for words in self.all("ENV") for pair in shlex.split(words))

    @property
    def entrypoint(self) -> list[str]:
        """The program that runs, in the form that needs no shell."""
        found: list[str] = json.loads(self.one("ENTRYPOINT"))
        return found


def stages() -> list[Stage]:
    """The stages in their order; the last one is the image."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    instructions = [(name, words.strip()) for line in lines if line for name, _, words in [line.partition(" ")]]
    starts = [index for index, (name, _) in enumerate(instructions) if name == "FROM"]
    return [
        Stage(instructions[start][1], tuple(instructions[start + 1 : end]))
        for start, end in zip(starts, [*starts[1:], len(instructions)], strict=True)
    ]
