from __future__ import annotations

from eventcore import event, state


@event("windows_doors.opened")
class Opened:
    pass


@state(category="windows_doors")
class Door:
    opened: int = 0

    def apply(self, event: Opened) -> Door:
        return Door(self.opened + 1)
