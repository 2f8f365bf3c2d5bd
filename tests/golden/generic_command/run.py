from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from tagging import Photo, Tag


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        photo = StreamId.of(Photo, 1)
        words: Tag[str, int] = Tag(photo, "sea", (1, 2))
        await executor.execute(words)
        await executor.execute(Tag[int, str](photo, 7))
        assert (await executor.execute(Tag(photo, 7, ()))).events == ()
        assert (await executor.load(photo)).state == Photo(("sea2", "70"))


asyncio.run(main())
