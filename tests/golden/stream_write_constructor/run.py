from __future__ import annotations

import asyncio

from chapter import Confirm, Inventory, Order
from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from eventcore.errors import UndeclaredStream


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        order, inventory = StreamId.of(Order, 1), StreamId.of(Inventory, 1)
        try:
            await executor.execute(Confirm(order, inventory, 2, "inventory-2"))
        except UndeclaredStream as refused:
            assert (refused.command, refused.stream_id) == ("Confirm", "inventory-2")
        else:
            raise AssertionError("a stream that was never declared was written")
        assert (await executor.load(order)).version == 0
        result = await executor.execute(Confirm(order, inventory, 2))
        assert result.versions == {order: 1, inventory: 1}
        assert (await executor.load(inventory)).state == Inventory(2)


asyncio.run(main())
