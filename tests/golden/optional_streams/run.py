from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore, StreamId
from purchases import Basket, Buy, LoyaltyCard, Voucher


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        basket, card, voucher = StreamId.of(Basket, 1), StreamId.of(LoyaltyCard, 1), StreamId.of(Voucher, 1)
        alone = await executor.execute(Buy(basket, 100))
        assert alone.versions == {basket: 1}
        with_card = await executor.execute(Buy(basket, 50, card=card))
        assert with_card.versions == {basket: 2, card: 1}
        assert (await executor.load(card)).state == LoyaltyCard(1)
        assert (await executor.load(basket)).state == Basket(150)
        try:
            await executor.execute(Buy(basket, 100, card, voucher))
        except CommandRejected as rejected:
            assert str(rejected) == "voucher voucher-1 was never issued"
        else:
            raise AssertionError("a voucher that does not exist was taken")


asyncio.run(main())
