"""Commands from threads and from code that is not async."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bank.accounts import Account
from bank.commands import DepositMoney, OpenAccount, TransferMoney
from eventcore import (
    BlockingExecutor,
    CommandExecutor,
    CommandRejected,
    InMemoryEventStore,
    RetryPolicy,
    SqliteEventStore,
    StoreClosed,
    StoreError,
    StreamId,
)


def _id(number: int) -> StreamId[Account]:
    return StreamId.of(Account, number)


def test_a_command_is_executed_and_its_state_loaded() -> None:
    with BlockingExecutor(InMemoryEventStore) as executor:
        result = executor.execute(OpenAccount(_id(1), "Ada"), metadata={"actor": "script"}, idempotency_key="once")
        assert [recorded.metadata for recorded in result.events] == [{"actor": "script"}] * len(result.events)
        assert executor.load(_id(1)).version == len(result.events)
        assert executor.execute(OpenAccount(_id(1), "Ada"), idempotency_key="once").position == result.position
        assert len(executor.call(lambda store: store.read_all()).events) == len(result.events)


def test_what_a_command_raises_arrives() -> None:
    with BlockingExecutor(InMemoryEventStore) as executor, pytest.raises(CommandRejected):
        executor.execute(TransferMoney(_id(1), _id(2), 5))


def test_threads_share_one_store(tmp_path: Path) -> None:
    """Commands of many threads at once: none is lost, and money stays what it was."""
    with BlockingExecutor(
        lambda: SqliteEventStore(tmp_path / "bank.db"),
        make_executor=lambda store: CommandExecutor(store, retry=RetryPolicy(max_attempts=200)),
    ) as executor:
        for number in range(4):
            executor.execute(OpenAccount(_id(number), "someone"))
            executor.execute(DepositMoney(_id(number), 1000))
        before = len(executor.call(lambda store: store.read_all(limit=10_000)).events)
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(lambda n: executor.execute(TransferMoney(_id(n % 4), _id((n + 1) % 4), 1)), range(200)))
        page = executor.call(lambda store: store.read_all(limit=10_000))
        assert len(page.events) == before + 400
        assert sum(executor.load(_id(number)).state.balance for number in range(4)) == 4000


def test_it_is_closed_once_and_for_all() -> None:
    executor = BlockingExecutor(InMemoryEventStore)
    executor.execute(OpenAccount(_id(1), "Ada"))
    executor.close()
    executor.close()
    with pytest.raises(StoreClosed, match="make another"):
        executor.load(_id(1))


def test_a_store_that_does_not_open_says_why_each_time(tmp_path: Path) -> None:
    executor = BlockingExecutor(lambda: SqliteEventStore(tmp_path / "nowhere" / "bank.db"))
    for _ in range(2):
        with pytest.raises(StoreError, match="does not exist"):
            executor.load(_id(1))


def test_async_code_is_told_to_use_the_other_one() -> None:
    async def wrong() -> None:
        BlockingExecutor(InMemoryEventStore).load(_id(1))

    with pytest.raises(StoreError, match="CommandExecutor"):
        asyncio.run(wrong())


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork on Windows")
def test_a_forked_process_opens_a_store_of_its_own(tmp_path: Path) -> None:
    program = f"""
import os
from bank.accounts import Account
from bank.commands import OpenAccount
from eventcore import BlockingExecutor, SqliteEventStore, StreamId
executor = BlockingExecutor(lambda: SqliteEventStore({str(tmp_path / "bank.db")!r}))
executor.execute(OpenAccount(StreamId.of(Account, 0), "parent"))
child = os.fork()
executor.execute(OpenAccount(StreamId.of(Account, child or 1), "both"))
if child:
    assert os.waitpid(child, 0)[1] == 0
    print(len(executor.call(lambda store: store.read_all()).events))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False, cwd=Path(__file__).parents[3] / "examples"
    )
    assert (done.returncode, done.stdout) == (0, "3\n"), done.stderr


def test_a_store_with_read_models_is_closed_when_the_process_ends(tmp_path: Path) -> None:
    """By then Python has ended the threads of its pools, that of the read models among them."""
    program = f"""
from bank.accounts import Account, MoneyDeposited
from bank.commands import OpenAccount
from eventcore import BlockingExecutor, SqliteEventStore, StreamId
from eventcore.projections import on, project_inline, projection

@projection
class Deposits:
    def create(self, context):
        context.execute(f"CREATE TABLE {{context.table('deposits')}} (account TEXT)")

    @on(MoneyDeposited)
    def deposited(self, recorded, context): ...

executor = BlockingExecutor(lambda: SqliteEventStore({str(tmp_path / "bank.db")!r}))
executor.call(lambda store: project_inline(store, [Deposits()]))
executor.execute(OpenAccount(StreamId.of(Account, 0), "Ada"))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False, cwd=Path(__file__).parents[3] / "examples"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["bank.db"]
