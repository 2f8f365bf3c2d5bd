from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from eventcore import StreamId, command, event, require, state, stream

if TYPE_CHECKING:
    from purchases_streams import BuyState, BuyStreams, BuyWrites


@event
class Bought:
    price: int


@event
class PointsEarned:
    points: int


@event
class VoucherIssued:
    percent: int


@state
class Basket:
    paid: int = 0

    def apply(self, event: Bought) -> Basket:
        return Basket(self.paid + event.price)


@state
class LoyaltyCard:
    points: int = 0

    def apply(self, event: PointsEarned) -> LoyaltyCard:
        return LoyaltyCard(self.points + event.points)


@state
class Voucher:
    percent: int = 0

    def apply(self, event: VoucherIssued) -> Voucher:
        return Voucher(event.percent)


@command
class Buy:
    basket: StreamId[Basket] = stream()
    price: int
    card: StreamId[LoyaltyCard] | None = stream(default=None)
    voucher: Optional[StreamId[Voucher]] = stream(read_only=True, default=None)

    def handle(self, streams: BuyStreams, state: BuyState) -> BuyWrites:
        percent = 0 if state.voucher is None else state.voucher.percent
        if streams.voucher is not None:
            require(streams.voucher.version > 0, "voucher {} was never issued", streams.voucher.id)
        yield streams.basket.write(Bought(self.price * (100 - percent) // 100))
        if streams.card is not None and state.card is not None:
            yield streams.card.write(PointsEarned(1 + state.card.points // 10))
