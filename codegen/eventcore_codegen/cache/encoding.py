"""Values to JSON and back: of the classes that a codec knows, without a list of what is in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast, final

import attrs

from eventcore_codegen.sources import Json

_TUPLE: Final = "t"
_MAPPING: Final = "m"
_SET: Final = "s"
_SAME: Final = "same"


class NotEncodable(TypeError):
    """A value that is of none of the classes."""


@final
class Codec:
    """Stores values of *classes*, which are attrs classes and enumerations, and texts, numbers, tuples, sets and mappings of them.

    Values of classes without `==`, which are told apart by being themselves, are one again where they were one.
    """

    def __init__(self, classes: Iterable[type]) -> None:
        ordered = sorted(set(classes), key=lambda cls: cls.__name__)
        self._by_kind = {f"{number}": cls for number, cls in enumerate(ordered)}
        self.kinds: Final = {cls: kind for kind, cls in self._by_kind.items()}
        self.fields: Final = {cls: _fields(cls) for cls in ordered}
        self.have_identity: Final = frozenset(kind for kind, cls in self._by_kind.items() if attrs.has(cls) and "__eq__" not in vars(cls))

    def encode(self, value: object) -> Json:
        """Return *value* as JSON can hold it."""
        return _Encoder(self).encode(value)

    def decode(self, text: str) -> object:
        """Return what `encode` was given, of the JSON text of what it returned."""
        return json.loads(text, object_pairs_hook=_hook(self._by_kind, self.have_identity))


def _fields(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(cls) if field.init) if attrs.has(cls) else ("value",)


@final
class _Encoder:
    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._seen: dict[int, int] = {}

    def encode(self, value: object) -> Json:
        match value:
            case None | str() | int():
                return value
            case tuple():
                return {_TUPLE: [*map(self.encode, cast("tuple[object, ...]", value))]}
            case frozenset():
                return {_SET: sorted(map(self.encode, cast("frozenset[object]", value)), key=repr)}
            case Mapping():
                return {_MAPPING: [self.encode(part) for item in cast("Mapping[str, object]", value).items() for part in item]}
            case _:
                return self._instance(value)

    def _instance(self, value: object) -> Json:
        kind = self._codec.kinds.get(type(value))
        if kind is None:
            raise NotEncodable(f"{type(value).__qualname__} is none of the classes that are stored here: {', '.join(self._names())}")
        if id(value) in self._seen:
            return {_SAME: self._seen[id(value)]}
        encoded: Json = {kind: [self.encode(getattr(value, name)) for name in self._codec.fields[type(value)]]}
        if kind in self._codec.have_identity:
            self._seen[id(value)] = len(self._seen)
        return encoded

    def _names(self) -> list[str]:
        return [cls.__name__ for cls in self._codec.kinds]


def _hook(by_kind: Mapping[str, type], have_identity: frozenset[str]) -> Callable[[list[tuple[str, Any]]], object]:
    """Return what makes values again while one document is read: the hook for its objects.

    As a hook it is called for inner objects first, by the parser itself: to walk through the parsed document once more would take twice as long.
    """
    seen: list[object] = []

    def made(pairs: list[tuple[str, Any]]) -> object:
        """Return what an object stands for: one pair, of which the key says what the parts are of."""
        [(kind, parts)] = pairs
        cls = by_kind.get(kind)
        if cls is not None:
            value = cls(*parts)
            if kind in have_identity:
                seen.append(value)
            return value
        match kind:
            case "t":
                return tuple(parts)
            case "m":
                return dict(zip(parts[::2], parts[1::2], strict=True))
            case "s":
                return frozenset(parts)
            case "same":
                return seen[parts]
            case _:
                raise NotEncodable(f"{kind!r} stands where a kind of value belongs")

    return made
