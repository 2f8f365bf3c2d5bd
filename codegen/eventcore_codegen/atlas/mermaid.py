"""An atlas as a Mermaid flowchart: commands as boxes, streams as cylinders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Final

from eventcore_codegen.atlas.conflicts import Reach, Reaches
from eventcore_codegen.atlas.values import Atlas, Use

_ESCAPED: Final = str.maketrans({character: f"#{ord(character)};" for character in '#"<>&`\\|[](){}'})

_ROOM: Final = '%%{init: {"flowchart": {"nodeSpacing": 60, "rankSpacing": 100}}}%%'
"""In the space that is usual, in pixels, the words on arrows that cross lie on one another."""


def map_mermaid(atlas: Atlas) -> str:
    """Return the flowchart. Arrows with two heads read and write, lines that end in a circle only read, dotted ones are discovered.

    All of them go from a command to a stream, whichever way events flow: so commands are drawn in one column and streams in the other.
    """
    reaches = Reaches(atlas.states)
    by_use = {use: reaches.of(use) for use in atlas.uses}
    every = {reaches.of_state(state) for state in atlas.states} | set(by_use.values())
    cylinders = {reach: f"s{number}" for number, reach in enumerate(sorted(every, key=lambda reach: (not reach.has_state, reach.label)), 1)}
    boxes = {command.label: f"c{number}" for number, command in enumerate(atlas.commands, 1)}
    return "\n".join(
        [
            _ROOM,
            "flowchart LR",
            *(f'    {box}["{_escaped(label)}"]' for label, box in boxes.items()),
            *(f'    {cylinder}[("{_escaped(reach.label)}")]' for reach, cylinder in cylinders.items()),
            *(_arrow(use, boxes[use.command], cylinders[reach]) for use, reach in by_use.items()),
            *_perhaps_the_same(cylinders),
        ]
    )


def _arrow(use: Use, box: str, cylinder: str) -> str:
    """Return the arrow of one field; the word on it is the field's, with what its kind adds, unless the arrow is dotted for it."""
    found = use.kind == "discovered"
    note = f", {use.kind}" if use.kind in ("optional", "many") else ""
    label = f'|"{_escaped(use.name + note)}"|'
    if use.read_only:
        return f"    {box} {'-.-o' if found else '--o'}{label} {cylinder}"
    return f"    {box} {'<-.->' if found else '<-->'}{label} {cylinder}"


def _perhaps_the_same(cylinders: Mapping[Reach, str]) -> Iterator[str]:
    for one, other in combinations(cylinders, 2):
        if one.meets(other) == "may":
            yield f'    {cylinders[one]} -.-|"perhaps the same"| {cylinders[other]}'


def _escaped(text: str) -> str:
    return text.translate(_ESCAPED)
