from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore, StreamId
from game import CheckScore, HTTPScore, Merge, Player, Score


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        ann, bo, cy = (StreamId.of(Player, name) for name in ("ann", "bo", "cy"))
        await executor.execute(Score(ann, 3))
        await executor.execute(HTTPScore(bo, "4"))
        checked = await executor.execute(CheckScore(ann))
        assert (checked.events, checked.versions) == ((), {ann: 1})
        try:
            await executor.execute(CheckScore(ann, (bo,)))
        except CommandRejected as rejected:
            assert str(rejected) == "3 points, a rival has 4"
        else:
            raise AssertionError("a player with fewer points passed the check")
        merged = await executor.execute(Merge(cy, ("ann", "bo")))
        assert merged.versions == {cy: 1, ann: 2, bo: 1}
        assert (await executor.load(cy)).state == Player(7)


asyncio.run(main())
