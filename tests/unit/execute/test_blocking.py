"""Commands from threads and from code that is not async."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

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


def test_a_call_that_had_begun_when_it_was_closed_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its loop had ended by the time it was asked: the call waited for ever, or met an error of asyncio."""
    executor = BlockingExecutor(InMemoryEventStore)
    executor.load(_id(1))
    begun, hand_over = threading.Event(), asyncio.run_coroutine_threadsafe

    def slowly(*args: Any) -> Any:
        if threading.current_thread().name.startswith("caller"):
            begun.set()
            time.sleep(0.3)
        return hand_over(*args)

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", slowly)
    with ThreadPoolExecutor(1, thread_name_prefix="caller") as threads:
        call = threads.submit(executor.load, _id(1))
        assert begun.wait(10)
        executor.close()
        assert call.result(timeout=10).version == 0


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


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork on Windows")
@pytest.mark.parametrize("first", ["opening in another thread", "refused in the child"])
def test_a_forked_process_does_not_wait_for_what_its_parent_has(first: str) -> None:
    """For a thread that opened the store while it was forked, or for the parent's loop where its own store did not open."""
    program = f"""
import os, threading, time
from bank.accounts import Account
from eventcore import BlockingExecutor, InMemoryEventStore, StoreError, StreamId
parent, refused, begun = os.getpid(), [], threading.Event()
def make_store():
    begun.set()
    time.sleep(0.5)
    if {first!r} == "refused in the child" and os.getpid() != parent and not refused:
        refused.append(True)
        raise StoreError("not yet")
    return InMemoryEventStore()
executor, account = BlockingExecutor(make_store), StreamId.of(Account, 0)
opening = threading.Thread(target=executor.load, args=(account,))
opening.start()
begun.wait()
if {first!r} == "refused in the child":
    opening.join()
child = os.fork()
if child == 0:
    try:
        executor.load(account)
    except StoreError:
        executor.load(account)
    os._exit(0)
for _ in range(100):
    ended, status = os.waitpid(child, os.WNOHANG)
    if ended:
        break
    time.sleep(0.1)
else:
    os.kill(child, 9)
    status = "it hangs"
opening.join()
print(status)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False, cwd=Path(__file__).parents[3] / "examples"
    )
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


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
