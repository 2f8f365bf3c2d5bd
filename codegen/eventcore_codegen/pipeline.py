"""The stages in their order: scan, check, render, compare, write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import final

import attrs

from eventcore_codegen.check import check
from eventcore_codegen.diagnostics import START, Diagnostic, Severity, sorted_diagnostics
from eventcore_codegen.model import output_name
from eventcore_codegen.render import Rendered, Renderer
from eventcore_codegen.scan import Scan, scan
from eventcore_codegen.write import CannotWrite, Change, Foreign, Wanted, apply, compare


@final
@attrs.frozen
class Stale:
    """A generated file that is not as it should be: *kind* is missing, changed or orphaned."""

    path: str
    kind: str
    diff: str


@final
@attrs.frozen
class Outcome:
    """What generating found and did. *skipped* modules have faults, or need others that have. *written* and *removed* stay empty where it
    only compared.
    """

    rendered: tuple[Rendered, ...]
    diagnostics: tuple[Diagnostic, ...]
    stale: tuple[Stale, ...]
    unchanged: int
    skipped: int
    written: int = 0
    removed: int = 0

    @property
    def errors(self) -> int:
        return sum(diagnostic.is_error for diagnostic in self.diagnostics)

    @property
    def warnings(self) -> int:
        return len(self.diagnostics) - self.errors


def generate(paths: Iterable[Path], *, base: Path, write: bool) -> Outcome:
    """Generate for the files at and below *paths*; without *write*, only say what is stale.

    Faults are shown with paths relative to *base*. Modules with errors are left as they are; the others are written all the same.
    """
    scanned = scan(paths, base)
    checked = check(scanned.project)
    renderer = Renderer()
    rendered = tuple(renderer.render(module, scanned.project) for module in checked.sound)
    wanted = [Wanted(item.path, item.text) for item in rendered] + [Wanted(path, None) for path in _orphans(scanned, rendered)]
    compared = [compare(item) for item in wanted]
    changes = [item for item in compared if isinstance(item, Change)]
    sources = {item.path: item.relative for item in rendered}
    foreign = [_foreign(item, sources[item.path], base) for item in compared if isinstance(item, Foreign)]
    failed = [_cannot_write(item, base) for item in (apply(changes) if write else ())]
    done = len(changes) if write and not failed else 0
    removed = sum(change.kind == "orphaned" for change in changes) if done else 0
    return Outcome(
        rendered=rendered,
        diagnostics=sorted_diagnostics([*scanned.diagnostics, *checked.diagnostics, *foreign, *failed]),
        stale=tuple(_stale(change, base) for change in changes),
        unchanged=sum(item is None for item in compared[: len(rendered)]),
        skipped=sum(module.is_scanned and module.generates for module in scanned.project.modules) - len(rendered),
        written=done - removed,
        removed=removed,
    )


def _orphans(scanned: Scan, rendered: Sequence[Rendered]) -> list[Path]:
    """Return where nothing is to be generated: our files below the given paths, and those that belong to them, that no sound source needs.

    What belongs to a module with faults stays: it may be needed again once they are mended.
    """
    kept = {item.path for item in rendered}
    kept |= {_output(path) for path in scanned.broken}
    kept |= {module.source.output for module in scanned.project.modules if module.generates}
    candidates = {*scanned.generated, *map(_output, scanned.searched)}
    return sorted(candidates - kept)


def _output(path: Path) -> Path:
    return path.with_name(output_name(path.name))


def _stale(change: Change, base: Path) -> Stale:
    shown = _shown(change.wanted.path, base)
    return Stale(shown, change.kind, change.diff(shown))


def _foreign(foreign: Foreign, source: str, base: Path) -> Diagnostic:
    return Diagnostic(
        "EC119",
        Severity.ERROR,
        _shown(foreign.path, base),
        START,
        f"the module generated from {source} belongs here, but {foreign.problem}",
        "move or rename the file: it is never overwritten",
    )


def _cannot_write(failure: CannotWrite, base: Path) -> Diagnostic:
    return Diagnostic(
        "EC127", Severity.ERROR, _shown(failure.path, base), START, failure.problem, "nothing is half-written; mend it and generate again"
    )


def _shown(path: Path, base: Path) -> str:
    return (path.relative_to(base) if path.is_relative_to(base) else path).as_posix()
