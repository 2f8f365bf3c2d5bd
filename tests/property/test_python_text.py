"""A case that `check_command` found is a test that runs: what it says is what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import PurePosixPath
from typing import NamedTuple
from uuid import UUID

import attrs
import pytest
from hypothesis import given, settings

from eventcore import EventCodec, StreamId, event, state
from eventcore.codec.coder import Scope
from eventcore.testing.property.alike import alike
from eventcore.testing.property.python_text import Writer
from eventcore.testing.property.values import Values


class Colour(Enum):
    RED = 1


class Size(StrEnum):
    BIG = "big"


class Sku(str):
    __slots__ = ()


class Point(NamedTuple):
    x: int
    at: time


@dataclass(frozen=True)
class Span:
    start: datetime
    length: timedelta


class Outer:
    class Inner(Enum):
        ONE = 1

    @attrs.frozen
    class Part:
        day: date
        kind: Outer.Inner

    @state
    class Shelf:
        def apply(self, event: Everything) -> Outer.Shelf:
            return self


@event
class Everything:
    text: str
    number: float
    data: bytes
    price: Decimal
    at: datetime
    hour: time
    point: Point
    span: Span
    part: Outer.Part
    key: UUID
    path: PurePosixPath
    sku: Sku
    shelf: StreamId[Outer.Shelf]
    colours: frozenset[Colour | int]
    parts: tuple[Outer.Part, ...]
    by_size: Mapping[Size, tuple[date, ...]]
    maybe: Point | None


def written(value: object) -> object:
    writer = Writer()
    text = writer.value(value)
    names: dict[str, object] = {}
    exec(writer._import_lines(), names)  # noqa: S102  # as whoever pastes it does
    return eval(text, names)  # noqa: S307


VALUES = Values({}, lambda state: [StreamId.of(state, 1) if state else StreamId("none-1")])


@settings(deadline=None, max_examples=60)
@given(VALUES.of(Everything, Scope("Everything", None, {}, __name__)))
def test_every_value_is_written_as_python_that_makes_it(value: Everything) -> None:
    assert alike(written(value), value)
    EventCodec().encode(value)  # what is made up can be stored, too


@pytest.mark.parametrize(
    "value",
    [
        "datetime.date(",
        ["datetime.", {Colour.RED}],
        set(),
        datetime(2000, 1, 1, tzinfo=UTC),
        datetime(2000, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        (Point(1, time(2)),),
        Span(datetime(2000, 1, 1), timedelta(1)),  # noqa: DTZ001  # naive moments are written, too
    ],
    ids=repr,
)
def test_values_that_a_user_s_strategy_makes_are_written_as_well(value: object) -> None:
    assert alike(written(value), value)
