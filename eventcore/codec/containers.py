"""Tuples, lists, sets and mappings of typed items."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import orjson

from eventcore.codec.coder import ARRAY, INT, OBJECT, STR, Coder, Function
from eventcore.codec.misfit import Misfit, an, key_segment, shown, unfit, unread

_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,18}")  # at most 64 bits


def sequence(cls: type, item: Coder) -> Coder:
    """Return the coder of a `tuple` or `list` of like items."""

    def encode(value: Collection[object]) -> object:
        kind = type(value)
        if kind is not cls:
            raise unfit(value, an(cls))
        return _each(item.encode, value)

    def decode(raw: list[object]) -> object:
        if raw.__class__ is not list:
            raise unread(raw, "an array")
        return cls(_each(item.decode, raw))

    return Coder(f"{cls.__name__}[{item.name}]", encode, decode, ARRAY, frozenset({cls}))


def fixed_tuple(items: Sequence[Coder]) -> Coder:
    """Return the coder of a tuple with one type for each place."""
    size = len(items)
    encoders = [item.encode for item in items]
    decoders = [item.decode for item in items]

    def encode(value: tuple[object, ...]) -> object:
        kind = type(value)
        if kind is not tuple or len(value) != size:
            raise unfit(value, f"a tuple of {size}")
        return _pairwise(encoders, value)

    def decode(raw: list[object]) -> object:
        if raw.__class__ is not list or len(raw) != size:
            raise unread(raw, f"an array of {size}")
        return tuple(_pairwise(decoders, raw))

    return Coder(f"tuple[{', '.join(item.name for item in items)}]", encode, decode, ARRAY, frozenset({tuple}))


def unordered(cls: type, item: Coder) -> Coder:
    """Return the coder of a `frozenset` or `set`, stored in the order of its items' JSON so that equal sets give equal bytes."""

    def encode(value: Collection[object]) -> object:
        kind = type(value)
        if kind is not cls:
            raise unfit(value, an(cls))
        encoded = _each(item.encode, value, segment="{{{}}}")
        try:
            return sorted(encoded, key=orjson.dumps)
        except TypeError:  # text that orjson refuses; whoever writes the whole value says where
            return encoded

    def decode(raw: list[object]) -> object:
        if raw.__class__ is not list:
            raise unread(raw, "an array")
        items = _each(item.decode, raw)
        try:
            result = cls(items)
        except TypeError as error:
            raise Misfit(f"its items cannot be in {an(cls)}: {error}") from error
        if len(result) != len(items):
            raise Misfit(f"expected items that differ, got {shown(raw)}")
        return result

    return Coder(f"{cls.__name__}[{item.name}]", encode, decode, ARRAY, frozenset({cls}))


def mapping(key: Coder, item: Coder) -> Coder:
    """Return the coder of a `dict`, stored as a JSON object. *key* must be one of `is_key`."""
    encode_key, decode_key = (_write_int_key(key), _read_int_key(key)) if key.emits == INT else (key.encode, key.decode)

    def encode(value: dict[object, object]) -> object:
        kind = type(value)
        if kind is not dict:
            raise unfit(value, "a dict")
        return _entries(encode_key, item.encode, value)

    def decode(raw: dict[object, object]) -> object:
        if raw.__class__ is not dict:
            raise unread(raw, "an object")
        return _entries(decode_key, item.decode, raw)

    return Coder(f"Mapping[{key.name}, {item.name}]", encode, decode, OBJECT, frozenset({dict}))


def is_key(key: Coder) -> bool:
    """Tell whether the type of *key* can be a mapping's key: it is stored as a string or an integer."""
    return key.emits in {STR, INT}


def _each(function: Function, values: Iterable[object], segment: str = "[{}]") -> list[Any]:
    done: list[Any] = []
    add = done.append
    try:
        for value in values:
            add(function(value))
    except Misfit as misfit:
        misfit.under(segment.format(len(done)))
        raise
    return done


def _pairwise(functions: Iterable[Function], values: Iterable[object]) -> list[Any]:
    done: list[Any] = []
    try:
        for function, value in zip(functions, values, strict=True):
            done.append(function(value))
    except Misfit as misfit:
        misfit.under(f"[{len(done)}]")
        raise
    return done


def _entries(key_function: Function, function: Function, values: Mapping[Any, object]) -> dict[Any, Any]:
    done: dict[Any, Any] = {}
    key: object = None
    try:
        for key, value in values.items():
            done[_entry_key(key_function, key)] = function(value)
    except Misfit as misfit:
        misfit.under(key_segment(key))
        raise
    if len(done) != len(values):
        raise Misfit(f"two of its keys are stored as the same text: {shown(list(values))}")
    return done


def _entry_key(function: Function, key: object) -> object:
    try:
        return function(key)
    except Misfit as misfit:
        misfit.problem = f"its key: {misfit.problem}"
        raise


def _write_int_key(key: Coder) -> Callable[[object], str]:
    return lambda value: str(key.encode(value))


def _read_int_key(key: Coder) -> Function:
    def read(raw: str) -> object:
        if not _INTEGER.fullmatch(raw):
            raise unread(raw, "an integer as text")
        return key.decode(int(raw))

    return read
