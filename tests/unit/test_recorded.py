"""What a reader gets is the same, whether it was made by its constructor or by a decoder that leaves attributes for later."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from eventcore import EventCodec, Recorded, StreamId, event
from eventcore.ids import Position, new_event_id
from eventcore.store import EventColumns, StoredEvent
from eventcore.subscriptions import EventDecoder


@event
class Noted:
    text: str


STORED = StoredEvent(
    "notes-1", 3, Position((7, 1)), new_event_id(), "Noted", 1, b'{"text":"x"}', b'{"by":"ada"}', datetime(2026, 1, 2, tzinfo=UTC)
)


class Late(EventColumns):
    """One event, which is made when somebody looks at it."""

    def __init__(self) -> None:
        super().__init__([STORED.type], None, [STORED.data], [STORED.metadata])

    def __getitem__(self, index: Any) -> Any:
        raise AssertionError("nobody asked for it")

    def late(self) -> Iterator[tuple[Callable[..., StoredEvent], *tuple[Any, ...]]]:
        yield StoredEvent, *STORED


def decoded(*, late: bool = False) -> Recorded[object]:
    decoder = EventDecoder(EventCodec(), "a test", [Noted])
    if not late:
        return decoder.recorded(STORED)
    [(type_, recorded)] = decoder.recorded_all(Late())
    assert type_ == "Noted"
    return recorded


def constructed() -> Recorded[object]:
    return Recorded(Noted("x"), StreamId("notes-1"), 3, STORED.position, STORED.event_id, STORED.recorded_at, {"by": "ada"})


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("name", [field.name for field in attrs.fields(Recorded)])
def test_each_attribute_is_there_and_stays(name: str, late: bool) -> None:
    recorded = decoded(late=late)
    assert getattr(recorded, name) == getattr(constructed(), name)
    assert getattr(recorded, name) is getattr(recorded, name)
    assert type(getattr(recorded, name)) is type(getattr(constructed(), name))


@pytest.mark.parametrize("late", [False, True])
def test_it_is_as_good_as_a_constructed_one(late: bool) -> None:
    assert decoded(late=late) == constructed()
    assert constructed() == decoded(late=late)
    assert hash(decoded(late=late)) == hash(constructed())
    assert repr(decoded(late=late)) == repr(constructed())
    assert attrs.asdict(decoded(late=late)) == attrs.asdict(constructed())
    assert pickle.loads(pickle.dumps(decoded(late=late))) == constructed()
    assert copy.copy(decoded(late=late)) == constructed()
    assert attrs.evolve(decoded(late=late), version=4).version == 4


def test_it_has_no_other_attributes() -> None:
    for recorded in (decoded(), decoded(late=True), constructed()):
        with pytest.raises(AttributeError, match="'Recorded' object has no attribute 'data'"):
            recorded.data  # type: ignore[attr-defined]  # noqa: B018
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            recorded.version = 4  # type: ignore[misc]
