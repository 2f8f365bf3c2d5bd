from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, InMemoryEventStore
from parcels import Address, Send, address_of, parcel_by_hand, parcel_id


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        assert parcel_id(1) == parcel_by_hand(1)
        await executor.execute(Send(parcel_id(1)))
        assert (await executor.load(address_of(1))).state == Address("home")


asyncio.run(main())
