from __future__ import annotations

from eventcore_codegen.diagnostics import Diagnostic
from eventcore_codegen.model import Module, Project
import attrs
from typing import final

@final
@attrs.frozen
class Checked:
    """*diagnostics* of all rules; *sound* are the modules that can be generated."""

    diagnostics: tuple[Diagnostic, ...]
    sound: tuple[Module, ...]


def check(project: Project) -> Checked:
    return Checked((), tuple(m for m in project.modules if m.is_scanned and m.generates))
