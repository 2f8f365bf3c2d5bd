"""Long chains, ``1 + 2 + ...``, ``query.where(...).where(...)...``, taken out of a source: they say nothing about declarations.

libcst nests them, which takes it a time that grows with the square of their length, and then more of the stack than there is; Python does not mind.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, final

from eventcore_codegen.diagnostics import Span
from eventcore_codegen.scan.places import Places
from eventcore_codegen.sources.files import split_lines

_LONG: Final = 200
"""A chain of this many links is parsed in a few milliseconds, and takes as many characters at least."""

_DEEPEST: Final = 2_500
"""Python before 3.12 gives up below 3,000 levels. Its later versions go on, to where libcst takes minutes and then ends the process."""


@final
class NestedTooDeeply(Exception):
    """*node* is where a source goes deeper than libcst may be led."""

    def __init__(self, node: ast.AST) -> None:
        super().__init__()
        self.node: Final = node


def without_chains(text: str, module: ast.Module, places: Places) -> str:
    """Return *text*, which *module* was parsed from, with a zero in the place of each long chain; everything else stays where it is.

    Raises `NestedTooDeeply`, for what is no such chain.
    """
    spans = [places.span(chain) for chain in _long_chains(module)]
    if not spans:
        return text
    lines = list(split_lines(text))
    for span in spans:
        _blank(lines, span)
    return "\n".join(lines)


def refuse_depth(expression: ast.Expression) -> None:
    """Raise `NestedTooDeeply` for an expression that libcst may not be given."""
    for _ in _long_chains(expression):
        pass


def _long_chains(module: ast.mod) -> Iterator[ast.expr]:
    waiting: list[tuple[ast.AST, int]] = [(module, 0)]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, ast.expr) and _is_short(node):
            continue
        if isinstance(node, ast.expr) and _links(node) > _LONG:
            yield node
        elif depth > _DEEPEST and isinstance(node, ast.expr | ast.stmt):  # the others are nowhere
            raise NestedTooDeeply(node)
        else:
            waiting.extend((child, depth + 1) for child in ast.iter_child_nodes(node))


def _links(node: ast.expr) -> int:
    """Return how many links a chain has, texts that are joined by standing in a line each among them. A union is none: all of its members count."""
    number = 0
    while True:
        match node:
            case ast.BinOp(op=ast.BitOr()):
                return number
            case ast.BinOp(left=first) | ast.Call(func=first) | ast.Attribute(value=first) | ast.Subscript(value=first):
                number += 1
            case ast.BoolOp(values=[first, *others]):
                number += len(others)
            case ast.Constant(lineno=line, end_lineno=int(end_line)):
                return number + end_line - line
            case _:
                return number
        node = first


def _is_short(node: ast.expr) -> bool:
    """Tell whether no long chain can be in an expression. From an f-string nothing is taken out: Python 3.11 does not know the places in it."""
    if isinstance(node, ast.JoinedStr):
        return True
    return node.end_lineno == node.lineno and node.end_col_offset is not None and node.end_col_offset - node.col_offset < _LONG


def _blank(lines: list[str], span: Span) -> None:
    for number in range(span.line, span.end_line + 1):
        line = lines[number - 1]
        kept = f"{line[: span.column - 1]}0" if number == span.line else ""
        last = number == span.end_line
        # A text in quotes goes over lines without brackets.
        lines[number - 1] = kept.ljust(span.end_column - 1) + line[span.end_column - 1 :] if last else f"{kept} \\"
