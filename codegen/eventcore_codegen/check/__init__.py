"""The rules, over the model: each finds one kind of fault."""

from __future__ import annotations

from eventcore_codegen.check.outline import Outline
from eventcore_codegen.check.run import Judged, check, judge, outlines

__all__ = ["Judged", "Outline", "check", "judge", "outlines"]
