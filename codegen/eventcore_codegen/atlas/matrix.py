"""The conflict matrix: for each pair of commands whether they can conflict, and on what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from eventcore_codegen.atlas.layout import GAP, WIDTH, labelled
from eventcore_codegen.atlas.values import Atlas, Conflict, Ground, Verdict

_SIGNS: Final[Mapping[Verdict, str]] = {"can": "x", "may": "?", "never": "."}
_LEGEND: Final = "x  can conflict    ?  may conflict    .  never conflict"
_NAMED: Final = 5
"""So many commands that one never conflicts with are named; more are counted."""


def conflict_lines(atlas: Atlas) -> list[list[str]]:
    """Return the matrix, where it fits, and then for each command on what it conflicts with which others."""
    if not atlas.commands:
        return []
    by_pair = {pair: conflict for conflict in atlas.conflicts for pair in _both_ways(conflict)}
    labels = [command.label for command in atlas.commands]
    grid = _grid(labels, by_pair)
    return [*([grid] if grid else []), *(_of_command(label, labels, by_pair) for label in labels)]


def _both_ways(conflict: Conflict) -> tuple[tuple[str, str], ...]:
    return ((conflict.first, conflict.second), (conflict.second, conflict.first))


def _grid(labels: list[str], by_pair: Mapping[tuple[str, str], Conflict]) -> list[str]:
    cell = len(str(len(labels))) + 1
    name = max(map(len, labels))
    if len(GAP) + cell + name + 1 + cell * len(labels) > WIDTH:
        return []
    numbers = range(1, len(labels) + 1)
    lines = [GAP + " " * (cell + name + 1) + "".join(str(number).rjust(cell) for number in numbers)]
    for number, label in zip(numbers, labels, strict=True):
        signs = (_SIGNS[_verdict(by_pair.get((label, other)))] for other in labels)
        lines.append(f"{GAP}{str(number).rjust(cell - 1)} {label.ljust(name)} {''.join(sign.rjust(cell) for sign in signs)}")
    return [*lines, "", f"{GAP}{_LEGEND}"]


def _verdict(conflict: Conflict | None) -> Verdict:
    return "never" if conflict is None else conflict.verdict


def _of_command(label: str, labels: list[str], by_pair: Mapping[tuple[str, str], Conflict]) -> list[str]:
    met = [other for other in (label, *labels) if (label, other) in by_pair]
    rows: dict[str, dict[str, None]] = {}
    for other in met:
        for streams, grounds in _by_streams(by_pair[label, other]).items():
            rows.setdefault(streams, {})[_met(label, other, grounds)] = None
    never = _never([other for other in labels if other not in met and other != label], itself=label not in met)
    return [f"{GAP}{label}", *labelled([*sorted(rows.items()), ("never", never)], GAP * 2)]


def _by_streams(conflict: Conflict) -> dict[str, list[Ground]]:
    found: dict[str, list[Ground]] = {}
    for ground in conflict.grounds:
        found.setdefault(ground.streams, []).append(ground)
    return found


def _met(label: str, other: str, grounds: Sequence[Ground]) -> str:
    """Return what is said of the other command, on one kind of stream."""
    perhaps = "" if any(ground.verdict == "can" for ground in grounds) else "perhaps "
    if label == other:
        return f"{perhaps}itself"
    uses = [use for ground in grounds for use in (ground.first, ground.second) if use.command == other]
    return f"{perhaps}{other}{' (only reads)' if all(use.read_only for use in uses) else ''}"


def _never(others: list[str], *, itself: bool) -> list[str]:
    named = others if len(others) <= _NAMED else [f"{len(others)} others"]
    return [*(["itself"] if itself else []), *named]
