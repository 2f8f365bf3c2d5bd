"""The scanned model to an atlas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias, TypeVar, final

from eventcore_codegen.atlas.conflicts import conflicts
from eventcore_codegen.atlas.values import Atlas, CommandEntry, EventEntry, LeftOut, Place, StateEntry, Use
from eventcore_codegen.diagnostics import Span
from eventcore_codegen.model import ClassRef, ClassType, Command, Event, Module, Project, State, StreamField, Type, unaliased, union_members
from eventcore_codegen.scan import Scan

T = TypeVar("T", CommandEntry, StateEntry, EventEntry)
D = TypeVar("D", State, Event)

# A class by its file, as it is shown, and by its name: two programs may have classes of one name, in modules of one name.
Key: TypeAlias = "tuple[str, ClassRef]"


def chart(scanned: Scan, base: Path) -> Atlas:
    """Return the atlas of what was scanned, without what cannot be read for its faults."""
    charting = _Charting(scanned.projects)
    commands = _sorted(charting.commands())
    broken = (LeftOut(Place(_shown(path, base), 1), "file", _shown(path, base)) for path in scanned.broken)
    return Atlas(
        commands=commands,
        states=_sorted(charting.states.values()),
        events=_sorted(charting.events.values()),
        conflicts=conflicts(commands, charting.states.values()),
        left_out=tuple(sorted({*charting.left_out, *broken})),
    )


@final
class _Charting:
    """Makes entries, events before the states that take them, states before the commands that use them."""

    def __init__(self, projects: tuple[Project, ...]) -> None:
        self.left_out: list[LeftOut] = []
        programs = [_Program(project) for project in projects]
        self._commands = [
            (program, module, command)
            for program in programs
            for module in program.modules
            for command in _last_of_a_name(module.commands, module, self.left_out)
        ]
        self._command_labels = _labels((module.source.shown, command.ref) for _, module, command in self._commands)
        self.events = dict(self._events(_merged(programs, lambda module: module.events)))
        self.states = dict(self._states(_merged(programs, lambda module: module.states)))

    def _events(self, events: Mapping[Key, tuple[_Program, Module, Event]]) -> Iterator[tuple[Key, EventEntry]]:
        labels = _labels(events)
        for key, (_, module, event) in events.items():
            place = _place(module, event.span)
            if event.name is None or event.version is None:
                self.left_out.append(LeftOut(place, "event", event.ref.qualname))
            else:
                yield key, EventEntry(event.ref, labels[key], event.name, event.version, place)

    def _states(self, states: Mapping[Key, tuple[_Program, Module, State]]) -> Iterator[tuple[Key, StateEntry]]:
        labels = _labels(states)
        for key, (program, module, state) in states.items():
            place = _place(module, state.span)
            events = self._known_events(program, state.event_type)
            if events is None:
                self.left_out.append(LeftOut(place, "state", state.ref.qualname))
            else:
                yield key, StateEntry(state.ref, labels[key], state.category, state.ignores_unknown, events, place)

    def commands(self) -> Iterator[CommandEntry]:
        for program, module, command in self._commands:
            label = self._command_labels[module.source.shown, command.ref]
            place = _place(module, command.span)
            uses = [self._use(program, module, label, stream) for stream in command.streams]
            known = tuple(use for use in uses if use is not None)
            if uses and len(known) == len(uses):
                yield CommandEntry(command.ref, label, known, place)
            else:
                self.left_out.append(LeftOut(place, "command", command.ref.qualname))

    def _use(self, program: _Program, module: Module, command: str, stream: StreamField) -> Use | None:
        state = None if stream.state is None or stream.events is not None else self._known_state(program, stream.state)
        events = self._known_events(program, stream.events) if state is None else state.events
        if stream.kind is None or not stream.is_literal or events is None:
            return None
        return Use(command, stream.name, stream.kind, stream.read_only, state, events, _place(module, stream.span))

    def _known_state(self, program: _Program, type_: Type) -> StateEntry | None:
        state = unaliased(type_)
        return self.states.get(program.key(state.ref)) if isinstance(state, ClassType) else None

    def _known_events(self, program: _Program, type_: Type | None) -> tuple[EventEntry, ...] | None:
        """Return the events that a type names, None where one of its members is no known event."""
        members = () if type_ is None else union_members(type_)
        known = [self.events.get(program.key(member.ref)) if isinstance(member, ClassType) else None for member in members]
        found = tuple(dict.fromkeys(event for event in known if event is not None))
        return found if known and None not in known else None


@final
class _Program:
    """The modules below one root, and what they use of others."""

    def __init__(self, project: Project) -> None:
        self.modules = project.modules
        self._files = {event.ref: module.source.shown for module in self.modules for event in module.events}
        self._files |= {state.ref: module.source.shown for module in self.modules for state in module.states}

    def key(self, ref: ClassRef) -> Key:
        return self._files.get(ref, ""), ref


def _merged(programs: Iterable[_Program], declared: Callable[[Module], Iterable[D]]) -> dict[Key, tuple[_Program, Module, D]]:
    """Return all that is declared, each once: from the program that it belongs to, where that is among them; of two with one name the last."""
    found = [(program, module, one) for program in programs for module in program.modules for one in declared(module)]
    found.sort(key=lambda each: each[1].is_scanned)
    return {(module.source.shown, one.ref): (program, module, one) for program, module, one in found}


def _last_of_a_name(commands: tuple[Command, ...], module: Module, left_out: list[LeftOut]) -> list[Command]:
    """Return the commands that Python would find: of two with one name the last."""
    last = {command.ref: command for command in commands}
    left_out += [
        LeftOut(_place(module, command.span), "command", command.ref.qualname) for command in commands if last[command.ref] is not command
    ]
    return list(last.values())


def _labels(declared: Iterable[Key]) -> dict[Key, str]:
    """Return for each class the shortest of its names that is its own: with the module where needed, with the file as a last resort."""
    classes = list(declared)
    names = Counter(ref.qualname for _, ref in classes)
    full = Counter(ref for _, ref in classes)
    return {
        (shown, ref): ref.qualname
        if names[ref.qualname] == 1
        else f"{ref.module}.{ref.qualname}"
        if full[ref] == 1
        else f"{shown}:{ref.qualname}"
        for shown, ref in classes
    }


def _sorted(entries: Iterable[T]) -> tuple[T, ...]:
    return tuple(sorted(entries, key=lambda entry: (entry.label.lower(), entry.label)))


def _place(module: Module, span: Span) -> Place:
    return Place(module.source.shown, span.line)


def _shown(path: Path, base: Path) -> str:
    return (path.relative_to(base) if path.is_relative_to(base) else path).as_posix()
