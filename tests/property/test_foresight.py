"""A state that was folded from events before they were stored is the one that is folded from their bytes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventcore import event, state
from eventcore.codec import EventCodec
from eventcore.errors import EventNotStorable
from eventcore.execute.folding import EventReader, StateFold
from eventcore.store import NewEvent
from eventcore.typed.spec import EventType
from tests.soak import times

CODEC = EventCodec()


class Text(str):  # noqa: SLOT000  # any user's subclass
    """A text that is no plain one: it comes back as a `str`."""


class Count(int):
    pass


@event
class Plain:
    """Made of whole numbers and texts alone: its live object is folded."""

    count: int
    name: str
    flag: bool
    maybe: int | str | None = None


@event
class Share:
    """A field of floats takes an int, which comes back as a float."""

    share: float
    ratio: float | None = None


@event
class Deep:
    """Holds what its caller may still change: its bytes are folded."""

    parts: tuple[int, ...]
    more: dict[str, Any]


@state
class Folded:
    """Keeps all that it was given, and of which types."""

    lines: tuple[object, ...] = ()

    def apply(self, event: Plain | Share | Deep) -> Folded:
        values = [getattr(event, each.name) for each in type(event).__attrs_attrs__]
        return Folded((*self.lines, type(event).__name__, *[(type(value).__name__, repr(value)) for value in values]))


TYPES = {cls.__name__: EventType(cls.__name__, 1, cls) for cls in (Plain, Share, Deep)}
FOLD = StateFold(Folded, EventReader(CODEC, "Folded", TYPES), ignore_unknown=False)

whole = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([Count(3), True, 0])
shares = (
    st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([-0.0, 1e22, 5e-324, 1.8446744073709552e19, 1e-7])
    | st.integers(-9, 9)
)
names = st.text(max_size=5) | st.builds(Text, st.text(max_size=5)) | st.sampled_from(["\ud800", "\0", "\u2028", "\\u0000", "é\U0001f600"])
flags = st.booleans() | st.sampled_from([0, 1])
plain = st.builds(Plain, whole, names, flags, whole | names | st.none())
share = st.builds(Share, shares, shares | st.none())
deep = st.builds(Deep, st.tuples(whole, whole), st.dictionaries(st.text("ab", max_size=2), whole | st.none()))


def test_the_short_way_is_taken_by_plain_events_alone():
    assert FOLD.reader.plain == {Plain}


@given(st.lists(plain | share | deep, max_size=5))
@settings(max_examples=times(400), suppress_health_check=list(HealthCheck))
def test_live_events_fold_as_their_bytes_do(events):
    live: list[tuple[object, NewEvent]] = []
    for each in events:
        try:
            live.append((each, NewEvent("s", UUID(int=1), type(each).__name__, 1, CODEC.encode(each))))
        except EventNotStorable:
            continue  # no command gets that far with it
    decoded = Folded()
    for _, new in live:
        decoded = decoded.apply(FOLD.reader.decoders[new.type, 1](new.data))
    assert FOLD.foresee(Folded(), live) == decoded
