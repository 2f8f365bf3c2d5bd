"""One run of `handle`: what it is given, what it asks for, what it wants written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import GeneratorType
from typing import Any, Final, TypeAlias, cast, final

from eventcore.annotations import is_same_class
from eventcore.declare import no_stream
from eventcore.errors import (
    CommandError,
    InvalidCommand,
    InvalidHandle,
    InvalidWrite,
    ReadOnlyStreamWrite,
    StreamNotRequested,
    UndeclaredField,
    shortened,
)
from eventcore.execute.binding import BoundStream, CommandPlan
from eventcore.execute.folding import Known, StreamKey, Views
from eventcore.ids import StreamId, is_stream_id, state_of
from eventcore.typed import Handle, Handles, ReadOnlyStream, StreamSet, ValidWrite, handle

PLAIN: Final = frozenset({GeneratorType, list, tuple})
"""What nearly every `handle` returns, and what needs no look at its abstract base classes."""
_SINGLE: Final = frozenset({"one", "optional"})


class StreamsNeeded(BaseException):
    """Ends a run that touched a stream which it asked for and which is not read yet.

    No `Exception`, so that a `try` of the command's own does not catch it. It never reaches the caller of the executor.
    """


Given: TypeAlias = tuple[Sequence[StreamKey], Sequence[tuple[StreamKey, ...]] | None]
"""The streams that a command got from its constructor, repeats within a field dropped; and the same by field (a `discovered()` one has
none), or None where each field has exactly one."""


def given_streams(plan: CommandPlan, command: object) -> Given:
    """Return the streams of *command*. Raises `InvalidCommand`."""
    if plan.single:
        single: list[StreamKey] = [(getattr(command, stream.field), stream.fold) for stream in plan.streams]
        for stream, (stream_id, _) in zip(plan.streams, single, strict=True):
            if not is_stream_id(stream_id):
                raise no_stream(plan.name, stream.field, stream_id, many=False)
            _check_state(plan, stream, stream_id)
        return single, None
    fields = tuple([_keys(plan, stream, command) for stream in plan.streams])
    for stream, keys in zip(plan.streams, fields, strict=True):
        for stream_id, _ in keys:
            _check_state(plan, stream, stream_id)
    return [key for keys in fields for key in keys], fields


def _keys(plan: CommandPlan, stream: BoundStream, command: object) -> tuple[StreamKey, ...]:
    if stream.kind == "discovered":
        return ()
    value: object = getattr(command, stream.field)
    if value is None and stream.kind == "optional":
        return ()
    if is_stream_id(value) and stream.kind != "many":
        return ((value, stream.fold),)
    if isinstance(value, tuple) and stream.kind == "many":
        return tuple([(stream_id, stream.fold) for stream_id in dict.fromkeys(cast("tuple[StreamId, ...]", value))])
    # Its annotation could not be looked up when the command was made.
    raise no_stream(plan.name, stream.field, getattr(command, stream.field), many=stream.kind == "many")


def _check_state(plan: CommandPlan, stream: BoundStream, stream_id: StreamId) -> None:
    """Raise `InvalidCommand` where *stream_id* is known to be of another state than its field: its events would not fold into that."""
    # Only an id that was made with a state has one, and nearly always it is the very one.
    if stream.fold is None or getattr(stream_id, "__orig_class__", stream.alias) is stream.alias:
        return
    state = state_of(stream_id)
    if state is not None and not issubclass(state, stream.fold.state) and not is_same_class(state, stream.fold.state):
        expected, got = stream.fold.state.__qualname__, state.__qualname__
        problem = (
            f"expected a stream of {expected}, got {stream_id!r}, which is one of {got}; make its id with StreamId.of({expected}, key)"
        )
        raise InvalidCommand(plan.name, stream.field, problem)


@final
class Run:
    """Runs `handle` once over *views*. Afterwards *unread* says what it asked for in vain; if that is not empty, its outcome does not count."""

    __slots__ = ("_asked", "_command", "_declared", "_fields", "_plan", "_views", "unread")

    def __init__(self, plan: CommandPlan, command: object, given: Given, views: Views) -> None:
        self.unread: dict[StreamKey, None] = {}
        self._plan = plan
        self._command = command
        self._declared, self._fields = given
        self._views = views
        self._asked: dict[str, dict[StreamId, None]] = {field: {} for field in plan.discovered}

    def keys(self) -> Sequence[StreamKey]:
        """Return every stream that this run rests on: declared, asked for, or folded by the command itself."""
        plan, keys = self._plan, self._declared
        if plan.discovered:
            asked = [(stream, self._asked[stream.field]) for stream in plan.streams if stream.kind == "discovered"]
            keys = [*keys, *((stream_id, stream.fold) for stream, ids in asked for stream_id in ids)]
        return [*keys, *self._views.keys()] if plan.marker.folds_itself else keys

    def handle(self) -> tuple[StreamSet, object]:
        """Call `handle`; return the streams that it got and what it returns, for `checked` or, unless its class is one of `PLAIN`, for `settled`.

        The run keeps neither: the streams ask the run for what is discovered, and two that know each other are garbage only to the collector.
        """
        plan, fields, spec = self._plan, self._fields, self._plan.spec
        states: Sequence[object]
        handles: Sequence[Handle | Handles[object, Handle] | None]
        if fields is None:
            known, declared = self._views.known, self._declared
            handles = [handle(key[0], known[key].version) for key in declared]
            states = [known[key].state for key in declared]
        else:
            handles, states = zip(*map(self._present, plan.streams, fields), strict=True) if fields else ((), ())
        streams = spec.make_streams(*handles)
        state = spec.make_state(*states) if spec.make_state is not None else self._fold_all()
        run: Callable[..., object] = getattr(self._command, "handle")  # noqa: B009  # checked by @command; its type is the user's
        if plan.marker.takes_resolver:
            return streams, run(streams, state, spec.make_resolver(self._request))
        return streams, run(streams, state)

    def checked(self, streams: StreamSet, returned: Any) -> list[ValidWrite]:
        """Return the writes that `handle` returned, validated. Raises what a generator raises, `InvalidWrite` or `StreamsNeeded`."""
        plan = self._plan
        return plan.spec.validate(streams, returned, plan.accepts)

    async def settled(self, streams: StreamSet, returned: object) -> list[ValidWrite]:
        """Wait for what `handle` returned, and check it. Raises `InvalidHandle` too."""
        if isinstance(returned, Awaitable):
            returned = await cast("Awaitable[object]", returned)
        if not isinstance(returned, Iterable) or isinstance(returned, str | bytes):
            raise InvalidHandle(self._plan.name, returned)
        return self.checked(streams, cast("Iterable[object]", returned))

    def misuse(self, error: AttributeError) -> CommandError | None:
        """Say what *error* means if `handle` looked for what its streams, state or resolver do not have; None if it is the user's own.

        Type checkers see none of it there, so untyped code gets Python's error; this looks at it afterwards, and costs nothing before.
        """
        plan, owner, name = self._plan, error.obj, error.name
        if name == "__run__":
            what = f"made a StreamWrite of {shortened(owner)} in place of its streams"
            return InvalidWrite(
                f"{plan.name}.handle {what}; it is StreamWrite(streams, stream_id, event), or `streams.<field>.write(event)`"
            )
        if name is None or name.startswith("_"):
            return None
        if isinstance(owner, ReadOnlyStream) and name == "write":
            field = next((stream.field for stream, ids in self._ids() if stream.read_only and owner.id in ids), None)
            return None if field is None else ReadOnlyStreamWrite(plan.name, field, owner.id)
        streams = [stream.field for stream in plan.streams]
        places = ((plan.spec.make_streams, "streams", streams), (plan.spec.make_state, "state", streams))
        for cls, place, declared in (*places, (plan.spec.make_resolver, "resolver", plan.discovered)):
            if type(owner) is cls:
                return UndeclaredField(plan.name, place, name, declared)
        return None

    def _ids(self) -> Iterator[tuple[BoundStream, Collection[StreamId]]]:
        """Return every field with the ids of this run in it."""
        fields = self._fields if self._fields is not None else [(key,) for key in self._declared]
        for stream, keys in zip(self._plan.streams, fields, strict=True):
            yield stream, self._asked[stream.field] if stream.kind == "discovered" else [key[0] for key in keys]

    def _present(self, stream: BoundStream, keys: tuple[StreamKey, ...]) -> tuple[Handle | Handles[object, Handle] | None, object]:
        """Return the field as the generated classes take it: its handles and its states."""
        if stream.kind in _SINGLE:
            if not keys:
                return None, None
            known = self._views.known[keys[0]]
            return handle(keys[0][0], known.version), known.state
        ids = self._asked[stream.field] if stream.kind == "discovered" else dict.fromkeys(key[0] for key in keys)
        find = partial(self._find, stream, ids)
        present = partial(self._present_ids, stream, ids)
        versions: Callable[[StreamId], Handle] = lambda id: Handle(id, find(id).version)  # noqa: E731
        states: Callable[[StreamId], object] = lambda id: find(id).state  # noqa: E731
        return Handles(present, versions), Handles(present, states)

    def _find(self, stream: BoundStream, ids: Mapping[StreamId, None], stream_id: StreamId) -> Known:
        if stream_id not in ids:
            raise StreamNotRequested(self._plan.name, stream.field, stream_id)
        key = (stream_id, stream.fold)
        if key in self.unread:
            raise StreamsNeeded
        return self._views.known[key]

    def _present_ids(self, stream: BoundStream, ids: Mapping[StreamId, None]) -> Mapping[StreamId, None]:
        if any((stream_id, stream.fold) in self.unread for stream_id in ids):
            raise StreamsNeeded
        return ids

    def _request(self, field: str, ids: Iterable[StreamId]) -> None:
        stream = next(stream for stream in self._plan.streams if stream.field == field)
        asked = self._asked[field]
        try:
            given: Iterator[object] = iter(ids)
        except TypeError:
            given = iter((ids,))
        for stream_id in given:
            if not is_stream_id(stream_id):
                problem = f"handle asked for {stream_id!r} ({type(stream_id).__name__}), expected a StreamId; use StreamId.of(<State>, key)"
                raise InvalidCommand(self._plan.name, field, problem)
            _check_state(self._plan, stream, stream_id)
            asked[stream_id] = None
            key = (stream_id, stream.fold)
            if key not in self._views:
                self.unread[key] = None

    def _fold_all(self) -> object:
        command, reader = self._command, self._plan.reader
        state = getattr(command, "initial")()  # noqa: B009  # checked by @command
        apply = getattr(command, "apply")  # noqa: B009
        for stored in self._views.events():
            state = apply(state, reader.recorded(stored))
        return state
