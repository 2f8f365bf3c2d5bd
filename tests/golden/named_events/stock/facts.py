from __future__ import annotations

from eventcore import event


@event("stock.item-added", version=2)
class ItemAdded:
    quantity: int


@event(version=3)
class ItemTaken:
    quantity: int


@event("stock.§ \"counted\" 'twice'\\n")
class Counted:
    quantity: int


@event()
class Emptied:
    pass


class Names:
    """Classes within a class are no declarations of the module's."""

    ITEM = "item"
