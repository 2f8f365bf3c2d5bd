"""Parsed files by their text."""

from __future__ import annotations

from typing import Final, final

import attrs

from eventcore_codegen.cache.encoding import Codec
from eventcore_codegen.cache.folder import CacheFolder
from eventcore_codegen.diagnostics import Span
from eventcore_codegen.scan import syntax
from eventcore_codegen.scan.reading import parse_source
from eventcore_codegen.scan.syntax import ModuleSyntax, SyntaxFault

_KIND: Final = "syntax"

SYNTAX: Final = Codec([Span, *(value for value in vars(syntax).values() if isinstance(value, type) and attrs.has(value))])
"""All that a parsed file is made of."""


@final
class Syntaxes:
    """Reads source texts as `parse_source` does, those that are known without parsing them."""

    def __init__(self, folder: CacheFolder) -> None:
        self._folder = folder
        self._used: set[str] = set()
        self._parsed = 0

    def read(self, text: str) -> ModuleSyntax | SyntaxFault:
        key = self._folder.key(text)
        self._used.add(key)
        stored = self._folder.text(_KIND, key)
        known = None if stored is None else SYNTAX.decode(stored)
        if isinstance(known, ModuleSyntax | SyntaxFault):
            return known
        found = parse_source(text)
        self._parsed += 1
        self._folder.put(_KIND, key, SYNTAX.encode(found))
        return found

    def trim(self, files: int) -> None:
        """Forget what has long not been used, as there are so many *files*. Only after something new was kept: otherwise nothing grew."""
        if self._parsed:
            self._folder.trim(_KIND, self._used, files)
