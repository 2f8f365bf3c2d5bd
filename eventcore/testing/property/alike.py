"""Whether two values are the same in everything that a program could notice: equal, and of one type all the way down."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

import attrs

from eventcore.ids import StreamId


def alike(one: object, other: object) -> bool:
    """Tell whether *one* and *other* are alike: `1` and `1.0` are equal but not alike, nor are `Decimal("1.0")` and `Decimal("1.00")`."""
    if isinstance(one, StreamId) or isinstance(other, StreamId):
        return isinstance(other, str) and bool(one == other)  # a stream id that was kept in a field for text comes back as text
    if type(one) is not type(other):
        return False
    names = _field_names(one)
    if names is not None:
        return all(alike(getattr(one, name, None), getattr(other, name, None)) for name in names)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        left, right = _pairs(cast("object", one)), _pairs(cast("object", other))
        return left.keys() == right.keys() and all(alike(left[key], right[key]) for key in left)
    if isinstance(one, (tuple, list)):
        items, others = _items(cast("object", one)), _items(other)
        return len(items) == len(others) and all(map(alike, items, others))
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return bool(one.as_tuple() == other.as_tuple())
    if isinstance(one, float) and isinstance(other, float):
        return bool(one.hex() == other.hex())
    return bool(one == other)


def _pairs(value: object) -> Mapping[Any, Any]:
    return cast("Mapping[Any, Any]", value)


def _items(value: object) -> Sequence[Any]:
    return cast("Sequence[Any]", value)


def _field_names(value: object) -> Iterable[str] | None:
    if attrs.has(type(value)):
        return [field.name for field in cast("Iterable[attrs.Attribute[Any]]", attrs.fields(cast("Any", type(value)))) if field.eq]
    if dataclasses.is_dataclass(value):
        return [field.name for field in dataclasses.fields(value)]
    return None
