"""Declarations as their author meets them: constructors, frozen fields, and what the decorators refuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_type

import attrs

from eventcore import Discovered, StreamId, StreamWrite, command, discovered, event, state, stream


@event
class Noted:
    text: str
    times: int = 1


@event("notes.dropped", version=2)
class Dropped:
    pass


@state
class Notes:
    texts: tuple[str, ...] = ()
    counts: Mapping[str, int] = attrs.field(factory=dict[str, int])

    def apply(self, event: Noted | Dropped) -> Notes:
        match event:
            case Noted(text, times):
                return Notes((*self.texts, text), {**self.counts, text: times})
            case Dropped():
                return Notes()


@state(category="note", ignore_unknown=True)
class Other:
    def apply(self, event: Noted) -> Other:
        return self


@command
class Fields:
    first: StreamId[Notes] = stream()
    second: StreamId[Other] | None = stream(default=None)
    third: tuple[StreamId[Notes], ...] = stream(read_only=True, default=())
    found: Discovered[Notes] = discovered()
    seen: Discovered[Notes] = discovered(read_only=True)
    text: str = ""

    def handle(self, streams: object, state: object) -> tuple[StreamWrite, ...]:  # E, but not in ty: StreamWrite says whose, and of what
        return ()


@command(allow_aliases=True)
class Aliases:
    first: StreamId[Notes] = stream()
    text: str

    def handle(self, streams: object, state: object) -> tuple[()]:
        return ()


def use(notes: StreamId[Notes], other: StreamId[Other]) -> None:
    assert_type(Noted("a"), Noted)
    assert_type(Noted("a", times=2).times, int)
    assert_type(Notes().texts, tuple[str, ...])
    assert_type(Notes().apply(Dropped()), Notes)
    Noted()  # E: a field is missing
    Noted(1)  # E: of another type
    Noted("a", 1, 2)  # E: no such field
    Noted("a").text = "b"  # E: events are frozen
    Notes().texts = ()  # E: states are frozen
    Notes().apply(1)  # E: no event
    Dropped("x")  # E: it has no fields
    Fields(notes)
    Fields(notes, other, (notes,), "text")
    Fields(notes, text="text")
    Fields(notes, found=notes)  # E: discovered streams are no argument
    Fields(notes, seen=())  # E: discovered streams are no argument
    Aliases(notes, "text")
    Aliases(first=notes)  # E: a field is missing


@event(version="2")  # E: a version is a number
class WrongVersion:
    pass


@event("a", 2)  # E: options by name
class WrongOption:
    pass


@state("note")  # E: options by name
class WrongCategory:
    def apply(self, event: Noted) -> WrongCategory:
        return self


@command(aliases=True)  # E: no such option
class WrongCommand:
    first: StreamId[Notes] = stream(readonly=True)  # E: no such option
    second: Discovered[Notes] = discovered(default=())  # E: no such option
