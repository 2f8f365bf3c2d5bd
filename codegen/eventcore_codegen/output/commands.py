"""The typed streams, the resolver, the state, the writes and the validator of one command."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, final

import attrs

from eventcore_codegen.model import NONE, Command, Project, StreamField, unaliased
from eventcore_codegen.output.layout import Chain, Code, Keyed, call, flat, statement, subscript, text_literal, tuple_of, union
from eventcore_codegen.output.namespace import Namespace, natural_order
from eventcore_codegen.output.tables import Tables
from eventcore_codegen.output.types import annotation, event_union, stream_events
from eventcore_codegen.output.validator import ValidatorText, validator_text

_CONSTANT: Final = re.compile(r"[A-Z0-9_]+")


@final
@attrs.frozen
class CommandNames:
    """What a command's generated module defines for it."""

    prefix: str
    validator: str
    constant: str

    @property
    def streams(self) -> str:
        return f"{self.prefix}Streams"

    @property
    def resolver(self) -> str:
        return f"{self.prefix}Resolver"

    @property
    def state(self) -> str:
        return f"{self.prefix}State"

    @property
    def writes(self) -> str:
        return f"{self.prefix}Writes"

    @property
    def all(self) -> tuple[str, ...]:
        return (self.streams, self.resolver, self.state, self.writes, self.validator, self.constant)


@final
@attrs.frozen
class CommandText:
    """The statements of one command, each with its indentation. *state_head* is empty where the command folds by itself, *state_alias* where not."""

    command: str
    constant: str
    final: str
    streams_head: str
    streams_slots: str
    members: list[str]
    streams_init: str
    assignments: list[str]
    resolver_head: str
    resolver_slots: str
    resolver_names: str
    discoveries: list[str]
    resolver_init: str
    requests: list[str]
    state_decorator: str
    state_head: str
    states: list[str]
    state_alias: str
    writes: str
    validator: ValidatorText
    spec: str


def command_text(command: Command, own: CommandNames, project: Project, names: Namespace, tables: Tables) -> CommandText:
    discovered = [stream for stream in command.streams if stream.kind == "discovered"]
    writer = _Writer(own, project, names)
    alias = writer.alias()
    return CommandText(
        command=command.ref.qualname,
        constant=own.constant,
        final=names.runtime("typing", "final"),
        streams_head=_class_head(own.streams, writer.typed("StreamSet")),
        streams_slots=_slots(command.streams),
        members=[statement(f"{stream.name}: ", writer.member(stream), indent=4) for stream in command.streams if not _is_constant(stream)],
        streams_init=statement("", call("def __init__", "self", *map(writer.parameter, command.streams)), indent=4, suffix=" -> None:"),
        assignments=[writer.assignment(stream) for stream in command.streams],
        resolver_head=_class_head(own.resolver, writer.typed("StreamResolver")),
        resolver_slots=_slots(discovered),
        resolver_names=writer.discovered_names(discovered) if discovered else "",
        discoveries=[
            statement(f"{stream.name}: ", writer.discovery(stream), indent=4) for stream in discovered if not _is_constant(stream)
        ],
        resolver_init=f"    def __init__(self, request: {writer.typed('DiscoveryRequest')}) -> None:" if discovered else "",
        requests=[writer.request(stream) for stream in discovered],
        state_decorator="" if command.folds_itself else writer.typed("command_state"),
        state_head="" if command.folds_itself else f"class {own.state}:",
        states=[]
        if command.folds_itself
        else [statement(f"{stream.name}: ", writer.state(stream), indent=4) for stream in command.streams],
        state_alias=_alias(own.state, alias, writer.initial(command)) if command.folds_itself else "",
        writes=_alias(own.writes, alias, writer.writes(command)),
        validator=validator_text(command, own.streams, own.validator, names),
        spec=_spec(command, own, names, tables),
    )


def _slots(streams: Sequence[StreamField]) -> str:
    # A slot would be a second declaration of a constant.
    names = {"__dict__" if _is_constant(stream) else stream.name for stream in streams}
    return statement("__slots__ = ", tuple_of(tuple(map(text_literal, sorted(names, key=natural_order)))), indent=4)


def _class_head(name: str, base: str) -> str:
    return statement("", call(f"class {name}", base), suffix=":")


def _is_constant(stream: StreamField) -> bool:
    """Type checkers take such a name for a constant: it may be declared where it is assigned, but not assigned once more."""
    return _CONSTANT.fullmatch(stream.name) is not None


def _alias(name: str, alias: str, code: Code) -> str:
    return statement(f"{name}: {alias} = ", text_literal(flat(code)))


def _spec(command: Command, own: CommandNames, names: Namespace, tables: Tables) -> str:
    items = (
        Keyed("command=", text_literal(command.ref.qualname)),
        Keyed("streams=", tuple_of(tuple(map(tables.stream_spec, command.streams)))),
        Keyed("make_streams=", own.streams),
        Keyed("make_state=", "None" if command.folds_itself else own.state),
        Keyed("make_resolver=", own.resolver),
        Keyed("validate=", own.validator),
    )
    return statement(
        f"{own.constant}: {names.runtime('typing', 'Final')} = ", call(names.runtime("eventcore.typed", "CommandSpec"), *items)
    )


@final
class _Writer:
    """Writes what one command's classes hold for one stream."""

    def __init__(self, own: CommandNames, project: Project, names: Namespace) -> None:
        self._own = own
        self._project = project
        self._names = names

    def typed(self, name: str) -> str:
        return self._names.runtime("eventcore.typed", name)

    def alias(self) -> str:
        return self._names.runtime("typing", "TypeAlias")

    def member(self, stream: StreamField) -> Code:
        if stream.read_only:
            one: Code = (
                self.typed("ReadOnlyStream") if _is_single(stream) else subscript(self.typed("ReadOnlyStreams"), self._state_class(stream))
            )
        elif _is_single(stream):
            one = subscript(self.typed("WritableStream"), self._own.streams, union(self._events(stream)))
        else:
            one = subscript(self.typed("WritableStreams"), self._own.streams, self._state_class(stream), union(self._events(stream)))
        return Chain((one, NONE), ("|",)) if stream.kind == "optional" else one

    def parameter(self, stream: StreamField) -> Keyed:
        handle = self.typed("Handle")
        match stream.kind:
            case "one":
                return Keyed(f"{stream.name}: ", handle)
            case "optional":
                return Keyed(f"{stream.name}: ", f"{handle} | None")
            case _:
                return Keyed(f"{stream.name}: ", subscript(self.typed("Handles"), self._names.builtin("object"), handle))

    def assignment(self, stream: StreamField) -> str:
        suffix = "" if _is_single(stream) else "s"
        arguments = (stream.name,) if stream.read_only else ("self", stream.name)
        made = call(self.typed(f"{'ReadOnly' if stream.read_only else 'Writable'}Stream{suffix}"), *arguments)
        value = Chain((NONE, f"{stream.name} is None", made), ("if", "else")) if stream.kind == "optional" else made
        return statement(_target(stream, self.member(stream)), value, indent=8)

    def discovered_names(self, streams: Sequence[StreamField]) -> str:
        type_ = f"{self._names.runtime('typing', 'ClassVar')}[{self._names.builtin('tuple')}[{self._names.builtin('str')}, ...]]"
        return statement(f"DISCOVERED: {type_} = ", tuple_of(tuple(text_literal(stream.name) for stream in streams)), indent=4)

    def discovery(self, stream: StreamField) -> Code:
        return subscript(self.typed("Discovery"), self._state_class(stream))

    def request(self, stream: StreamField) -> str:
        return statement(
            _target(stream, self.discovery(stream)), call(self.typed("Discovery"), text_literal(stream.name), "request"), indent=8
        )

    def state(self, stream: StreamField) -> Code:
        state = self._state_class(stream)
        match stream.kind:
            case "one":
                return state
            case "optional":
                return Chain((state, NONE), ("|",))
            case _:
                stream_id = self.typed("StreamId")
                return subscript(self._names.runtime("collections.abc", "Mapping"), subscript(stream_id, state), state)

    def initial(self, command: Command) -> Code:
        initial = command.methods.get("initial")
        return NONE if initial is None or initial.returns is None else annotation(initial.returns, self._names)

    def writes(self, command: Command) -> Code:
        written = [member for stream in command.streams if not stream.read_only for member in self._events(stream)]
        events = tuple(dict.fromkeys(written)) or (self._names.typing("typing", "Never"),)
        write = subscript(self.typed("StreamWrite"), self._own.streams, union(events))
        return subscript(self._names.runtime("collections.abc", "Iterable"), write)

    def _events(self, stream: StreamField) -> tuple[Code, ...]:
        events = stream_events(stream.state, stream.events, self._project)
        return () if events is None else event_union(events, self._names)

    def _state_class(self, stream: StreamField) -> Code:
        return self._names.builtin("object") if stream.state is None else annotation(unaliased(stream.state), self._names)


def _target(stream: StreamField, type_: Code) -> str:
    return f"self.{stream.name}: {flat(type_)} = " if _is_constant(stream) else f"self.{stream.name} = "


def _is_single(stream: StreamField) -> bool:
    return stream.kind in ("one", "optional")
