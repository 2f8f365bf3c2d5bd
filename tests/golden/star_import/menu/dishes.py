from __future__ import annotations

from eventcore import event, state


@event
class Cooked:
    pass


@state
class Dish:
    cooked: int = 0

    def apply(self, event: Cooked) -> Dish:
        return Dish(self.cooked + 1)
