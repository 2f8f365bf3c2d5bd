"""An atlas, and answers from it, as data for JSON: its shape is documented in docs/map.md and does not change within a version."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

from eventcore_codegen.atlas.values import Atlas, CommandEntry, Conflict, EventEntry, LeftOut, Place, StateEntry, Subject, Touch, Use
from eventcore_codegen.model import ClassRef

Data: TypeAlias = "dict[str, Data] | list[Data] | str | int | bool | None"

VERSION: Final = 1


def map_data(atlas: Atlas) -> Data:
    return {
        "version": VERSION,
        "commands": [_command(command) for command in atlas.commands],
        "states": [_state(state) for state in atlas.states],
        "events": [_event(event) for event in atlas.events],
        "conflicts": [_conflict(conflict) for conflict in atlas.conflicts],
        "left_out": _left_out(atlas.left_out),
    }


def answer_data(name: str, subjects: Iterable[Subject], atlas: Atlas) -> Data:
    return {
        "version": VERSION,
        "name": name,
        "found": [_subject(subject) for subject in subjects],
        "left_out": _left_out(atlas.left_out),
    }


def _command(command: CommandEntry) -> Data:
    streams: list[Data] = [{"field": use.name, **_use(use), "events": _labels(use.events), **_place(use.place)} for use in command.uses]
    return {**_class(command.label, command.ref, command.place), "streams": streams, "writes": _labels(command.writes)}


def _use(use: Use) -> dict[str, Data]:
    return {
        "kind": use.kind,
        "access": "read" if use.read_only else "write",
        "state": None if use.state is None else use.state.label,
        "category": None if use.state is None else use.state.category,
    }


def _state(state: StateEntry) -> Data:
    return {**_class(state.label, state.ref, state.place), "category": state.category, "events": _labels(state.events)}


def _event(event: EventEntry) -> Data:
    return {**_class(event.label, event.ref, event.place), "stored": event.stored, "stored_version": event.version}


def _conflict(conflict: Conflict) -> Data:
    grounds: list[Data] = [
        {
            "streams": ground.streams,
            "verdict": ground.verdict,
            "fields": [ground.first.name, ground.second.name],
            "access": ["read" if use.read_only else "write" for use in (ground.first, ground.second)],
        }
        for ground in conflict.grounds
    ]
    return {"commands": [conflict.first, conflict.second], "verdict": conflict.verdict, "on": grounds}


def _subject(subject: Subject) -> Data:
    return {
        "kind": subject.kind,
        "name": subject.name,
        "states": [_state(state) for state in subject.states],
        "event": None if subject.event is None else _event(subject.event),
        "touched_by": [_touch(touch) for touch in subject.touches],
    }


def _touch(touch: Touch) -> Data:
    return {
        "command": touch.use.command,
        "field": touch.use.name,
        **_use(touch.use),
        "certain": touch.verdict == "can",
        **_place(touch.use.place),
    }


def _class(label: str, ref: ClassRef, place: Place) -> dict[str, Data]:
    return {"name": label, "module": ref.module, "class": ref.qualname, **_place(place)}


def _place(place: Place) -> dict[str, Data]:
    return {"path": place.path, "line": place.line}


def _labels(events: Iterable[EventEntry]) -> list[Data]:
    return [event.label for event in events]


def _left_out(left_out: Iterable[LeftOut]) -> list[Data]:
    return [{"kind": each.kind, "name": each.name, **_place(each.place)} for each in left_out]
