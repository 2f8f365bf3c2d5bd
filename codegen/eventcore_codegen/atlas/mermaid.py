"""An atlas as a Mermaid flowchart: commands as boxes, streams as cylinders."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import combinations
from typing import Final

from eventcore_codegen.atlas.conflicts import Reach, Reaches
from eventcore_codegen.atlas.values import Atlas, StateEntry, Subject, Use

_ESCAPED: Final = str.maketrans({character: f"#{ord(character)};" for character in '#"<>&`\\|[](){}'})

_ROOM: Final = '%%{init: {"flowchart": {"nodeSpacing": 60, "rankSpacing": 100}}}%%'
"""In the space that is usual, in pixels, the words on arrows that cross lie on one another."""


def map_mermaid(atlas: Atlas) -> str:
    """Return the flowchart. Arrows with two heads read and write, lines that end in a circle only read, dotted ones are discovered.

    All of them go from a command to a stream, whichever way events flow: so commands are drawn in one column and streams in the other.
    """
    return _flowchart((command.label for command in atlas.commands), atlas.uses, atlas.states, Reaches(atlas.states))


def answer_mermaid(subjects: Collection[Subject], atlas: Atlas) -> str:
    """Return the part of the flowchart that has to do with *subjects*."""
    touched = {touch.use for subject in subjects for touch in subject.touches}
    uses = [use for use in atlas.uses if use in touched]
    states = [state for state in atlas.states if any(state in subject.states for subject in subjects)]
    return _flowchart(dict.fromkeys(use.command for use in uses), uses, states, Reaches(atlas.states))


def _flowchart(commands: Iterable[str], uses: Iterable[Use], states: Iterable[StateEntry], reaches: Reaches) -> str:
    by_use = {use: reaches.of(use) for use in uses}
    every = {reaches.of_state(state) for state in states} | set(by_use.values())
    cylinders = {reach: f"s{number}" for number, reach in enumerate(sorted(every, key=lambda reach: (not reach.has_state, reach.label)), 1)}
    boxes = {label: f"c{number}" for number, label in enumerate(commands, 1)}
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
