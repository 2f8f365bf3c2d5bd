"""What a reader gets is the same, whether it was made by its constructor or by a decoder that leaves attributes for later."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime

import attrs
import pytest

from eventcore import EventCodec, Recorded, StreamId, event
from eventcore.ids import Position, new_event_id
from eventcore.store import StoredEvent
from eventcore.subscriptions import EventDecoder


@event
class Noted:
    text: str


STORED = StoredEvent(
    "notes-1", 3, Position((7, 1)), new_event_id(), "Noted", 1, b'{"text":"x"}', b'{"by":"ada"}', datetime(2026, 1, 2, tzinfo=UTC)
)


def decoded() -> Recorded[object]:
    return EventDecoder(EventCodec(), "a test", [Noted]).recorded(STORED)


def constructed() -> Recorded[object]:
    return Recorded(Noted("x"), StreamId("notes-1"), 3, STORED.position, STORED.event_id, STORED.recorded_at, {"by": "ada"})


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(Recorded)])
def test_each_attribute_is_there_and_stays(name: str) -> None:
    recorded = decoded()
    assert getattr(recorded, name) == getattr(constructed(), name)
    assert getattr(recorded, name) is getattr(recorded, name)
    assert type(getattr(recorded, name)) is type(getattr(constructed(), name))


def test_it_is_as_good_as_a_constructed_one() -> None:
    assert decoded() == constructed()
    assert constructed() == decoded()
    assert hash(decoded()) == hash(constructed())
    assert repr(decoded()) == repr(constructed())
    assert attrs.asdict(decoded()) == attrs.asdict(constructed())
    assert pickle.loads(pickle.dumps(decoded())) == constructed()
    assert copy.copy(decoded()) == constructed()
    assert attrs.evolve(decoded(), version=4).version == 4


def test_it_has_no_other_attributes() -> None:
    for recorded in (decoded(), constructed()):
        with pytest.raises(AttributeError, match="'Recorded' object has no attribute 'data'"):
            recorded.data  # type: ignore[attr-defined]  # noqa: B018
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            recorded.version = 4  # type: ignore[misc]
