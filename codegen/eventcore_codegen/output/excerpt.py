"""What the text of one generated module is made of: a project that holds nothing else, so that nothing else can find its way into that text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar, final

import attrs

from eventcore_codegen.model import ClassRef, ClassType, Module, Project, Type, parts

T = TypeVar("T")


@final
@attrs.frozen
class Excerpt:
    """A *module* with its commands and states, and the part of the *project* that they name."""

    module: Module
    project: Project


def excerpt(module: Module, project: Project) -> Excerpt:
    """Return what *module*'s text is made of. What is left out of a module's values is judged by `check`, and written nowhere."""
    own = attrs.evolve(
        module, source=attrs.evolve(module.source, lines=()), events=(), misplaced=(), stars=(), unclear=(), made_ids=(), ignores=()
    )
    streams = [stream for command in own.commands for stream in command.streams]
    states = {state.ref: state for state in own.states} | _named((stream.state for stream in streams), project.states)
    events = _named([*(state.event_type for state in states.values()), *(stream.events for stream in streams)], project.events)
    return Excerpt(own, Project((own,), events, states))


def _named(types: Iterable[Type | None], declared: Mapping[ClassRef, T]) -> dict[ClassRef, T]:
    return {ref: declared[ref] for type_ in types if type_ is not None for ref in _refs(type_) if ref in declared}


def _refs(type_: Type) -> Iterator[ClassRef]:
    return (part.ref for part in parts(type_) if isinstance(part, ClassType))
