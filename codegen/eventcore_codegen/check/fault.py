"""What a rule finds, before it is known in which file."""

from __future__ import annotations

from typing import final

import attrs

from eventcore_codegen.diagnostics import Diagnostic, Span, default_severity
from eventcore_codegen.model import Source


@final
@attrs.frozen
class Fault:
    code: str
    span: Span
    message: str
    help: str

    def within(self, source: Source) -> Diagnostic:
        return Diagnostic(
            self.code, default_severity(self.code), source.shown, self.span, self.message, self.help, source.line(self.span.line)
        )
