"""What single files came to, each with all that it was found out from: after a change, what nothing of it was changed for holds still."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final, final

import attrs

from eventcore_codegen.cache.encoding import Codec
from eventcore_codegen.cache.folder import CacheFolder
from eventcore_codegen.check import Outline
from eventcore_codegen.check.fault import Fault
from eventcore_codegen.check.outline import ForeignType, NamedEvent, NamedState
from eventcore_codegen.diagnostics import Diagnostic, Severity, Span
from eventcore_codegen.model import ClassRef, Ignore, MadeId, StarImport, Unclear
from eventcore_codegen.sources import Json, Questions, Sources

_KIND: Final = "parts"


@final
@attrs.frozen
class Part:
    """What one file came to: it and what it uses of others in outline, and the faults of files that could not be read. *text* is the key of what
    is generated for it, empty as long as that was not asked for.
    """

    outlines: tuple[Outline, ...]
    diagnostics: tuple[Diagnostic, ...]
    asked: Questions
    is_broken: bool
    text: str = ""


_CODEC: Final = Codec(
    [
        Part,
        Outline,
        NamedEvent,
        NamedState,
        ForeignType,
        Fault,
        Diagnostic,
        Severity,
        Span,
        Questions,
        ClassRef,
        MadeId,
        StarImport,
        Unclear,
        Ignore,
    ]
)


@final
class Parts:
    """The parts of the last run over *paths*, with diagnostics relative to *base*."""

    def __init__(self, folder: CacheFolder, sources: Sources, paths: Iterable[Path], base: Path) -> None:
        self._folder = folder
        self._sources = sources
        self._key = folder.key(*(str(path) for path in (base, *paths)))
        stored = folder.get(_KIND, self._key)
        self._stored: dict[str, Json] = stored if isinstance(stored, dict) else {}
        self._kept: dict[str, Json] = {}

    def recall(self, path: Path) -> Part | None:
        """Return what *path* came to, if the disk says the same as then to all that was asked for it."""
        match self._stored.get(str(path)):
            case [str(digest), str(text)]:
                part = _CODEC.decode(text)
                if isinstance(part, Part) and self._sources.digest(path, part.asked) == digest:
                    self._kept[str(path)] = [digest, text]
                    return part
            case _:
                pass
        return None

    def keep(self, path: Path, part: Part) -> None:
        """Keep what *path* came to, for the next run."""
        self._kept[str(path)] = [self._sources.digest(path, part.asked), json.dumps(_CODEC.encode(part), separators=(",", ":"))]

    def save(self) -> None:
        """Write down what was recalled and kept; the rest is of no use any more."""
        if self._kept != self._stored:
            self._folder.put(_KIND, self._key, self._kept)
