from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore, StreamId
from reading import AddNote, Note, Summarise, Summary


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        summary = StreamId.of(Summary, 1)
        await executor.execute(AddNote(StreamId.of(Note, "a"), "once"))
        await executor.execute(AddNote(StreamId.of(Note, "b"), "upon", follows="a"))
        await executor.execute(AddNote(StreamId.of(Note, "c"), "a time", follows="b"))
        result = await executor.execute(Summarise(summary, "c"))
        assert (await executor.load(summary)).state == Summary("once upon a time")
        assert len(result.versions) == 4
        try:
            await executor.execute(Summarise(summary, "z"))
        except CommandRejected as rejected:
            assert str(rejected) == "there is no note-z"
        else:
            raise AssertionError("a note that does not exist was read")


asyncio.run(main())
