"""Run in a process of its own: import a project's modules in one order, then hold markers and generated tables against each other.

usage: python probe.py user-first|generated-first USER_MODULES GENERATED_MODULES     (names, separated by commas)

Prints one line for each difference and exits with 1 if there is one.
"""

from __future__ import annotations

import importlib
import sys
import types
import typing
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

from eventcore.declare import command_marker, event_marker, state_marker
from eventcore.typed import CommandSpec, EventRef, GeneratedModule, StateRef, StateSpec, StreamSpec


def main(order: str, user: list[str], generated: list[str]) -> list[str]:
    if order == "generated-first" and (imported := _imported_by(user, generated)):
        return [f"the generated modules import the user's {', '.join(imported)}"]
    for name in [*user, *generated]:
        importlib.import_module(name)
    return [difference for name in generated for difference in differences(sys.modules[name])]


def _imported_by(user: Iterable[str], generated: list[str]) -> list[str]:
    """Import the generated modules; return the user's modules that came with them."""
    for name in generated:
        # A package's `__init__` comes before whatever is in it, and is the user's affair.
        if package := name.rpartition(".")[0]:
            importlib.import_module(package)
    before = {*sys.modules}
    for name in generated:
        importlib.import_module(name)
    return sorted({*user} & ({*sys.modules} - before))


def differences(generated: ModuleType) -> Iterator[str]:
    table = generated.GENERATED
    if not isinstance(table, GeneratedModule):
        yield f"{generated.__name__} has no table"
        return
    source = sys.modules[table.source]
    own = {cls.__qualname__: cls for cls in classes_in(source)}
    commands = {name: cls for name, cls in own.items() if command_marker(cls)}
    states = {name: cls for name, cls in own.items() if state_marker(cls)}
    yield from _unequal(f"{source.__name__}: commands", {*commands}, {*table.commands})
    yield from _unequal(f"{source.__name__}: states", {*states}, {*table.states})
    for name in commands.keys() & table.commands.keys():
        yield from command_differences(commands[name], table.commands[name])
    for name in states.keys() & table.states.keys():
        yield from state_differences(states[name], table.states[name])


def classes_in(owner: ModuleType | type) -> Iterator[type]:
    """Yield the classes that stand in a module, and those within them."""
    module = owner.__name__ if isinstance(owner, ModuleType) else owner.__module__
    prefix = "" if isinstance(owner, ModuleType) else f"{owner.__qualname__}."
    for name, value in [*vars(owner).items()]:
        if isinstance(value, type) and value.__module__ == module and value.__qualname__ == prefix + name:
            yield value
            yield from classes_in(value)


def command_differences(cls: type, spec: CommandSpec[Any]) -> Iterator[str]:
    marker = command_marker(cls)
    assert marker is not None
    name = cls.__qualname__
    said = [(field, stream.read_only, stream.discovered, stream.has_events) for field, stream in marker.streams]
    made = [(stream.field, stream.read_only, stream.kind == "discovered", stream.state is None) for stream in spec.streams]
    yield from _unequal(f"{name}: streams", said, made)
    yield from _unequal(f"{name}: discovered", tuple(field for field, _, found, _ in said if found), spec.make_resolver.DISCOVERED)
    yield from _unequal(f"{name}: folds itself", marker.folds_itself, spec.make_state is None)
    for stream in spec.streams:
        yield from stream_differences(name, stream)


def stream_differences(command: str, spec: StreamSpec) -> Iterator[str]:
    where = f"{command}.{spec.field}"
    yield from event_differences(where, spec.events)
    if spec.state is not None:
        state = find(spec.state)
        if state_marker(state) is None:
            yield f"{where}: {spec.state.qualname} is no state"
        yield from _unequal(f"{where}: events", events_of_apply(state), {find(ref) for ref in spec.events})


def state_differences(cls: type, spec: StateSpec) -> Iterator[str]:
    yield from _unequal(f"{cls.__qualname__}: class", cls, find(spec.state))
    yield from event_differences(cls.__qualname__, spec.events)
    yield from _unequal(f"{cls.__qualname__}: events", events_of_apply(cls), {find(ref) for ref in spec.events})


def event_differences(where: str, refs: Iterable[EventRef]) -> Iterator[str]:
    for ref in refs:
        marker = event_marker(find(ref))
        said = None if marker is None else (marker.name, marker.version)
        yield from _unequal(f"{where}: {ref.qualname}", said, (ref.name, ref.version))


def events_of_apply(state: type) -> set[object]:
    """Read `apply` a second way: by evaluating its annotation, which the generator never does."""
    apply = state.apply  # type: ignore[attr-defined]
    parameter = apply.__code__.co_varnames[1]
    return {*_members(typing.get_type_hints(apply)[parameter])}


def _members(hint: object) -> Iterator[object]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        for member in typing.get_args(hint):
            yield from _members(member)
    elif isinstance(hint, typing.TypeVar):  # nothing was given for it
        yield from _members(getattr(hint, "__default__"))  # noqa: B009  # Python itself has it since 3.13 only
    else:
        yield hint


def find(ref: EventRef | StateRef) -> type:
    found: object = importlib.import_module(ref.module)
    for part in ref.qualname.split("."):
        found = getattr(found, part)
    assert isinstance(found, type)
    return found


def _unequal(what: str, markers: object, tables: object) -> Iterator[str]:
    if markers != tables:
        yield f"{what}: the class says {markers!r}, the generated table {tables!r}"


if __name__ == "__main__":
    found = main(sys.argv[1], sys.argv[2].split(","), sys.argv[3].split(","))
    print("\n".join(found))
    sys.exit(1 if found else 0)
