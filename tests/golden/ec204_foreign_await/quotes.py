"""What a `handle` awaits: its own methods and the project's functions are nobody else's, all others are."""

from __future__ import annotations

import asyncio
from asyncio import timeout
from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from quotes_streams import QuoteState, QuoteStreams, QuoteWrites


class Exchange:
    async def rate(self) -> int:
        return 2


exchange = Exchange()


async def doubled(cents: int) -> int:
    return 2 * cents


@event
class Quoted:
    cents: int


@state
class Offer:
    cents: int = 0

    def apply(self, event: Quoted) -> Offer:
        return Offer(event.cents)


@command
class Quote:
    offer: StreamId[Offer] = stream()
    cents: int

    async def handle(self, streams: QuoteStreams, state: QuoteState) -> QuoteWrites:
        async def half(cents: int) -> int:
            return cents // 2

        cents = await doubled(await half(await self.rounded()))
        async with timeout(5):
            cents *= await exchange.rate()
        await asyncio.sleep(0)
        return [streams.offer.write(Quoted(cents))]

    async def rounded(self) -> int:
        return self.cents
