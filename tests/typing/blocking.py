"""`BlockingExecutor`: the same types as `CommandExecutor`, without ``await``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import assert_type

from bank.accounts import Account, AccountEvent, OpenAccount
from bank.transfer import TransferMoney
from kinds import Asynchronous, Gauge, Labelled, SelfFolding, Stateful, Tank, TankEvent
from pricing import PriceSet, SetPrice
from reading import Note, Summarise, Summarised
from shop.checkout import Cart, CartEvent, CheckoutCart
from shop.products import ProductEvent

from eventcore import (
    BlockingExecutor,
    CommandExecutor,
    CommandResult,
    EventStore,
    InMemoryEventStore,
    Loaded,
    Position,
    PostgresEventStore,
    Recorded,
    RetryPolicy,
    SqliteEventStore,
    StreamId,
)


def making(store: InMemoryEventStore, executor: CommandExecutor) -> None:
    """row: BlockingExecutor(make_store, make_executor=...)"""
    assert_type(BlockingExecutor(InMemoryEventStore), BlockingExecutor)
    assert_type(BlockingExecutor(lambda: SqliteEventStore("shop.db")), BlockingExecutor)
    assert_type(BlockingExecutor(lambda: PostgresEventStore(schema="shop")), BlockingExecutor)
    assert_type(BlockingExecutor(InMemoryEventStore, make_executor=with_patience), BlockingExecutor)
    assert_type(BlockingExecutor(PostgresEventStore, make_executor=lambda store: CommandExecutor(store, cache_size=0)), BlockingExecutor)
    BlockingExecutor(store)  # E: what makes a store, not a store
    BlockingExecutor(SqliteEventStore)  # E: it needs a path
    BlockingExecutor("shop.db")  # E: text is no store
    BlockingExecutor(InMemoryEventStore, with_patience)  # E: options by name
    BlockingExecutor(InMemoryEventStore, make_executor=executor)  # E: what makes an executor, not an executor
    BlockingExecutor(InMemoryEventStore, retry=RetryPolicy())  # E: settings belong to the executor
    BlockingExecutor()  # E: on which store?


def with_patience(store: EventStore) -> CommandExecutor:
    return CommandExecutor(store, retry=RetryPolicy(max_attempts=50))


def executing(
    executor: BlockingExecutor,
    transfer: TransferMoney,
    checkout: CheckoutCart,
    summarise: Summarise,
    asynchronous: SetPrice,
    also_asynchronous: Asynchronous,
    every_kind: Stateful,
    own_fold: SelfFolding,
    generic: Labelled[str],
) -> None:
    """row: BlockingExecutor.execute"""
    assert_type(executor.execute(transfer), CommandResult[AccountEvent])
    assert_type(executor.execute(checkout), CommandResult[CartEvent | ProductEvent])
    assert_type(executor.execute(summarise), CommandResult[Summarised])
    assert_type(executor.execute(asynchronous), CommandResult[PriceSet])
    assert_type(executor.execute(also_asynchronous), CommandResult[TankEvent])
    assert_type(executor.execute(every_kind), CommandResult[TankEvent])
    assert_type(executor.execute(own_fold), CommandResult[TankEvent])
    assert_type(executor.execute(generic), CommandResult[TankEvent])
    assert_type(executor.execute(transfer, metadata={"actor": "ann"}, idempotency_key="k-1").events, tuple[Recorded[AccountEvent], ...])
    assert_type(executor.execute(transfer).events[0].event, AccountEvent)
    assert_type(executor.execute(transfer).position, Position | None)


def refused(executor: BlockingExecutor, cart_id: StreamId[Cart], open_account: OpenAccount) -> None:
    """row: BlockingExecutor.execute"""
    executor.execute(cart_id)  # E: no command
    executor.execute(CheckoutCart)  # E: the class instead of a command
    executor.execute(TransferMoney)  # E, but not in ty: the class instead of a command
    executor.execute(Cart())  # E: a state is no command
    executor.execute(None)  # E: no command
    executor.execute()  # E: which command?
    executor.execute(open_account, {"actor": "ann"})  # E: options by name
    executor.execute(open_account, metadata={"actor": object()})  # E: metadata is JSON
    executor.execute(open_account, idempotency_key=5)  # E: a key is text


async def there_is_nothing_to_wait_for(executor: BlockingExecutor, open_account: OpenAccount) -> None:
    """row: BlockingExecutor.execute"""
    await executor.execute(open_account)  # E: it has waited already


def loading(executor: BlockingExecutor, account: StreamId[Account], bare: StreamId) -> None:
    """row: BlockingExecutor.load"""
    assert_type(executor.load(account), Loaded[Account])
    assert_type(executor.load(account).state, Account)
    assert_type(executor.load(bare, Note), Loaded[Note])
    assert_type(executor.load(StreamId.of(Gauge, 1)).state, Gauge)
    executor.load("account-1")  # E: text is no stream
    executor.load(Account)  # E: a class is no stream
    executor.load(account, "Account")  # E: a state class, not its name


def calling(executor: BlockingExecutor, tank: StreamId[Tank]) -> None:
    """row: BlockingExecutor.call"""
    assert_type(executor.call(how_many), int)
    assert_type(executor.call(lambda store: store.wait_for_news(None, timeout=1.0)), bool)
    executor.call(by_heart)  # E: what it calls is async
    executor.call(tank)  # E: a stream is not called
    executor.call(of_text)  # E: what it calls is given a store


async def how_many(store: EventStore) -> int:
    return len((await store.read_all()).events)


def by_heart(store: EventStore) -> Sequence[datetime]:
    return ()


async def of_text(text: str) -> str:
    return text


def closing(executor: BlockingExecutor) -> None:
    """row: BlockingExecutor in a with statement"""
    with executor as same:
        assert_type(same, BlockingExecutor)
    assert_type(executor.close(), None)
    executor.close(timeout=1.0)  # E: it waits for what is under way


async def not_async(executor: BlockingExecutor) -> None:
    """row: BlockingExecutor in a with statement"""
    async with executor:  # E: `with`, without async
        pass
