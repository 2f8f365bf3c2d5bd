from __future__ import annotations

from eventcore import event, state


@event
class Wound:
    turns: int


@state
class Spring:
    turns: int = 0

    def apply(self, event: Wound) -> Spring:
        return Spring(self.turns + event.turns)
