from __future__ import annotations

from eventcore import event, state


@event
class Switched:
    on: bool


@state
class Light:
    on: bool = False

    @classmethod
    def apply(cls, event: Switched) -> Light:
        return cls(event.on)


@state
class Lamp:
    on: bool = False

    def apply(self, event: Switched, at: int) -> Lamp:
        return Lamp(event.on)


@state
class Bulb:
    on: bool = False

    def apply(self) -> Bulb:
        return Bulb(not self.on)


class Switchable:
    on: bool

    def apply(self, event: Switched, *, twice: bool) -> Lantern:
        return Lantern(event.on)


@state
class Lantern(Switchable):
    on: bool = False
