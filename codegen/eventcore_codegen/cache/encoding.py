"""Values of `scan.syntax` to JSON and back: everything there, without a list of what that is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast, final

import attrs

from eventcore_codegen.diagnostics import Span
from eventcore_codegen.scan import syntax
from eventcore_codegen.sources import Json

_TUPLE: Final = "t"
_MAPPING: Final = "m"
_SET: Final = "s"
_SAME: Final = "same"


def _classes() -> tuple[type, ...]:
    found = {value for value in vars(syntax).values() if isinstance(value, type) and attrs.has(value)}
    return tuple(sorted(found | {Span}, key=lambda cls: cls.__name__))


_BY_KIND: Final[Mapping[str, type]] = {f"{number}": cls for number, cls in enumerate(_classes())}
_KINDS: Final[Mapping[type, str]] = {cls: kind for kind, cls in _BY_KIND.items()}
_SPAN: Final = _KINDS[Span]
_FIELDS: Final[Mapping[type, tuple[str, ...]]] = {cls: tuple(field.name for field in attrs.fields(cls) if field.init) for cls in _KINDS}
_HAVE_IDENTITY: Final = frozenset(kind for kind, cls in _BY_KIND.items() if "__eq__" not in vars(cls))
"""Those that are told apart by being themselves: one that is referred to twice has to be one again."""


class NotEncodable(TypeError):
    """A value that is none of `scan.syntax`."""


def encode(value: object) -> Json:
    """Return *value* as JSON can hold it."""
    return _Encoder().encode(value)


def decode(text: str) -> object:
    """Return what `encode` was given, of the JSON text of what it returned."""
    return json.loads(text, object_pairs_hook=Decoder().hook)


@final
class _Encoder:
    def __init__(self) -> None:
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
        kind = _KINDS.get(type(value))
        if kind is None:
            raise NotEncodable(
                f"{type(value).__qualname__} is no class of scan.syntax: a parsed module holds only those, tuples and mappings"
            )
        if id(value) in self._seen:
            return {_SAME: self._seen[id(value)]}
        encoded: Json = {kind: [self.encode(getattr(value, name)) for name in _FIELDS[type(value)]]}
        if kind in _HAVE_IDENTITY:
            self._seen[id(value)] = len(self._seen)
        return encoded


@final
class Decoder:
    """Makes values again while JSON is read: the hook for its objects. One reads one document."""

    def __init__(self) -> None:
        self._seen: list[object] = []

    def hook(self, pairs: list[tuple[str, Any]]) -> object:
        """Return what an object stands for: one pair, of which the key says what the parts are of.

        As a hook it is called for inner objects first, by the parser itself: to walk through the parsed document once more would take twice as long.
        """
        [(kind, parts)] = pairs
        if kind == _SPAN:
            return Span(*parts)  # nearly half of all values, and worth the short way
        cls = _BY_KIND.get(kind)
        if cls is not None:
            made = cls(*parts)
            if kind in _HAVE_IDENTITY:
                self._seen.append(made)
            return made
        match kind:
            case "t":
                return tuple(parts)
            case "m":
                return dict(zip(parts[::2], parts[1::2], strict=True))
            case "s":
                return frozenset(parts)
            case "same":
                return self._seen[parts]
            case _:
                raise NotEncodable(f"{kind!r} stands where a kind of value belongs")
