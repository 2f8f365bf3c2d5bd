"""Run many concurrent transfers on a SQLite file, and show that no cent was lost."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from bank.teller import Ledger, Tally, open_accounts, random_transfers, read_accounts, run_transfers
from eventcore import CommandExecutor, RetryPolicy, SqliteEventStore

DEPOSIT = 1_000_00
MOST = 400_00


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if the total of all accounts is what it was before, else 1."""
    options = _parse(arguments)
    before, after, tally = asyncio.run(_run(options))
    _show(options, before, after, tally)
    return 0 if before.total == after.total else 1


async def _run(options: argparse.Namespace) -> tuple[Ledger, Ledger, Tally]:
    tally = Tally()
    async with SqliteEventStore(options.file) as store:
        # So many commands on so few accounts meet often: give each as many attempts as it needs within a minute.
        executor = CommandExecutor(store, retry=RetryPolicy(max_attempts=1_000, deadline=60), observer=tally)
        accounts = await open_accounts(executor, options.accounts, deposit=DEPOSIT)
        before = await read_accounts(executor, accounts)
        transfers = random_transfers(accounts, options.transfers, most=MOST, seed=options.seed)
        await run_transfers(executor, transfers, concurrency=options.concurrency, tally=tally)
        return before, await read_accounts(executor, accounts), tally


def _show(options: argparse.Namespace, before: Ledger, after: Ledger, tally: Tally) -> None:
    print(f"  {options.accounts} accounts in {options.file}, {options.transfers:,} transfers, {options.concurrency} at a time\n")
    print(f"  {'account':<12}{'owner':<10}{'before':>14}{'after':>14}")
    for (stream_id, was), (_, now) in zip(before.accounts, after.accounts, strict=True):
        print(f"  {stream_id:<12}{now.owner:<10}{_money(was.balance):>14}{_money(now.balance):>14}")
    verdict = "preserved" if before.total == after.total else "NOT PRESERVED"
    print(f"  {'total':<22}{_money(before.total):>14}{_money(after.total):>14}   {verdict}\n")
    print(f"  {tally.committed:>7,} transfers committed, both accounts in one atomic append")
    print(f"  {tally.refused:>7,} rejected by the command's own rule: insufficient funds")
    print(f"  {tally.conflicts:>7,} conflicts met and retried; no command needed more than {tally.most_attempts} attempts")
    print(f"  {tally.per_second:>7,.0f} transfers per second, each synced to disk before it was reported")


def _money(cents: int) -> str:
    return f"{cents / 100:,.2f}"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bank", description=__doc__)
    parser.add_argument(
        "--file", type=Path, default=Path("bank.db"), help="the SQLite file; made if it does not exist (default: %(default)s)"
    )
    parser.add_argument("--accounts", type=int, default=10, metavar="N", help="how many accounts, at least 2 (default: %(default)s)")
    parser.add_argument("--transfers", type=int, default=2_000, metavar="N", help="how many transfers (default: %(default)s)")
    parser.add_argument("--concurrency", type=int, default=32, metavar="N", help="how many of them at a time (default: %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="which transfers: equal seeds draw equal ones (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    for name, least in (("accounts", 2), ("transfers", 1), ("concurrency", 1)):
        if getattr(options, name) < least:
            parser.error(f"--{name} must be at least {least}, got {getattr(options, name)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
