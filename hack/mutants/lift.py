"""Source in the form in which mutmut sees all of it.

mutmut mutates the bodies of plain functions and passes over the rest: decorated functions (every property) and what stands
at the level of the module (the rows of the decision's tables). Both are rewritten here as plain functions of the same meaning.
"""

import ast
from collections.abc import Iterator
from typing import Final

_LEFT_TO_MUTMUT: Final = frozenset({"classmethod", "staticmethod"})


def lifted(source: str) -> str:
    """The module `source` with nothing decorated but classes, and no lambda outside of a function. Comments are lost."""
    module = ast.parse(source)
    module.body = list(_statements(module.body))
    return ast.unparse(ast.fix_missing_locations(module)) + "\n"


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        match statement:
            case ast.FunctionDef():
                yield from _undecorated(statement)
            case ast.ClassDef():
                statement.body = list(_statements(statement.body))
                yield statement
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                lambdas = _Lambdas(name)
                changed = lambdas.visit(statement)
                yield from lambdas.functions
                yield changed
            case _:
                yield statement


def _undecorated(function: ast.FunctionDef) -> Iterator[ast.stmt]:
    """The function, and below it the decorators as calls: `name = property(name)`."""
    decorators = function.decorator_list
    if any(isinstance(each, ast.Name) and each.id in _LEFT_TO_MUTMUT for each in decorators):
        yield function
        return
    function.decorator_list = []
    yield function
    for decorator in reversed(decorators):
        call = ast.Call(decorator, [ast.Name(function.name, ast.Load())], [])
        yield ast.Assign([ast.Name(function.name, ast.Store())], call)


class _Lambdas(ast.NodeTransformer):
    """Puts a function's name in the place of each lambda. The answer takes a name first: mutmut takes values from names."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self.functions: list[ast.FunctionDef] = []

    def visit_Lambda(self, node: ast.Lambda) -> ast.Name:
        """The name of a function that answers the same."""
        name = f"{self._owner}_{len(self.functions) + 1}"
        body: list[ast.stmt] = [
            ast.Assign([ast.Name("answer", ast.Store())], node.body),
            ast.Return(ast.Name("answer", ast.Load())),
        ]
        self.functions.append(ast.FunctionDef(name, node.args, body, []))
        return ast.Name(name, ast.Load())
