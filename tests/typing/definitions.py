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
    """row: <Command>Writes"""

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


def events() -> None:
    """row: constructors are known to the checkers
    row: @command, @event, @state are frozen"""
    assert_type(Noted("a"), Noted)
    assert_type(Noted("a", times=2).times, int)
    Noted()  # E: a field is missing
    Noted(1)  # E: of another type
    Noted("a", 1, 2)  # E: no such field
    Noted("a").text = "b"  # E: events are frozen
    Dropped("x")  # E: it has no fields


def states() -> None:
    """row: constructors are known to the checkers
    row: @command, @event, @state are frozen"""
    assert_type(Notes(), Notes)
    assert_type(Notes(("a",), {"a": 1}).texts, tuple[str, ...])
    assert_type(Notes().apply(Dropped()), Notes)
    Notes().texts = ()  # E: states are frozen
    Notes().counts["a"] = 1  # E: states are shared: a mapping in one is not changed
    Notes().apply(1)  # E: no event
    Notes("a")  # E: of another type


def commands(notes: StreamId[Notes], other: StreamId[Other]) -> None:
    """row: constructors are known to the checkers
    row: @command, @event, @state are frozen"""
    assert_type(Fields(notes), Fields)
    assert_type(Fields(notes, other, (notes,), "text"), Fields)
    assert_type(Fields(notes, text="text").text, str)
    Fields(notes, found=notes)  # E: discovered streams are no argument
    Fields(notes, seen=())  # E: discovered streams are no argument
    Fields(notes).text = "other"  # E: commands are frozen


def aliases(notes: StreamId[Notes]) -> None:
    """row: @command(allow_aliases=True)"""
    assert_type(Aliases(notes, "text"), Aliases)
    Aliases(first=notes)  # E: a field is missing


def options() -> None:
    """row: @event("cart.item-added", version=2)
    row: @state(category="item")
    row: @state(ignore_unknown=True)
    row: @state(snapshot_every=100, version=2)"""
    assert_type(Dropped(), Dropped)
    assert_type(Other(), Other)
    assert_type(Kept(), Kept)
    assert_type(Kept().total, int)


@state(snapshot_every=100, version=2)
class Kept:
    total: int = 0

    def apply(self, event: Noted) -> Kept:
        return Kept(self.total + event.times)


@event(version="2")  # E: a version is a number
class WrongVersion:
    """row: @event("cart.item-added", version=2)"""


@event("a", 2)  # E: options by name
class WrongOption:
    """row: @event("cart.item-added", version=2)"""


@state("note")  # E: options by name
class WrongCategory:
    """row: @state(category="item")"""

    def apply(self, event: Noted) -> WrongCategory:
        return self


@state(ignore_unknown="yes")  # E: it is or it is not
class WrongIgnoring:
    """row: @state(ignore_unknown=True)"""

    def apply(self, event: Noted) -> WrongIgnoring:
        return self


@state(snapshot_every="often")  # E: a number of events
class WrongSnapshots:
    """row: @state(snapshot_every=100, version=2)"""

    def apply(self, event: Noted) -> WrongSnapshots:
        return self


@command(aliases=True)  # E: no such option
class WrongCommand:
    """row: @command(allow_aliases=True)"""

    first: StreamId[Notes] = stream(readonly=True)  # E: no such option
    second: Discovered[Notes] = discovered(default=())  # E: no such option
