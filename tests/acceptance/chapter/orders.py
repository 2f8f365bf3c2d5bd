"""The chapter's order: four streams, four rules, four writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, require, state, stream

if TYPE_CHECKING:
    from chapter.orders_streams import ProcessOrderState, ProcessOrderStreams, ProcessOrderWrites


@event
class OrderPlaced:
    total: int


@event
class OrderConfirmed:
    pass


@state
class Order:
    total: int = 0
    is_confirmed: bool = False

    @property
    def is_valid(self) -> bool:
        return self.total > 0 and not self.is_confirmed

    def apply(self, event: OrderPlaced | OrderConfirmed) -> Order:
        match event:
            case OrderPlaced(total):
                return Order(total)
            case OrderConfirmed():
                return Order(self.total, is_confirmed=True)


@event
class StockArrived:
    quantity: int


@event
class StockTaken:
    quantity: int


@state
class Inventory:
    stock: int = 0

    def apply(self, event: StockArrived | StockTaken) -> Inventory:
        match event:
            case StockArrived(quantity):
                return Inventory(self.stock + quantity)
            case StockTaken(quantity):
                return Inventory(self.stock - quantity)


@event
class CustomerAuthorized:
    pass


@event
class CustomerOrdered:
    total: int


@state
class Customer:
    can_purchase: bool = False
    spent: int = 0

    def apply(self, event: CustomerAuthorized | CustomerOrdered) -> Customer:
        match event:
            case CustomerAuthorized():
                return Customer(can_purchase=True, spent=self.spent)
            case CustomerOrdered(total):
                return Customer(self.can_purchase, self.spent + total)


@event
class FundsAdded:
    amount: int


@event
class Charged:
    amount: int


@state
class Payment:
    funds: int = 0

    def apply(self, event: FundsAdded | Charged) -> Payment:
        match event:
            case FundsAdded(amount):
                return Payment(self.funds + amount)
            case Charged(amount):
                return Payment(self.funds - amount)


@command
class ProcessOrder:
    order: StreamId[Order] = stream()
    inventory: StreamId[Inventory] = stream()
    customer: StreamId[Customer] = stream()
    payment: StreamId[Payment] = stream()
    quantity: int = 1

    def handle(self, streams: ProcessOrderStreams, state: ProcessOrderState) -> ProcessOrderWrites:
        require(state.order.is_valid, "Invalid order")
        require(state.inventory.stock >= self.quantity, "Insufficient stock")
        require(state.customer.can_purchase, "Customer not authorized")
        require(state.payment.funds >= state.order.total, "Insufficient funds")
        return [
            streams.order.write(OrderConfirmed()),
            streams.inventory.write(StockTaken(self.quantity)),
            streams.customer.write(CustomerOrdered(state.order.total)),
            streams.payment.write(Charged(state.order.total)),
        ]
