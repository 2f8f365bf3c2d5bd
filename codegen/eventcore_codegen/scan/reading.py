"""How the rest of `scan` reaches the parser."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from eventcore_codegen.scan.syntax import ModuleSyntax, SyntaxFault

Reader: TypeAlias = Callable[[str], ModuleSyntax | SyntaxFault]


def parse_source(text: str) -> ModuleSyntax | SyntaxFault:
    """Return what *text* says, or what is wrong with it."""
    from eventcore_codegen.scan.parse import parse  # noqa: PLC0415  # libcst takes longer to import than a run without it takes

    return parse(text)
