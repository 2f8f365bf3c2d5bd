"""What functions at module level call for their answers, read from Python's own syntax tree: ``stream`` where one says ``return stream()``."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from eventcore_codegen.scan.places import Places
from eventcore_codegen.scan.syntax import Name

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def answers(module: ast.Module, places: Places) -> Mapping[str, tuple[Name, ...]]:
    """Return the names of what is called anywhere in what a function returns, and in what the names in that were bound to before."""
    found: dict[str, tuple[Name, ...]] = {}
    for function in _statements(module.body):
        if isinstance(function, _Function):
            called = (call.func for value in _returned(function) for call in ast.walk(value) if isinstance(call, ast.Call))
            names = (Name(ast.unparse(node), places.span(node)) for node in called if _is_dotted(node))
            found[function.name] = (*found.get(function.name, ()), *names)
    return found


def _returned(function: _Function) -> Iterator[ast.expr]:
    known: set[str] = set()
    # From its end: what is bound there may be bound to what was bound before.
    for statement in reversed(list(_statements(function.body))):
        match statement:
            case ast.Return(value=ast.expr() as value):
                pass
            case ast.Assign(targets=targets, value=value) if any(known & _names(target) for target in targets):
                pass
            case ast.AnnAssign(target=target, value=ast.expr() as value) if known & _names(target):
                pass
            case _:
                continue
        known |= _names(value)
        yield value


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of one scope in the order of the source."""
    waiting: list[ast.AST] = list(reversed(body))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, (*_SCOPES, ast.expr)):
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))


def _names(node: ast.expr) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _is_dotted(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)
