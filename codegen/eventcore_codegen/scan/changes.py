"""What a statement changes when its module is imported, besides binding names: an item of a table, a function that others are registered with.

It errs to the safe side: a method that is called may change its object, and a function what its body names.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import TypeAlias, final

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@final
class Changes:
    """*body* is that of a module."""

    def __init__(self, body: Sequence[ast.stmt]) -> None:
        nodes = [node for statement in body for node in _running(statement)]
        self._functions = {node.name: node for node in nodes if isinstance(node, _Function)}
        self._imported = {
            alias.asname or alias.name.partition(".")[0] for node in nodes if isinstance(node, ast.Import) for alias in node.names
        }
        self._values = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}

    def by(self, statement: ast.stmt) -> Iterator[str]:
        """Yield the names at module level of what *statement* may change."""
        for node in _running(statement):
            match node:
                case ast.Attribute(value=value, ctx=ast.Store() | ast.Del()) | ast.Subscript(value=value, ctx=ast.Store() | ast.Del()):
                    yield from _root(value)
                case ast.Call(func=called, args=arguments, keywords=keywords):
                    yield from self._by_call(called)
                    given = (*arguments, *(keyword.value for keyword in keywords))
                    yield from (name for argument in given for name in _names(argument) if name in self._values)
                case (
                    ast.FunctionDef(decorator_list=decorators)
                    | ast.AsyncFunctionDef(decorator_list=decorators)
                    | ast.ClassDef(decorator_list=decorators)
                ):
                    for decorator in decorators:
                        yield from self._by_call(decorator)
                case _:
                    pass

    def _by_call(self, called: ast.expr) -> Iterator[str]:
        """Yield what calling a function or a method may change: the function's tables, the method's object."""
        for name in _root(called):
            if name in self._functions:
                yield from self._tables(name)
            if isinstance(called, ast.Attribute) and name not in self._imported:
                yield name

    def _tables(self, function: str) -> Iterator[str]:
        """Yield the values that a function of the module names, by itself or through others that it calls."""
        waiting, seen = [function], {function}
        while waiting:
            for name in _names(self._functions[waiting.pop()]):
                if name in self._values:
                    yield name
                if name in self._functions and name not in seen:
                    seen.add(name)
                    waiting.append(name)


def _running(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield what is run when a statement at module level is: not the bodies of functions, nor annotations."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                waiting += [
                    *node.decorator_list,
                    *node.args.defaults,
                    *(default for default in node.args.kw_defaults if default is not None),
                ]
            case ast.Lambda():
                pass
            case ast.AnnAssign(target=target, value=value):
                waiting += [target] if value is None else [target, value]
            case _:
                waiting.extend(ast.iter_child_nodes(node))


def _root(node: ast.expr) -> Iterator[str]:
    """Yield ``a`` for ``a.b[0].c(1).d``."""
    while not isinstance(node, ast.Name):
        match node:
            case ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.Call(func=inner):
                node = inner
            case _:
                return
    yield node.id


def _names(node: ast.AST) -> Iterator[str]:
    return (inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))
