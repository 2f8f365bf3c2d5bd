from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore, StreamId
from ledger import BookClosed, Close, Enter, Entered, OpenBook, SumUp, Sweep, Tear


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        book, a, b = StreamId("book"), StreamId("a"), StreamId("b")
        await executor.execute(OpenBook(book, ("a", "b")))
        await executor.execute(Enter(a, b, amount=7))
        await executor.execute(Enter(b, a, StreamId("lock"), 2))
        closed = await executor.execute(Close(book))
        assert [recorded.event for recorded in closed.events] == [BookClosed(0)]
        assert closed.versions == {book: 2, a: 2, b: 2}
        try:
            await executor.execute(OpenBook(book, ("c",)))
        except CommandRejected as rejected:
            assert str(rejected) == "the book is open"
        else:
            raise AssertionError("a book was opened twice")
        swept = await executor.execute(Sweep((a, b), "rest"))
        assert [recorded.event for recorded in swept.events] == [Entered(5), Entered(-5), Entered(0)]
        torn = await executor.execute(Tear(book))
        assert [recorded.event for recorded in torn.events] == [BookClosed(0)]
        summed = await executor.execute(SumUp(StreamId("rest"), (StreamId("sums"),)))
        assert [recorded.event for recorded in summed.events] == [BookClosed(0)]


asyncio.run(main())
