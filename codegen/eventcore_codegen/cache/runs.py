"""Whole runs by what they were asked, with all that they saw of the disk: one that would see the same again need not be done again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final, final

from eventcore_codegen.built import Built, Rendered
from eventcore_codegen.cache.folder import CacheFolder
from eventcore_codegen.diagnostics import Diagnostic, Severity, Span
from eventcore_codegen.sources import Json, Questions, Sources

_KIND: Final = "runs"


@final
class Runs:
    """The last run over *paths*, with diagnostics relative to *base*."""

    def __init__(self, folder: CacheFolder, paths: Iterable[Path], base: Path) -> None:
        self._folder = folder
        self._key = folder.key(*(str(path) for path in (base, *paths)))

    def recall(self, sources: Sources) -> Built | None:
        """Return what the last run made, if *sources* are as it saw them and its files lie where they belong.

        Their text is not kept twice: it is read from where it was written, and a file that was changed since is made again.
        """
        match self._folder.get(_KIND, self._key):
            case {
                "answers": dict(answers),
                "diagnostics": list(diagnostics),
                "files": list(files),
                "kept": list(kept),
                "skipped": int(skipped),
            }:
                if not sources.confirms(answers):
                    return None
                rendered = [_recalled(file) for file in files]
                if None in rendered:
                    return None
                return Built(
                    tuple(file for file in rendered if file is not None),
                    tuple(map(_diagnostic, diagnostics)),
                    frozenset(Path(str(path)) for path in kept),
                    skipped,
                    _asked(answers),
                )
            case _:
                return None

    def remember(self, sources: Sources, built: Built) -> None:
        """Keep what was *built* from *sources*."""
        value: dict[str, Json] = {
            "answers": sources.answers(built.asked),
            "diagnostics": [_stored(diagnostic) for diagnostic in built.diagnostics],
            "files": [[str(file.path), file.relative, _digest(file.text)] for file in built.rendered],
            "kept": [str(path) for path in sorted(built.kept)],
            "skipped": built.skipped,
        }
        self._folder.put(_KIND, self._key, value)


def _asked(answers: dict[str, Json]) -> Questions:
    match answers:
        case {"modules": list(modules), "folders": dict(folders)}:
            return Questions(frozenset(map(_name, modules)), frozenset(folders))
        case _:
            raise ValueError(f"{answers!r} are no answers")


def _name(answer: Json) -> tuple[str, str]:
    match answer:
        case [str(root), str(name), _]:
            return root, name
        case _:
            raise ValueError(f"{answer!r} is no answer about a module")


def _recalled(file: Json) -> Rendered | None:
    match file:
        case [str(path), str(relative), str(digest)]:
            try:
                text = Path(path).read_bytes().decode()
            except (OSError, UnicodeDecodeError):
                return None
            return Rendered(Path(path), relative, text) if _digest(text) == digest else None
        case _:
            return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _stored(diagnostic: Diagnostic) -> Json:
    span = diagnostic.span
    place: list[Json] = [span.line, span.column, span.end_line, span.end_column]
    severity = diagnostic.severity.value
    return [diagnostic.code, severity, diagnostic.path, place, diagnostic.message, diagnostic.help, diagnostic.line_text]


def _diagnostic(stored: Json) -> Diagnostic:
    match stored:
        case [
            str(code),
            str(severity),
            str(path),
            [int(line), int(column), int(end_line), int(end_column)],
            str(message),
            str(help_),
            str(line_text),
        ]:
            return Diagnostic(code, Severity(severity), path, Span(line, column, end_line, end_column), message, help_, line_text)
        case _:
            raise ValueError(f"{stored!r} is no stored diagnostic")
