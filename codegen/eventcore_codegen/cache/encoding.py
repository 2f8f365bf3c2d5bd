"""Values of `scan.syntax` to JSON and back: everything there, without a list of what that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast, final

import attrs

from eventcore_codegen.diagnostics import Span
from eventcore_codegen.scan import syntax
from eventcore_codegen.sources import Json

_TUPLE: Final = -1
_MAPPING: Final = -2
_SAME: Final = -3
_SET: Final = -4


def _classes() -> tuple[type, ...]:
    found = {value for value in vars(syntax).values() if isinstance(value, type) and attrs.has(value)}
    return tuple(sorted(found | {Span}, key=lambda cls: cls.__name__))


_CLASSES: Final[tuple[type, ...]] = _classes()
_NUMBERS: Final[Mapping[type, int]] = {cls: number for number, cls in enumerate(_CLASSES)}
_SPAN: Final = _NUMBERS[Span]
_FIELDS: Final[Mapping[type, tuple[str, ...]]] = {cls: tuple(field.name for field in attrs.fields(cls) if field.init) for cls in _CLASSES}
_HAVE_IDENTITY: Final = frozenset(number for cls, number in _NUMBERS.items() if "__eq__" not in vars(cls))
"""Those that are told apart by being themselves: one that is referred to twice has to be one again."""


class NotEncodable(TypeError):
    """A value that is none of `scan.syntax`."""


def encode(value: object) -> Json:
    """Return *value* as JSON can hold it."""
    return _Encoder().encode(value)


def decode(value: Json) -> object:
    """Return what `encode` was given."""
    return _Decoder().decode(value)


@final
class _Encoder:
    def __init__(self) -> None:
        self._seen: dict[int, int] = {}

    def encode(self, value: object) -> Json:
        match value:
            case None | str() | int():
                return value
            case tuple():
                return [_TUPLE, *map(self.encode, cast("tuple[object, ...]", value))]
            case frozenset():
                return [_SET, *sorted(map(self.encode, cast("frozenset[object]", value)), key=repr)]
            case Mapping():
                return [_MAPPING, *(self.encode(part) for item in cast("Mapping[str, object]", value).items() for part in item)]
            case _:
                return self._instance(value)

    def _instance(self, value: object) -> Json:
        number = _NUMBERS.get(type(value))
        if number is None:
            raise NotEncodable(
                f"{type(value).__qualname__} is no class of scan.syntax: a parsed module holds only those, tuples and mappings"
            )
        if number not in _HAVE_IDENTITY:
            return [number, *(self.encode(getattr(value, name)) for name in _FIELDS[type(value)])]
        if id(value) in self._seen:
            return [_SAME, self._seen[id(value)]]
        encoded: list[Json] = [number, *(self.encode(getattr(value, name)) for name in _FIELDS[type(value)])]
        self._seen[id(value)] = len(self._seen)
        return encoded


@final
class _Decoder:
    def __init__(self) -> None:
        self._seen: list[object] = []

    def decode(self, value: Json) -> object:
        if not isinstance(value, list):
            return value
        number = value[0]
        if number == _SPAN:
            return Span(*value[1:])  # type: ignore[arg-type]  # four numbers: nearly half of all values, and worth the short way
        parts = [self.decode(part) if isinstance(part, list) else part for part in value[1:]]
        match number:
            case int() if number >= 0:
                made: object = _CLASSES[number](*parts)
                if number in _HAVE_IDENTITY:
                    self._seen.append(made)
                return made
            case -1:
                return tuple(parts)
            case -2:
                return dict(zip(parts[::2], parts[1::2], strict=True))
            case -3 if isinstance(parts[0], int):
                return self._seen[parts[0]]
            case -4:
                return frozenset(parts)
            case _:
                raise NotEncodable(f"{number!r} stands where a kind of value belongs")
