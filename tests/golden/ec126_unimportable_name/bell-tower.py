from __future__ import annotations

from eventcore import event, state


@event
class Rung:
    pass


@state
class Bell:
    rung: int = 0

    def apply(self, event: Rung) -> Bell:
        return Bell(self.rung + 1)
