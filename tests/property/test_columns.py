"""A page that comes in columns tells what the same events one by one tell: each of them, each part of them, and who decodes them meets the same errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from eventcore import Recorded, event
from eventcore.codec import EventCodec
from eventcore.ids import Position
from eventcore.store import SEPARATOR, StoredEvent
from eventcore.stores.postgres.columns import Columns, PageColumns
from eventcore.subscriptions import EventDecoder
from tests.soak import times

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@event
class Counted:
    count: int


@event(version=2)
class Shared:
    share: float


@event
class Loose:
    """Holds any JSON, as it is."""

    value: Any


DECODER = EventDecoder(EventCodec(), "a test", [Counted, Shared, Loose])

numbers = st.integers(0, 2**31 - 1)
good = st.sampled_from(
    [
        ("Counted", 1, '{"count": 1}'),
        ("Counted", 1, '{"count": 2}'),
        ("Shared", 2, '{"share": 0.5}'),
        ("Loose", 1, '{"value": "ü, \\"[1]\\" €"}'),
    ]
)
# What are no JSON by themselves, and that of one event together.
torn = [("Loose", 1, '{"value": {"a": 1'), ("Loose", 1, '"b": 2}}')]
# Text that ends the list; what is of no class, or of another version; numbers and depths that our parser does not take.
bad = st.sampled_from(
    [
        ("Counted", 1, ""),
        ("Counted", 1, '{"count": "one"}'),
        ("Counted", 1, '{"count": 1}], [{"count": 1}'),
        ("Counted", 2, '{"count": 1}'),
        ("Shared", 1, '{"share": 1}'),
        ("Odd\x1e1", 1, "{}"),
        ("Loose", 1, '{"value": 1e400}'),
        ("Loose", 1, '{"value": ' + "[" * 1022 + "]" * 1022 + "}"),
    ]
)
metadata = st.sampled_from(["{}"] * 8 + ['{"by": "ada"}', "[]", "11"])


@st.composite
def pages(draw: st.DrawFn, *, flawed: bool) -> list[StoredEvent]:
    events = draw(st.lists(good, max_size=8)) * draw(st.sampled_from([1, 1, 9, 40]))
    if flawed:
        events = [*events, *draw(st.lists(good | bad, max_size=4) | st.just(torn))]
    plain = not flawed and draw(st.booleans())
    return [
        StoredEvent(
            draw(st.sampled_from(["a-1", "ä/€-2"])),
            draw(numbers) + 1,
            Position((draw(numbers) << 20, draw(numbers))),
            UUID(int=draw(st.integers(0, 2**128 - 1))),
            name,
            version,
            data.encode(),
            b"{}" if plain else draw(metadata).encode(),
            EPOCH + timedelta(microseconds=draw(st.integers(-(10**15), 10**16))),
        )
        for name, version, data in events
    ]


def told(events: Sequence[StoredEvent]) -> PageColumns:
    """Tell events as the statement `read_log` does."""

    def place(stored: StoredEvent) -> bytes:
        tx, ordinal = stored.position.key
        at = (stored.recorded_at - EPOCH) // timedelta(microseconds=1)
        sent = ((tx, 8), (ordinal, 4), (stored.version, 8), (stored.event_id.int, 16), (at, 8))
        return b"".join(number.to_bytes(size, "big", signed=number < 0) for number, size in sent)

    types = [each.type if each.type_version == 1 and "\x1e" not in each.type else f"{each.type}\x1e{each.type_version}" for each in events]
    return PageColumns.of(
        Columns(
            SEPARATOR.join(types),
            SEPARATOR.join(each.data.decode() for each in events),
            SEPARATOR.join(each.stream_id for each in events),
            SEPARATOR.join(each.metadata.decode() for each in events),
            b"".join(map(place, events)),
        )
    )


def everything(recorded: Recorded[object]) -> tuple[object, ...]:
    # The position first: each attribute is filled by itself.
    return (
        recorded.position,
        recorded.recorded_at,
        recorded.event_id,
        recorded.version,
        recorded.stream_id,
        recorded.metadata,
        recorded.event,
    )


def outcomes(events: Iterable[StoredEvent]) -> Iterator[object]:
    following = iter(DECODER.recorded_all(events))
    while True:
        try:
            type_, recorded = next(following)
        except StopIteration:
            return
        except Exception as error:  # it is what is compared
            cause = error.__cause__
            yield type(error), str(error), repr(cause), error.__context__ is cause, cause is None or cause.__context__ is cause.__cause__
            return
        yield type_, everything(recorded)


@settings(max_examples=times(200))
@given(pages(flawed=True) | pages(flawed=False), st.data())
def test_columns_hold_what_they_were_told(events: list[StoredEvent], data: st.DataObject) -> None:
    if not events:
        return
    columns = told(events)
    assert len(columns) == len(events)
    assert list(columns) == events
    assert columns.end == events[-1].position
    assert [make(*arguments) for make, *arguments in columns.late()] == events
    ends = st.none() | st.integers(-len(events) - 2, len(events) + 2)
    part = slice(data.draw(ends), data.draw(ends), data.draw(st.sampled_from([None, 1, 2, -1, -3])))
    assert list(columns[part]) == events[part]
    number = data.draw(st.integers(-len(events), len(events) - 1))
    assert columns[number] == events[number]
    for beyond in (len(events), -len(events) - 1):
        try:
            columns[beyond]
        except IndexError:
            continue
        raise AssertionError(f"there is no event {beyond} of {len(events)}")


@settings(max_examples=times(300))
@given(pages(flawed=True) | pages(flawed=False))
def test_columns_decode_as_one_by_one(events: list[StoredEvent]) -> None:
    if events:
        columns, half = told(events), len(events) // 2
        assert list(outcomes(columns)) == list(outcomes(events))
        assert list(outcomes(columns[half:])) == list(outcomes(events[half:]))
