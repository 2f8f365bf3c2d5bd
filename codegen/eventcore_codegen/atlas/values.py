"""The entries of an atlas: values, sorted, that refer to one another."""

from __future__ import annotations

from typing import Literal, final

import attrs

from eventcore_codegen.model import ClassRef, StreamKind

Verdict = Literal["can", "may", "never"]


@final
@attrs.frozen(order=True)
class Place:
    """Where something is declared: *path* as the user would write it."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@final
@attrs.frozen(cache_hash=True)
class EventEntry:
    """An event. *label* is its shortest name that no other event has, *stored* the name in the store."""

    ref: ClassRef
    label: str
    stored: str
    version: int
    place: Place


@final
@attrs.frozen(cache_hash=True)
class StateEntry:
    """A state and the events that its streams hold. *category* is None where the source does not say it literally."""

    ref: ClassRef
    label: str
    category: str | None
    ignores_unknown: bool
    events: tuple[EventEntry, ...]
    place: Place


@final
@attrs.frozen(cache_hash=True)
class Use:
    """A stream field of a command. *state* is None where the command folds by itself (``events=``)."""

    command: str
    """The label of its command."""
    name: str
    kind: StreamKind
    read_only: bool
    state: StateEntry | None
    events: tuple[EventEntry, ...]
    place: Place

    @property
    def label(self) -> str:
        return f"{self.command}.{self.name}"


@final
@attrs.frozen
class CommandEntry:
    ref: ClassRef
    label: str
    uses: tuple[Use, ...]
    place: Place

    @property
    def writes(self) -> tuple[EventEntry, ...]:
        """The events that it may write, in the order of its fields."""
        return tuple(dict.fromkeys(event for use in self.uses if not use.read_only for event in use.events))


@final
@attrs.frozen
class Ground:
    """Why two commands can conflict: a field of each, of which one is written at least, and that can be, or may be, one stream of *streams*."""

    first: Use
    second: Use
    verdict: Verdict
    streams: str


@final
@attrs.frozen
class Conflict:
    """Two commands (or one, run twice at a time) that can conflict. *first* and *second* are labels, in the order of the atlas."""

    first: str
    second: str
    grounds: tuple[Ground, ...]

    @property
    def verdict(self) -> Verdict:
        return "can" if any(ground.verdict == "can" for ground in self.grounds) else "may"


@final
@attrs.frozen(order=True)
class LeftOut:
    """What could not be read, because of faults of its own or of what it names: a command, a state, an event or a whole file."""

    place: Place
    kind: Literal["command", "state", "event", "file"]
    name: str


@final
@attrs.frozen
class Atlas:
    """All of it, sorted by label; *left_out* by place. *conflicts* has no entry for pairs that never conflict."""

    commands: tuple[CommandEntry, ...]
    states: tuple[StateEntry, ...]
    events: tuple[EventEntry, ...]
    conflicts: tuple[Conflict, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def uses(self) -> tuple[Use, ...]:
        return tuple(use for command in self.commands for use in command.uses)


@final
@attrs.frozen
class Touch:
    """A field that reads, and writes if it is not read-only, what was asked for; for certain (``can``) or perhaps (``may``)."""

    use: Use
    verdict: Verdict


@final
@attrs.frozen
class Subject:
    """One thing that a name stands for. *states* are those that it belongs to, *event* what it is itself."""

    kind: Literal["state", "category", "stream", "event"]
    name: str
    states: tuple[StateEntry, ...]
    event: EventEntry | None
    touches: tuple[Touch, ...]
