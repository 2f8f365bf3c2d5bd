"""The rules that every command keeps, each as a check of one case. A check returns what is wrong, or None."""

from __future__ import annotations

import copy
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, cast, final

import attrs

from eventcore.errors import EventCoreError
from eventcore.execute.binding import Binder, CommandPlan
from eventcore.ids import StreamId
from eventcore.store import EventStore
from eventcore.testing.conflicting import ConflictingStore
from eventcore.testing.differences import shown
from eventcore.testing.property.alike import alike
from eventcore.testing.property.case import Case
from eventcore.testing.property.outcome import World
from eventcore.testing.stream_events import StreamEvents
from eventcore.testing.together import CommandOutcome, Meeting, Written, orders
from eventcore.typed.handles import Handles

_TOTAL: Final = "apply takes every event that a stream may hold"
_SERIAL: Final = "commands at the same time do what they would do one after the other, in some order"
# In how many ways the commands of one case meet.
_INTERLEAVINGS: Final = 4


@final
@attrs.frozen
class Broken:
    """A rule that a case breaks. With a *seed*, it takes the other commands, too, interleaved as the seed says."""

    rule: str
    how: str
    seed: int | None = None


@final
class Rules:
    """Checks cases of commands in a *world*; `handle` may end with *raises*."""

    def __init__(self, world: World, binder: Binder, raises: tuple[type[Exception], ...]) -> None:
        self._world, self._raises, self._binder = world, raises, binder

    def broken(self, case: Case) -> Broken | None:
        """Return the first rule that *case* breaks, or None."""
        plan = self._binder.plan(type(case.command))
        return self._history(case) or self._alone(plan, case) or self._together(case)

    # What had happened

    def _history(self, case: Case) -> Broken | None:
        streams: dict[str, list[object]] = {}
        for each in case.history:
            if isinstance(each, StreamEvents):
                if found := self._codec(each.events):
                    return found
                streams.setdefault(str(each.stream_id), []).extend(each.events)
        for cls in {type(command) for command in (case.command, *case.others)}:
            for state, prefix in self._states(self._binder.plan(cls)):
                for stream_id, events in streams.items():
                    if stream_id.startswith(prefix) and (found := _fold(state, stream_id, events)):
                        return found
        return None

    def _states(self, plan: CommandPlan) -> Iterator[tuple[type[Any], str]]:
        for stream in plan.streams:
            if stream.fold is not None:
                state = stream.fold.state
                yield state, f"{getattr(state, '__eventcore_category__', '')}-"

    def _codec(self, events: Sequence[object]) -> Broken | None:
        codec = self._world.codec
        for event in events:
            try:
                again = codec.decoder(type(event))(codec.encode(event))
            except Exception as error:  # noqa: BLE001  # it is reported
                return Broken("every event survives the codec", f"{shown(event)} does not: {error}")
            if not alike(event, again):
                return Broken("every event survives the codec", f"stored was    {shown(event)}\nread is       {shown(again)}")
        return None

    # The command by itself

    def _alone(self, plan: CommandPlan, case: Case) -> Broken | None:
        before = copy.deepcopy(case.command)
        with _watched(type(case.command)) as runs:
            first = self._world.run(lambda store: self._after(store, case, again=False), seed=0)
            second = self._world.run(lambda store: self._after(store, case, again=False), seed=1)
            repeated = self._world.run(lambda store: self._after(store, case, again=True), seed=0)
        if not alike(before, case.command):
            return Broken(
                "handle changes none of its inputs", f"the command was   {shown(before)}\nand became        {shown(case.command)}"
            )
        return (
            self._allowed(first)
            or next((found for seen in runs if (found := _changed(seen))), None)
            or _equal(first, second, "a first time", "a second time")
            or _equal(first, repeated, "at once", "after a conflict")
            or (self._codec([event for _, event in first.events]) if isinstance(first, Written) else None)
            or self._foldable(plan, case, first)
        )

    async def _after(self, store: EventStore, case: Case, *, again: bool) -> CommandOutcome:
        await self._world.happen(store, case.history)
        return await self._world.outcome(ConflictingStore(1, store) if again else store, case.command)

    def _allowed(self, outcome: CommandOutcome) -> Broken | None:
        if isinstance(outcome, Written) or isinstance(outcome.error, self._raises):
            return None
        if isinstance(outcome.error, EventCoreError):
            return Broken("handle does what a command may do", f"{outcome.kind.__name__}: {outcome.text}")
        notes = "".join(f"\n{note}" for note in getattr(outcome.error, "__notes__", ()))
        return Broken(
            "handle ends with writes or a rejection",
            f"it raised {outcome.kind.__name__}: {outcome.text}{notes}\n(check_command(raises=...) lists the errors that it may end with)",
        )

    def _foldable(self, plan: CommandPlan, case: Case, outcome: CommandOutcome) -> Broken | None:
        if not isinstance(outcome, Written):
            return None
        streams: dict[str, list[object]] = {}
        history = self._world.run(lambda store: self._world.happen(store, case.history))
        for happened in (*(each for _, each in history), outcome):
            for stream_id, event in happened.events if isinstance(happened, Written) else ():
                streams.setdefault(stream_id, []).append(event)
        found = (
            _fold(state, each, events)
            for state, prefix in self._states(plan)
            for each, events in streams.items()
            if each.startswith(prefix)
        )
        return next((broken for broken in found if broken is not None), None)

    # With others

    def _together(self, case: Case) -> Broken | None:
        commands = (case.command, *case.others)
        untried = orders(commands)
        alone: list[Meeting] = []
        for seed in range(case.seed, case.seed + _INTERLEAVINGS):
            meeting = self._world.at_once(case.history, commands, seed=seed)
            # The first order is the right one mostly, so no more of them are run than are needed.
            while meeting not in alone:
                order = next(untried, None)
                if order is None:
                    return Broken(_SERIAL, meeting.told(commands), seed)
                alone.append(self._world.one_after_another(case.history, commands, order))
        return None


def _equal(one: CommandOutcome, other: CommandOutcome, when: str, again: str) -> Broken | None:
    same = alike(one, other) if isinstance(one, Written) and isinstance(other, Written) else one == other
    if same:
        return None
    width = max(len(when), len(again)) + 3
    return Broken("handle decides the same on the same", f"{when:<{width}} {one}\n{again:<{width}} {other}")


def _fold(state: type[Any], stream_id: str, events: Sequence[object]) -> Broken | None:
    """Fold *events* step by step. Each state is folded a second time: were it changed in place, the second time would differ."""
    folded = state()
    for number, event in enumerate(events, 1):
        before = copy.deepcopy(folded)
        try:
            after = state.apply(folded, event)
            again = state.apply(before, event)
        except Exception as error:  # noqa: BLE001  # it is reported
            place = f"event {number} of {stream_id}, {shown(event)}"
            return Broken(
                _TOTAL, f"{state.__qualname__}.apply raised {type(error).__name__}: {error}\non {place},\nin the state {shown(folded)}"
            )
        if not isinstance(after, state):
            return Broken(_TOTAL, f"{state.__qualname__}.apply made {shown(after)} of {shown(event)}, event {number} of {stream_id}")
        if not alike(folded, copy.deepcopy(folded)) or not alike(after, again):
            parts = f"at once       {shown(after)}\nin two parts  {shown(again)}"
            return Broken("apply folds in two parts as it does at once", f"{stream_id} up to event {number}, {shown(event)}\n{parts}")
        if not alike(folded, _refolded(state, events[: number - 1])):
            changed = f"{state.__qualname__}.apply changed the state that it was given, on {shown(event)}: it now is {shown(folded)}"
            return Broken("apply changes nothing in place", changed)
        folded = after
    return None


def _refolded(state: type[Any], events: Sequence[object]) -> object:
    folded = state()
    for event in events:
        folded = state.apply(folded, event)
    return folded


_Seen = dict[str, tuple[object, object]]
"""States that one run of `handle` was given, by their place, each with a copy of what it was then."""


@contextmanager
def _watched(cls: type[Any]) -> Generator[list[_Seen]]:
    """Keep a copy of the states that `handle` is given, beside the states themselves."""
    handle = cls.handle
    runs: list[_Seen] = []

    def watching(self: object, streams: object, state: object, *resolver: object) -> object:
        seen: _Seen = {}
        runs.append(seen)
        return handle(self, streams, _with_copies(state, seen), *resolver)

    cls.handle = watching
    try:
        yield runs
    finally:
        cls.handle = handle


def _with_copies(state: Any, seen: _Seen) -> object:
    """Return *state* as `handle` sees it. States of a mapping are copied when they are touched: before, they may not have been read."""
    mappings: dict[str, object] = {}
    for name in _names(state):
        value: object = getattr(state, name)
        if isinstance(value, Handles):
            handles = cast("Handles[object, object]", value)
            mappings[name] = Handles(partial(_ids, handles), partial(_touched, handles, f"state.{name}", seen))
        else:
            seen[f"state.{name}"] = (value, copy.deepcopy(value))
    return attrs.evolve(state, **mappings) if mappings else state


def _ids(handles: Handles[object, object]) -> Mapping[StreamId[object], object]:
    return dict.fromkeys(handles)


def _touched(handles: Handles[object, object], field: str, seen: _Seen, stream_id: StreamId[object]) -> object:
    value = handles[stream_id]
    seen.setdefault(f"{field}[{str(stream_id)!r}]", (value, copy.deepcopy(value)))
    return value


def _names(state: object) -> list[str]:
    """Name the members of *state*. What a command folds by itself is whatever it likes, and may have none."""
    if not attrs.has(type(state)):
        return []
    return [field.name for field in cast("Sequence[attrs.Attribute[Any]]", attrs.fields(cast("Any", type(state))))]


def _changed(seen: _Seen) -> Broken | None:
    for place, (now, before) in seen.items():
        if not alike(before, now):
            became = f"{'and became':<{len(place) + 4}}"
            return Broken("handle changes none of its inputs", f"{place} was {shown(before)}\n{became} {shown(now)}")
    return None
