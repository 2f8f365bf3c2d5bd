"""What the shop's counter looks at: tables that projections keep, and questions to them in SQL.

The stock is inline, which is to say part of every append: what the counter shows is what there is, and the table's own CHECK is a second lock on
the door. The orders come a moment later, by a runner.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from eventcore import Recorded
from eventcore.projections import Context, on, projection
from eventcore.store import ReadModelStore
from eventcore.store import Statement as Sql
from shop.carts import CheckedOut
from shop.products import Stocked, StockReserved


@projection
class Stock:
    """How much of each product there is, and how much was ordered: the table ``stock``."""

    def create(self, context: Context) -> None:
        context.execute(
            f"CREATE TABLE {context.table('stock')} (product TEXT PRIMARY KEY, available BIGINT NOT NULL CHECK (available >= 0), "
            "reserved BIGINT NOT NULL)",
        )

    @on(Stocked)
    def stocked(self, recorded: Recorded[Stocked], context: Context) -> None:
        context.execute(
            f"INSERT INTO {context.table('stock')} AS s VALUES ($1, $2, 0) ON CONFLICT (product) DO UPDATE SET available = s.available + $2",
            str(recorded.stream_id),
            recorded.event.quantity,
        )

    @on(StockReserved)
    def reserved(self, recorded: Recorded[StockReserved], context: Context) -> None:
        context.execute(
            f"UPDATE {context.table('stock')} SET available = available - $2, reserved = reserved + $2 WHERE product = $1",
            str(recorded.stream_id),
            recorded.event.quantity,
        )


@projection
class Orders:
    """What was ordered: the tables ``orders`` and ``order_lines``."""

    def create(self, context: Context) -> None:
        context.execute(f"CREATE TABLE {context.table('orders')} (order_id TEXT PRIMARY KEY, cart TEXT NOT NULL, at TEXT NOT NULL)")
        context.execute(
            f"CREATE TABLE {context.table('order_lines')} (order_id TEXT NOT NULL, product TEXT NOT NULL, quantity BIGINT NOT NULL, "
            "PRIMARY KEY (order_id, product))",
        )

    @on(StockReserved)
    def line(self, recorded: Recorded[StockReserved], context: Context) -> None:
        context.execute(
            f"INSERT INTO {context.table('order_lines')} VALUES ($1, $2, $3)",
            recorded.event.order_id,
            str(recorded.stream_id),
            recorded.event.quantity,
        )

    @on(CheckedOut)
    def placed(self, recorded: Recorded[CheckedOut], context: Context) -> None:
        context.execute(
            f"INSERT INTO {context.table('orders')} VALUES ($1, $2, $3)",
            recorded.event.order_id,
            str(recorded.stream_id),
            recorded.recorded_at.isoformat(),
        )


@attrs.frozen
class Bestseller:
    product: str
    orders: int
    sold: int


STOCK: Final = "SELECT product, available FROM {stock} ORDER BY product"
BESTSELLERS: Final = """\
SELECT l.product, count(*) AS orders, CAST(sum(l.quantity) AS BIGINT) AS sold
FROM {orders} AS o
JOIN {order_lines} AS l ON l.order_id = o.order_id
GROUP BY l.product
ORDER BY sold DESC, l.product
LIMIT 3"""
UNFINISHED: Final = """\
SELECT
    (SELECT count(*) FROM {orders} AS o WHERE NOT EXISTS (SELECT 1 FROM {order_lines} AS l WHERE l.order_id = o.order_id))
    + (SELECT count(*) FROM {order_lines} AS l WHERE NOT EXISTS (SELECT 1 FROM {orders} AS o WHERE o.order_id = l.order_id)) AS orders"""


async def available(store: ReadModelStore) -> dict[str, int]:
    """Ask how much there is of each product."""
    async with store.transaction(read_only=True) as counter:
        rows = await counter.fetch(Sql(STOCK.format(stock=counter.table("stock"))))
    return {row["product"]: row["available"] for row in rows}


async def bestsellers(store: ReadModelStore) -> Sequence[Bestseller]:
    """Ask which three products sold best."""
    async with store.transaction(read_only=True) as counter:
        tables = {name: counter.table(name) for name in ("orders", "order_lines")}
        rows = await counter.fetch(Sql(BESTSELLERS.format_map(tables)))
    return [Bestseller(row["product"], row["orders"], row["sold"]) for row in rows]


async def unfinished(store: ReadModelStore) -> int:
    """Ask how many orders have no lines, or lines no order. A checkout is one append: once its position is reached, there is neither."""
    async with store.transaction(read_only=True) as counter:
        tables = {name: counter.table(name) for name in ("orders", "order_lines")}
        (row,) = await counter.fetch(Sql(UNFINISHED.format_map(tables)))
    count: int = row["orders"]
    return count
