"""Compare what callers and readers were told with what is stored.

Every command writes two events, of opposite amounts, to two streams. The judge holds:

* what a caller was told is committed is there, once, exactly as the caller was told: ids, streams, versions, positions
* what a caller was told has failed is not there; what nobody knows is there whole, or not at all
* nothing is there that nobody sent
* a stream's versions count from 1 without a gap, in the order of the positions; `read` and `read_all` tell the same
* each reader saw each event once, in order
* no money came or went, and no stream was ever overdrawn
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

import attrs

Outcome: TypeAlias = Literal["committed", "failed", "unknown"]


class Entry(NamedTuple):
    """An event, as far as the judge is concerned. *amount* is what the stream gained by it."""

    event_id: str
    stream_id: str
    version: int
    position: str
    command: str
    amount: int


class Place(NamedTuple):
    """What a caller is told of an event."""

    event_id: str
    stream_id: str
    version: int
    position: str


@attrs.frozen
class Told:
    """What the caller of one command was told: its events where it was committed, an error where it was not."""

    command: str
    outcome: Outcome
    places: tuple[Place, ...] = ()
    error: str = ""


@attrs.frozen(kw_only=True)
class History:
    """*log* is everything in its order, *streams* each stream as `read` has it, *readers* what each reader saw, by event id.

    *opening* is what each stream held before the first command; its events are those of commands in *openings*.
    """

    told: Sequence[Told]
    log: Sequence[Entry]
    streams: Mapping[str, Sequence[Entry]]
    readers: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    openings: frozenset[str] = frozenset()


def judge(history: History) -> list[str]:
    """Return what is wrong, in words; nothing, where all is well."""
    return [*_commands(history), *_streams(history), *_readers(history), *_money(history)]


def _commands(history: History) -> Iterator[str]:
    stored: dict[str, list[Entry]] = defaultdict(list)
    for entry in history.log:
        stored[entry.command].append(entry)
    for event_id, times in Counter(entry.event_id for entry in history.log).items():
        if times > 1:
            yield f"event {event_id} is stored {times} times"
    for command, times in Counter(told.command for told in history.told).items():
        if times > 1:
            yield f"{command} was answered {times} times"
    answers = {told.command: told for told in history.told}
    for told in history.told:
        yield from _answer(told, stored.get(told.command, []))
    for command, entries in stored.items():
        if command in history.openings:
            continue
        if command not in answers:
            yield f"{command} is stored and nobody sent it"
        if len(entries) != 2 or sum(entry.amount for entry in entries) != 0 or len({entry.stream_id for entry in entries}) != 2:
            yield f"{command} is not whole: {_listed(entries)}"


def _answer(told: Told, entries: Sequence[Entry]) -> Iterator[str]:
    if told.outcome == "committed":
        places = tuple(Place(*entry[:4]) for entry in entries)
        if not entries:
            yield f"{told.command} was acknowledged and is lost"
        elif places != told.places:
            yield f"{told.command} was answered with {told.places}, stored is {places}"
    elif told.outcome == "failed" and entries:
        yield f"{told.command} was reported as failed ({told.error}) and is stored: {_listed(entries)}"


def _streams(history: History) -> Iterator[str]:
    by_stream: dict[str, list[Entry]] = defaultdict(list)
    for entry in history.log:
        by_stream[entry.stream_id].append(entry)
    for stream_id, entries in by_stream.items():
        versions = [entry.version for entry in entries]
        if versions != list(range(1, len(versions) + 1)):
            yield f"the versions of {stream_id} are {versions} in the order of their positions"
        if list(history.streams.get(stream_id, ())) != entries:
            yield f"{stream_id} is read otherwise than all events are: {_listed(history.streams.get(stream_id, ()))}, not {_listed(entries)}"
    for stream_id in history.streams.keys() - by_stream.keys():
        if history.streams[stream_id]:
            yield f"{stream_id} has events that are missing where all events are read"


def _readers(history: History) -> Iterator[str]:
    right = [entry.event_id for entry in history.log]
    for reader, seen in history.readers.items():
        if list(seen) == right:
            continue
        counted = Counter(seen)
        skipped = [event_id for event_id in right if event_id not in counted]
        doubled = [event_id for event_id, times in counted.items() if times > 1]
        foreign = counted.keys() - set(right)
        if skipped:
            yield f"{reader} skipped {len(skipped)} events, first {skipped[0]}"
        if doubled:
            yield f"{reader} saw {len(doubled)} events more than once, first {doubled[0]}"
        if foreign:
            yield f"{reader} saw {len(foreign)} events that are not stored, first {min(foreign)}"
        if not (skipped or doubled or foreign):
            yield f"{reader} saw the events in another order"


def _money(history: History) -> Iterator[str]:
    opened = sum(entry.amount for entry in history.log if entry.command in history.openings)
    total = sum(entry.amount for entry in history.log)
    if total != opened:
        yield f"there are {total}, {opened} were put in"
    balances: Counter[str] = Counter()
    for entry in history.log:
        balances[entry.stream_id] += entry.amount
        if balances[entry.stream_id] < 0:
            yield f"{entry.stream_id} was overdrawn by {entry.command}"


def _listed(entries: Iterable[Entry]) -> str:
    return ", ".join(f"{entry.stream_id}@{entry.version} {entry.amount:+d} ({entry.event_id[:13]})" for entry in entries) or "nothing"
