"""A fold of bare events comes to what the fold of the same events one by one does: the state, or the error, word for word."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventcore import event, state
from eventcore.codec import EventCodec
from eventcore.execute.folding import Encoded, EventReader, StateFold
from eventcore.store import SEPARATOR, BareEvents
from eventcore.typed.spec import EventType
from tests.soak import times

CODEC = EventCodec()


@event
class Counted:
    count: int
    note: str = ""


@event(version=2)
class Shared:
    share: float
    parts: tuple[int, ...] = ()


@event
class Loose:
    """Holds any JSON, as it is."""

    value: Any


@state
class Folded:
    lines: tuple[str, ...] = ()

    def apply(self, event: Counted | Shared | Loose) -> Folded:
        if isinstance(event, Counted) and event.count == 13:
            raise LookupError(f"no luck after {len(self.lines)}")
        if isinstance(event, Counted) and event.count == 12:
            return cast("Folded", None)  # what a forgotten `return` comes to
        return Folded((*self.lines, repr(event)))


TYPES = {"Counted": EventType("Counted", 1, Counted), "Shared": EventType("Shared", 2, Shared), "Loose": EventType("Loose", 1, Loose)}
READER = EventReader(CODEC, "Folded", TYPES)
FOLDS = [StateFold(Folded, READER, ignore_unknown=False), StateFold(Folded, READER, ignore_unknown=True)]

numbers = st.integers(-3, 20) | st.integers(-(2**63), 2**64)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)
good = (
    st.tuples(st.just(("Counted", 1)), st.fixed_dictionaries({"count": numbers}, optional={"note": st.text(max_size=3)}).map(json.dumps))
    | st.tuples(st.just(("Shared", 2)), st.fixed_dictionaries({"share": values, "parts": st.lists(numbers, max_size=2)}).map(json.dumps))
    | st.tuples(st.just(("Loose", 1)), values.map(lambda value: json.dumps({"value": value})))
)
kinds = st.sampled_from([("Counted", 1), ("Counted", 2), ("Shared", 1), ("Shared", 2), ("Loose", 1), ("Other", 1)])
# What a server keeps and our parser does not take: numbers beyond all floats, nesting without end.
texts = values.map(json.dumps) | st.sampled_from(
    ['{"value": 1e400}', '{"value": ' + "[" * 1023 + "]" * 1023 + "}", '{"count": 1, "more": 2}', "{"]
)
bad = st.tuples(kinds, texts) | good.map(lambda each: ((each[0][0], 3 - each[0][1]), each[1]))  # of another version


def outcome(fold: Callable[[], object]) -> object:
    try:
        return fold()
    except Exception as error:  # it is what is compared
        return type(error), str(error), getattr(error, "__notes__", ()), repr(error.__cause__), error.__context__ is error.__cause__


@given(st.sampled_from(FOLDS), st.integers(0, 5), st.lists(good | good | good | bad, max_size=6))
@settings(max_examples=times(600))
def test_bare_events_fold_as_one_by_one(fold: StateFold, after: int, events: list[tuple[tuple[str, int], str]]):
    versions = range(after + 1, after + 1 + len(events))
    one_by_one = [Encoded("s-1", version, *kind, text.encode()) for version, (kind, text) in zip(versions, events, strict=True)]
    if not events:
        return
    types, type_versions = zip(*[kind for kind, _ in events], strict=True)
    first = all(version == 1 for version in type_versions)
    bare = BareEvents(versions, types, None if first else type_versions, SEPARATOR.join([text for _, text in events]))

    assert outcome(lambda: fold.fold_bare(Folded(), "s-1", bare)) == outcome(lambda: fold.fold(Folded(), one_by_one))


@pytest.mark.parametrize("count", [1, 13])
def test_no_event_is_applied_twice(count: int):
    """Whether all goes well or `apply` raises: who watches it sees each event once, up to the one that it did not take."""
    applied: list[int] = []

    @state
    class Watched:
        def apply(self, event: Counted) -> Watched:
            applied.append(event.count)
            if event.count == 13:
                raise LookupError("no luck")
            return self

    fold = StateFold(Watched, EventReader(CODEC, "Watched", {"Counted": TYPES["Counted"]}), ignore_unknown=False)
    counts = [1, 2, count, 4]
    bare = BareEvents(range(1, 5), ("Counted",) * 4, None, SEPARATOR.join(json.dumps({"count": each}) for each in counts))
    with pytest.raises(LookupError, match="no luck") if count == 13 else nullcontext() as raised:
        fold.fold_bare(Watched(), "s-1", bare)

    assert applied == (counts[:3] if count == 13 else counts)
    if raised is not None:
        assert "folded Counted(count=13, note=''), version 3 of stream 's-1'" in raised.value.__notes__[0]
