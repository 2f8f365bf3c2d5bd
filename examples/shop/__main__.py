"""Run many concurrent checkouts on a SQLite file, and show that nothing was sold twice: by the events, and by tables that projections keep."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

import attrs

from eventcore import CommandExecutor, RetryPolicy, SqliteEventStore, StreamId
from eventcore.projections import ProjectionRunner, project_inline
from shop.counter import Bestseller, Orders, Stock, available, bestsellers, unfinished
from shop.opening_day import Day, fill_carts, open_doors, product_ids, stock
from shop.products import Product


@attrs.frozen
class Shelf:
    """One product before and after the day."""

    product: StreamId[Product]
    before: int
    after: int
    shown: int
    """What the table ``stock`` says."""


@attrs.frozen
class Till:
    """What the tables say of the orders."""

    bestsellers: Sequence[Bestseller]
    unfinished: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if no product was sold twice, no blocked customer got an order and the tables say what the events say, else 1."""
    options = _parse(arguments)
    shelves, day, till = asyncio.run(_run(options))
    _show(options, shelves, day)
    _show_tables(shelves, till)
    sound = all(shelf.after >= 0 and shelf.shown == shelf.after for shelf in shelves) and not till.unfinished
    return 0 if sound and not day.ordered_after_block else 1


async def _run(options: argparse.Namespace) -> tuple[list[Shelf], Day, Till]:
    day = Day()
    async with SqliteEventStore(options.file) as store:
        await project_inline(store, [Stock()])
        executor = CommandExecutor(store, retry=RetryPolicy(max_attempts=1_000, deadline=60), observer=day)
        products = product_ids(options.products)
        await stock(executor, products, quantity=options.stock)
        shoppers = await fill_carts(executor, products, count=options.customers, day=secrets.token_hex(3), seed=options.seed)
        before = [(await executor.load(product)).state.available for product in products]
        async with ProjectionRunner(store, [Orders()]) as runner:
            await open_doors(executor, shoppers, block=options.customers // 10, concurrency=options.concurrency, day=day, seed=options.seed)
            await runner.caught_up(max(day.ordered.values(), default=None), timeout=60)
        after = [(await executor.load(product)).state.available for product in products]
        stocked = await available(store)
        till = Till(await bestsellers(store), await unfinished(store))
    shown = [stocked[product] for product in products]
    return [Shelf(*row) for row in zip(products, before, after, shown, strict=True)], day, till


def _show(options: argparse.Namespace, shelves: Sequence[Shelf], day: Day) -> None:
    print(f"  {options.products} products, {options.customers:,} customers, {options.concurrency} at a time\n")
    print(f"  {'product':<20}{'before':>10}{'sold':>10}{'left':>10}")
    for shelf in shelves:
        print(f"  {shelf.product:<20}{shelf.before:>10,}{shelf.before - shelf.after:>10,}{shelf.after:>10,}")
    oversold = sum(shelf.after < 0 for shelf in shelves)
    print(f"  {'sold more than there was':<40}{oversold:>10,}   {'never' if not oversold else 'WRONG'}\n")
    print(f"  {len(day.ordered):>7,} orders committed: cart and all its products in one atomic append")
    print(f"  {day.sold_out:>7,} rejected: out of stock")
    print(f"  {day.forbidden:>7,} rejected: customer blocked")
    print(f"  {day.ordered_after_block:>7,} orders of a customer after being blocked, of {len(day.blocked)} blocked meanwhile")
    print(f"  {day.discoveries:>7,} times a checkout asked for its products while it ran")
    print(f"  {day.conflicts:>7,} conflicts met and retried")
    print(f"  {day.per_second:>7,.0f} checkouts per second, each on the disk before it was reported")


def _show_tables(shelves: Sequence[Shelf], till: Till) -> None:
    print("\n  sold best, from the tables `orders` and `order_lines`")
    for seller in till.bestsellers:
        print(f"  {seller.product:<20}{seller.sold:>10,} in {seller.orders:,} orders")
    wrong = sum(shelf.shown != shelf.after for shelf in shelves)
    print(f"  the table `stock`, which every append keeps: {'as the events say' if not wrong else f'WRONG for {wrong} products'}")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m shop", description=__doc__)
    parser.add_argument(
        "--file", type=Path, default=Path("shop.db"), help="the SQLite file; made if it does not exist (default: %(default)s)"
    )
    parser.add_argument("--products", type=int, default=8, metavar="N", help="how many products (default: %(default)s)")
    parser.add_argument("--stock", type=int, default=100, metavar="N", help="how many of each are added (default: %(default)s)")
    parser.add_argument("--customers", type=int, default=300, metavar="N", help="how many customers (default: %(default)s)")
    parser.add_argument("--concurrency", type=int, default=32, metavar="N", help="how many of them at a time (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which carts: equal seeds fill equal ones (default: %(default)s)")
    options = parser.parse_args(arguments)
    for name in ("products", "stock", "customers", "concurrency"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} must be at least 1, got {getattr(options, name)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
