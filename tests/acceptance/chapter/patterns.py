"""The chapter's common patterns: read-only streams, conditional writes, lazy loading, partitions; and a fold over all streams at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from eventcore import Discovered, Recorded, StreamId, command, discovered, event, require, state, stream

if TYPE_CHECKING:
    from chapter.patterns_streams import (
        CountOrdersResolver,
        CountOrdersStreams,
        CountOrdersWrites,
        PayOrderState,
        PayOrderStreams,
        PayOrderWrites,
        ScreenTransactionResolver,
        ScreenTransactionState,
        ScreenTransactionStreams,
        ScreenTransactionWrites,
    )


@event
class RuleSet:
    limit: int


@state
class Rules:
    limit: int = 100

    def apply(self, event: RuleSet) -> Rules:
        return Rules(event.limit)


@event
class FraudReported:
    score: int


@state
class FraudHistory:
    score: int = 0

    def apply(self, event: FraudReported) -> FraudHistory:
        return FraudHistory(self.score + event.score)


@event
class TransactionValidated:
    risk: int


@state
class Transaction:
    risk: int | None = None

    def apply(self, event: TransactionValidated) -> Transaction:
        return Transaction(event.risk)


@command
class ScreenTransaction:
    """Reads rules and, only where the amount demands it, the fraud history; writes the transaction alone."""

    transaction: StreamId[Transaction] = stream()
    rules: StreamId[Rules] = stream(read_only=True)
    history: Discovered[FraudHistory] = discovered(read_only=True)
    amount: int

    def handle(
        self, streams: ScreenTransactionStreams, state: ScreenTransactionState, resolver: ScreenTransactionResolver
    ) -> ScreenTransactionWrites:
        risk = 0
        if self.amount > state.rules.limit:
            history = StreamId.of(FraudHistory, "all")
            resolver.history.add(history)
            risk = state.history[history].score
        require(risk < 50, "risk {} is too high", risk)
        yield streams.transaction.write(TransactionValidated(risk))


@event
class OrderProcessed:
    total: int


@event
class VipPointsEarned:
    points: int


@event
class BecameVip:
    pass


@event
class CheckRequested:
    order: str


@state
class ProcessedOrder:
    total: int = 0

    def apply(self, event: OrderProcessed) -> ProcessedOrder:
        return ProcessedOrder(event.total)


@state
class Member:
    is_vip: bool = False
    points: int = 0

    def apply(self, event: BecameVip | VipPointsEarned) -> Member:
        match event:
            case BecameVip():
                return Member(is_vip=True, points=self.points)
            case VipPointsEarned(points):
                return Member(self.is_vip, self.points + points)


@state
class FraudDesk:
    requested: tuple[str, ...] = ()

    def apply(self, event: CheckRequested) -> FraudDesk:
        return FraudDesk((*self.requested, event.order))


@command
class PayOrder:
    """Writes its order always, the member if a VIP, the fraud desk if the sum is large."""

    order: StreamId[ProcessedOrder] = stream()
    member: StreamId[Member] = stream()
    fraud_desk: StreamId[FraudDesk] = stream()
    total: int

    def handle(self, streams: PayOrderStreams, state: PayOrderState) -> PayOrderWrites:
        yield streams.order.write(OrderProcessed(self.total))
        if state.member.is_vip:
            yield streams.member.write(VipPointsEarned(self.total // 10))
        if self.total > 1000:
            yield streams.fraud_desk.write(CheckRequested(self.order))


@event
class OrderCounted:
    total: int


@attrs.frozen
class Tally:
    total: int = 0
    seen: tuple[tuple[str, int], ...] = ()


@command
class CountOrders:
    """Folds by itself, over the partitions that it discovers and its own stream at once, as the chapter's `apply` does."""

    tally: StreamId = stream(events=OrderCounted)
    partitions: Discovered = discovered(read_only=True, events=OrderProcessed)
    count: int

    def initial(self) -> Tally:
        return Tally()

    def apply(self, state: Tally, event: Recorded[OrderCounted | OrderProcessed]) -> Tally:
        seen = (*state.seen, (str(event.stream_id), event.version))
        match event.event:
            case OrderCounted():
                return Tally(state.total, seen)
            case OrderProcessed(total):
                return Tally(state.total + total, seen)

    def handle(self, streams: CountOrdersStreams, state: Tally, resolver: CountOrdersResolver) -> CountOrdersWrites:
        resolver.add_streams([StreamId[ProcessedOrder](f"orders-{number}") for number in range(self.count)])
        if len(streams.partitions) < self.count:
            return []
        return [streams.tally.write(OrderCounted(state.total))]
