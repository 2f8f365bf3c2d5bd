from __future__ import annotations

from eventcore import event, state


@event
class Taken:
    pass


@event
class Released:
    pass


@state
class Seat:
    taken: bool = False

    def apply(self, event: Taken | Released) -> Seat:
        return Seat(taken=isinstance(event, Taken))
