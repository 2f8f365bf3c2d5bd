from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore, StreamId
from payroll import Employee, Hire, Pay, Rate, SetRate


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        ann, bo, cy = (StreamId.of(Employee, name) for name in ("ann", "bo", "cy"))
        base, bonus = StreamId.of(Rate, "base"), StreamId.of(Rate, "bonus")
        await executor.execute(Hire(ann, "Ann"))
        await executor.execute(Hire(bo, "Bo"))
        await executor.execute(SetRate(base, 100))
        await executor.execute(SetRate(bonus, 5))
        result = await executor.execute(Pay((ann, bo, ann), (base, bonus)))
        assert [recorded.stream_id for recorded in result.events] == [ann, bo]
        assert (await executor.load(ann)).state == Employee(hired=True, paid=105)
        assert (await executor.execute(Pay((), (base,)))).events == ()
        try:
            await executor.execute(Pay((ann, cy), ()))
        except CommandRejected as rejected:
            assert str(rejected) == "employee-cy works elsewhere (version 0)"
        else:
            raise AssertionError("somebody who was never hired was paid")


asyncio.run(main())
