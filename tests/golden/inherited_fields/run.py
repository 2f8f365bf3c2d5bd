from __future__ import annotations

import asyncio

from audit.documents import Archive, Document, Edit
from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore, StreamId


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        document = StreamId.of(Document, 1)
        await executor.execute(Edit("ann", document, "hello"))
        await executor.execute(Edit("bo", document, "hi", reason="shorter", tags=["x"]))
        await executor.execute(Archive("north", document))
        assert (await executor.load(document)).state == Document("Edit: hi", frozenset({"ann", "bo"}), "north")
        try:
            await executor.execute(Edit("", document, "anonymous"))
        except CommandRejected as rejected:
            assert str(rejected) == "who are you?"
        else:
            raise AssertionError("nobody edited a document")


asyncio.run(main())
