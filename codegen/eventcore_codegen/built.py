"""What generating makes of the sources, before it is compared with what lies there."""

from __future__ import annotations

from pathlib import Path
from typing import final

import attrs

from eventcore_codegen.diagnostics import Diagnostic


@final
@attrs.frozen
class Rendered:
    """A generated module: where it belongs, and all of its text."""

    path: Path
    relative: str
    text: str


@final
@attrs.frozen
class Built:
    """*kept* are generated files that stay as they are, since their sources have faults; *skipped* is how many modules have."""

    rendered: tuple[Rendered, ...]
    diagnostics: tuple[Diagnostic, ...]
    kept: frozenset[Path]
    skipped: int
