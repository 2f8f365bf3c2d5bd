"""One case that a command is tried on, and how cases are made up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, final

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from eventcore.codec.coder import Scope
from eventcore.codec.fields import shape_of
from eventcore.declare import state_marker
from eventcore.errors import InvalidArgument
from eventcore.execute.binding import Binder, BoundStream, CommandPlan
from eventcore.ids import StreamId
from eventcore.testing.property.values import Values
from eventcore.testing.stream_events import StreamEvents

KEYS: Final = tuple("abcdefgh")
_LONGEST_HISTORY: Final = 8


@final
@attrs.frozen
class Case:
    """What had happened, the command, and the commands that run at the same time. *seed* is the first that interleaves them."""

    history: tuple[StreamEvents | object, ...]
    command: object
    others: tuple[object, ...]
    seed: int


@final
class Cases:
    """Makes up cases of one command."""

    def __init__(
        self,
        binder: Binder,
        command: type[object],
        *,
        others: Sequence[type[object]],
        after: Sequence[type[object]],
        given: dict[Any, SearchStrategy[Any]],
    ) -> None:
        self._command, self._others, self._after, self._given = command, others, after, given
        self._plans = {cls: binder.plan(cls) for cls in (command, *others, *after)}
        # As few streams as the commands can do with: what has to meet then does.
        self._keys = KEYS[: max(2, *(sum(stream.kind in {"one", "optional"} for stream in plan.streams) for plan in self._plans.values()))]
        self._values = Values(given, self.streams)

    def streams(self, state: type[object] | None) -> Sequence[StreamId]:
        """Return the streams of *state* that cases are about; None: of commands that fold by themselves."""
        if state is None or state_marker(state) is None:
            return [StreamId(f"stream-{key}") for key in self._keys]
        return [StreamId.of(state, key) for key in self._keys]

    def strategy(self) -> SearchStrategy[Case]:
        history = st.lists(st.one_of(self._happenings()), max_size=_LONGEST_HISTORY).map(tuple)
        others = st.lists(st.one_of([self._made(cls) for cls in (self._command, *self._others)]), min_size=1, max_size=2).map(tuple)
        return st.builds(Case, history=history, command=self._made(self._command), others=others, seed=st.integers(0, 999))

    def unmade(self) -> InvalidArgument:
        """Say why there is no case at all."""
        return InvalidArgument(
            f"check_command made up no case of {self._command.__qualname__}, because hardly any value that was tried is taken by "
            f"{self._values.picky() or 'what `strategies` filters'}; say how such values are made: check_command(strategies={{Type: ...}})"
        )

    def _happenings(self) -> list[SearchStrategy[Any]]:
        if self._after:
            return [self._made(cls) for cls in self._after]
        found: dict[tuple[type[object] | None, type[object]], SearchStrategy[Any]] = {}
        for plan in self._plans.values():
            for stream, accepts in zip(plan.streams, plan.accepts, strict=True):
                state = stream.fold.state if stream.fold else None
                for event in accepts:
                    found[state, event] = st.builds(_events_of, st.sampled_from(self.streams(state)), self._event(event))
        if not found:
            raise InvalidArgument(f"{self._command.__qualname__} has streams that hold no events; there is nothing to make a history of")
        return list(found.values())

    def _event(self, cls: type[object]) -> SearchStrategy[Any]:
        return self._values.of(cls, Scope(cls.__qualname__, None, {}, cls.__module__))

    def _made(self, cls: type[object]) -> SearchStrategy[Any]:
        if cls in self._given:
            return self._given[cls]
        plan = self._plans[cls]
        streams = {stream.field: stream for stream in plan.streams}
        fields = {
            field.parameter: self._stream(plan, streams[field.name])
            if field.name in streams
            else self._values.of(field.annotation, field.scope)
            for field in shape_of(cls, ()).fields
        }
        return self._values.made(cls, st.fixed_dictionaries(fields))

    def _stream(self, plan: CommandPlan, stream: BoundStream) -> SearchStrategy[Any]:
        ids = st.sampled_from(self.streams(stream.fold.state if stream.fold else None))
        match stream.kind:
            case "one":
                return ids
            case "optional":
                return st.none() | ids
            case "many":
                return st.lists(ids, max_size=len(self._keys), unique=True).map(tuple)
            case kind:
                raise InvalidArgument(f"{plan.name}.{stream.field}: nothing is known of streams that are {kind}")


def _events_of(stream_id: StreamId, event: object) -> StreamEvents:
    return StreamEvents(stream_id, (event,))


def merged(history: Sequence[StreamEvents | object]) -> list[StreamEvents | object]:
    """Put events of one stream that follow each other together."""
    whole: list[StreamEvents | object] = []
    for each in history:
        last = whole[-1] if whole else None
        if isinstance(each, StreamEvents) and isinstance(last, StreamEvents) and last.stream_id == each.stream_id:
            whole[-1] = StreamEvents(each.stream_id, (*last.events, *each.events))
        else:
            whole.append(each)
    return whole
