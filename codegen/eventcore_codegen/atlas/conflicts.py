"""Which commands can conflict, and on which kind of stream.

A command's append is checked against the version of every stream that it read. So two commands conflict when both touch one stream and one of them
writes it. Which fields can be one stream is decided by category: `StreamId.of` gives streams of two categories two names. Fields without a state
(``events=``) belong to no category; they may be any stream that holds an event of theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations_with_replacement, product
from typing import final

import attrs

from eventcore_codegen.atlas.values import CommandEntry, Conflict, EventEntry, Ground, StateEntry, Use, Verdict


@final
@attrs.frozen(cache_hash=True)
class Reach:
    """The streams that a field can be: those of *category*; those of *state*, whose category is not known; or, without both, any that hold *events*.

    *events* are stored names, of a category those of all its states. *takes_any*: a state passes over other events, so that they may be there too.
    """

    category: str | None
    state: StateEntry | None
    events: frozenset[str]
    takes_any: bool

    @property
    def has_state(self) -> bool:
        return self.category is not None or self.state is not None

    @property
    def label(self) -> str:
        """What its streams are called, for people."""
        if self.category is not None:
            return self.category
        return f"streams with {', '.join(sorted(self.events))}" if self.state is None else f"streams of {self.state.ref}"

    def meets(self, other: Reach) -> Verdict:
        """Tell whether one stream can be in both."""
        if not (self.has_state and other.has_state):
            return "may" if self.events & other.events or self.takes_any or other.takes_any else "never"
        if self == other:
            return "can"
        if self.category is None or other.category is None:
            return "may"
        return "may" if _share_ids(self.category, other.category) else "never"

    def label_with(self, other: Reach) -> str:
        """Return what the streams in both are called: by category, where one of them has one."""
        if self.has_state != other.has_state:
            return self.label if self.has_state else other.label
        if not self.has_state:
            shared = ", ".join(sorted(self.events & other.events))
            return f"streams with {shared}"
        return " or ".join(dict.fromkeys((self.label, other.label)))


def _share_ids(one: str, other: str) -> bool:
    """``item-x`` is also what ids of the category ``item`` can begin with."""
    return f"{one}-".startswith(f"{other}-") or f"{other}-".startswith(f"{one}-")


@final
class Reaches:
    """What reach the fields of commands have, where *states* are all that there are."""

    def __init__(self, states: Iterable[StateEntry]) -> None:
        self._by_category: dict[str, list[StateEntry]] = {}
        for state in states:
            if state.category is not None:
                self._by_category.setdefault(state.category, []).append(state)
        self._categories = {category: _of_states(category, None, states) for category, states in self._by_category.items()}

    @property
    def categories(self) -> Mapping[str, Reach]:
        return self._categories

    def of(self, use: Use) -> Reach:
        return Reach(None, None, _stored(use.events), takes_any=False) if use.state is None else self.of_state(use.state)

    def of_state(self, state: StateEntry) -> Reach:
        return _of_states(None, state, [state]) if state.category is None else self._categories[state.category]


def _of_states(category: str | None, state: StateEntry | None, states: Iterable[StateEntry]) -> Reach:
    states = tuple(states)
    events = frozenset(name for each in states for name in _stored(each.events))
    return Reach(category, state, events, takes_any=any(each.ignores_unknown for each in states))


def _stored(events: Iterable[EventEntry]) -> frozenset[str]:
    return frozenset(event.stored for event in events)


def conflicts(commands: tuple[CommandEntry, ...], states: Iterable[StateEntry]) -> tuple[Conflict, ...]:
    """Return the pairs of commands that can or may conflict, each once, in the order of *commands*."""
    order = {use: (number, place) for number, command in enumerate(commands) for place, use in enumerate(command.uses)}
    found: dict[tuple[str, str], list[Ground]] = {}
    for ground in sorted(_grounds(order, Reaches(states)), key=lambda ground: (order[ground.first], order[ground.second])):
        found.setdefault((ground.first.command, ground.second.command), []).append(ground)
    return tuple(
        Conflict(first, second, tuple(grounds))
        for (first, second), grounds in sorted(found.items(), key=lambda item: (order[item[1][0].first][0], order[item[1][0].second][0]))
    )


def _grounds(order: Mapping[Use, tuple[int, int]], reaches: Reaches) -> Iterator[Ground]:
    by_reach: dict[Reach, list[Use]] = {}
    for use in order:
        by_reach.setdefault(reaches.of(use), []).append(use)
    for one, other in combinations_with_replacement(by_reach, 2):
        verdict = one.meets(other)
        if verdict != "never":
            label = one.label_with(other)
            pairs = combinations_with_replacement(by_reach[one], 2) if one is other else product(by_reach[one], by_reach[other])
            for pair in pairs:
                first, second = sorted(pair, key=order.__getitem__)
                if not (first.read_only and second.read_only):
                    # Run twice, a command has the same stream in the same field, whatever that may be.
                    yield Ground(first, second, "can" if first is second else verdict, label)
