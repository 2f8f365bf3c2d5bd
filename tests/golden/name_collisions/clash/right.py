from __future__ import annotations

from eventcore import event, state


@event("right.changed")
class Changed:
    right: str


@state(category="right")
class Item:
    right: str = ""

    def apply(self, event: Changed) -> Item:
        return Item(event.right)
