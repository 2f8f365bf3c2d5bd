from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from decimal import Decimal

    from money import Currency
    from orders_streams import PayState, PayStreams, PayWrites


@event
class Paid:
    amount: Decimal
    currency: Currency | None


@state
class Order:
    paid: int = 0

    def apply(self, event: Paid) -> Order:
        return Order(self.paid + 1)


@command
class Pay:
    order: StreamId[Order] = stream()

    def handle(self, streams: PayStreams, state: PayState) -> PayWrites:
        return ()
