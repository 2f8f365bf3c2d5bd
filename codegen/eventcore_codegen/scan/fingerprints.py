"""What a folded state depends on: a digest of the source of a state class and of everything in its module that it reaches by name.

It is what makes an old snapshot invalid, so it errs to the safe side: it is taken of the text, comments and layout included, and a name
counts wherever it stands. What is reached may be changed by a statement that nothing names (``RATES["x"] = 2``, ``@fold.register``): such
statements count, too. It ends at the module: of what is imported, it sees the import alone.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from eventcore_codegen.scan.changes import Changes

_SNAPSHOTS: Final = "snapshot_every"
_DIGITS: Final = 16


def fingerprints(module: ast.Module, lines: Sequence[str]) -> Mapping[str, str]:
    """Return the fingerprint of every class that asks for snapshots, by qualified name. *lines* are those of the source."""
    if not any(_SNAPSHOTS in line for line in lines):
        return {}
    bound: dict[str, list[int]] = {}
    for index, statement in enumerate(module.body):
        for name in _bound(statement):
            bound.setdefault(name, []).append(index)
    changed = Changes(module.body)
    for index, statement in enumerate(module.body):
        for name in changed.by(statement):
            bound.setdefault(name, []).append(index)
    return {
        qualname: _digest(module.body, _reached(module.body, index, bound), lines)
        for index, statement in enumerate(module.body)
        for qualname, cls in _classes(statement, "")
        if any(_asks_for_snapshots(decorator) for decorator in cls.decorator_list)
    }


def _asks_for_snapshots(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and any(keyword.arg in {_SNAPSHOTS, None} for keyword in decorator.keywords)


def _classes(node: ast.AST, outer: str) -> Iterator[tuple[str, ast.ClassDef]]:
    if isinstance(node, ast.ClassDef):
        outer = f"{outer}.{node.name}" if outer else node.name
        yield outer, node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _classes(child, outer)


def _bound(statement: ast.stmt) -> Iterator[str]:
    """Return the names that a statement at module level may bind. A star may bind any: `*` stands for it."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
        return
    for node in ast.walk(statement):
        match node:
            case (
                ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name)
            ):
                yield name
            case ast.alias(name=name, asname=other):
                yield other or name.partition(".")[0]
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                yield name
            case _:
                pass


def _reached(body: Sequence[ast.stmt], start: int, bound: Mapping[str, Sequence[int]]) -> list[int]:
    """Return the statements that the one at *start* reaches, itself included, in the order of the source."""
    seen = {start, *bound.get("*", ())}
    waiting = list(seen)
    while waiting:
        for name in _names(body[waiting.pop()]):
            for index in bound.get(name, ()):
                if index not in seen:
                    seen.add(index)
                    waiting.append(index)
    return sorted(seen)


def _names(statement: ast.stmt) -> Iterator[str]:
    """Return the names that a statement uses, those within quoted annotations too: any text counts that is an expression."""
    for node in ast.walk(statement):
        match node:
            case ast.Name(id=name):
                yield name
            case ast.Constant(value=str(text)) if len(text) < 200:
                yield from _names_in_text(text)
            case _:
                pass


def _names_in_text(text: str) -> Iterator[str]:
    word = ""
    for character in f"{text} ":
        if character.isalnum() or character == "_":
            word += character
        else:
            if word:
                yield word
            word = ""


def _digest(body: Sequence[ast.stmt], reached: Sequence[int], lines: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for index in reached:
        statement = body[index]
        decorators: Sequence[ast.expr] = getattr(statement, "decorator_list", ())
        first = min([statement.lineno, *(decorator.lineno for decorator in decorators)])
        text = "\n".join(line.rstrip() for line in lines[first - 1 : statement.end_lineno])
        digest.update(f"{len(text)}:{text}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:_DIGITS]
