"""Comments that suppress warnings in their line: ``# eventcore: ignore[EC202]``."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from typing import Final

from eventcore_codegen.diagnostics import Span
from eventcore_codegen.model import Ignore

_COMMENT: Final = re.compile(r"#\s*eventcore:\s*ignore(?P<brackets>\s*\[(?P<codes>[^\]]*)\])?", re.IGNORECASE)


def ignores(text: str) -> Iterator[Ignore]:
    """Yield the comments that suppress; *text* is one that Python takes."""
    if _COMMENT.search(text) is None:
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield from _in_comment(token)


def _in_comment(token: tokenize.TokenInfo) -> Iterator[Ignore]:
    line, column = token.start
    for found in _COMMENT.finditer(token.string):
        codes = tuple(code for part in (found["codes"] or "").split(",") if (code := part.strip()))
        yield Ignore(codes, Span(line, column + 1 + found.start(), line, column + 1 + found.end()))
