"""`CommandExecutor.execute` and `load`: what they take and what they give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_type

from bank.accounts import Account, AccountEvent, OpenAccount
from bank.transfer import TransferMoney
from chapter import Confirm, Confirmed, Reserved
from game import CheckScore, Merge, Merged, Player, Scored
from ledger import BookClosed, BookOpened, Close, Enter, Entered, LedgerEvent, Sweep
from payroll import Hired, Paid, Pay
from pricing import CopyPrice, PriceSet, SetPrice
from purchases import Bought, Buy, PointsEarned
from reading import Note, Summarise, Summarised
from shop.checkout import AddItem, Cart, CartEvent, CheckoutCart
from shop.products import ProductEvent
from tagging import Tag, Tagged

from eventcore import CommandExecutor, CommandResult, InMemoryEventStore, Loaded, Position, Recorded, RetryPolicy, StreamId


async def results(
    executor: CommandExecutor,
    transfer: TransferMoney,
    checkout: CheckoutCart,
    buy: Buy,
    pay: Pay,
    summarise: Summarise,
    confirm: Confirm,
    check: CheckScore,
    merge: Merge,
) -> None:
    """row: executor.execute(command)"""
    assert_type(await executor.execute(transfer), CommandResult[AccountEvent])
    assert_type(await executor.execute(checkout), CommandResult[CartEvent | ProductEvent])
    assert_type(await executor.execute(buy), CommandResult[Bought | PointsEarned])
    assert_type(await executor.execute(pay), CommandResult[Hired | Paid])
    assert_type(await executor.execute(summarise), CommandResult[Summarised])
    assert_type(await executor.execute(confirm), CommandResult[Confirmed | Reserved])
    assert_type(await executor.execute(merge), CommandResult[Scored | Merged])
    await executor.execute(check)


async def own_folds(executor: CommandExecutor, enter: Enter, close: Close, sweep: Sweep) -> None:
    """row: executor.execute(command)"""
    assert_type(await executor.execute(enter), CommandResult[BookOpened | Entered])
    assert_type(await executor.execute(close), CommandResult[BookOpened | Entered | BookClosed])
    assert_type(await executor.execute(sweep), CommandResult[LedgerEvent])


async def generic_and_async(
    executor: CommandExecutor, words: Tag[str, int], numbers: Tag[int, str], set_price: SetPrice, copy_price: CopyPrice
) -> None:
    """row: a command generic over plain fields"""
    assert_type(await executor.execute(words), CommandResult[Tagged])
    assert_type(await executor.execute(numbers), CommandResult[Tagged])
    assert_type(await executor.execute(set_price), CommandResult[PriceSet])
    assert_type(await executor.execute(copy_price), CommandResult[PriceSet])
    Tag[str, int](StreamId("photo-1"), 5)  # E: another type argument
    Tag[bytes, int](StreamId("photo-1"), b"")  # E: outside of the type variable's constraints


async def parts(executor: CommandExecutor, transfer: TransferMoney) -> None:
    """row: execute(cmd, metadata=...)
    row: execute(cmd, idempotency_key=...)
    row: result.events
    row: result.position
    row: result.attempts, result.versions"""
    result = await executor.execute(transfer, metadata={"actor": "ann", "causation": [1, None]}, idempotency_key="k-1")
    assert_type(result.events, tuple[Recorded[AccountEvent], ...])
    assert_type(result.events[0].event, AccountEvent)
    assert_type(result.events[0].stream_id, StreamId)
    assert_type(result.events[0].version, int)
    assert_type(result.position, Position | None)
    assert_type(result.attempts, int)
    assert_type(result.versions, Mapping[StreamId, int])
    result.attempts = 2  # E: a result is frozen


async def loading(executor: CommandExecutor, account: StreamId[Account], bare: StreamId, cart: StreamId[Cart]) -> None:
    """row: executor.load(cart)"""
    assert_type(await executor.load(account), Loaded[Account])
    assert_type((await executor.load(cart)).state.items, Mapping[str, int])
    assert_type((await executor.load(account)).version, int)
    assert_type(await executor.load(bare, Note), Loaded[Note])
    assert_type((await executor.load(StreamId.of(Player, "ann"))).state, Player)
    await executor.load("account-1")  # E: text is no stream
    await executor.load(Account)  # E: a class is no stream


async def refused(executor: CommandExecutor, cart_id: StreamId[Cart], open_account: OpenAccount, add_item: AddItem) -> None:
    """row: executor.execute(command)
    row: execute(cmd, metadata=...)
    row: execute(cmd, idempotency_key=...)"""
    await executor.execute(cart_id)  # E: no command
    await executor.execute(CheckoutCart)  # E: the class instead of a command
    await executor.execute(TransferMoney)  # E, but not in ty: the class instead of a command
    await executor.execute(Enter)  # E, but not in ty: the class instead of a command
    await executor.execute(SetPrice)  # E, but not in ty: the class instead of a command
    await executor.execute(None)  # E: no command
    await executor.execute(Cart())  # E: a state is no command
    await executor.execute([open_account])  # E: one at a time
    await executor.execute()  # E: which command?
    await executor.execute(open_account, add_item)  # E: one at a time
    await executor.execute(open_account, {"actor": "ann"})  # E: options by name
    await executor.execute(open_account, metadata={"actor": object()})  # E: metadata is JSON
    await executor.execute(open_account, idempotency_key=5)  # E: a key is text
    await executor.execute(open_account, retries=5)  # E: no such option


async def making(store: InMemoryEventStore) -> None:
    """row: CommandExecutor(store, ...)
    row: RetryPolicy"""
    CommandExecutor(store)
    CommandExecutor(store, retry=RetryPolicy(max_attempts=10, deadline=2.5), max_discoveries=3)
    CommandExecutor(store, RetryPolicy())  # E: options by name
    RetryPolicy(10)  # E: options by name
    CommandExecutor("shop.db")  # E: no store
