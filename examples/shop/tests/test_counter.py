"""The shop's read models, on every store."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import cast
from uuid import uuid4

import pytest

from eventcore import ANY, CommandExecutor, EventCodec, EventStore, InlineProjectionFailed
from eventcore.projections import ProjectionRunner, project_inline
from eventcore.store import AppendRequest, InlineStore, NewEvent, Refused
from shop.__main__ import main
from shop.counter import Orders, Stock, available, bestsellers, unfinished
from shop.opening_day import Day, fill_carts, open_doors, product_ids, stock
from shop.products import StockReserved

PRODUCTS = product_ids(4)


async def test_the_counter_agrees_with_the_streams(event_store: EventStore) -> None:
    store, day = cast("InlineStore", event_store), Day()
    executor = CommandExecutor(event_store, observer=day)
    await project_inline(store, [Stock()])
    await stock(executor, PRODUCTS, quantity=10)
    shoppers = await fill_carts(executor, PRODUCTS, count=30, day="d", seed=1)
    async with ProjectionRunner(store, [Orders()]) as runner:
        await open_doors(executor, shoppers, block=3, concurrency=8, day=day, seed=1)
        await runner.caught_up(max(day.ordered.values()), timeout=60)
    left = {str(product): (await executor.load(product)).state.available for product in PRODUCTS}
    sold = {product: 10 - quantity for product, quantity in left.items()}

    assert day.sold_out > 0
    assert await available(store) == left
    assert [(best.product, best.sold) for best in await bestsellers(store)] == sorted(sold.items(), key=lambda item: (-item[1], item[0]))[
        :3
    ]
    assert await unfinished(store) == 0


async def test_the_stock_is_what_it_is_at_every_moment(event_store: EventStore) -> None:
    store, executor = cast("InlineStore", event_store), CommandExecutor(event_store)
    await project_inline(store, [Stock()])
    for quantity in (3, 4, 5):
        await stock(executor, PRODUCTS[:1], quantity=quantity)
        assert await available(store) == {PRODUCTS[0]: (await executor.load(PRODUCTS[0])).state.available}


async def test_the_table_refuses_what_no_command_should_have_let_through(event_store: EventStore) -> None:
    """As if a command had forgotten to look how much there is."""
    store, executor = cast("InlineStore", event_store), CommandExecutor(event_store)
    await project_inline(store, [Stock()])
    await stock(executor, PRODUCTS[:1], quantity=2)
    careless = NewEvent(PRODUCTS[0], uuid4(), "StockReserved", 1, EventCodec().encode(StockReserved(3, "o-1")))

    (verdict,) = await event_store.append([AppendRequest({PRODUCTS[0]: ANY}, [careless])])

    assert isinstance(verdict, Refused)
    assert isinstance(verdict.error, InlineProjectionFailed)
    assert (verdict.error.projection, verdict.error.event, verdict.error.version) == ("stock", "StockReserved", 2)
    assert await available(store) == {PRODUCTS[0]: 2}
    assert (await executor.load(PRODUCTS[0])).version == 1


def test_the_program_shows_tables_that_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "shop.db"
    arguments = ["--file", str(path), "--customers", "40", "--stock", "20"]

    assert main(arguments) == 0
    assert main([*arguments, "--seed", "2"]) == 0
    output = capsys.readouterr().out

    assert "the table `stock`, which every append keeps: as the events say" in output
    connection = sqlite3.connect(path)
    (orders,) = connection.execute("SELECT count(*) FROM orders").fetchone()
    assert orders == sum(int(line.split()[0]) for line in output.splitlines() if "orders committed" in line)
    assert connection.execute("SELECT sum(available) + sum(reserved) FROM stock").fetchone() == (2 * 8 * 20,)
    connection.close()
