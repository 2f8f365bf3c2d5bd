"""One run of `handle`: what it is given, what it asks for, what it wants written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from types import GeneratorType
from typing import Final, NamedTuple, cast, final

from eventcore.errors import InvalidCommand, InvalidHandle, StreamNotRequested
from eventcore.execute.binding import BoundStream, CommandPlan
from eventcore.execute.folding import StreamKey, View, Views
from eventcore.ids import StreamId
from eventcore.typed import Handle, Handles, ValidWrite

_PLAIN: Final = frozenset({GeneratorType, list, tuple})
_SINGLE: Final = frozenset({"one", "optional"})


class StreamsNeeded(BaseException):
    """Ends a run that touched a stream which it asked for and which is not read yet.

    No `Exception`, so that a `try` of the command's own does not catch it. It never reaches the caller of the executor.
    """


class Given(NamedTuple):
    """One stream field of one command, and the streams that the constructor got for it, repeats dropped; a `discovered()` field has none."""

    stream: BoundStream
    keys: tuple[StreamKey, ...]


def given_streams(plan: CommandPlan, command: object) -> tuple[Given, ...]:
    """Return the stream fields of *command* with their streams."""
    return tuple([Given(stream, _keys(stream, command)) for stream in plan.streams])


def _keys(stream: BoundStream, command: object) -> tuple[StreamKey, ...]:
    if stream.kind == "discovered":
        return ()
    value: StreamId | tuple[StreamId, ...] | None = getattr(command, stream.field)
    if value is None:
        return ()
    if isinstance(value, tuple):
        return tuple(StreamKey(stream_id, stream.fold) for stream_id in dict.fromkeys(value))
    return (StreamKey(value, stream.fold),)


@final
class Run:
    """Runs `handle` once over *views*. Afterwards *unread* says what it asked for in vain; if that is not empty, its outcome does not count."""

    def __init__(self, plan: CommandPlan, command: object, given: tuple[Given, ...], views: Views) -> None:
        self.unread: dict[StreamKey, None] = {}
        self._plan = plan
        self._command = command
        self._given = given
        self._views = views
        self._asked: dict[str, dict[StreamId, None]] = {stream.field: {} for stream, _ in given if stream.kind == "discovered"}

    def keys(self) -> Sequence[StreamKey]:
        """Return every stream that this run rests on: declared, asked for, or folded by the command itself."""
        keys = [key for given in self._given for key in given.keys]
        for stream, _ in self._given if self._asked else ():
            keys += [StreamKey(stream_id, stream.fold) for stream_id in self._asked.get(stream.field, ())]
        return [*keys, *self._views.keys()] if self._plan.marker.folds_itself else keys

    async def writes(self) -> list[ValidWrite]:
        """Return what `handle` wants written, validated. Raises what it raises, `InvalidHandle`, `InvalidWrite` or `StreamsNeeded`."""
        plan, spec = self._plan, self._plan.spec
        handles: list[Handle | Handles[object, Handle] | None] = []
        states: list[object] = []
        for given in self._given:
            handle, state = self._present(given)
            handles.append(handle)
            states.append(state)
        streams = spec.make_streams(*handles)
        state = spec.make_state(*states) if spec.make_state is not None else self._fold_all()
        arguments = (streams, state, spec.make_resolver(self._request)) if plan.marker.takes_resolver else (streams, state)
        returned: object = getattr(self._command, "handle")(*arguments)  # noqa: B009  # checked by @command; its type is the user's
        # What nearly every command returns needs no look at its abstract base classes.
        if type(returned) in _PLAIN:
            return spec.validate(streams, cast("Iterable[object]", returned), plan.accepts)
        if isinstance(returned, Awaitable):
            returned = await cast("Awaitable[object]", returned)
        if not isinstance(returned, Iterable) or isinstance(returned, str | bytes):
            raise InvalidHandle(plan.name, returned)
        return spec.validate(streams, cast("Iterable[object]", returned), plan.accepts)

    def _present(self, given: Given) -> tuple[Handle | Handles[object, Handle] | None, object]:
        """Return the field as the generated classes take it: its handles and its states."""
        stream, keys = given
        if stream.kind in _SINGLE:
            if not keys:
                return None, None
            view = self._views[keys[0]]
            return Handle(keys[0].stream_id, view.version), view.state
        ids = self._asked[stream.field] if stream.kind == "discovered" else dict.fromkeys(key.stream_id for key in keys)
        find = partial(self._find, stream, ids)
        known = partial(self._known, stream, ids)
        versions: Callable[[StreamId], Handle] = lambda id: Handle(id, find(id).version)  # noqa: E731
        states: Callable[[StreamId], object] = lambda id: find(id).state  # noqa: E731
        return Handles(known, versions), Handles(known, states)

    def _find(self, stream: BoundStream, ids: Mapping[StreamId, None], stream_id: StreamId) -> View:
        if stream_id not in ids:
            raise StreamNotRequested(self._plan.name, stream.field, stream_id)
        key = StreamKey(stream_id, stream.fold)
        if key in self.unread:
            raise StreamsNeeded
        return self._views[key]

    def _known(self, stream: BoundStream, ids: Mapping[StreamId, None]) -> Mapping[StreamId, None]:
        if any(StreamKey(stream_id, stream.fold) in self.unread for stream_id in ids):
            raise StreamsNeeded
        return ids

    def _request(self, field: str, ids: Iterable[StreamId]) -> None:
        fold = next(stream.fold for stream in self._plan.streams if stream.field == field)
        asked = self._asked[field]
        for stream_id in ids:
            if not isinstance(cast("object", stream_id), StreamId):
                problem = f"handle asked for {stream_id!r} ({type(stream_id).__name__}), expected a StreamId; use StreamId.of(<State>, key)"
                raise InvalidCommand(self._plan.name, field, problem)
            asked[stream_id] = None
            key = StreamKey(stream_id, fold)
            if key not in self._views:
                self.unread[key] = None

    def _fold_all(self) -> object:
        command, reader = self._command, self._plan.reader
        state = getattr(command, "initial")()  # noqa: B009  # checked by @command
        apply = getattr(command, "apply")  # noqa: B009
        for stored in self._views.events():
            state = apply(state, reader.recorded(stored))
        return state
