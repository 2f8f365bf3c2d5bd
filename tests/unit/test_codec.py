"""What an event may carry, how it is stored, and what is refused. Shapes and limits of every type are also covered by tests/property/test_codec.py."""

# ruff: noqa: DTZ001  # naive datetimes are among what an event may carry
from __future__ import annotations

import linecache
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, IntFlag, StrEnum
from http import HTTPStatus
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, NamedTuple, NewType, Self, TypeAlias, TypeVar, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import orjson
import pytest
from cattrs import Converter

from eventcore import DefinitionError, EventNotStorable, InvalidMetadata, StreamId, event
from eventcore.codec import EventCodec
from eventcore.events import JsonValue, Metadata

if TYPE_CHECKING:
    from fractions import Fraction

T = TypeVar("T")
UserId = NewType("UserId", str)
Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


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
    NOTHING = None


class Rights(IntFlag):
    READ = 1
    WRITE = 2


class Sku(str):
    __slots__ = ()


class Loud(str):
    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        return super().__new__(cls, text.upper())


class Point(NamedTuple):
    x: int
    y: int = 0


@attrs.frozen
class Line:
    sku: str
    price: float


@attrs.frozen
class Refund:
    amount: Decimal


@attrs.frozen
class Node:
    name: str
    children: tuple[Node, ...] = ()


@attrs.frozen
class Box(Generic[T]):
    content: T


@attrs.frozen
class IntBox(Box[int]):
    label: str = ""


@event
class Simple:
    sku: str
    quantity: int


@event
class Lines:
    lines: tuple[Line, ...]


def one(annotation: object, **options: Any) -> Any:
    """An event class with one field of this type."""
    namespace: dict[str, Any] = {"__annotations__": {"it": annotation}, "__module__": __name__}
    if options:
        namespace["it"] = attrs.field(**options)
    return event(type("One", (), namespace))


def stored(annotation: object, value: object) -> object:
    """What `value` looks like in JSON, after checking that it comes back as it was."""
    cls, codec = one(annotation), EventCodec()
    original = cls(value)
    data = codec.encode(original)
    again = codec.decoder(cls)(data)
    assert again == original
    assert type(again.it) is type(value)
    assert codec.encode(again) == data
    return orjson.loads(data)["it"]


def refusal(annotation: object, value: object) -> str:
    with pytest.raises(EventNotStorable) as caught:
        EventCodec().encode(one(annotation)(value))
    assert caught.value.event == "One"
    return caught.value.problem


def unreadable(annotation: object, raw: object) -> str:
    with pytest.raises(ValueError) as caught:
        EventCodec().decoder(one(annotation))(orjson.dumps({"it": raw}))
    return str(caught.value)


@pytest.mark.parametrize(
    ("annotation", "value", "json"),
    [
        (int, 2**63 - 1, 2**63 - 1),
        (int, -(2**63), -(2**63)),
        (float, 1.5, 1.5),
        (float, 1e300, 1e300),
        (bool, True, True),
        (None, None, None),
        (str, "ü\u2028\\u0000", "ü\u2028\\u0000"),
        (bytes, b"\x00\xff", "AP8="),
        (Decimal, Decimal("1.00"), "1.00"),
        (Decimal, Decimal("-0E+3"), "-0E+3"),
        (UUID, UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (date, date(1, 1, 1), "0001-01-01"),
        (time, time(1, 2, 3, 4), "01:02:03.000004"),
        (time, time(1, tzinfo=timezone(timedelta(hours=1))), "01:00:00+01:00"),
        (datetime, datetime(2024, 2, 29, 1, 2, 3), "2024-02-29T01:02:03"),
        (datetime, datetime(2024, 2, 29, tzinfo=UTC), "2024-02-29T00:00:00+00:00"),
        (timedelta, timedelta(days=1, seconds=2, microseconds=3), "P1DT2.000003S"),
        (timedelta, timedelta(microseconds=-1), "-P0DT0.000001S"),
        (timedelta, timedelta.min, "P-999999999DT0S"),
        (timedelta, timedelta.max, "P999999999DT86399.999999S"),
        (PurePosixPath, PurePosixPath("/a/b"), "/a/b"),
        (Colour, Colour.RED, "red"),
        (Rank, Rank.HIGH, 2),
        (Size, Size.S, "s"),
        (Odd, Odd.POINT, "POINT"),
        (Rights, Rights.READ | Rights.WRITE, 3),
        (Literal["a", 1, None], 1, 1),  # noqa: PYI061
        (Literal["red", Colour.RED], Colour.RED, {"Colour": "red"}),
        (Literal["red", Colour.RED], "red", {"Literal": "red"}),
        (Literal[Colour.RED, Rank.LOW], Rank.LOW, 1),
        (UserId, UserId("u"), "u"),
        (Sku, Sku("x"), "x"),
        (StreamId, StreamId("cart-1"), "cart-1"),
        (Annotated[int, "cents"], 3, 3),
        (tuple[int, ...], (1, 2), [1, 2]),
        (tuple[int, str], (1, "a"), [1, "a"]),
        (tuple[()], (), []),
        (Sequence[str], ("a",), ["a"]),
        (tuple[list[int], ...], ([1],), [[1]]),
        (Point, Point(1), {"x": 1, "y": 0}),
        (frozenset[str], frozenset({"b", "a"}), ["a", "b"]),
        (Mapping[str, int], {"a": 1}, {"a": 1}),
        (Mapping[int, str], {-1: "a"}, {"-1": "a"}),
        (Mapping[UUID, int], {UUID(int=1): 1}, {"00000000-0000-0000-0000-000000000001": 1}),
        (Mapping[Rank, int], {Rank.LOW: 1}, {"1": 1}),
        (Mapping[Colour, int], {Colour.RED: 1}, {"red": 1}),
        (Mapping[date, int], {date(2024, 1, 1): 1}, {"2024-01-01": 1}),
        (Line, Line("a", 1.0), {"sku": "a", "price": 1.0}),
        (Node, Node("a", (Node("b"),)), {"name": "a", "children": [{"name": "b", "children": []}]}),
        (Box[Decimal], Box(Decimal(1)), {"content": "1"}),
        (IntBox, IntBox(1, "l"), {"content": 1, "label": "l"}),
        (int | None, None, None),
        (int | str | None, "a", "a"),
        (int | float, 1, 1),
        (int | float, 1.0, 1.0),
        (Line | None, Line("a", 1.0), {"sku": "a", "price": 1.0}),
        (Line | int, 1, 1),
        (Line | Refund, Refund(Decimal(1)), {"Refund": {"amount": "1"}}),
        (Line | Refund | None, None, None),
        (datetime | str, "a", {"str": "a"}),
        (datetime | date | int, date(2024, 1, 1), {"date": "2024-01-01"}),
        (datetime | date | int, 7, 7),
        (datetime | str | Line, Line("a", 1.0), {"Line": {"sku": "a", "price": 1.0}}),
        (tuple[int, ...] | tuple[str, ...], ("a",), {"tuple[str]": ["a"]}),
        (Box[int] | Box[str], Box("a"), {"Box[str]": {"content": "a"}}),
        (UserId | Colour, Colour.RED, {"Colour": "red"}),
        (Any, {"a": [1, 1.5, None, True, "x"]}, {"a": [1, 1.5, None, True, "x"]}),
        (object, [1], [1]),
        (Any | None, None, None),
    ],
)
def test_every_type_has_one_form_in_json_and_comes_back(annotation: object, value: object, json: object) -> None:
    result = stored(annotation, value)

    assert result == json
    assert type(result) is type(json)


@pytest.mark.parametrize(
    ("annotation", "value", "reason"),
    [
        (float, float("nan"), "nan is no JSON number"),
        (float, float("-inf"), "-inf is no JSON number"),
        (float, -0.0, "-0.0, whose sign"),
        (float, 2**53 + 1, "an integer that no float holds exactly"),
        (float, 10**400, "an integer that no float holds exactly"),
        (float, True, "expected a float, got True (bool)"),
        (int, 2**63, "beyond 64 bits"),
        pytest.param(int, 10**5000, "beyond 64 bits", id="huge"),
        (int, True, "expected an int, got True (bool)"),
        (int, 1.0, "expected an int, got 1.0 (float)"),
        (int, "1", "expected an int, got '1' (str)"),
        (int, Rank.LOW, "expected an int"),
        (bool, 1, "expected a bool, got 1 (int)"),
        pytest.param(str, 10**5000, "expected a str, got an int that is too large to show (int)", id="huge in a str"),
        (str, Sku("a"), "expected a str, got 'a' (Sku)"),
        (str, Size.S, "expected a str"),
        (str, "a\0", "holds NUL at index 1"),
        (str, "\ud800", "lone surrogate '\\ud800' at index 0"),
        (Sku, "a", "expected a Sku, got 'a' (str)"),
        (Decimal, Decimal("NaN"), "no finite number"),
        (Decimal, Decimal("sNaN"), "no finite number"),
        (Decimal, Decimal("Infinity"), "no finite number"),
        (Decimal, 1, "expected a Decimal"),
        (date, datetime(2024, 1, 1), "expected a date"),
        (datetime, date(2024, 1, 1), "expected a datetime"),
        (datetime, datetime(2024, 10, 27, 2, 30, fold=1), "fold=1"),
        (datetime, datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")), "repeats or skips"),
        (datetime, datetime(2000, 1, 1, tzinfo=timezone(timedelta(microseconds=1))), "an offset that Python does not read"),
        (time, time(1, tzinfo=timezone(timedelta(microseconds=1))), "an offset that Python does not read"),
        (time, time(1, tzinfo=ZoneInfo("Europe/Berlin")), "no offset"),
        (bytes, bytearray(b"a"), "expected a bytes"),
        (tuple[int, ...], [1], "expected a tuple, got [1] (list)"),
        (tuple[int, ...], Point(1, 2), "expected a tuple"),
        (tuple[int, str], (1,), "expected a tuple of 2"),
        (frozenset[int], {1}, "expected a frozenset"),
        (Mapping[str, int], [("a", 1)], "expected a dict"),
        (Literal["a"], "b", "expected one of 'a', got 'b' (str)"),
        (Literal[1], True, "expected one of 1, got True (bool)"),
        (Literal[1], [], "expected one of 1, got [] (list)"),
        (Colour, "red", "got 'red' (str)"),
        (Line | Refund, Point(1), "expected Line or Refund"),
        (Box[int], Box("a"), "expected an int"),
        (Box[int], IntBox(1), "an IntBox in a place for Box would come back as a Box"),
        (int | float, 2**64, "beyond 64 bits"),
        (Any, (1,), "a tuple would not come back"),
        (Any, datetime(2024, 1, 1), "a datetime would not come back"),
        (Any, {1: 2}, "the key 1 is no str"),
        (Any, [float("nan")], "nan is no JSON number"),
        (Any, {"a": [2**64]}, "beyond 64 bits"),
        (object, StreamId("a"), "a StreamId would not come back"),
        (Loud, Loud("a"), None),
    ],
)
def test_a_value_that_would_come_back_as_another_is_refused_by_name(annotation: object, value: object, reason: str | None) -> None:
    if reason is None:
        assert stored(annotation, value) == value
        return
    problem = refusal(annotation, value)

    assert problem.startswith("One.it")
    assert reason in problem


def test_a_refusal_names_the_path_of_the_value() -> None:
    lines = Lines((Line("a", 1.0), Line("b", 1.0), Line("c", float("nan"))))
    nul = Lines((Line("a", 1.0), Line("b\0", 1.0)))

    with pytest.raises(EventNotStorable, match=r"^Lines cannot be stored: Lines\.lines\[2\]\.price: nan is no JSON number$"):
        EventCodec().encode(lines)
    with pytest.raises(EventNotStorable, match=r"Lines\.lines\[1\]\.sku: the text holds NUL at index 1"):
        EventCodec().encode(nul)


@pytest.mark.parametrize("key", ["\0", "\ud800"])
def test_unstorable_text_in_a_key_is_refused(key: str) -> None:
    assert "the key holds" in refusal(Mapping[str, int], {key: 1})
    assert "the key holds" in refusal(Any, [{key: 1}])


def test_deep_and_circular_values_are_refused() -> None:
    circular: list[Any] = []
    circular.append(circular)
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]

    assert "nested too deeply" in _refused_whole(circular)
    assert "ecursion limit" in _refused_whole(deep)


def _refused_whole(value: object) -> str:
    with pytest.raises(EventNotStorable) as caught:
        EventCodec().encode(one(Any)(value))
    return caught.value.problem


def test_an_aware_datetime_keeps_its_instant_and_offset() -> None:
    cls, codec = one(datetime), EventCodec()
    berlin = datetime(2024, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))

    again = codec.decoder(cls)(codec.encode(cls(berlin))).it

    assert again == berlin
    assert again.utcoffset() == timedelta(hours=2)


def test_numbers_that_equal_their_annotated_type_are_taken_as_it() -> None:
    cls, codec = one(float), EventCodec()
    text = one(str)

    assert codec.encode(cls(3)) == b'{"it":3.0}'
    assert codec.encode(text(StreamId("cart-1"))) == b'{"it":"cart-1"}'


def test_a_large_float_that_could_be_taken_for_an_integer_keeps_its_point() -> None:
    assert EventCodec().encode(one(Any)(1e16)) == b'{"it":10000000000000000.0}'
    assert type(stored(int | float, 1e22)) is float


def test_a_stream_id_remembers_its_state() -> None:
    cls, codec = one(StreamId[Node]), EventCodec()

    again = codec.decoder(cls)(codec.encode(cls(StreamId("node-1"))))

    assert again.it.__orig_class__ == StreamId[Node]


@pytest.mark.parametrize(
    ("annotation", "raw", "message"),
    [
        (int, "x", "$.it: expected an integer, got 'x'"),
        (int, True, "$.it: expected an integer, got True"),
        (int, 1.0, "$.it: expected an integer, got 1.0"),
        (bool, 1, "$.it: expected true or false, got 1"),
        (str, 5, "$.it: expected a string, got 5"),
        (float, "1", "$.it: expected a number, got '1'"),
        (float, True, "$.it: expected a number, got True"),
        (None, 0, "$.it: expected null, got 0"),
        (Decimal, 1, "$.it: expected a decimal number as text, got 1"),
        (Decimal, "NaN", "$.it: expected a decimal number as text, got 'NaN'"),
        (Decimal, " 1", "$.it: expected a decimal number as text, got ' 1'"),
        (UUID, "no", "$.it: expected a UUID, got 'no'"),
        (datetime, "2024-01-01", "$.it: expected a date and time in ISO 8601, got '2024-01-01'"),
        (date, "x", "$.it: expected a date in ISO 8601, got 'x'"),
        (timedelta, "1 day", "$.it: expected a duration such as 'P1DT3600S', got '1 day'"),
        (bytes, "?", "$.it: expected bytes in base64, got '?'"),
        (Colour, "green", "$.it: expected one of 'red', 'blue', got 'green'"),
        (Colour, [], "$.it: expected one of 'red', 'blue', got []"),
        (Rank, True, "$.it: expected one of 1, 2, got True"),
        (Literal["a"], "b", "$.it: expected one of 'a', got 'b'"),
        (tuple[int, ...], {}, "$.it: expected an array, got {}"),
        (tuple[int, ...], [1, "x"], "$.it[1]: expected an integer, got 'x'"),
        (tuple[int, str], [1], "$.it: expected an array of 2, got [1]"),
        (frozenset[int], [1, 1], "$.it: expected items that differ, got [1, 1]"),
        (Mapping[str, int], {"a": "b"}, "$.it.a: expected an integer, got 'b'"),
        (Mapping[int, int], {"01": 1}, "$.it['01']: its key: expected an integer as text, got '01'"),
        (Line, {"sku": "a"}, "$.it.price: the field is missing and has no default"),
        (Line, [], "$.it: expected an object, got []"),
        (int | str, [], "$.it: expected an integer or a string, got []"),
        (
            Line | Refund,
            {"sku": "a", "price": 1.0},
            "$.it: expected an object with one key of Line, Refund, got {'sku': 'a', 'price': 1.0}",
        ),
        (Line | Refund, {"Refund": {"amount": 1}}, "$.it.Refund.amount: expected a decimal number as text, got 1"),
        (StreamId, "", "$.it: StreamId refused '': '' is no stream id: it is empty"),
    ],
)
def test_stored_data_that_does_not_fit_says_where_and_why(annotation: object, raw: object, message: str) -> None:
    assert unreadable(annotation, raw) == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "it is not JSON"),
        (b"{", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b'{"sku":"a","quantity":1} x', "it is not JSON"),
        (b'{"sku":"a","quantity":NaN}', "it is not JSON"),
        (b"[1]", "$: expected an object, got [1]"),
        (b"null", "$: expected an object, got None"),
        (b'{"sku":"a"}', "$.quantity: the field is missing"),
        (
            b'{"sku":"a","amount":1}',
            "stored is 'amount', which Simple does not have: a field that was renamed has to keep its stored name",
        ),
        (b'{"sku":"a","quantity":1,"colour":"red"}', "$.colour: Simple has no such field (it has: quantity, sku)"),
        (b'{"sku":"a","quantity":18446744073709551616}', "$.quantity: expected an integer, got 1.8446744073709552e+19"),
    ],
)
def test_stored_bytes_that_are_no_such_event_say_so(data: bytes, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        EventCodec().decoder(Simple)(data)
    assert message in str(caught.value)


def test_unknown_fields_are_passed_over_only_on_demand() -> None:
    decode = EventCodec(ignore_unknown_fields=True).decoder(Simple)

    assert decode(b'{"sku":"a","quantity":1,"colour":"red"}') == Simple("a", 1)


@event
class Grown:
    sku: str
    colour: str = "red"
    tags: tuple[str, ...] = attrs.field(factory=tuple)
    key: str = attrs.field(default=attrs.Factory(lambda self: self.sku.upper(), takes_self=True))
    _hidden: int = attrs.field(default=1, kw_only=True)


def test_a_missing_field_takes_its_default() -> None:
    decode = EventCodec().decoder(Grown)

    assert decode(b'{"sku":"a"}') == Grown("a")
    assert decode(b'{"sku":"a","tags":["x"],"_hidden":3}') == Grown("a", "red", ("x",), hidden=3)  # type: ignore[call-arg]  # attrs takes the underscore off, which type checkers are not told
    with pytest.raises(ValueError, match="color"):
        decode(b'{"sku":"a","color":"blue"}')


def test_a_class_whose_constructor_changes_values_is_refused_where_it_would() -> None:
    doubling = one(int, converter=lambda value: value * 2)
    stripped = one(str, converter=str.strip)

    assert EventCodec().decoder(stripped)(EventCodec().encode(stripped(" a "))) == stripped("a")
    with pytest.raises(EventNotStorable, match="its constructor changes what it is given"):
        EventCodec().encode(doubling(1))


def test_a_computed_field_is_not_stored_and_comes_back() -> None:
    @attrs.frozen
    class Total:
        amount: int
        double: int = attrs.field(init=False, default=attrs.Factory(lambda self: self.amount * 2, takes_self=True))

    assert stored(Total, Total(2)) == {"amount": 2}


def test_a_validator_that_refuses_stored_data_is_reported() -> None:
    cls = one(int, validator=attrs.validators.gt(0))

    with pytest.raises(ValueError, match=r"^\$: One refused its fields: ValueError: "):
        EventCodec().decoder(cls)(b'{"it":0}')


@event
class Free:
    json: JsonValue
    maybe: JsonValue | None
    by_name: Mapping[str, JsonValue]
    metadata: Metadata
    own: Json


def test_json_aliases_that_are_strings_at_run_time_are_understood() -> None:
    codec = EventCodec()
    free = Free([1], None, {"a": {"b": 1.5}}, {}, {"x": [None, "y"]})

    assert codec.decoder(Free)(codec.encode(free)) == free
    with pytest.raises(EventNotStorable, match=r"Free\.own"):
        codec.encode(Free([1], None, {}, {}, cast("Any", (1,))))


@event
class Hidden:
    ratio: Fraction


@event
class Deep:
    box: Box[Callable[[], int]]


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (Hidden, r"^Hidden\.ratio: its annotation 'Fraction' cannot be evaluated: .*importable at run time"),
        (Deep, r"^Box\.content: .*Callable.* cannot be stored as JSON"),
        (one(complex), r"^One\.it: complex cannot be stored as JSON"),
        (one(Mapping[float, int]), r"^One\.it: a mapping with keys of float"),
        (one(Mapping[int | None, int]), r"^One\.it: a mapping with keys of int \| None"),
        (one(Converter), r"^One\.it: Converter cannot be stored"),
        (int, r"^int: it is no class with known fields"),
    ],
)
def test_a_class_that_can_never_be_stored_is_a_definition_error(cls: type, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        EventCodec().decoder(cls)


def test_a_class_that_failed_leaves_nothing_half_made_behind() -> None:
    codec = EventCodec()

    for _ in range(2):
        with pytest.raises(DefinitionError, match=r"^Broken\.bad: complex"):
            codec.decoder(RefersToBroken)
    assert codec.encode(Simple("a", 1)) == b'{"sku":"a","quantity":1}'


@attrs.frozen
class Broken:
    back: RefersToBroken | None
    bad: complex


@attrs.frozen
class RefersToBroken:
    broken: Broken | None


@attrs.frozen
class Ring:
    size: int
    inner: Ring | None = None


def test_a_deep_recursive_class_comes_back() -> None:
    ring = None
    for size in range(200):
        ring = Ring(size, ring)

    assert EventCodec().decoder(Ring)(EventCodec().encode(ring)) == ring


def test_traceback_lines_of_generated_code_can_be_shown() -> None:
    codec = EventCodec()
    codec.decoder(Simple)

    assert "return cls(" in "".join(linecache.getlines(f"<eventcore decode {__name__}.Simple>"))


class Money:
    def __init__(self, cents: int) -> None:
        self.cents = cents

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and self.cents == other.cents

    def __hash__(self) -> int:
        return self.cents


def _money_converter() -> Converter:
    converter = Converter()
    converter.register_unstructure_hook(Money, lambda money: money.cents)
    converter.register_structure_hook(Money, lambda raw, _: Money(raw))
    return converter


def test_the_users_hooks_win_and_are_held_to_the_same_rule() -> None:
    converter = _money_converter()
    converter.register_unstructure_hook(UUID, lambda value: value.hex)
    converter.register_structure_hook(UUID, lambda raw, _: UUID(raw))
    cls = one(tuple[Money | UUID, ...])
    codec = EventCodec(converter)
    original = cls((Money(3), UUID(int=1)))

    data = codec.encode(original)

    assert data == b'{"it":[{"Money":3},{"UUID":"00000000000000000000000000000001"}]}'
    assert codec.decoder(cls)(data) == original
    with pytest.raises(ValueError, match=r"^\$\.it\[0\]\.UUID: the hook for UUID refused 'x': ValueError"):
        codec.decoder(cls)(b'{"it":[{"UUID":"x"}]}')


def test_a_hook_that_loses_something_is_refused() -> None:
    converter = Converter()
    converter.register_unstructure_hook(datetime, lambda value: value.timestamp())
    converter.register_structure_hook(datetime, lambda raw, _: datetime.fromtimestamp(int(raw), UTC))
    cls, codec = one(datetime), EventCodec(converter)

    codec.encode(cls(datetime(2024, 1, 1, tzinfo=UTC)))
    with pytest.raises(EventNotStorable, match="would bring"):
        codec.encode(cls(datetime(2024, 1, 1, microsecond=5, tzinfo=UTC)))


def test_a_converter_without_hooks_changes_nothing() -> None:
    value = Lines((Line("a", 1.0),))

    assert EventCodec(Converter()).encode(value) == EventCodec().encode(value)
    with pytest.raises(ValueError, match="expected an integer"):
        EventCodec(Converter()).decoder(Simple)(b'{"sku":"a","quantity":"1"}')


@pytest.mark.parametrize("metadata", [{}, {"actor": {"id": 1, "roles": ["a", None, 1.5]}}, {"x": 1e22}])
def test_metadata_comes_back(metadata: Metadata) -> None:
    codec = EventCodec()

    assert codec.decode_metadata(codec.encode_metadata(metadata)) == metadata


HOLDS_ITSELF: dict[str, Any] = {}
HOLDS_ITSELF["it"] = HOLDS_ITSELF


class Shade(str, Enum):  # noqa: UP042  # whose `str` is not its text
    RED = "red"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"cart": StreamId("cart-1")}, b'{"cart":"cart-1"}'),
        ({StreamId("cart-1"): [StreamId("cart-2")]}, b'{"cart-1":["cart-2"]}'),
        ({"colour": Shade.RED}, b'{"colour":"red"}'),
        ({"status": HTTPStatus.OK}, b'{"status":200}'),
        ({"client": MappingProxyType({"app": OrderedDict([("web", True)])})}, b'{"client":{"app":{"web":true}}}'),
    ],
)
def test_metadata_of_a_subclass_of_what_json_has_comes_back_equal_as_what_json_has(given: Metadata, kept: bytes) -> None:
    codec = EventCodec()

    assert codec.encode_metadata(given) == kept
    assert codec.decode_metadata(kept) == given


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"actor": {"roles": [float("nan")]}}, r"^metadata\.actor\.roles\[0\]: nan"),
        ({"at": datetime(2024, 1, 1)}, r"^metadata\.at: a datetime is no JSON value; use its text"),
        ({"a": ("b",)}, r"^metadata\.a: a tuple .*use a list"),
        ({"a": {1}}, r"^metadata\.a: a set .*use a list"),
        (HOLDS_ITSELF, r"^metadata cannot be stored: it is nested too deeply, or holds itself"),
        ({1: 2}, r"^metadata: the key 1 is no str"),
        ({"a": "\0"}, r"^metadata\.a: the text holds NUL"),
        ({"\ud800": 1}, r"^metadata\['\\ud800'\]: the key holds the lone surrogate"),
        ({"a": 2**63}, r"^metadata\.a: .*64 bits"),
        ([], r"^metadata: expected a mapping"),
        (None, r"^metadata: expected a mapping"),
    ],
)
def test_metadata_that_is_no_json_is_refused_with_its_path(metadata: Any, message: str) -> None:
    with pytest.raises(InvalidMetadata, match=message):
        EventCodec().encode_metadata(metadata)


@pytest.mark.parametrize("data", [b"[]", b"x", b""])
def test_stored_metadata_must_be_an_object(data: bytes) -> None:
    with pytest.raises(ValueError):
        EventCodec().decode_metadata(data)
