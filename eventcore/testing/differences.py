"""What was expected and what is, side by side, for a person who has to see at a glance where they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

import attrs

from eventcore.declare import command_marker
from eventcore.ids import StreamId

_SHOWN: Final = 300
_LEGEND: Final = "(- expected, + written)"


def shown(value: object) -> str:
    """Return how *value* is written in Python: classes by their names, stream ids as plain text."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} characters)"


def name(command: object, stream_id: str) -> str:
    """Return *stream_id* with the field of *command* that it belongs to, as far as that can be told."""
    marker = command_marker(type(command))
    fields = marker.streams if marker else ()
    for field, stream in fields:
        if not stream.discovered and stream_id in _ids(getattr(command, field)):
            return f"{stream_id} ({field})"
    found = [field for field, stream in fields if stream.discovered]
    return f"{stream_id} ({found[0]})" if len(found) == 1 else str(stream_id)


def _ids(value: object) -> tuple[object, ...]:
    return cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)


def listed(streams: Mapping[str, Sequence[object]], named: Callable[[str], str]) -> str:
    """Return the events of *streams*, each stream under its name."""
    lines: list[str] = []
    for stream_id, events in streams.items():
        lines += [f"  {named(stream_id)}", *(f"      {shown(event)}" for event in events)]
    return "\n".join(lines) or "  nothing"


def of_streams(expected: Mapping[str, Sequence[object]], written: Mapping[str, Sequence[object]], named: Callable[[str], str]) -> str:
    """Return how *written* differs from *expected*, stream by stream; an empty text where it does not."""
    streams = [*expected, *(stream_id for stream_id in written if stream_id not in expected)]
    if all(list(expected.get(each, ())) == list(written.get(each, ())) for each in streams):
        return ""
    lines: list[str] = []
    for stream_id in streams:
        lines.append(f"  {named(stream_id)}")
        lines += _compared(list(expected.get(stream_id, ())), list(written.get(stream_id, ())))
    return "\n".join([*lines, "", _LEGEND])


def _compared(expected: list[object], written: list[object]) -> Iterator[str]:
    if not expected or not written:
        yield from (f"    - {shown(event)}" for event in expected)
        yield from (f"    + {shown(event)}" for event in written)
        return
    same = _common(expected, written)
    at, by = 0, 0
    for left, right in [*same, (len(expected), len(written))]:
        yield from _replaced(expected[at:left], written[by:right])
        if left < len(expected):
            yield f"      {shown(expected[left])}"
        at, by = left + 1, right + 1


def _replaced(missing: list[object], extra: list[object]) -> Iterator[str]:
    for index in range(max(len(missing), len(extra))):
        if index < len(missing):
            yield f"    - {shown(missing[index])}"
        if index < len(extra):
            yield f"    + {shown(extra[index])}"
        if index < min(len(missing), len(extra)):
            yield from (f"        {line}" for line in _fields(missing[index], extra[index]))


def _common(left: list[object], right: list[object]) -> list[tuple[int, int]]:
    """Return the places of a longest common subsequence. Events need no hash, so difflib is no help."""
    longest = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in range(len(left) - 1, -1, -1):
        for j in range(len(right) - 1, -1, -1):
            longest[i][j] = longest[i + 1][j + 1] + 1 if left[i] == right[j] else max(longest[i + 1][j], longest[i][j + 1])
    places: list[tuple[int, int]] = []
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i] == right[j]:
            places.append((i, j))
            i, j = i + 1, j + 1
        elif longest[i + 1][j] >= longest[i][j + 1]:
            i += 1
        else:
            j += 1
    return places


def of_values(expected: object, actual: object) -> str:
    """Return two values of which the first was expected, and their fields that differ."""
    fields = "".join(f"\n        {line}" for line in _fields(expected, actual))
    return f"    - {shown(expected)}\n    + {shown(actual)}{fields}\n\n(- expected, + actual)"


def _fields(expected: object, actual: object) -> Iterator[str]:
    """Say which fields differ, where both are of one class with fields."""
    if type(expected) is not type(actual):
        if type(expected).__name__ == type(actual).__name__:
            yield f"two classes of one name: {_place(expected)} and {_place(actual)}"
        return
    for field in fields_of(expected):
        one, other = getattr(expected, field.name, None), getattr(actual, field.name, None)
        if one != other:
            yield f"{field.name}: expected {_plain(one)}, got {_plain(other)}"


def fields_of(value: object) -> tuple[attrs.Attribute[Any], ...]:
    """Return the fields of an instance of an attrs class; of any other value none."""
    return cast("tuple[attrs.Attribute[Any], ...]", getattr(value, "__attrs_attrs__", ()))


def _plain(value: object) -> str:
    return repr(str(cast("object", value))) if isinstance(value, StreamId) else shown(value)


def _place(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
