"""The stages in their order: scan, check, render, compare, write; the first three only where something was changed."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import final

import attrs

from eventcore_codegen.built import Built, Rendered
from eventcore_codegen.cache.folder import CacheFolder, open_cache
from eventcore_codegen.cache.runs import Runs
from eventcore_codegen.config import Config
from eventcore_codegen.diagnostics import START, Diagnostic, Severity, sorted_diagnostics
from eventcore_codegen.model import output_name
from eventcore_codegen.progress import Progress
from eventcore_codegen.sources import Sources
from eventcore_codegen.write import CannotWrite, Change, Foreign, Wanted, apply, compare

__all__ = ["CacheFolder", "Outcome", "Rendered", "Stale", "generate", "open_cache"]


@final
@attrs.frozen
class Stale:
    """A generated file that is not as it should be: *kind* is missing, changed or orphaned."""

    path: str
    kind: str
    diff: str


@final
@attrs.frozen
class File:
    """A generated file, and how it was found: *kind* is unchanged, missing, changed, orphaned, or blocked by something that is not ours."""

    path: str
    kind: str


@final
@attrs.frozen
class Outcome:
    """What generating found and did. *followed* are the files that imports led to, below the given paths and beyond. *skipped* modules have
    faults, or need others that have. *written* and *removed* stay empty where it only compared.
    """

    rendered: tuple[Rendered, ...]
    diagnostics: tuple[Diagnostic, ...]
    stale: tuple[Stale, ...]
    files: tuple[File, ...]
    followed: tuple[Path, ...]
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


def generate(
    paths: Iterable[Path],
    *,
    base: Path,
    write: bool,
    cache: CacheFolder | None = None,
    config: Config | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Generate for the files at and below *paths*; without *write*, only say what is stale.

    Faults are shown with paths relative to *base*. Modules with errors are left as they are; the others are written all the same.
    With a *cache* the outcome is the same, sooner.
    """
    paths = tuple(paths)
    config = Config(base) if config is None else config
    sources = Sources(paths, config.excluded)
    built = _build(sources, paths, base, cache, progress)
    rendered = built.rendered
    wanted = [Wanted(item.path, item.text) for item in rendered] + [Wanted(path, None) for path in _orphans(sources, built)]
    compared = [compare(item) for item in wanted]
    changes = [item for item in compared if isinstance(item, Change)]
    origins = {item.path: item.relative for item in rendered}
    foreign = [_foreign(item, origins[item.path], base) for item in compared if isinstance(item, Foreign)]
    failed = [_cannot_write(item, base) for item in (apply(changes) if write else ())]
    done = len(changes) if write and not failed else 0
    removed = sum(change.kind == "orphaned" for change in changes) if done else 0
    return Outcome(
        rendered=rendered,
        diagnostics=sorted_diagnostics(config.weighed([*built.diagnostics, *foreign, *failed])),
        stale=tuple(_stale(change, base) for change in changes),
        files=tuple(
            File(_shown(item.path, base), _kind(found))
            for item, found in sorted(zip(wanted, compared, strict=True), key=lambda pair: pair[0].path)
            if item.text is not None or found is not None
        ),
        followed=sources.followed(built.asked),
        unchanged=sum(item is None for item in compared[: len(rendered)]),
        skipped=built.skipped,
        written=done - removed,
        removed=removed,
    )


def _build(sources: Sources, paths: tuple[Path, ...], base: Path, cache: CacheFolder | None, progress: Progress | None) -> Built:
    runs = None if cache is None else Runs(cache, paths, base)
    recalled = None if runs is None else runs.recall(sources)
    if recalled is not None:
        return recalled
    with _no_collecting():
        from eventcore_codegen.build import build  # noqa: PLC0415  # brings all that parses and renders, which most runs need none of

        built = build(sources, paths, base, cache, progress)
    if runs is not None:
        runs.remember(sources, built)
    return built


@contextlib.contextmanager
def _no_collecting() -> Generator[None]:
    """Let no garbage be collected: nearly everything made here is kept, and looking through it again and again takes a third of the time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _orphans(sources: Sources, built: Built) -> list[Path]:
    """Return where nothing is to be generated: our files below the given paths, and those that belong to them, that no sound source needs.

    What belongs to a module with faults stays: it may be needed again once they are mended.
    """
    candidates = {*sources.generated, *map(_output, sources.searched)}
    return sorted(candidates - built.kept)


def _output(path: Path) -> Path:
    return path.with_name(output_name(path.name))


def _kind(found: Change | Foreign | None) -> str:
    match found:
        case None:
            return "unchanged"
        case Change(kind=kind):
            return kind
        case Foreign():
            return "blocked"


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
