from __future__ import annotations

from eventcore import command, event, state


@event
class Fed:
    pass


@state
class Visitor:
    def apply(self, event):
        return self


@command
class Visit:
    pass
