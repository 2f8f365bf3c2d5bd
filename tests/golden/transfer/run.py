from __future__ import annotations

import asyncio

from bank.accounts import Account, OpenAccount
from bank.transfer import TransferMoney
from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore, StreamId


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        alice, bob = StreamId.of(Account, "alice"), StreamId.of(Account, "bob")
        await executor.execute(OpenAccount(alice, 1000))
        await executor.execute(OpenAccount(bob, 500))
        result = await executor.execute(TransferMoney(alice, bob, 300))
        assert [recorded.stream_id for recorded in result.events] == [alice, bob]
        assert result.versions == {alice: 2, bob: 2}
        assert (await executor.load(alice)).state == Account(is_open=True, balance=700)
        assert (await executor.load(bob)).state.balance == 800
        try:
            await executor.execute(TransferMoney(alice, bob, 701))
        except CommandRejected as rejected:
            assert str(rejected) == "account-alice holds only 700"
        else:
            raise AssertionError("an overdraft went through")
        assert (await executor.load(bob)).version == 2


asyncio.run(main())
