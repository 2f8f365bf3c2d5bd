"""Unions. A member is told from the others by the kind of its JSON value where all kinds differ, and by a tag where they do not.

A tagged value is an object with one key, the member's name: ``{"CardPaid": {"amount": 3}}``. Which members are tagged follows from the
annotation alone, so equal annotations read and write alike in every process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, final

from eventcore.codec.coder import BOOL, FLOAT, INT, NULL, STR, Coder, Types
from eventcore.codec.misfit import Misfit, key_segment, shown, unfit, unread
from eventcore.codec.scalars import exact_float

_KIND_NAMES: Final[dict[type[object], str]] = {
    type(None): "null",
    bool: "true or false",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}
_PLAIN = (NULL, BOOL, INT, FLOAT, STR)


def union(members: Sequence[Coder]) -> Coder:
    """Return the coder of a union of several members whose names differ."""
    members = _drop_what_untyped_covers(members)
    if len(members) == 1:
        return members[0]
    if any(member.emits >= INT for member in members):
        members = [exact_float() if member.name == "float" and member.emits == FLOAT else member for member in members]
    tagged = _tagged(members)
    names = [member.name for member in members]
    plan = _Union(members, {id(member): name for member, name in zip(members, names, strict=True) if id(member) in tagged})
    test, decode_test = _tests(members, tagged)
    takes = None if any(member.takes is None for member in members) else Types().union(*(member.takes or () for member in members))
    emits = frozenset({dict} if tagged else ()).union(*(member.emits for member in members if id(member) not in tagged))
    return Coder(" | ".join(names), plan.encode, plan.decode, emits, takes, test, decode_test)


def _drop_what_untyped_covers(members: Sequence[Coder]) -> Sequence[Coder]:
    if not any(member.name == "JSON" and member.takes is None for member in members):
        return members
    return [m for m in members if not (m.emits in _PLAIN and m.takes == m.emits and m.name in {"None", "bool", "int", "float", "str"})]


def _tagged(members: Sequence[Coder]) -> set[int]:
    counts = Counter(kind for member in members for kind in member.emits)
    tagged = {id(member) for member in members if any(counts[kind] > 1 for kind in member.emits)}
    if tagged:  # a tagged value is an object, so whatever is an object by itself needs a tag too
        tagged |= {id(member) for member in members if dict in member.emits}
    return tagged


def _tests(members: Sequence[Coder], tagged: set[int]) -> tuple[str | None, str | None]:
    plain = [member for member in members if id(member) not in tagged]
    encode = [f"({member.encode_test})" for member in plain if member.encode_test]
    decode = [f"({member.decode_test})" for member in plain if member.decode_test]
    return " or ".join(encode) or None, " or ".join(decode) or None


@final
class _Union:
    def __init__(self, members: Sequence[Coder], tags: dict[int, str]) -> None:
        self._expected = " or ".join(member.name for member in members)
        self._tags = tags
        self._members = members
        self._by_type: dict[type, list[Coder]] = {}
        for member in members:
            for cls in member.takes or ():
                self._by_type.setdefault(cls, []).append(member)
        for known in self._by_type.values():
            known.extend(member for member in members if member.takes is None)
        self._by_tag = {tags[id(member)]: member for member in members if id(member) in tags}
        self._by_kind: dict[type[object], Coder] = {kind: member for member in members if id(member) not in tags for kind in member.emits}
        if float in self._by_kind:
            self._by_kind.setdefault(int, self._by_kind[float])
        kinds = [_KIND_NAMES[kind] for kind in self._by_kind if kind is not dict or not tags]
        self._stored = " or ".join([*kinds, *([f"an object with one key of {', '.join(self._by_tag)}"] if tags else ())])

    def encode(self, value: object) -> object:
        candidates = self._by_type.get(type(value), self._members)
        misfits: list[Misfit] = []
        for member in candidates:
            try:
                encoded = member.encode(value)
            except Misfit as misfit:
                misfits.append(misfit)
            else:
                tag = self._tags.get(id(member))
                return encoded if tag is None else {tag: encoded}
        raise unfit(value, self._expected) if candidates is self._members else misfits[0]

    def decode(self, raw: Any) -> object:
        if self._by_tag and raw.__class__ is dict:
            return self._decode_tagged(raw)
        member = self._by_kind.get(raw.__class__)
        if member is None:
            raise unread(raw, self._stored)
        return member.decode(raw)

    def _decode_tagged(self, raw: dict[object, object]) -> object:
        if len(raw) == 1:
            ((tag, inner),) = raw.items()
            member = self._by_tag.get(str(tag))
            if member is not None:
                try:
                    return member.decode(inner)
                except Misfit as misfit:
                    misfit.under(key_segment(tag))
                    raise
        raise Misfit(f"expected {self._stored}, got {shown(raw)}")
