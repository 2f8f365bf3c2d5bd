"""What a name in an atlas stands for, and which commands have to do with it."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from typing import Final, final

import attrs

from eventcore_codegen.atlas.conflicts import Reach, Reaches
from eventcore_codegen.atlas.values import Atlas, EventEntry, StateEntry, Subject, Touch, Use, Verdict
from eventcore_codegen.model import ClassRef

_SUGGESTED: Final = 3


@final
@attrs.frozen
class Unknown:
    """A name that is in no atlas. *close* are names that are, with what they are; *is_command*: it is one of a command."""

    name: str
    close: tuple[tuple[str, str], ...]
    is_command: bool


def find(name: str, atlas: Atlas) -> tuple[Subject, ...] | Unknown:
    """Return all that *name* stands for: states, categories and events of exactly that name, or else the stream that has it as its id."""
    finder = _Finder(atlas)
    exact = (*finder.states(name), *finder.categories(name), *finder.events(name))
    found = exact or tuple(finder.streams(name))
    if found:
        return found
    return Unknown(name, finder.close(name), any(name in _names(command.ref, command.label) for command in atlas.commands))


@final
class Touches:
    """Which fields can, or may, be streams of one reach."""

    def __init__(self, atlas: Atlas) -> None:
        self.reaches = Reaches(atlas.states)
        self._order = {use: number for number, use in enumerate(atlas.uses)}
        self._by_reach: dict[Reach, list[Use]] = {}
        for use in self._order:
            self._by_reach.setdefault(self.reaches.of(use), []).append(use)

    def of(self, wanted: Reach) -> tuple[Touch, ...]:
        return self._sorted(
            Touch(use, verdict) for reach, uses in self._by_reach.items() if (verdict := wanted.meets(reach)) != "never" for use in uses
        )

    def of_state(self, state: StateEntry) -> tuple[Touch, ...]:
        return self.of(self.reaches.of_state(state))

    def of_stream(self, categories: Collection[str]) -> tuple[Touch, ...]:
        """Return the fields that can be a stream whose id is one of *categories*, as it begins."""
        return self._sorted(
            Touch(use, verdict)
            for reach, uses in self._by_reach.items()
            if (verdict := self._verdict(reach, categories)) != "never"
            for use in uses
        )

    def _verdict(self, reach: Reach, categories: Collection[str]) -> Verdict:
        if reach.category is not None:
            certain: Verdict = "can" if len(categories) == 1 else "may"
            return certain if reach.category in categories else "never"
        return "may" if any(reach.meets(self.reaches.categories[category]) != "never" for category in categories) else "never"

    def _sorted(self, touches: Iterable[Touch]) -> tuple[Touch, ...]:
        return tuple(sorted(touches, key=lambda touch: self._order[touch.use]))


@final
class _Finder:
    def __init__(self, atlas: Atlas) -> None:
        self._atlas = atlas
        self._touches = Touches(atlas)
        self._categories = self._touches.reaches.categories

    def states(self, name: str) -> Iterator[Subject]:
        for state in self._atlas.states:
            if name in _names(state.ref, state.label):
                yield Subject("state", state.label, (state,), None, self._touches.of_state(state))

    def categories(self, name: str) -> Iterator[Subject]:
        if name in self._categories:
            yield Subject("category", name, self._states_of([name]), None, self._touches.of(self._categories[name]))

    def events(self, name: str) -> Iterator[Subject]:
        for event in self._atlas.events:
            if name == event.stored or name in _names(event.ref, event.label):
                touches = tuple(Touch(use, "can") for use in self._atlas.uses if _holds(use.events, event))
                states = tuple(state for state in self._atlas.states if _holds(state.events, event))
                yield Subject("event", event.label, states, event, touches)

    def streams(self, name: str) -> Iterator[Subject]:
        """Yield the stream *name*, if its id is one that `StreamId.of` makes."""
        categories = [category for category in sorted(self._categories) if name.startswith(f"{category}-") and name != f"{category}-"]
        if categories:
            yield Subject("stream", name, self._states_of(categories), None, self._touches.of_stream(categories))

    def _states_of(self, categories: Collection[str | None]) -> tuple[StateEntry, ...]:
        return tuple(state for state in self._atlas.states if state.category in categories)

    def close(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return names that look like *name*, or like the category that a stream id begins with; the closest first."""
        known = self._known()
        by_folded: dict[str, list[str]] = {}
        for each in known:
            by_folded.setdefault(each.casefold(), []).append(each)
        folded = [
            match
            for text in dict.fromkeys((name.casefold(), name.partition("-")[0].casefold()))
            for match in difflib.get_close_matches(text, by_folded, n=_SUGGESTED)
        ]
        found = [each for match in dict.fromkeys(folded) for each in by_folded[match]]
        return tuple((each, known[each]) for each in found[:_SUGGESTED])

    def _known(self) -> dict[str, str]:
        known = {event.stored: "event" for event in self._atlas.events} | {event.label: "event" for event in self._atlas.events}
        known |= {state.label: "state" for state in self._atlas.states}
        return known | dict.fromkeys(self._categories, "category")


def _names(ref: ClassRef, label: str) -> tuple[str, ...]:
    return (label, ref.qualname, ref.name, f"{ref.module}.{ref.qualname}")


def _holds(events: tuple[EventEntry, ...], event: EventEntry) -> bool:
    return any(each.stored == event.stored for each in events)
