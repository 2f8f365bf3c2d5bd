from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore, StreamId
from tickets import Book, Booking
from tickets.seats import Seat
from tickets.seats.release import Release


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        seat, ann, bo = StreamId.of(Seat, "1a"), StreamId.of(Booking, "ann"), StreamId.of(Booking, "bo")
        await executor.execute(Book(ann, seat))
        try:
            await executor.execute(Book(bo, seat))
        except CommandRejected as rejected:
            assert str(rejected) == "seat-1a is taken"
        else:
            raise AssertionError("a seat was sold twice")
        assert (await executor.execute(Release(seat, bo))).events == ()
        assert len((await executor.execute(Release(seat, ann))).events) == 1
        await executor.execute(Book(bo, seat))
        assert (await executor.load(bo)).state == Booking(("seat-1a",))


asyncio.run(main())
