"""The names in a class that nothing but an annotated assignment gives a value, read from Python's own syntax tree.

Where a reading would be a guess, as under a condition, a name counts as one that something else gives a value.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping


def annotated_only(module: ast.Module) -> Mapping[str, frozenset[str]]:
    """Return these names for every class at module level or in another class, by qualified name; of classes of one name, what holds for all."""
    found: dict[str, frozenset[str]] = {}
    for qualname, cls in _classes(module.body, ""):
        names = _of_class(cls)
        found[qualname] = found.get(qualname, names) & names
    return found


def _classes(body: list[ast.stmt], outer: str) -> Iterator[tuple[str, ast.ClassDef]]:
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            qualname = f"{outer}.{statement.name}" if outer else statement.name
            yield qualname, statement
            yield from _classes(statement.body, qualname)


def _of_class(cls: ast.ClassDef) -> frozenset[str]:
    annotated: set[str] = set()
    bound: set[str] = set()
    for statement in cls.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)):
                annotated.add(name)
                bound |= _bound([] if statement.value is None else [statement.value])
            case _:
                bound |= _bound([statement])
    return frozenset(annotated - bound)


def _bound(nodes: list[ast.AST] | list[ast.expr] | list[ast.stmt]) -> set[str]:
    """Return the names that the scope of the class gets from *nodes*, or that a decorator may give a default."""
    names: set[str] = set()
    waiting: list[ast.AST] = list(nodes)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
                names |= {inner.id for part in node.decorator_list for inner in ast.walk(part) if isinstance(inner, ast.Name)}
                continue
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names.add(name)
            case ast.alias(name=name, asname=other):
                names.add(other or name.partition(".")[0])
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                names.add(name)
            case ast.MatchMapping(rest=str(name)):
                names.add(name)
            case _:
                pass
        waiting.extend(ast.iter_child_nodes(node))
    return names
