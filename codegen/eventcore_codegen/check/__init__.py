"""The rules, over the model: each finds one kind of fault."""

from __future__ import annotations

from eventcore_codegen.check.run import Checked, check

__all__ = ["Checked", "check"]
