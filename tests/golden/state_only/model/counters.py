"""States and events without a command: other modules' commands, and `load`, use them."""

from __future__ import annotations

from typing import TypeAlias

from eventcore import event, state


@event
class Counted:
    by: int


@event
class Reset:
    pass


CounterEvent: TypeAlias = Counted | Reset


@state
class Counter:
    value: int = 0

    def apply(self, event: CounterEvent) -> Counter:
        match event:
            case Counted(by):
                return Counter(self.value + by)
            case Reset():
                return Counter()


@state
class Resets:
    count: int = 0

    def apply(self, event: CounterEvent) -> Resets:
        return Resets(self.count + isinstance(event, Reset))
