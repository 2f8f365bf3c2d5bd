"""Partitioned streams: spread one hot stream over several.

Use it where many commands that have nothing to do with each other meet on one stream and retry: their conflicts tell nothing that any of
them wanted to know. Choose as the key what has to be decided together (here a customer, whose credit counts across orders): one key is
always in one partition, so its rules hold as before, and two keys meet only where their partitions coincide.

The hash has to be stable: Python's own differs from process to process. So has the number of partitions, once there are events: with
another number, a key's older events would be somewhere else.

What rests on all partitions can still be decided, by one command that reads them all: see `CloseDay`. Any order that is placed meanwhile
makes it run again, so use it rarely.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import attrs

from eventcore import CommandRejected, StreamId, command, event, require, state, stream

if TYPE_CHECKING:
    from patterns.partitioned_streams import (
        CloseDayState,
        CloseDayStreams,
        CloseDayWrites,
        PlaceOrderState,
        PlaceOrderStreams,
        PlaceOrderWrites,
    )

PARTITIONS: Final = 16
CREDIT: Final = 1_000


class CreditExceeded(CommandRejected):
    """The customer's orders would come to more than the credit."""


@event("patterns.order-placed")
class OrderPlaced:
    customer: str
    total: int


@state(category="orders")
class Orders:
    """One partition: what each of its customers has ordered for."""

    owed: Mapping[str, int] = attrs.field(factory=dict[str, int])

    def apply(self, event: OrderPlaced) -> Orders:
        return Orders({**self.owed, event.customer: self.owed.get(event.customer, 0) + event.total})


@event("patterns.day-closed")
class DayClosed:
    owed: int


@state
class TradingDay:
    owed: int | None = None

    def apply(self, event: DayClosed) -> TradingDay:
        return TradingDay(event.owed)


def partition_of(customer: str) -> StreamId[Orders]:
    """Return the partition of a customer: the same one in every process, today and next year."""
    digest = blake2b(customer.encode(), digest_size=8).digest()
    return StreamId.of(Orders, int.from_bytes(digest, "big") % PARTITIONS)


def all_partitions() -> tuple[StreamId[Orders], ...]:
    return tuple([StreamId.of(Orders, number) for number in range(PARTITIONS)])


@command
class PlaceOrder:
    orders: StreamId[Orders] = stream()
    customer: str
    total: int

    @classmethod
    def of(cls, customer: str, total: int) -> PlaceOrder:
        return cls(partition_of(customer), customer, total)

    def handle(self, streams: PlaceOrderStreams, state: PlaceOrderState) -> PlaceOrderWrites:
        home = partition_of(self.customer)
        require(self.orders == home, "the orders of {} are kept in {}, not in {}", self.customer, home, self.orders)
        owed = state.orders.owed.get(self.customer, 0) + self.total
        require(owed <= CREDIT, CreditExceeded(f"{self.customer} would owe {owed}, and has credit for {CREDIT}"))
        yield streams.orders.write(OrderPlaced(self.customer, self.total))


@command
class CloseDay:
    """Note what all customers owe at one moment: no order is committed between the first partition that is read and the last."""

    day: StreamId[TradingDay] = stream()
    orders: tuple[StreamId[Orders], ...] = stream(read_only=True)

    def handle(self, streams: CloseDayStreams, state: CloseDayState) -> CloseDayWrites:
        require(state.day.owed is None, "{} is closed already", self.day)
        yield streams.day.write(DayClosed(sum(sum(partition.owed.values()) for partition in state.orders.values())))
