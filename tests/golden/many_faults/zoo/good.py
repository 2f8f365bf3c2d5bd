from __future__ import annotations

from eventcore import event, state


@event
class Opened:
    pass


@state
class Gate:
    opened: int = 0

    def apply(self, event: Opened) -> Gate:
        return Gate(self.opened + 1)
