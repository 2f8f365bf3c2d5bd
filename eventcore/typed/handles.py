"""Streams as `handle` sees them: what may be written where is in their types.

One `StreamSet` is made for every run of a command. Its writable members make `StreamWrite`s that carry the set, so a write that was made with the
set of another command, or of an earlier run, is told apart both by the type checkers and by the generated validator.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, Generic, NamedTuple, Self, TypeVar, cast, final

from typing_extensions import TypeVar as DefaultTypeVar

from eventcore.construct import new_object, new_tuple
from eventcore.ids import StreamId

S = TypeVar("S")
E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)
V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)
StreamsT = TypeVar("StreamsT", bound="StreamSet")
StreamsT_co = TypeVar("StreamsT_co", bound="StreamSet", covariant=True)
ReadS = DefaultTypeVar("ReadS", default=object)


class Handle(NamedTuple):
    """One stream of one run: its id and the version that was read."""

    id: StreamId[object]
    version: int


def handle(id: StreamId[object], version: int, /) -> Handle:
    """Return a `Handle`, around its constructor, which is a function of Python."""
    made: Handle = new_tuple(Handle, (id, version))
    return made


class Handles(Mapping[StreamId[S], V_co]):
    """What a run knows of the streams of one `tuple` or `discovered()` field, by their ids.

    Touching an id that was asked for but is not read yet ends the run; touching one that was never asked for is an error. *lookup* does both,
    *ids* gives the ids of this run (and ends the run where some of them are unread).
    """

    __slots__ = ("_ids", "_lookup")

    def __init__(self, ids: Callable[[], Mapping[StreamId[S], object]], lookup: Callable[[StreamId[S]], V_co]) -> None:
        self._ids = ids
        self._lookup = lookup

    def __getitem__(self, id: StreamId[S], /) -> V_co:
        return self._lookup(id)

    def __contains__(self, id: object, /) -> bool:
        self._lookup(cast("StreamId[S]", id))
        return True

    # No default of the caller's can stand for a stream that was not read, so `get` is `[]`.
    def get(self, id: StreamId[S], default: object = None, /) -> V_co:  # noqa: ARG002
        return self._lookup(id)

    def __iter__(self) -> Iterator[StreamId[S]]:
        return iter(self._ids())

    def __len__(self) -> int:
        return len(self._ids())

    @property
    def ids(self) -> Collection[StreamId[S]]:
        """The ids of this run. Unlike the mapping itself, it answers ``in`` for an id that was never asked for."""
        return self._ids()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._ids()))})"


@final
class RunToken:
    """Tells the writes of one run from all others. Writes carry it rather than their `StreamSet`, or each run would leave a cycle behind.

    *owner* is the run's class of streams.
    """

    __slots__ = ("owner",)

    def __init__(self, owner: type[object], /) -> None:
        self.owner: Final = owner

    @property
    def __run__(self) -> RunToken:
        """The token stands in for the `StreamSet` that it came from wherever that is only asked for its token."""
        return self


class StreamSet:
    """The streams of one run of a command. The generator makes a subclass for each command, with a member for each stream field."""

    __slots__ = ("__run__",)
    __run__: RunToken

    # `Any`, the gradual signature: each generated class says in its `__init__` what it takes.
    def __new__(cls, *_args: Any, **_options: Any) -> Self:
        streams: Self = new_object(cls)
        streams.__run__ = RunToken(cls)
        return streams


@final
class StreamWrite(Generic[StreamsT_co, E_co]):
    """One event that a command wants in one stream.

    ``streams.<field>.write(event)`` makes it, checked by the type checkers. The constructor is the founding chapter's form:
    ``StreamWrite(streams, stream_id, event)``, checked when the command runs.
    """

    __slots__ = ("event", "run", "stream_id")

    def __init__(self, streams: StreamsT_co, stream_id: StreamId[object], event: E_co, /) -> None:
        self.run: Final = streams.__run__
        self.stream_id: Final = stream_id
        self.event: Final = event

    def __repr__(self) -> str:
        return f"StreamWrite({self.stream_id!r}, {self.event!r})"


@final
class WritableStream(Generic[StreamsT, E]):
    """A stream that the command may write: *id*, *version* (events in it when it was read; 0 = none yet) and `write`."""

    __slots__ = ("_streams", "id", "version")

    def __init__(self, streams: StreamsT, handle: Handle, /) -> None:
        self._streams: StreamsT = streams.__run__  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
        self.id: Final = handle.id
        self.version: Final = handle.version

    def write(self, event: E, /) -> StreamWrite[StreamsT, E]:
        """Return the write of *event* to this stream, for `handle` to yield or return. Nothing happens until then."""
        return StreamWrite(self._streams, self.id, event)

    def __repr__(self) -> str:
        return f"WritableStream({self.id!r}, version={self.version})"


@final
class ReadOnlyStream:
    """A stream that the command only reads: *id* and *version*. Its version is checked when the command commits."""

    __slots__ = ("id", "version")

    def __init__(self, handle: Handle, /) -> None:
        self.id: Final = handle.id
        self.version: Final = handle.version

    def __repr__(self) -> str:
        return f"ReadOnlyStream({self.id!r}, version={self.version})"


@final
class WritableStreams(Handles[S, "WritableStream[StreamsT, E]"], Generic[StreamsT, S, E]):
    """The streams of one field, by id; each may be written."""

    __slots__ = ()

    def __init__(self, streams: StreamsT, handles: Handles[object, Handle], /) -> None:
        token = cast("StreamsT", streams.__run__)
        super().__init__(handles._ids, lambda id: WritableStream(token, handles[id]))  # type: ignore[arg-type]  # noqa: SLF001


@final
class ReadOnlyStreams(Handles[ReadS, ReadOnlyStream], Generic[ReadS]):
    """The streams of one field, by id; each is only read."""

    __slots__ = ()

    def __init__(self, handles: Handles[object, Handle], /) -> None:
        super().__init__(handles._ids, lambda id: ReadOnlyStream(handles[id]))  # type: ignore[arg-type]  # noqa: SLF001
