"""Scan, check, render: a function of the sources alone."""

from __future__ import annotations

import itertools
from pathlib import Path

from eventcore_codegen.built import Built, Rendered
from eventcore_codegen.cache.folder import CacheFolder
from eventcore_codegen.cache.renderings import Renderings
from eventcore_codegen.cache.syntaxes import Syntaxes
from eventcore_codegen.check import check
from eventcore_codegen.model import output_name
from eventcore_codegen.output import excerpt
from eventcore_codegen.progress import Progress
from eventcore_codegen.render import render
from eventcore_codegen.scan import scan_sources
from eventcore_codegen.scan.reading import Reader, parse_source
from eventcore_codegen.scan.syntax import ModuleSyntax, SyntaxFault
from eventcore_codegen.sources import Sources


def build(sources: Sources, base: Path, cache: CacheFolder | None = None, progress: Progress | None = None) -> Built:
    """Make everything that is generated from *sources*. What the *cache* knows is not parsed or rendered again. *progress* hears of each file."""
    syntaxes = None if cache is None else Syntaxes(cache)
    scanned = scan_sources(sources, base, _counted(parse_source if syntaxes is None else syntaxes.read, sources, progress))
    checked = check(scanned.project)
    texts = None if cache is None else Renderings(cache)
    text = render if texts is None else texts.text
    rendered = tuple(
        Rendered(module.source.output, module.source.relative, text(excerpt(module, scanned.project))) for module in checked.sound
    )
    for kept in (syntaxes, texts):
        if kept is not None:
            kept.trim()
    declaring = [module for module in scanned.project.modules if module.generates]
    broken = {path.with_name(output_name(path.name)) for path in scanned.broken}
    return Built(
        rendered=rendered,
        diagnostics=(*scanned.diagnostics, *checked.diagnostics),
        kept=frozenset(broken | {module.source.output for module in declaring}),
        skipped=sum(module.is_scanned for module in declaring) - len(rendered),
    )


def _counted(read: Reader, sources: Sources, progress: Progress | None) -> Reader:
    if progress is None:
        return read
    total = len(sources.searched) - len(sources.generated)
    numbers = itertools.count(1)

    def counting(text: str) -> ModuleSyntax | SyntaxFault:
        # Followed files beyond the given paths are read too; nobody knows how many there will be.
        done = next(numbers)
        progress(done, max(done, total))
        return read(text)

    return counting
