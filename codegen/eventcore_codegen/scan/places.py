"""Places in Python's own syntax tree, which counts bytes, as the places of diagnostics, which count characters."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import final

import attrs

from eventcore_codegen.diagnostics import START, Span


@final
@attrs.frozen
class Places:
    lines: Sequence[str]

    def span(self, node: ast.AST) -> Span:
        if not isinstance(node, ast.expr | ast.stmt) or node.end_lineno is None or node.end_col_offset is None:
            return START
        return Span(
            node.lineno, self._column(node.lineno, node.col_offset), node.end_lineno, self._column(node.end_lineno, node.end_col_offset)
        )

    def _column(self, line: int, offset: int) -> int:
        text = self.lines[line - 1]
        return 1 + (offset if text.isascii() else len(text.encode()[:offset].decode(errors="ignore")))
