"""A mutant as a person reads it, and as docs/mutants.md lists those that survive: where it is, and what became what."""

import ast
import re
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(r"x(?:_|ǁ(?P<owner>\w+?)ǁ)(?P<function>\w+?)__mutmut_(?P<number>\d+)")
"""How mutmut names a mutant (mutmut/mutation/trampoline_templates.py, mangle_function_name)."""
_LIFTED: Final = re.compile(r"(?P<owner>[A-Z_]+)_\d+")
"""A lambda that lift.py made a function of: it is told by the name of the table it stands in."""
_AROUND: Final = 28
"""Characters shown before and after the change: enough to tell most mutants of a function apart."""


@dataclass(frozen=True, slots=True, order=True)
class Mutant:
    """One small fault: in the function `where`, `before` became `after`."""

    where: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"- `{self.before}` → `{self.after}`"


def mutant_of(module: Path, name: str) -> Mutant:
    """The mutant of this name in a module that mutmut has written."""
    found = _NAME.fullmatch(name)
    if not found:
        raise ValueError(f"mutmut names no mutant {name}")
    functions = _functions(module)
    original = functions[name[: -len(found["number"])] + "orig"]
    before, after = _difference(original, functions[name])
    lifted = _LIFTED.fullmatch(found["function"])
    function = lifted["owner"] if lifted else found["function"]
    where = ".".join(part for part in (module.stem, found["owner"], function) if part)
    return Mutant(where, before, after)


@cache
def _functions(module: Path) -> dict[str, str]:
    """The body of each function as one line, by the function's name."""
    nodes = ast.walk(ast.parse(module.read_text(encoding="utf-8")))
    return {node.name: _line(node) for node in nodes if isinstance(node, ast.FunctionDef)}


def _line(function: ast.FunctionDef) -> str:
    """Parameters count: mutmut changes their defaults, too."""
    told = bool(ast.get_docstring(function, clean=False))
    body = "; ".join(ast.unparse(statement) for statement in function.body[told:])
    return " ".join(f"({ast.unparse(function.args)}) {body}".split())


def _difference(before: str, after: str) -> tuple[str, str]:
    """The part in which two lines differ, with a little of what is around it."""
    start = _alike(before, after)
    end = min(_alike(before[::-1], after[::-1]), min(len(before), len(after)) - start)
    first, rest = max(0, start - _AROUND), max(0, end - _AROUND)
    return before[first : len(before) - rest].strip(), after[first : len(after) - rest].strip()


def _alike(one: str, other: str) -> int:
    """How many characters two lines have in common at their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
