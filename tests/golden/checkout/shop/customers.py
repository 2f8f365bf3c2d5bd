from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from shop.customers_streams import BlockCustomerState, BlockCustomerStreams, BlockCustomerWrites


@event
class Blocked:
    pass


@state
class Customer:
    may_order: bool = True

    def apply(self, event: Blocked) -> Customer:
        return Customer(may_order=False)


@command
class BlockCustomer:
    customer: StreamId[Customer] = stream()

    def handle(self, streams: BlockCustomerStreams, state: BlockCustomerState) -> BlockCustomerWrites:
        if state.customer.may_order:
            yield streams.customer.write(Blocked())
