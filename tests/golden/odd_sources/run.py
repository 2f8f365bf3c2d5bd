from __future__ import annotations

import asyncio
from typing import Any

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from eventcore.store import StreamRead
from odd import bom, crlf, joined, latin, tabs


async def main() -> None:
    commands: list[Any] = [
        bom.bom(StreamId("bom-1")),
        crlf.crlf(StreamId("crlf-1")),
        joined.joined(StreamId("joined-1")),
        latin.latin(StreamId("latin-1")),
        tabs.tabs(StreamId("tabs-1")),
    ]
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        for command in commands:
            await executor.execute(command)
        slices = (await store.read([StreamRead(str(command.count)) for command in commands])).slices
        assert [piece.events[0].type for piece in slices] == ["bom.done", "crlf.done", "joined.done", "größe.latin", "tabs.done"]


asyncio.run(main())
