"""Over generated event classes: what is encoded comes back equal and of the same types, through any store, or is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from functools import reduce
from operator import or_
from typing import Any, Literal, NamedTuple, NewType
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import orjson
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from eventcore import DefinitionError, EventNotStorable, InvalidMetadata, StreamId, event
from eventcore.codec import EventCodec
from tests.soak import times

QUICK = settings(max_examples=times(400), deadline=None, suppress_health_check=list(HealthCheck))

Name = NewType("Name", str)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Rank(IntEnum):
    LOW = 1
    HIGH = 2


class Size(StrEnum):
    S = "s"
    L = "l"


class Odd(Enum):
    POINT = (1, 2)
    TEXT = "text"


class Point(NamedTuple):
    x: int
    y: float = 0.0


@attrs.frozen
class Line:
    sku: str
    price: Decimal
    note: str | None = None


@attrs.frozen
class Tree:
    value: object
    children: tuple[Tree, ...] = ()


def _rarely(good: st.SearchStrategy[Any], bad: list[Any]) -> st.SearchStrategy[Any]:
    """Mostly storable values, so that whole events come back often, and now and then what must be refused or is near it."""
    return st.integers(0, 19).flatmap(lambda n: st.sampled_from(bad) if n == 0 else good)


text = _rarely(st.text(st.characters(exclude_characters="\0"), max_size=8), ["\0", "\ud800", "\\u0000", "\u2028", "é\U0001f600"])
integers = _rarely(st.integers(-(2**63), 2**63 - 1), [2**63, -(2**63) - 1, 2**64, 2**53 + 1, 10**25])
floats = _rarely(
    st.floats(allow_nan=False, allow_infinity=False),
    [float("nan"), float("inf"), -0.0, 1e16, 1e22, -1e16, 9007199254740993.0, 5e-324, 1.8446744073709552e19, 1e-7],
)
decimals = _rarely(
    st.decimals(allow_nan=False, allow_infinity=False), [Decimal("NaN"), Decimal("-Infinity"), Decimal("-0E-7"), Decimal("1E+400")]
)
zones = st.none() | st.timezones() | st.builds(timezone, st.timedeltas(timedelta(hours=-23), timedelta(hours=23)))
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | integers | floats | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
lines = st.builds(Line, text, decimals, st.none() | text)
trees: st.SearchStrategy[Any] = st.recursive(
    st.builds(Tree, json_values), lambda inner: st.builds(Tree, json_values, st.lists(inner, max_size=2).map(tuple)), max_leaves=3
)

SCALARS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, integers),
    (float, floats),
    (bool, st.booleans()),
    (str, text),
    (bytes, st.binary(max_size=8)),
    (Decimal, decimals),
    (UUID, st.uuids()),
    (date, st.dates()),
    (time, st.times(timezones=zones)),
    (datetime, st.datetimes(timezones=zones)),
    (timedelta, st.timedeltas()),
    (Colour, st.sampled_from(Colour)),
    (Rank, st.sampled_from(Rank)),
    (Size, st.sampled_from(Size)),
    (Odd, st.sampled_from(Odd)),
    (Literal["a", "red"], st.sampled_from(["a", "red"])),
    (Literal[1, True, None, Colour.RED], st.sampled_from([1, True, None, Colour.RED])),  # noqa: PYI061
    (Name, text.map(Name)),
    (StreamId, st.from_regex(r"[a-z0-9]{1,9}", fullmatch=True).map(StreamId)),
    (Point, st.builds(Point, integers, floats)),
    (Line, lines),
    (Tree, trees),
    (None, st.none()),
]
KEYS: list[tuple[Any, st.SearchStrategy[Any]]] = [SCALARS[n] for n in (0, 3, 6, 7, 5, 11, 12, 13, 14, 17, 18, 4)]

Typed = tuple[Any, st.SearchStrategy[Any]]


def _of(generic: Any, *arguments: Any) -> Any:
    return generic[arguments]


def _tuple_of(parts: list[Typed]) -> Typed:
    return _of(tuple, *(part[0] for part in parts)), st.tuples(*(part[1] for part in parts))


def _union_of(parts: list[Typed]) -> Typed:
    first, *others = [part[0] if part[0] is not None else type(None) for part in parts]
    return reduce(or_, others, first), st.one_of([part[1] for part in parts])


def _compounds(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    hashable = st.sampled_from([pair for pair in SCALARS if pair[0] is not Tree])
    return st.one_of(
        inner.map(lambda part: (_of(tuple, part[0], ...), st.lists(part[1], max_size=3).map(tuple))),
        inner.map(lambda part: (_of(Sequence, part[0]), st.lists(part[1], max_size=3).map(tuple))),
        inner.map(lambda part: (_of(list, part[0]), st.lists(part[1], max_size=3))),
        hashable.map(lambda part: (_of(frozenset, part[0]), st.frozensets(part[1], max_size=3))),
        st.lists(inner, max_size=3).map(_tuple_of),
        st.lists(inner, min_size=1, max_size=4).map(_union_of),
        st.tuples(st.sampled_from(KEYS), inner).map(
            lambda pair: (_of(Mapping, pair[0][0], pair[1][0]), st.dictionaries(pair[0][1], pair[1][1], max_size=3))
        ),
    )


types: st.SearchStrategy[Typed] = st.recursive(
    st.sampled_from([*SCALARS, (Any, json_values), (object, json_values)]), _compounds, max_leaves=5
)


def _event(annotations: list[Any]) -> Any:
    return event(type("Made", (), {"__annotations__": {f"f{n}": annotation for n, annotation in enumerate(annotations)}}))


def _jsonb(value: Any) -> str:
    """Write parsed JSON as PostgreSQL's jsonb does: keys in an order of its own, numbers as plain decimal digits."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {_jsonb(value[key])}" for key in sorted(value, key=lambda key: (len(key), key))) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_jsonb, value)) + "]"
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value, ensure_ascii=False)


def _holds_unstorable_text(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_unstorable_text, [*value, *value.values()]))
    if isinstance(value, list):
        return any(map(_holds_unstorable_text, value))
    return isinstance(value, str) and any(character == "\0" or "\ud800" <= character <= "\udfff" for character in value)


def _shape(value: Any) -> Any:
    """The types of a value and of all that it holds; an aware datetime's zone becomes its offset."""
    if isinstance(value, dict):
        return dict, sorted((repr(key), _shape(key), _shape(item)) for key, item in value.items())
    if attrs.has(type(value)):
        return type(value), [_shape(getattr(value, field.name)) for field in attrs.fields(type(value))]
    if isinstance(value, frozenset):
        return frozenset, sorted((repr(item), repr(_shape(item))) for item in value if not isinstance(item, datetime | time))
    if isinstance(value, tuple | list):
        return type(value), [_shape(item) for item in value]
    return type(value).__name__


def _check(annotations: list[Any], values: list[Any]) -> None:
    cls, codec = _event(annotations), EventCodec()
    original = cls(*values)
    try:
        data = codec.encode(original)
    except EventNotStorable as refusal:
        assert refusal.problem.startswith("Made")
        return
    decode = codec.decoder(cls)
    again = decode(data)
    assert again == original
    assert repr(_shape(again)) == repr(_shape(original))
    parsed = json.loads(data, parse_float=Decimal)
    through_jsonb = _jsonb(parsed).encode()
    assert not _holds_unstorable_text(parsed)
    assert decode(through_jsonb) == original
    assert repr(_shape(decode(through_jsonb))) == repr(_shape(original))
    assert _sorted(codec.encode(decode(through_jsonb))) == _sorted(data)


@QUICK
@given(st.data())
def test_what_is_encoded_comes_back_equal_and_of_the_same_types_or_is_refused(data: st.DataObject) -> None:
    parts = data.draw(st.lists(types, min_size=1, max_size=3))
    annotations = [part[0] for part in parts]
    try:
        EventCodec().decoder(_event(annotations))
    except DefinitionError as error:
        assert "told apart" in str(error) or "keys of" in str(error)
        assume(False)
    _check(annotations, [data.draw(part[1]) for part in parts])


@QUICK
@given(st.data())
def test_values_that_may_not_fit_their_annotation_come_back_equal_or_are_refused(data: st.DataObject) -> None:
    annotation, _ = data.draw(types)
    _, strategy = data.draw(types)
    cls, codec = _event([annotation]), EventCodec()
    try:
        decode = codec.decoder(cls)
    except DefinitionError:
        assume(False)
    original = cls(data.draw(strategy))
    try:
        stored = codec.encode(original)
    except EventNotStorable:
        return
    assert decode(stored) == original


@QUICK
@given(types, json_values)
def test_stored_data_of_any_shape_is_read_or_refused_with_a_place(typed: Typed, raw: Any) -> None:
    codec = EventCodec()
    try:
        data = orjson.dumps({"f0": raw})
        decode = codec.decoder(_event([typed[0]]))
    except (DefinitionError, TypeError):
        assume(False)
    try:
        value = decode(data)
    except ValueError as error:
        assert str(error).startswith("$")
        return
    try:
        again = codec.encode(value)
    except EventNotStorable:  # others may have stored what we would not, such as -0.0
        return
    assert decode(again) == value


@QUICK
@given(st.binary(max_size=20))
def test_no_bytes_break_the_decoder(data: bytes) -> None:
    try:
        EventCodec().decoder(_event([int]))(data)
    except ValueError as error:
        assert str(error).startswith("$")


@QUICK
@given(st.dictionaries(text, json_values, max_size=3))
def test_metadata_comes_back_or_is_refused(metadata: dict[str, Any]) -> None:
    codec = EventCodec()
    try:
        data = codec.encode_metadata(metadata)
    except InvalidMetadata:
        return
    assert codec.decode_metadata(data) == metadata
    assert codec.decode_metadata(_jsonb(json.loads(data, parse_float=Decimal)).encode()) == metadata


@QUICK
@given(st.datetimes(timezones=st.just(ZoneInfo("Europe/Berlin")), allow_imaginary=True), st.integers(0, 1))
def test_every_hour_of_a_zone_with_summer_time_is_kept_or_refused(moment: datetime, fold: int) -> None:
    _check([datetime], [moment.replace(fold=fold)])


@settings(max_examples=times(200), deadline=None)
@given(json_values, json_values)
def test_fingerprints_agree_exactly_where_the_json_does(one: Any, other: Any) -> None:
    codec, cls = EventCodec(), _event([Any])
    try:
        texts = codec.encode(cls(one)), codec.encode(cls(other))
    except EventNotStorable:
        return
    digests = codec.fingerprint(cls(one)), codec.fingerprint(cls(other))
    assert (digests[0] == digests[1]) == (_sorted(texts[0]) == _sorted(texts[1]))


def _sorted(data: bytes) -> str:
    return json.dumps(json.loads(data), sort_keys=True)
