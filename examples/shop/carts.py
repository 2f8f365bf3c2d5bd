"""A cart: what a customer means to buy."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from eventcore import event, state


@event
class ItemAdded:
    sku: str
    quantity: int


@event
class CheckedOut:
    order_id: str


CartEvent = ItemAdded | CheckedOut


@state
class Cart:
    items: Mapping[str, int] = attrs.field(factory=dict[str, int])

    def apply(self, event: CartEvent) -> Cart:
        match event:
            case ItemAdded(sku, quantity):
                return Cart({**self.items, sku: self.items.get(sku, 0) + quantity})
            case CheckedOut():
                return Cart()
