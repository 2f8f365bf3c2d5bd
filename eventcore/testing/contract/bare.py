"""Bare reads: whoever only folds is told of the same events, in whichever form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from eventcore.ids import new_event_id
from eventcore.store import SEPARATOR, EventStore, NewEvent, Snapshot, StreamRead, StreamSlice
from eventcore.testing.contract.base import StoreScenarios, scenario
from eventcore.testing.contract.checks import require_committed, require_equal
from eventcore.testing.contract.making import add, append_one, new_event, request


class Folded(NamedTuple):
    """What a fold learns of one event."""

    version: int
    type: str
    type_version: int
    data: object


def folded(found: StreamSlice) -> list[Folded]:
    """Return what a fold learns from *found*, bare or not."""
    events = [Folded(event.version, event.type, event.type_version, json.loads(event.data)) for event in found.events]
    for versions, types, type_versions, data in found.bare:
        columns = (versions, types, type_versions or [1] * len(types), map(json.loads, data.split(SEPARATOR)))
        events += [Folded(*each) for each in zip(*columns, strict=True)]
    return events


async def require_alike(store: EventStore, reads: Sequence[StreamRead], claim: str) -> None:
    """Fail unless bare reads tell what the same reads tell that are not bare."""
    __tracebackhide__ = True
    whole = (await store.read(reads)).slices
    bare = (await store.read([read._replace(bare=True) for read in reads])).slices
    for read, told, expected in zip(reads, bare, whole, strict=True):
        require_equal(folded(told), folded(expected), f"{claim}: what a bare read tells of {read}")
        require_equal(
            told._replace(events=(), bare=()), expected._replace(events=(), bare=()), f"{claim}: all else that it tells of {read}"
        )


class BareScenarios(StoreScenarios):
    @scenario
    async def test_a_bare_read_tells_the_same(self, store: EventStore) -> None:
        """From any version on, of any types, of streams that are there, are shorter than that, or are missing, repeats included."""
        await add(store, "a-1", 1, 2, kind="One")
        await add(store, "a-1", 3, kind="Two")
        await add(store, "a-1", 4, kind="One")
        await add(store, "b-1", "b")
        types = (None, frozenset({"One"}), frozenset({"One", "Two"}), frozenset({"Never"}), frozenset[str]())
        reads = [StreamRead(stream, after, wanted) for stream in ("a-1", "b-1", "c-1") for after in (0, 1, 3, 4, 9) for wanted in types]

        await require_alike(store, [*reads, *reads[:3]], "one read of many")
        for read in reads[:25]:
            await require_alike(store, [read], "a read by itself")

    @scenario
    async def test_a_bare_read_tells_types_versions_and_data_as_they_are(self, store: EventStore) -> None:
        """Names in any script, versions of any size, and JSON of any kind: nothing in it is taken for what stands between two events."""
        kinds = [("Plain", 1), ("Plain", 2), ("Plain", 2**31 - 1), ("été 名前 🎉", 1), ("Plain 2", 3), ("comma, [bracket]", 1)]
        values = [
            "{}",
            "[]",
            "[1, [2]]",
            "null",
            "0",
            "-1.5e-7",
            '""',
            '"\\u001f"',
            '"\\u001e,"',
            '{"\\u001f": ["],[", "}{"]}',
            '{"a": {"b": "\\\\"}}',
        ]
        events = [NewEvent("odd-1", new_event_id(), name, number, value.encode()) for name, number in kinds for value in values]
        require_committed(await append_one(store, request({"odd-1": 0}, *events)), "events of any type and data")

        await require_alike(store, [StreamRead("odd-1"), StreamRead("odd-1", 7, frozenset({"Plain"}))], "odd events")

    @scenario
    async def test_a_bare_read_begins_at_the_snapshot(self, store: EventStore) -> None:
        """Where there is one; one that is newer than the stream, of another kind or not newer than what is known counts for nothing."""
        await add(store, "a-1", "one", "two", "three")
        await add(store, "b-1", "one")
        await store.save_snapshots([Snapshot("a-1", "State", 2, b""), Snapshot("b-1", "State", 2, b"2"), Snapshot("b-1", "Other", 1, b"1")])
        reads = [
            StreamRead(stream, after, None, kind) for stream in ("a-1", "b-1") for after in (0, 1, 2) for kind in ("State", "Other", None)
        ]

        await require_alike(store, reads, "reads with snapshots")

    @scenario
    async def test_a_bare_read_has_no_hidden_limit(self, store: EventStore) -> None:
        """A long stream comes whole beside a short one, and so does what is wanted of it."""
        total, at_once = 30_000, 10_000
        for start in range(0, total, at_once):
            events = [new_event("long-1", number, kind=f"Kind{number % 3}") for number in range(start, start + at_once)]
            await append_one(store, request({"long-1": start}, *events))
        await add(store, "short-1", "one")

        reads = [StreamRead("long-1"), StreamRead("short-1"), StreamRead("long-1", 7, frozenset({"Kind1"}))]
        await require_alike(store, reads, "a stream of 30 000 events")

    @scenario
    async def test_bare_reads_mix_with_others(self, store: EventStore) -> None:
        """Of one call each read gets an answer that it can use: whole events where it did not ask for less."""
        await add(store, "a-1", 1, 2)
        await add(store, "b-1", 3)
        whole, bare = (await store.read([StreamRead("a-1"), StreamRead("b-1", bare=True)])).slices

        require_equal([event.version for event in whole.events], [1, 2], "the events that were not asked for bare")
        require_equal([each.data for each in folded(bare)], [{"label": 3}], "the event that was")
