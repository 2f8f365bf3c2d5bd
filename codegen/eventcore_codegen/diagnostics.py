"""Faults in a user's source, as values: found anywhere, collected, sorted, and printed all at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final, final

import attrs

_TAB: Final = 4


@final
class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


@final
@attrs.frozen(order=True)
class Span:
    """A range of one file: lines and columns count from 1, columns in characters; the end column is the first one outside."""

    line: int
    column: int
    end_line: int
    end_column: int


START: Final = Span(1, 1, 1, 1)

CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "EC101": "a command without a stream field",
        "EC102": "a stream field that is no StreamId, or a discovered() field that is no Discovered",
        "EC103": "an unknown state or event",
        "EC104": "an ambiguous name",
        "EC105": "a state without `apply`",
        "EC106": "an `apply` that does not name its events",
        "EC107": "a name that is needed at run time, imported under TYPE_CHECKING only",
        "EC108": "a command without `handle`",
        "EC109": "a `handle` with wrong parameters",
        "EC110": "a `handle` annotated with types that belong to something else",
        "EC111": "a `handle` that is an async generator",
        "EC112": "two events stored under one name",
        "EC113": "two commands or states of one name",
        "EC114": "a field that hides a generated member",
        "EC115": "a mutable field of an event or a state",
        "EC116": "a command that folds in two ways",
        "EC117": "a file that is no Python",
        "EC118": "a declaration inside of a function",
        "EC119": "a file of the user's where a generated one belongs",
        "EC120": "a path that cannot be read",
        "EC121": "a command that inherits from a command",
        "EC122": "a stream whose state is no @state class",
        "EC123": "something among events that is no @event class",
        "EC124": "an event whose name or version is no literal",
        "EC125": "an `initial` whose return type cannot be read",
        "EC126": "a file whose name cannot be imported",
        "EC127": "a generated file that cannot be written",
        "EC128": "a `read_only=` that is no literal",
        "EC129": "a generic event",
        "EC130": "a private name that generated code has to import",
        "EC131": "an `apply` with wrong parameters",
        "EC132": "a stream field whose value is no plain call of `stream()`",
        "EC133": "a field of a state without a default",
        "EC201": "an `import *` that hides where a name comes from",
        "EC202": "a writable stream that is never written",
        "EC203": "a method that is run again, and reads what changes in between",
        "EC204": "a `handle` that awaits a foreign call",
        "EC205": "two states of which the streams' ids cannot be told apart",
        "EC206": "a stream's id that is computed in two ways",
        "EC207": "a discovered() field without a resolver",
        "EC208": "a comment that suppresses nothing",
        "EC209": "a folder that is used as a package, and has no `__init__.py`",
    }
)
"""Every code, and what it stands for."""


def default_severity(code: str) -> Severity:
    """Return what a code is unless a project says otherwise. Generated code is right in spite of warnings, and not where there are errors."""
    return Severity.WARNING if code.startswith("EC2") else Severity.ERROR


@final
@attrs.frozen
class Diagnostic:
    """One fault. *line_text* is the source line where it begins, *path* how the user would write the file's path."""

    code: str
    severity: Severity
    path: str
    span: Span
    message: str
    help: str = ""
    line_text: str = ""

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR

    def __str__(self) -> str:
        """Return ``path:line:col: EC104 error: message``, the source line, carets, and the help."""
        head = f"{self.path}:{self.span.line}:{self.span.column}: {self.code} {self.severity.value}: {self.message}"
        help_line = [f"help: {self.help}"] if self.help else []
        return "\n".join([head, *self._excerpt(), *help_line])

    def _excerpt(self) -> list[str]:
        if not self.line_text.strip():
            return []
        start = self.span.column - 1
        end = self.span.end_column - 1 if self.span.end_line == self.span.line else len(self.line_text)
        before = _width(self.line_text[:start])
        carets = max(1, _width(self.line_text[: max(end, start)].rstrip()) - before)
        return [f"    {self.line_text.expandtabs(_TAB).rstrip()}", f"    {' ' * before}{'^' * carets}"]


def sorted_diagnostics(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return each diagnostic once, by path and place."""
    return tuple(sorted(set(diagnostics), key=lambda fault: (fault.path, fault.span, fault.code, fault.message)))


def _width(text: str) -> int:
    """Return how many terminal cells *text* takes."""
    return sum(_cells(character) for character in text.expandtabs(_TAB))


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
