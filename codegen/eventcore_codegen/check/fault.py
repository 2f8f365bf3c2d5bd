"""What a rule finds, before it is known in which file."""

from __future__ import annotations

from typing import final

import attrs

from eventcore_codegen.diagnostics import Span


@final
@attrs.frozen
class Fault:
    code: str
    span: Span
    message: str
    help: str
