"""From paths to an atlas, as a project's settings say and with what its cache knows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import final

import attrs

from eventcore_codegen.atlas.chart import chart
from eventcore_codegen.atlas.values import Atlas
from eventcore_codegen.cache.folder import CacheFolder, open_cache
from eventcore_codegen.cache.syntaxes import Syntaxes
from eventcore_codegen.check import check
from eventcore_codegen.config import Config, settings
from eventcore_codegen.diagnostics import Diagnostic, sorted_diagnostics
from eventcore_codegen.scan import scan_sources
from eventcore_codegen.scan.reading import parse_source
from eventcore_codegen.sources import Sources


@final
@attrs.frozen
class Reading:
    """What was read, and all faults on the way. What is sound is in the atlas, whatever else is faulty."""

    atlas: Atlas
    diagnostics: tuple[Diagnostic, ...]

    @property
    def has_errors(self) -> bool:
        return any(diagnostic.is_error for diagnostic in self.diagnostics)


def read_project(paths: Iterable[Path], *, base: Path, cached: bool) -> Reading:
    """Read the files at and below *paths*, the project's own sources if there are none, as its settings say. Raises CannotBegin."""
    paths = tuple(paths)
    config = settings(paths, base)
    return read(paths or config.sources, base=base, config=config, cache=open_cache(config.root) if cached else None)


def read(paths: Iterable[Path], *, base: Path, config: Config | None = None, cache: CacheFolder | None = None) -> Reading:
    """Read the files at and below *paths*. Places are shown relative to *base*. What the *cache* knows is not parsed again."""
    config = Config(base) if config is None else config
    sources = Sources(paths, config.excluded)
    syntaxes = None if cache is None else Syntaxes(cache)
    scanned = scan_sources(sources, base, parse_source if syntaxes is None else syntaxes.read)
    if syntaxes is not None:
        syntaxes.trim(len(sources.searched))
    found = [*scanned.diagnostics, *check(scanned.projects)]
    return Reading(chart(scanned, base), sorted_diagnostics(config.weighed(found)))
