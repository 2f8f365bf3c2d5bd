"""What goes in comes out: bytes, ids, types, metadata, times. And what is in cannot be changed from outside."""

from __future__ import annotations

import json
from collections.abc import MutableSequence, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from eventcore.ids import MAX_STREAM_ID_LENGTH, StreamId, new_event_id
from eventcore.store import EventStore, NewEvent, StoredEvent, StreamRead
from eventcore.testing.contract.base import StoreScenarios, scenario
from eventcore.testing.contract.checks import require_committed, require_conflict, require_equal, require_that
from eventcore.testing.contract.making import add, append_one, expecting, labels_of, new_event, read_log, read_one, request

JSON_TEXTS: Final = (
    "{}",
    r'{"nested": {"deep": [[[], {}], null, true, false]}}',
    r'{"text": "quotes \" and \\ and / and \u2028 and \u007f"}',
    r'{"escaped":"\u00e4\n"}',
    '{"unicode": "ä ß 漢字 \U0001f600 e\u0301 \u00e9 \u2028"}',
    r'{"numbers": [0, -1, 1.5, 1e-9, 0.1, 9007199254740991, -9007199254740991, 9223372036854775807, 12345678901234567890]}',
    r'{"exact":1.0,"big":1E+2}',
    r'{"": "the empty name", "a b": 1, "é": 2, "__proto__": 3}',
    '{ "b" : 1,\n "a" :\t2 }',
    '{"long": "' + "x" * 1_000_000 + '"}',
    r'["a", "list"]',
    r'"text"',
    "0",
    "null",
)


class FidelityScenarios(StoreScenarios):
    def require_kept(self, event: StoredEvent, given: NewEvent, claim: str) -> None:
        """Fail unless *event* is what was given: the same bytes, or equal JSON values where the store says so."""
        kept, wanted = ((event.data, event.metadata), (given.data, given.metadata))
        if self.keeps_bytes:
            require_equal(kept, wanted, f"{claim}: data and metadata")
        else:
            require_equal([*map(json.loads, kept)], [*map(json.loads, wanted)], f"{claim}: values of data and metadata")
        require_equal((type(event.data), type(event.metadata)), (bytes, bytes), f"{claim}: types of data and metadata")
        identity = (given.stream_id, given.event_id, given.type, given.type_version)
        require_equal(
            (event.stream_id, event.event_id, event.type, event.type_version), identity, f"{claim}: stream, id, type and type version"
        )

    @scenario
    async def test_data_and_metadata_survive(self, store: EventStore) -> None:
        """Every kind of JSON, spaces, order of names and huge text included, comes back from a stream, the log and the verdict."""
        given = [NewEvent("kept-1", new_event_id(), "Kept", 1, text.encode(), text.encode()) for text in JSON_TEXTS]
        committed = require_committed(await append_one(store, request({"kept-1": 0}, *given)), "events with every kind of JSON")
        for found in (committed.events, (await read_one(store, "kept-1")).events, await read_log(store)):
            require_equal(len(found), len(given), "events kept")
            for event, new in zip(found, given, strict=True):
                self.require_kept(event, new, f"an event with the data {new.data[:60]!r}")

    @scenario
    async def test_ids_types_and_versions_survive(self, store: EventStore) -> None:
        """Event ids of any UUID version, type names in any script, type versions of any size: the store reads nothing into them."""
        ids = [new_event_id(), UUID(int=0), UUID(int=2**128 - 1), UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")]
        names = ["Plain", "shop.item-added.v2", "étrange", "注文", "Unknown To Everyone", "a'b\"c\\d", "x" * 255]
        given = [NewEvent("typed-1", event_id, "Plain", 1, b"{}") for event_id in ids]
        given += [NewEvent("typed-1", new_event_id(), name, number, b"{}") for number, name in enumerate(names, 1)]
        given.append(NewEvent("typed-1", new_event_id(), "Plain", 2**31 - 1, b"{}"))
        require_committed(await append_one(store, request({"typed-1": 0}, *given)), "events of any type")
        for event, new in zip((await read_one(store, "typed-1")).events, given, strict=True):
            self.require_kept(event, new, f"an event of the type {new.type!r}")
        for name in names[1:]:
            found = await read_one(store, "typed-1", types=frozenset({name}))
            require_equal([event.type for event in found.events], [name], f"events of the type {name!r}")

    @scenario
    async def test_stream_ids_are_compared_exactly(self, store: EventStore) -> None:
        """The longest id, any script, and ids that differ by case, accent, composition or one letter are each a stream of its own."""
        longest = MAX_STREAM_ID_LENGTH
        ids = [
            "a",
            "A",
            "ä",
            "a\u0308",
            "Ä",
            "ﬁ",
            "fi",
            "a b",
            "a  b",
            "a/b",
            "a\\b",
            "a'b",
            "a%",
            "a_",
            "ß",
            "ss",
            "\U0001f600",
            "\U0001f601",
            "İ",
            "i",
        ]
        ids += ["x" * longest, "x" * (longest - 1), "\U0001f600" * longest, "漢" * longest, "漢" * (longest - 1)]
        for text in ids:
            stream_id = StreamId[object](text)
            require_committed(
                await append_one(store, request({stream_id: 0}, new_event(stream_id, stream_id))), f"a new stream {stream_id!r}"
            )
        slices = (await store.read([StreamRead(each) for each in ids])).slices

        require_equal([found.stream_id for found in slices], ids, "stream ids of the slices")
        require_equal([labels_of(found.events) for found in slices], [[each] for each in ids], "events of each stream")
        require_equal([event.stream_id for event in await read_log(store)], ids, "stream ids in the log")

    @scenario
    async def test_recorded_at_is_the_time_in_utc(self, store: EventStore) -> None:
        """Every event carries the store's clock, as an aware time in UTC, the same wherever it is read."""
        before = datetime.now(UTC)
        (event,) = await add(store, "timed-1", None)
        after = datetime.now(UTC)
        tolerance = timedelta(minutes=1)

        require_equal(event.recorded_at.utcoffset(), timedelta(0), "the offset of `recorded_at` from UTC")
        require_that(
            before - tolerance <= event.recorded_at <= after + tolerance,
            f"an event of {before} must not be recorded at {event.recorded_at}",
        )
        require_equal((await read_one(store, "timed-1")).events[0].recorded_at, event.recorded_at, "`recorded_at` in the stream")
        require_equal((await read_log(store))[0].recorded_at, event.recorded_at, "`recorded_at` in the log")

    @scenario
    async def test_events_are_the_same_wherever_they_are_read(self, store: EventStore) -> None:
        """The verdict, the stream, the log and a conflict's news hold equal events, field by field."""
        asked = request({"same-1": 0}, *(new_event("same-1", number) for number in range(5)))
        committed = list(require_committed(await append_one(store, asked), "five events").events)
        conflict = require_conflict(await append_one(store, request({"same-1": 0})), "a question about version 0 of a stream at 5")

        require_equal(list((await read_one(store, "same-1")).events), committed, "events of the stream")
        require_equal(await read_log(store), committed, "events of the log")
        require_equal(list(conflict.news["same-1"].events), committed, "events of a conflict's news")

    @scenario
    async def test_nothing_that_a_caller_holds_changes_what_is_stored(self, store: EventStore) -> None:
        """Lists and mappings given to the store, or got from it, may be changed afterwards without effect."""
        expected, events = expecting({"safe-1": 0}), [new_event("safe-1", 1)]
        verdict = await append_one(store, request({"safe-1": 0}, *events)._replace(expected=expected, events=events))
        expected.clear()
        events.append(new_event("safe-1", "smuggled"))
        slices = (await store.read([StreamRead("safe-1")])).slices
        page = await store.read_all()
        for got in (require_committed(verdict, "one event").events, slices, slices[0].events, page.events):
            _spoil(got)

        require_equal(labels_of((await read_one(store, "safe-1")).events), [1], "the stream after its readers changed what they hold")
        require_equal(labels_of(await read_log(store)), [1], "the log after its readers changed what they hold")


def _spoil(got: Sequence[object]) -> None:
    """Empty *got* where it can be emptied: a tuple is safe already."""
    if isinstance(got, MutableSequence):
        got.clear()
