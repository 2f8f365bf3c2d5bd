from __future__ import annotations

from eventcore import event, state


@event("left.changed")
class Changed:
    left: int


@state(category="left")
class Item:
    left: int = 0

    def apply(self, event: Changed) -> Item:
        return Item(event.left)
