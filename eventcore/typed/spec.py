"""The tables that the generator fills: which streams a command has, which events they hold, and where the classes live.

Tables hold names, never classes: a generated module can be imported before, after and without the module that it was generated from, and a
class is always taken from the module that runs (``__main__`` included), so that no module of the user's is imported a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, Literal, NamedTuple, TypeAlias, TypeGuard, TypeVar, cast, dataclass_transform, final

import attrs

from eventcore.errors import CommandError, ForeignWrite, NotAWrite, ReadOnlyStreamWrite, UndeclaredEvent, UndeclaredStream
from eventcore.frozen import frozen
from eventcore.ids import StreamId
from eventcore.typed.handles import StreamSet, StreamWrite
from eventcore.typed.resolver import StreamResolver

T = TypeVar("T")
StreamsT = TypeVar("StreamsT", bound=StreamSet)

FORMAT: Final = 1
"""The format of generated modules that this runtime reads."""

StreamKind = Literal["one", "optional", "many", "discovered"]


class EventRef(NamedTuple):
    """An event class by name: where it lives, and the name and version under which it is stored."""

    module: str
    qualname: str
    name: str
    version: int


class StateRef(NamedTuple):
    """A state class by name."""

    module: str
    qualname: str


@final
@attrs.frozen
class StateSpec:
    """A `@state` class and the events that its `apply` takes.

    *fingerprint* is a digest of its source, and of all in its module that it reaches, where it asks for snapshots.
    """

    state: StateRef
    events: tuple[EventRef, ...]
    fingerprint: str = ""


@final
@attrs.frozen
class StreamSpec:
    """One stream field of a command. *state* is None where the command folds by itself."""

    field: str
    kind: StreamKind
    read_only: bool
    state: StateRef | None
    events: tuple[EventRef, ...]


class EventType(NamedTuple):
    """An event class in use: what a store knows of it, and the class."""

    name: str
    version: int
    cls: type[object]


Accepts: TypeAlias = Mapping[type[object], EventType]
"""The events that one stream field takes, by class."""


class ValidWrite(NamedTuple):
    """A write that passed the validator."""

    stream_id: StreamId[object]
    event_type: EventType
    event: object


@final
@attrs.frozen(kw_only=True)
class CommandSpec(Generic[StreamsT]):
    """All that the executor has to know of one command class.

    *make_streams* takes one argument for each stream field, in their order: a `Handle`, None (an optional stream that is absent) or `Handles`.
    *make_state* takes the state or the mapping of states of each field in the same order; None where the command folds by itself.
    *validate* gets the run's streams, what `handle` returned, and the accepted events of each field; it raises an `InvalidWrite` or
    returns every write.
    """

    command: str
    streams: tuple[StreamSpec, ...]
    make_streams: Callable[..., StreamsT]
    make_state: Callable[..., object] | None
    make_resolver: type[StreamResolver]
    validate: Callable[[StreamsT, Iterable[object], Sequence[Accepts]], list[ValidWrite]]


@final
class GeneratedModule:
    """The contents of one generated module. *source* is the module that it was generated from, *format* what `FORMAT` was then."""

    __slots__ = ("commands", "format", "source", "states")

    # A table of specs of different commands has no common type argument; `Any` stays within the executor.
    def __init__(self, *, format: int, source: str, commands: Sequence[CommandSpec[Any]] = (), states: Sequence[StateSpec] = ()) -> None:
        self.format: Final = format
        self.source: Final = source
        self.commands: Final = {spec.command: spec for spec in commands}
        self.states: Final = {spec.state.qualname: spec for spec in states}


@dataclass_transform(frozen_default=True)
def command_state(cls: type[T], /) -> type[T]:
    """Make a generated class the state of a command: one member for each stream, frozen."""
    return frozen(cls)


def is_write(value: object, streams: StreamSet) -> TypeGuard[StreamWrite[StreamSet, object]]:
    """Tell whether *value* is a write that was made with *streams*."""
    return type(value) is StreamWrite and value.run is streams.__run__


def refused_write(
    command: str, streams: StreamSet, write: object, fields: Mapping[str, tuple[bool, Iterable[str], Accepts]]
) -> CommandError:
    """Say why the validator refused *write*. *fields* maps each present field to (is it writable, its stream ids, the events it takes)."""
    if not isinstance(write, StreamWrite):
        return NotAWrite(command, write)
    write = cast("StreamWrite[StreamSet, object]", write)
    stream_id, event = write.stream_id, write.event
    if write.run is not streams.__run__:
        made_with = write.run.owner.__name__
        return ForeignWrite(command, stream_id, event, f"an earlier run's {made_with}" if write.run.owner is type(streams) else made_with)
    ways = [(field, writable, accepts) for field, (writable, ids, accepts) in fields.items() if stream_id in ids]
    if not ways:
        return UndeclaredStream(command, stream_id, event, [id for writable, ids, _ in fields.values() if writable for id in ids])
    for field, writable, accepts in ways:
        if writable:
            return UndeclaredEvent(command, field, stream_id, event, [cls.__name__ for cls in accepts])
    return ReadOnlyStreamWrite(command, ways[0][0], stream_id, event)
