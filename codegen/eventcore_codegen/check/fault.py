"""What a rule finds, before it is known in which file."""

from __future__ import annotations

from typing import final

import attrs

from eventcore_codegen.diagnostics import Diagnostic, Severity, Span
from eventcore_codegen.model import Source


@final
@attrs.frozen
class Fault:
    code: str
    span: Span
    message: str
    help: str
    severity: Severity = Severity.ERROR

    def within(self, source: Source) -> Diagnostic:
        return Diagnostic(self.code, self.severity, source.shown, self.span, self.message, self.help, source.line(self.span.line))
