from __future__ import annotations

import asyncio

from administration.forwarding import (
    Exactly80ColumnsAreReachedByTheNamesOfThisCommand,
    ForwardOneInternationalLetterToEveryDepartmentThatIsConcerned,
)
from administration.international_correspondence_department import InternationalCorrespondenceDepartmentMailbox as Mailbox
from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore, StreamId


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        received, concerned = StreamId.of(Mailbox, "received"), StreamId.of(Mailbox, "concerned")
        forward = ForwardOneInternationalLetterToEveryDepartmentThatIsConcerned(received, reference="X/1")
        assert (await executor.execute(forward)).versions == {received: 1, concerned: 1}
        assert (await executor.load(concerned)).state == Mailbox(("X/1",))
        try:
            await executor.execute(forward)
        except CommandRejected as rejected:
            assert str(rejected) == "X/1 was forwarded before"
        else:
            raise AssertionError("a letter was forwarded twice")
        await executor.execute(Exactly80ColumnsAreReachedByTheNamesOfThisCommand(received, concerned))


asyncio.run(main())
