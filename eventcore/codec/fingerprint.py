"""A digest of a value by what it is at run time: equal values of the same types give equal bytes in every process.

Each value becomes a tag, a length and its bytes, so that no two different values share an encoding. Nothing here looks at annotations,
hashes, the order of sets or mappings, or the module of a class that is part of a value. (The caller adds the module of the command itself, by the
name by which it is imported, also where it runs as ``__main__``.)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, Final, cast
from uuid import UUID

import attrs
import orjson

from eventcore.codec.misfit import Misfit, an, key_segment
from eventcore.codec.untyped import encode_json

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # subtracted from wall times, whose offset is taken off by itself
_MICROSECOND = timedelta(microseconds=1)


def canonical_command(command: object, unstructure: Callable[[object], object]) -> bytes:
    """Return the bytes of *command*. Raises `Misfit`.

    *unstructure* gives the JSON of a field's value whose class a user has a hook for, and None for all others. The command itself is not
    given to it: a hook for all attrs classes would evaluate the annotations of its streams.
    """
    return _compound(command, unstructure)


def _canonical(value: object, unstructure: Callable[[object], object]) -> bytes:
    hooked = unstructure(value)
    if hooked is not None:
        return _frame("hook", type(value).__qualname__.encode() + b"\0" + orjson.dumps(encode_json(hooked), option=orjson.OPT_SORT_KEYS))
    simple = _simple(value)
    return simple if simple is not None else _compound(value, unstructure)


def _simple(value: object) -> bytes | None:
    """Return the bytes of a value without parts, or None where it has some."""
    for cls, tag, write in _FORMS:
        if isinstance(value, cls):
            return _frame(tag, write(value))
    return _moment(value)


def _moment(value: object) -> bytes | None:
    if isinstance(value, datetime):
        offset = value.utcoffset()
        wall = (value.replace(tzinfo=None) - _EPOCH) // _MICROSECOND
        return _frame("datetime", str(wall).encode()) if offset is None else _frame("instant", str(wall - offset // _MICROSECOND).encode())
    if isinstance(value, date):
        return _frame("date", value.isoformat().encode())
    if isinstance(value, time):
        offset = value.utcoffset()
        wall = ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
        return _frame("time", str(wall).encode()) if offset is None else _frame("time in zone", str(wall - offset // _MICROSECOND).encode())
    if isinstance(value, timedelta):
        return _frame("timedelta", str(value // _MICROSECOND).encode())
    return None


def _compound(value: object, unstructure: Callable[[object], object]) -> bytes:
    if isinstance(value, tuple | list):
        items = cast("Iterable[object]", value)
        parts = [_under(f"[{index}]", item, unstructure) for index, item in enumerate(items)]
        return _frame("tuple" if isinstance(value, tuple) else "list", b"".join(parts))
    if isinstance(value, AbstractSet):
        return _frame("set", b"".join(sorted(_under("{}", item, unstructure) for item in cast("AbstractSet[object]", value))))
    if isinstance(value, Mapping):
        entries = [(key_segment(key), key, item) for key, item in cast("Mapping[object, object]", value).items()]
        return _frame(
            "mapping", b"".join(sorted(_under(where, key, unstructure) + _under(where, item, unstructure) for where, key, item in entries))
        )
    fields = _fields(value)
    if fields is None:
        raise Misfit(f"{an(type(value))} has no form that is the same in every process; use a type that an event may carry")
    parts = [_frame("field", name.encode()) + _under(f".{name}", item, unstructure) for name, item in fields]
    return _frame("record", _frame("class", type(value).__qualname__.encode()) + b"".join(parts))


def _fields(value: Any) -> list[tuple[str, object]] | None:
    """Return what counts when two instances are compared; what the constructor doesn't take follows from the rest, or is no data."""
    cls = value.__class__
    if attrs.has(cls):
        attributes: Iterable[Any] = attrs.fields(cls)
        counting = sorted((field for field in attributes if field.init and field.eq), key=lambda field: field.name)
        return [
            (field.name, field.eq_key(getattr(value, field.name)) if field.eq_key else getattr(value, field.name)) for field in counting
        ]
    if dataclasses.is_dataclass(cls):
        names = sorted(field.name for field in dataclasses.fields(cls) if field.init and field.compare)
        return [(name, getattr(value, name)) for name in names]
    return None


def _under(segment: str, value: object, unstructure: Callable[[object], object]) -> bytes:
    try:
        return _canonical(value, unstructure)
    except Misfit as misfit:
        misfit.under(segment)
        raise


def _write_enum(value: Enum) -> bytes:
    name = cast("str | None", value.name) or str(value.value)  # composite flags may have no name
    return f"{type(value).__qualname__}.{name}".encode()


def _write_text(value: object) -> bytes:
    return str(value).encode("utf-8", "surrogatepass")


def _write_float(value: float) -> bytes:
    if value - value != 0.0:
        raise Misfit(f"{value} is no JSON number")
    return (value + 0.0).hex().encode()  # -0.0 equals 0.0


def _write_decimal(value: Decimal) -> bytes:
    if not value.is_finite():
        raise Misfit(f"Decimal('{value}') is no finite number")
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    kept = text.rstrip("0")
    return f"{sign}:{kept}:{int(exponent) + len(text) - len(kept)}".encode() if kept else b"0"


def _frame(tag: str, data: bytes) -> bytes:
    return b"%s:%d:%s" % (tag.encode(), len(data), data)


# Booleans and enums come before the numbers and texts that they also are.
_FORMS: Final[tuple[tuple[type, str, Callable[[Any], bytes]], ...]] = (
    (type(None), "constant", lambda value: repr(value).encode()),
    (bool, "constant", lambda value: repr(value).encode()),
    (Enum, "enum", _write_enum),
    (int, "int", lambda value: hex(value).encode()),
    (str, "str", lambda value: str.__str__(value).encode("utf-8", "surrogatepass")),
    (bytes, "bytes", bytes),
    (float, "float", _write_float),
    (Decimal, "decimal", _write_decimal),
    (UUID, "uuid", _write_text),
    (PurePath, "path", _write_text),
)
