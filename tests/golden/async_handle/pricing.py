from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from eventcore import Discovered, StreamId, command, discovered, event, require, state, stream

if TYPE_CHECKING:
    from pricing_streams import (
        CopyPriceResolver,
        CopyPriceState,
        CopyPriceStreams,
        CopyPriceWrites,
        SetPriceState,
        SetPriceStreams,
        SetPriceWrites,
    )


@event
class PriceSet:
    cents: int


@state
class Price:
    cents: int | None = None

    def apply(self, event: PriceSet) -> Price:
        return Price(event.cents)


@command
class SetPrice:
    price: StreamId[Price] = stream()
    cents: int

    async def handle(self, streams: SetPriceStreams, state: SetPriceState) -> SetPriceWrites:
        await asyncio.sleep(0)  # eventcore: ignore[EC204]
        require(self.cents >= 0, "a price of {} cents", self.cents)
        return [streams.price.write(PriceSet(self.cents))]


@command
class CopyPrice:
    price: StreamId[Price] = stream()
    others: Discovered[Price] = discovered()
    source: str

    async def handle(self, streams: CopyPriceStreams, state: CopyPriceState, resolver: CopyPriceResolver) -> CopyPriceWrites:
        source = StreamId.of(Price, self.source)
        resolver.others.add(source)
        await asyncio.sleep(0)  # eventcore: ignore[EC204]
        cents = state.others[source].cents
        return () if cents is None else (streams.price.write(PriceSet(cents)), streams.others[source].write(PriceSet(cents)))
