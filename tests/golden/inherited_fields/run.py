from __future__ import annotations

import asyncio

from audit.documents import Document, Edit
from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore, StreamId


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        document = StreamId.of(Document, 1)
        await executor.execute(Edit("ann", [], document, "hello"))
        await executor.execute(Edit("bo", ["shorter"], document, "hi"))
        assert (await executor.load(document)).state == Document("Edit: hi", frozenset({"ann", "bo"}))
        try:
            await executor.execute(Edit("", [], document, "anonymous"))
        except CommandRejected as rejected:
            assert str(rejected) == "who are you?"
        else:
            raise AssertionError("nobody edited a document")


asyncio.run(main())
