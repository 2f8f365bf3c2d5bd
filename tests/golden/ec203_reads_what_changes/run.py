from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from invoices import Invoice, Issue


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        invoice = StreamId.of(Invoice, 1)
        await executor.execute(Issue(invoice, "2026-1"))
        assert (await executor.load(invoice)).state.issued


asyncio.run(main())
