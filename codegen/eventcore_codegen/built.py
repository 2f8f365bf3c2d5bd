"""What generating makes of the sources, before it is compared with what lies there."""

from __future__ import annotations

from pathlib import Path
from typing import final

import attrs

from eventcore_codegen.diagnostics import Diagnostic
from eventcore_codegen.sources import Questions


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
    """*kept* are generated files that stay as they are, since their sources have faults; *skipped* is how many modules have. *asked* is what had to
    be asked of the disk to find all this.
    """

    rendered: tuple[Rendered, ...]
    diagnostics: tuple[Diagnostic, ...]
    kept: frozenset[Path]
    skipped: int
    asked: Questions
