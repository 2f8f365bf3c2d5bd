from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "src"))

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from lamp.light import Light, Switch


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        light = StreamId.of(Light, 1)
        await executor.execute(Switch(light))
        assert (await executor.load(light)).state == Light(on=True)


asyncio.run(main())
