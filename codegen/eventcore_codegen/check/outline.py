"""What one file came to: its own faults, and what the rules over all files together have to know of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar, final

import attrs

from eventcore_codegen.check.fault import Fault
from eventcore_codegen.diagnostics import Span
from eventcore_codegen.model import ClassRef, ClassType, Ignore, MadeId, Module, StarImport, Unclear, unaliased

T = TypeVar("T")


@final
@attrs.frozen
class NamedEvent:
    """An event that is stored under a *name* that can be read."""

    ref: ClassRef
    name: str
    span: Span


@final
@attrs.frozen
class NamedState:
    """A state, and what the ids of its streams begin with."""

    ref: ClassRef
    category: str
    span: Span


@final
@attrs.frozen
class ForeignType:
    """A type that `handle` names, of a module that may be a generated one: if it is, *fault* is one."""

    module: str
    fault: Fault


@final
@attrs.frozen
class Outline:
    """One file. *path*, *root* and *relative* are where it lies, *shown* is how the user calls it, *generated* the name of what is generated from it,
    empty if nothing is. *written* are the states of the streams that its commands may write. *is_sound*: all that it needs could be read.
    """

    name: str
    path: str
    root: str
    relative: str
    shown: str
    is_scanned: bool
    generated: str
    events: tuple[NamedEvent, ...]
    states: tuple[NamedState, ...]
    written: tuple[ClassRef, ...]
    made_ids: tuple[MadeId, ...]
    stars: tuple[StarImport, ...]
    unclear: tuple[Unclear, ...]
    ignores: tuple[Ignore, ...]
    foreign: tuple[ForeignType, ...]
    faults: tuple[Fault, ...]
    is_sound: bool


def outline_of(module: Module, *, faults: Iterable[Fault], foreign: Iterable[ForeignType], is_sound: bool) -> Outline:
    """Return the outline of *module*."""
    return Outline(
        name=module.name,
        path=str(module.source.path),
        root=str(module.source.root),
        relative=module.source.relative,
        shown=module.source.shown,
        is_scanned=module.is_scanned,
        generated=module.generated_name if module.generates else "",
        events=tuple(NamedEvent(event.ref, event.name, event.span) for event in module.events if event.name is not None),
        states=tuple(NamedState(state.ref, state.category, state.span) for state in module.states if state.category),
        written=tuple(dict.fromkeys(_written(module))),
        made_ids=module.made_ids,
        stars=module.stars,
        unclear=module.unclear,
        ignores=module.ignores,
        foreign=tuple(foreign),
        faults=tuple(faults),
        is_sound=is_sound,
    )


def _written(module: Module) -> Iterator[ClassRef]:
    streams = (stream for command in module.commands for stream in command.streams if not stream.read_only)
    states = (unaliased(stream.state) for stream in streams if stream.state is not None)
    return (state.ref for state in states if isinstance(state, ClassType))


def merged(outlines: Iterable[Outline]) -> list[Outline]:
    """Return one outline for each file, by path: the file's own if it was scanned, with what others saw of it."""
    by_path: dict[str, list[Outline]] = {}
    for item in outlines:
        by_path.setdefault(item.path, []).append(item)
    return [_merge(by_path[path]) for path in sorted(by_path, key=Path)]


def _merge(outlines: list[Outline]) -> Outline:
    if len(outlines) == 1:
        return outlines[0]
    own = next((item for item in outlines if item.is_scanned), None)
    seen = own or attrs.evolve(
        outlines[0],
        generated=max(item.generated for item in outlines),
        events=tuple(sorted(_union(item.events for item in outlines), key=lambda event: event.span)),
        states=tuple(sorted(_union(item.states for item in outlines), key=lambda state: state.span)),
        faults=_union(item.faults for item in outlines),
    )
    return attrs.evolve(seen, stars=_union(item.stars for item in outlines), unclear=_union(item.unclear for item in outlines))


def _union(parts: Iterable[tuple[T, ...]]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(value for part in parts for value in part))
