from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from menu.dishes import Dish
from menu.kitchen import Cook


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        dish = StreamId.of(Dish, 1)
        await executor.execute(Cook(dish))
        assert (await executor.load(dish)).state == Dish(1)


asyncio.run(main())
