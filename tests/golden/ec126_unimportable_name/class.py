from __future__ import annotations

from eventcore import event, state


@event
class Struck:
    pass


@state
class Gong:
    rung: int = 0

    def apply(self, event: Struck) -> Gong:
        return Gong(self.rung + 1)
