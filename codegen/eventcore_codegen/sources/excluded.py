"""Which files and folders a project leaves out."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Final, final

import attrs

_PIECES: Final = re.compile(r"\*\*/|\*\*|\*|\?")
_UNCALLED: Final = "\0" * 256
"""A name that no file has."""

_MEANING: Final = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@final
@attrs.frozen(slots=False)
class Excluded:
    """Patterns as in a .gitignore: one without a slash holds at any depth, others from *root* on; what is below a folder goes with it."""

    root: Path
    patterns: tuple[str, ...] = ()

    def __call__(self, path: Path) -> bool:
        if not self.patterns or not path.is_relative_to(self.root):
            return False
        return self._expression.fullmatch(path.relative_to(self.root).as_posix()) is not None

    def below(self, folder: Path) -> Excluded:
        """Return what is left out below a *folder* that was named: what excludes all that is in it does not hold there."""
        return attrs.evolve(self, patterns=tuple(one for one in self.patterns if not Excluded(self.root, (one,))(folder / _UNCALLED)))

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        return re.compile("|".join(f"(?:{_translated(pattern)})(?:/.*)?" for pattern in self.patterns))


def _translated(pattern: str) -> str:
    stripped = pattern.removeprefix("./").rstrip("/")
    anywhere = "/" not in stripped
    stripped = stripped.removeprefix("/")
    pieces: list[str] = []
    end = 0
    for found in _PIECES.finditer(stripped):
        pieces += [re.escape(stripped[end : found.start()]), _MEANING[found.group()]]
        end = found.end()
    return ("(?:.*/)?" if anywhere else "") + "".join(pieces) + re.escape(stripped[end:])
