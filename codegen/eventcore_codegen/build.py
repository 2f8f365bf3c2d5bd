"""Scan, check, render: a function of the sources alone. What an earlier run found out, and nothing was changed for, is not found out again."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, final

import attrs

from eventcore_codegen.built import Built, Rendered
from eventcore_codegen.cache.folder import CacheFolder
from eventcore_codegen.cache.parts import Part, Parts
from eventcore_codegen.cache.renderings import Renderings
from eventcore_codegen.cache.syntaxes import Syntaxes
from eventcore_codegen.check import Outline, judge, outlines
from eventcore_codegen.model import output_name
from eventcore_codegen.output import Excerpt, excerpt
from eventcore_codegen.progress import Progress
from eventcore_codegen.render import render
from eventcore_codegen.scan import FileScan, Loader, scan_file
from eventcore_codegen.scan.reading import Reader, parse_source
from eventcore_codegen.scan.syntax import ModuleSyntax, SyntaxFault
from eventcore_codegen.sources import Questions, Sources, UnreadableFile, files


def build(sources: Sources, paths: Iterable[Path], base: Path, cache: CacheFolder | None = None, progress: Progress | None = None) -> Built:
    """Make everything that is generated from *sources*, which are those at and below *paths*. *progress* hears of each file that is parsed."""
    work = _Work(sources, base, progress) if cache is None else _RememberedWork(sources, base, progress, cache, paths)
    parts = {path: work.part(path) for path in sources.declaring}
    judged = judge((outline for part in parts.values() for outline in part.outlines), _Lines(sources).line)
    rendered = tuple(_rendered(Path(item.path), item, work, parts) for item in judged.sound)
    work.end(len(parts))
    declaring = [outline for outline in judged.outlines if outline.generated]
    broken = [path for path, part in parts.items() if part.is_broken]
    broken += [fault.path for fault in sources.unreadable()]
    return Built(
        rendered=rendered,
        diagnostics=(*work.loader.first_faults(), *(fault for part in parts.values() for fault in part.diagnostics), *judged.diagnostics),
        kept=frozenset(_output(path) for path in (*broken, *(Path(outline.path) for outline in declaring))),
        skipped=sum(outline.is_scanned for outline in declaring) - len(rendered),
        asked=Questions(
            frozenset(name for part in parts.values() for name in part.asked.modules),
            frozenset(name for part in parts.values() for name in part.asked.folders),
        ),
    )


def _rendered(path: Path, outline: Outline, work: _Work, parts: Mapping[Path, Part]) -> Rendered:
    return Rendered(_output(path), outline.relative, work.text(path, parts[path]))


class _Work:
    """Makes the parts of one run, and their texts."""

    def __init__(self, sources: Sources, base: Path, progress: Progress | None, read: Reader = parse_source) -> None:
        self.loader: Final = Loader(sources, base, _counted(read, sources, progress))
        self._scans: dict[Path, FileScan] = {}

    def part(self, path: Path) -> Part:
        """Return what a file comes to."""
        scan = self._scan(path)
        return Part(outlines(scan.project), scan.diagnostics, scan.asked, scan.is_broken)

    def text(self, path: Path, part: Part) -> str:  # noqa: ARG002  # who remembers parts needs it
        """Return what is generated for a file that is sound."""
        return render(self._excerpt(path))

    def end(self, files: int) -> None:
        """Write down what is to be remembered. There were so many *files*."""

    def _excerpt(self, path: Path) -> Excerpt:
        project = self._scan(path).project
        return excerpt(next(module for module in project.modules if module.is_scanned), project)

    def _scan(self, path: Path) -> FileScan:
        if path not in self._scans:
            self._scans[path] = scan_file(path, self.loader)
        return self._scans[path]


@final
class _RememberedWork(_Work):
    """Takes from the *cache* what it knows."""

    def __init__(self, sources: Sources, base: Path, progress: Progress | None, cache: CacheFolder, paths: Iterable[Path]) -> None:
        self._syntaxes = Syntaxes(cache)
        self._parts = Parts(cache, sources, paths, base)
        self._texts = Renderings(cache)
        super().__init__(sources, base, progress, self._syntaxes.read)

    def part(self, path: Path) -> Part:
        known = self._parts.recall(path)
        if known is not None:
            return known
        part = super().part(path)
        self._parts.keep(path, part)
        return part

    def text(self, path: Path, part: Part) -> str:
        known = self._texts.known(part.text) if part.text else None
        if known is not None:
            return known
        key, text = self._texts.text(self._excerpt(path))
        self._parts.keep(path, attrs.evolve(part, text=key))
        return text

    def end(self, files: int) -> None:
        self._parts.save()
        self._syntaxes.trim(files)
        self._texts.trim()


@final
class _Lines:
    """The lines of the files that something is wrong with: most are not asked for."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._known: dict[str, tuple[str, ...]] = {}

    def line(self, outline: Outline, number: int) -> str:
        if outline.path not in self._known:
            path = Path(outline.path)
            data = self._sources.read(path)
            text = files.decode(path, data) if isinstance(data, bytes) else data
            self._known[outline.path] = () if isinstance(text, UnreadableFile) else files.split_lines(text)
        lines = self._known[outline.path]
        return lines[number - 1] if 0 < number <= len(lines) else ""


def _output(path: Path) -> Path:
    return path.with_name(output_name(path.name))


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
