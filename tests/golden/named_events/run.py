from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from eventcore.store import StreamRead
from stock.items import Item, Move


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        item = StreamId.of(Item, 1)
        for quantity in (5, -2, 0):
            await executor.execute(Move(item, quantity))
        (piece,) = (await store.read([StreamRead(item)])).slices
        assert [(stored.type, stored.type_version) for stored in piece.events] == [
            ("stock.item-added", 2),
            ("ItemTaken", 3),
            ("Emptied", 1),
            ("stock.§ \"counted\" 'twice'\\n", 1),
        ]
        assert (await executor.load(item)).state == Item(100)


asyncio.run(main())
