from __future__ import annotations

from eventcore import event, state


@event("other_doors.opened")
class Opened:
    pass


@state(category="other_doors")
class Door:
    opened: int = 0

    def apply(self, event: Opened) -> Door:
        return Door(self.opened + 1)
