"""From paths to the model: of all files together, or of one file and what it uses of others."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import final

import attrs

from eventcore_codegen.diagnostics import Diagnostic
from eventcore_codegen.model import (
    ClassRef,
    ClassType,
    Command,
    Event,
    Kind,
    MadeId,
    Misplaced,
    Module,
    Project,
    StarImport,
    State,
    Type,
    Unclear,
    union_members,
)
from eventcore_codegen.scan.declarations import Declarations
from eventcore_codegen.scan.reading import Reader, parse_source
from eventcore_codegen.scan.syntax import ClassSyntax
from eventcore_codegen.scan.universe import LoadedModule, Loader, Universe
from eventcore_codegen.sources import Questions, Sources


@final
@attrs.frozen
class Scan:
    """What was found below the given paths: a project for each root, below which there may lie one program, with modules that are called as those of
    another. *broken* are the files there whose declarations could not be read.
    """

    projects: tuple[Project, ...]
    diagnostics: tuple[Diagnostic, ...]
    broken: frozenset[Path]


@final
@attrs.frozen
class FileScan:
    """What one file declares, and what it uses of others: nothing else of them is in *project*. *is_broken*: its own declarations could not
    be read. *diagnostics* are those of files that could not. All this follows from what the file holds, and from the answers to what was *asked*.
    """

    project: Project
    diagnostics: tuple[Diagnostic, ...]
    asked: Questions
    is_broken: bool


def scan(paths: Iterable[Path], base: Path) -> Scan:
    """Read the files at and below *paths*. Paths in diagnostics are shown relative to *base*."""
    return scan_sources(Sources(paths), base)


def scan_sources(sources: Sources, base: Path, read: Reader = parse_source) -> Scan:
    """Read *sources*, all that lies below one root in one; what is not known of them yet is parsed by *read*."""
    loader = Loader(sources, base, read)
    loaded = [loader.load(path) for path in sources.declaring]
    universes = {root: Universe(loader, root) for root in sorted({module.source.root for module in loaded})}
    projects = tuple(
        _Assembly(Declarations(universe)).project(module for module in loaded if module.source.root == root)
        for root, universe in universes.items()
    )
    faults = [*loader.first_faults(), *(fault for module in loaded for fault in loader.faults(module))]
    faults += [fault for universe in universes.values() for fault in universe.faults]
    return Scan(projects, tuple(faults), frozenset(module.source.path for module in loaded if module.syntax is None))


def scan_file(path: Path, loader: Loader) -> FileScan:
    """Read one file, and of others what it uses."""
    loaded = loader.load(path)
    universe = Universe(loader, loaded.source.root)
    project = _Assembly(Declarations(universe)).project([loaded])
    return FileScan(project, (*loader.faults(loaded), *universe.faults), universe.asked, loaded.syntax is None)


@final
class _Builder:
    """The declarations of one module, while they are collected."""

    def __init__(self, loaded: LoadedModule, *, is_scanned: bool) -> None:
        self.loaded = loaded
        self.is_scanned = is_scanned
        self.commands: list[Command] = []
        self.states: list[State] = []
        self.events: list[Event] = []
        self.misplaced: list[Misplaced] = []
        self.stars: list[StarImport] = []
        self.unclear: list[Unclear] = []
        self.made_ids: list[MadeId] = []

    def data(self) -> set[ClassRef]:
        """Return the states and events that are collected so far."""
        return {state.ref for state in self.states} | {event.ref for event in self.events}

    def build(self) -> Module:
        return Module(
            name=self.loaded.name,
            source=self.loaded.source,
            is_scanned=self.is_scanned,
            commands=tuple(sorted(self.commands, key=lambda command: command.span)),
            states=tuple(sorted(self.states, key=lambda state: state.span)),
            events=tuple(sorted(self.events, key=lambda event: event.span)),
            misplaced=tuple(self.misplaced),
            stars=tuple(sorted(set(self.stars), key=lambda star: (star.span, star.name))),
            unclear=tuple(sorted(set(self.unclear), key=lambda unclear: unclear.span)),
            made_ids=tuple(self.made_ids),
            ignores=() if self.loaded.syntax is None else self.loaded.syntax.ignores,
        )


@final
class _Assembly:
    def __init__(self, declarations: Declarations) -> None:
        self._declarations = declarations
        self._builders: dict[str, _Builder] = {}

    def project(self, loaded: Iterable[LoadedModule]) -> Project:
        for module in loaded:
            self._add_module(module)
        self._follow()
        for step in self._declarations.through:
            self._builder(step.module).stars.append(StarImport(step.star.written, step.name, step.star.span))
        for place, unclear in self._declarations.unclear:
            self._builder(place).unclear.append(unclear)
        modules = tuple(
            self._builders[key].build() for key in sorted(self._builders, key=lambda key: self._builders[key].loaded.source.path)
        )
        return Project(
            modules=modules,
            events={event.ref: event for module in modules for event in module.events},
            states={state.ref: state for module in modules for state in module.states},
        )

    def _builder(self, loaded: LoadedModule, *, is_scanned: bool = False) -> _Builder:
        return self._builders.setdefault(str(loaded.source.path), _Builder(loaded, is_scanned=is_scanned))

    def _add_module(self, loaded: LoadedModule) -> None:
        builder = self._builder(loaded, is_scanned=True)
        for kind, syntax in self._declarations.declared(loaded):
            self._add(builder, kind, syntax)
        for kind, syntax in self._declarations.misplaced(loaded):
            builder.misplaced.append(Misplaced(kind, syntax.qualname, syntax.span))
        builder.made_ids += self._declarations.made_ids(loaded)

    def _add(self, builder: _Builder, kind: Kind, syntax: ClassSyntax) -> None:
        match kind:
            case "command":
                builder.commands.append(self._declarations.command(builder.loaded, syntax))
            case "state":
                builder.states.append(self._declarations.state(builder.loaded, syntax))
            case "event":
                builder.events.append(self._declarations.event(builder.loaded, syntax))
            case "plain":
                pass

    def _follow(self) -> None:
        """Add the states and events that are used but declared in modules beyond the given paths."""
        known = {ref for builder in self._builders.values() for ref in builder.data()}
        types = [type_ for builder in self._builders.values() for type_ in _used(builder.commands, builder.states)]
        while types:
            for member in union_members(types.pop()):
                if isinstance(member, ClassType) and member.kind in ("state", "event") and member.ref not in known:
                    known.add(member.ref)
                    types += self._add_followed(member.ref, member.kind)

    def _add_followed(self, ref: ClassRef, kind: Kind) -> list[Type]:
        loaded, syntax = self._declarations.place(ref)
        builder = self._builder(loaded)
        self._add(builder, kind, syntax)
        return _used((), builder.states[-1:]) if kind == "state" else []


def _used(commands: Iterable[Command], states: Iterable[State]) -> list[Type]:
    used = [type_ for command in commands for stream in command.streams for type_ in (stream.state, stream.events)]
    used += [state.event_type for state in states]
    return [type_ for type_ in used if type_ is not None]
