"""Types that are stored as one JSON number, string, boolean or null."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal, InvalidOperation
from math import copysign, inf
from pathlib import PurePath
from types import NoneType
from typing import Any, Final, TypeVar
from uuid import UUID

import orjson

from eventcore.codec.coder import BOOL, FLOAT, INT, NULL, STR, Coder
from eventcore.codec.misfit import Misfit, an, unfit, unread
from eventcore.ids import StreamId

T = TypeVar("T")

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
EXPONENT_FROM: Final = 1e16  # from here on orjson writes floats with an exponent, which jsonb turns into the digits of an integer


def scalar(cls: type) -> Coder | None:
    """Return the coder of one of the scalar types, or None if *cls* is none."""
    maker = _SCALARS.get(cls)
    if maker is not None:
        return maker()
    if issubclass(cls, PurePath):
        return _path(cls)
    for base in (str, int, float):
        if issubclass(cls, base) and cls is not bool:
            return subclass_of_scalar(cls, _SCALARS[base](), cls, trusted=cls is StreamId)
    return None


def exact_float() -> Coder:
    """Return the coder of floats that share their place with integers: they always keep a decimal point, as jsonb knows no exponents."""
    plain = _float()

    def encode(value: object) -> object:
        number = plain.encode(value)
        return number if -EXPONENT_FROM < number < EXPONENT_FROM else orjson.Fragment(f"{number:.1f}".encode())

    return Coder("float", encode, plain.decode, plain.emits, plain.takes)


def subclass_of_scalar(cls: type, base: Coder, make: Callable[[Any], object], *, trusted: bool) -> Coder:
    """Return the coder of a subclass of `str`, `int` or `float`.

    *make* restores a value; unless *trusted*, each is restored before it is stored, to see if it can be.
    """
    (plain,) = base.emits
    reduce: Callable[[Any], object] = _REDUCE[plain]

    def decode(raw: object) -> object:
        value = base.decode(raw)
        try:
            return make(value)
        except Exception as error:
            raise Misfit(f"{cls.__name__} refused {value!r}: {error}") from error

    def encode(value: Any) -> object:
        if type(value) is not cls:
            raise unfit(value, an(cls))
        reduced = base.encode(reduce(value))
        if not trusted:
            again = decode(reduced)
            if type(again) is not cls or again != value:
                raise Misfit(f"{value!r} would come back as {again!r}")
        return reduced

    return Coder(cls.__name__, encode, decode, base.emits, frozenset({cls}))


def _none() -> Coder:
    def encode(value: object) -> None:
        if value is not None:
            raise unfit(value, "None")

    def decode(raw: object) -> None:
        if raw is not None:
            raise unread(raw, "null")

    return Coder("None", encode, decode, NULL, NULL, "{v} is None", "{v} is None")


def _bool() -> Coder:
    def encode(value: object) -> bool:
        if type(value) is not bool:
            raise unfit(value, "a bool")
        return value

    def decode(raw: object) -> bool:
        if type(raw) is not bool:
            raise unread(raw, "true or false")
        return raw

    return Coder("bool", encode, decode, BOOL, BOOL, "type({v}) is bool", "type({v}) is bool")


def _int() -> Coder:
    def encode(value: object) -> int:
        if type(value) is not int:
            raise unfit(value, "an int")
        if not INT_MIN <= value <= INT_MAX:
            raise Misfit("an integer beyond 64 bits, which not every store and reader of JSON keeps; use a Decimal or str field")
        return value

    def decode(raw: object) -> int:
        if type(raw) is not int:
            raise unread(raw, "an integer")
        return raw

    test = f"type({{v}}) is int and {INT_MIN} <= {{v}} <= {INT_MAX}"
    return Coder("int", encode, decode, INT, INT, test, "type({v}) is int")


def _float() -> Coder:
    def encode(value: object) -> float:
        if type(value) is int:
            return _float_of(value)
        if type(value) is not float:
            raise unfit(value, "a float")
        if value - value != 0.0:
            raise Misfit(f"{value} is no JSON number")
        if value == 0.0 and copysign(1.0, value) < 0:
            raise Misfit("-0.0, whose sign not every store keeps; use 0.0")
        return value

    def decode(raw: object) -> float:
        if type(raw) is float:
            return raw
        if type(raw) is int:  # jsonb turns 3.834068182381426e16 into the digits of an integer, which need not be a float's exact value
            return float(raw)
        raise unread(raw, "a number")

    test = "type({v}) is float and {v} and {v} - {v} == 0.0"
    return Coder("float", encode, decode, FLOAT, FLOAT, test, "type({v}) is float")


def _float_of(number: int) -> float:
    try:
        result = float(number)
    except OverflowError:
        result = inf
    if result != number:
        raise Misfit("an integer that no float holds exactly; use an int or Decimal field")
    return result


def _str() -> Coder:
    def encode(value: object) -> str:
        if type(value) is str:
            return value
        if type(value) is StreamId:
            return str.__str__(value)
        raise unfit(value, "a str")

    def decode(raw: object) -> str:
        if type(raw) is not str:
            raise unread(raw, "a string")
        return raw

    return Coder("str", encode, decode, STR, STR, "type({v}) is str", "type({v}) is str")


def _text(cls: type[T], write: Callable[[T], str], read: Callable[[str], T], noun: str) -> Coder:
    expected = an(cls)

    def encode(value: object) -> str:
        if type(value) is not cls:
            raise unfit(value, expected)
        return write(value)

    def decode(raw: object) -> T:
        if type(raw) is not str:
            raise unread(raw, noun)
        try:
            return read(raw)
        except (ValueError, ArithmeticError) as error:
            raise unread(raw, noun) from error

    return Coder(cls.__name__, encode, decode, STR, frozenset({cls}))


def _path(cls: type[PurePath]) -> Coder:
    concrete = type(cls())
    coder = _text(concrete, str, concrete, "a path")
    coder.name = cls.__name__
    return coder


def _write_decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise Misfit(f"Decimal('{value}') is no finite number")
    return str(value)


def _read_decimal(text: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise InvalidOperation
    return Decimal(text)


def _write_datetime(value: datetime) -> str:
    zone = value.tzinfo
    text = value.isoformat()
    if zone is None:
        if value.fold:
            raise Misfit("a naive datetime with fold=1, which its text does not keep; use an aware one")
    elif zone is not UTC and datetime.fromisoformat(text) != value:
        why = "an offset that Python does not read" if type(zone) is timezone else "an hour that its zone repeats or skips"
        raise Misfit(f"{text} in {zone} would not come back equal ({why}); use .astimezone(timezone.utc) first")
    elif value.utcoffset() is None:
        raise Misfit(f"its time zone {zone} has no offset")
    return text


def _read_datetime(text: str) -> datetime:
    if len(text) <= len("2000-01-01"):
        raise ValueError
    return datetime.fromisoformat(text)


def _write_time(value: time) -> str:
    if value.fold:
        raise Misfit("a time with fold=1, which its text does not keep")
    if value.tzinfo is not None and value.utcoffset() is None:
        raise Misfit(f"a time in {value.tzinfo} has no offset without a date; use a datetime, or a naive time and the zone's name")
    text = value.isoformat()
    # The offsets are looked at by themselves: a comparison of times leaves out what is less than a second of them.
    if value.tzinfo is not None and value.tzinfo is not UTC and time.fromisoformat(text).utcoffset() != value.utcoffset():
        raise Misfit(f"{text} would not come back equal (an offset that Python does not read); use a datetime in UTC")
    return text


def _write_timedelta(value: timedelta) -> str:
    sign, length = ("-", -value) if value < _ZERO and value != timedelta.min else ("", value)
    fraction = f".{length.microseconds:06}" if length.microseconds else ""
    return f"{sign}P{length.days}DT{length.seconds}{fraction}S"


def _read_timedelta(text: str) -> timedelta:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError
    sign, days, seconds, fraction = match.groups(default="")
    length = timedelta(days=int(days), seconds=int(seconds), microseconds=int(fraction or 0))
    return -length if sign else length


def _write_bytes(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _read_bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError from error


_ZERO: Final = timedelta(0)
_DURATION: Final = re.compile(r"(-)?P(-?[0-9]{1,9})DT([0-9]{1,5})(?:\.([0-9]{6}))?S")
_DECIMAL: Final = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")

_REDUCE: Final[dict[type, Callable[[Any], object]]] = {str: str.__str__, int: int.__int__, float: float.__float__}

_SCALARS: Final[dict[type, Callable[[], Coder]]] = {
    NoneType: _none,
    bool: _bool,
    int: _int,
    float: _float,
    str: _str,
    bytes: lambda: _text(bytes, _write_bytes, _read_bytes, "bytes in base64"),
    datetime: lambda: _text(datetime, _write_datetime, _read_datetime, "a date and time in ISO 8601"),
    date: lambda: _text(date, date.isoformat, date.fromisoformat, "a date in ISO 8601"),
    time: lambda: _text(time, _write_time, time.fromisoformat, "a time in ISO 8601"),
    timedelta: lambda: _text(timedelta, _write_timedelta, _read_timedelta, "a duration such as 'P1DT3600S'"),
    Decimal: lambda: _text(Decimal, _write_decimal, _read_decimal, "a decimal number as text"),
    UUID: lambda: _text(UUID, str, UUID, "a UUID"),
}
