from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore, StreamId
from fleet import Driver, Van
from fleet.dispatch import BuyVan, Dispatch, License


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        van, driver = StreamId.of(Van, 1), StreamId.of(Driver, 1)
        assert van == "vehicle-1"
        await executor.execute(BuyVan(van, "BE-1"))
        try:
            await executor.execute(Dispatch(van, driver, 3))
        except CommandRejected as rejected:
            assert str(rejected) == "driver-1 has no licence"
        else:
            raise AssertionError("a driver without a licence was sent")
        await executor.execute(License(driver, 2030))
        await executor.execute(Dispatch(van, driver, 3))
        assert (await executor.load(van)).state == Van("BE-1", 3)


asyncio.run(main())
