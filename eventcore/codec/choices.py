"""Enums and literals: values out of a closed set."""

from __future__ import annotations

from enum import Enum, Flag
from typing import Any

from eventcore.codec.coder import Coder
from eventcore.codec.misfit import Misfit, an, shown, unfit, unread
from eventcore.codec.scalars import INT_MAX, INT_MIN, scalar


def enum(cls: type[Enum]) -> Coder:
    """Return the coder of an enum: by value where all values are strings or integers, by name otherwise."""
    if issubclass(cls, Flag):
        return _flag(cls)
    members = list(cls)
    by_value = all(type(member.value) in {str, int} for member in members)
    stored: dict[object, object] = {member: member.value if by_value else member.name for member in members}
    return _choice(cls.__name__, {(type(raw), raw): member for member, raw in stored.items()}, frozenset({cls}))


def literal(values: tuple[object, ...]) -> list[Coder]:
    """Return the coders of a ``Literal``: one for plain values, one for bytes, one for each enum. Several belong into a union."""
    groups: dict[str, dict[tuple[type, object], object]] = {}
    for value in values:
        if isinstance(value, Enum):
            raw, group = enum(type(value)).encode(value), type(value).__name__
        elif type(value) is bytes:
            raw, group = _scalar(bytes).encode(value), "bytes"
        else:
            raw, group = value, "Literal"
        groups.setdefault(group, {})[type(raw), raw] = value
    return [_choice(name, members, frozenset(type(member) for member in members.values())) for name, members in groups.items()]


def _scalar(cls: type) -> Coder:
    coder = scalar(cls)
    assert coder is not None, cls  # noqa: S101  # a type that `scalar` lists
    return coder


def _choice(name: str, members: dict[tuple[type, object], object], takes: frozenset[type]) -> Coder:
    stored = {(type(member), member): raw for (_, raw), member in members.items()}
    emits = frozenset(kind for kind, _ in members)
    known = ", ".join(shown(raw) for _, raw in members)

    def encode(value: object) -> object:
        try:
            return stored[type(value), value]
        except (KeyError, TypeError):
            raise unfit(value, f"one of {', '.join(shown(member) for _, member in stored)}") from None

    def decode(raw: object) -> object:
        try:
            return members[type(raw), raw]
        except (KeyError, TypeError):
            raise unread(raw, f"one of {known}") from None

    return Coder(name, encode, decode, emits, takes)


def _flag(cls: type[Flag]) -> Coder:
    def encode(value: Any) -> int:
        if type(value) is not cls:
            raise unfit(value, an(cls))
        number: int = value.value
        if not INT_MIN <= number <= INT_MAX:
            raise Misfit("a flag beyond 64 bits")
        return number

    def decode(raw: object) -> Flag:
        if type(raw) is not int:
            raise unread(raw, f"the number of {an(cls)}")
        try:
            value = cls(raw)
        except ValueError as error:
            raise unread(raw, f"the number of {an(cls)}") from error
        if type(value) is not cls:
            raise unread(raw, f"the number of {an(cls)}")
        return value

    return Coder(cls.__name__, encode, decode, frozenset({int}), frozenset({cls}))
