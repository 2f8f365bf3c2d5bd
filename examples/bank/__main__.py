"""Run many concurrent transfers on a SQLite file, and show that no cent was lost: by the events, and by tables that projections keep."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bank.branches import Books, Day, keep_books, open_bank, run_branches
from bank.teller import Ledger, Tally

DEPOSIT = 1_000_00


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if the total of all accounts is what it was before and the tables say what the events say, else 1."""
    options = _parse(arguments)
    day = Day(options.file, options.accounts, DEPOSIT, options.transfers, options.concurrency, options.seed)
    before = open_bank(day)
    tally = run_branches(day, branches=options.processes)
    after = open_bank(day)
    books = keep_books(day)
    agree = all(books.balances[account] == now.balance for account, now in after.accounts)
    _show(options, before, after, tally)
    _show_books(books, after, agree=agree)
    return 0 if before.total == after.total and agree else 1


def _show(options: argparse.Namespace, before: Ledger, after: Ledger, tally: Tally) -> None:
    at_a_time = f"{options.concurrency} at a time"
    if options.processes > 1:
        at_a_time += f" in each of {options.processes} processes"
    print(f"  {options.accounts} accounts, {options.transfers:,} transfers, {at_a_time}\n")
    print(f"  {'account':<12}{'owner':<10}{'before':>14}{'after':>14}")
    for (stream_id, was), (_, now) in zip(before.accounts, after.accounts, strict=True):
        print(f"  {stream_id:<12}{now.owner:<10}{_money(was.balance):>14}{_money(now.balance):>14}")
    verdict = "preserved" if before.total == after.total else "NOT PRESERVED"
    print(f"  {'total':<22}{_money(before.total):>14}{_money(after.total):>14}   {verdict}\n")
    print(f"  {tally.committed:>7,} transfers committed, both accounts in one atomic append")
    print(f"  {tally.refused:>7,} rejected by the command's own rule: insufficient funds")
    print(f"  {tally.conflicts:>7,} conflicts met and retried; at most {tally.most_attempts} attempts for one transfer")
    print(f"  {tally.per_second:>7,.0f} transfers per second, each on the disk before it was reported")


def _show_books(books: Books, after: Ledger, *, agree: bool) -> None:
    (account, owner), *_ = after.accounts
    print(f"\n  the first and the newest lines of {owner.owner}'s statement, {account}, from the table `statement`")
    for line in (*books.first[:1], *books.first[1:][-4:]):
        print(f"  {line.text:<22}{_money(line.amount):>14}{_money(line.balance):>14}")
    total = sum(books.balances[account] for account, _ in after.accounts)
    print(f"\n  {_money(total)}   in the table `balances`, {'as the events say' if agree else 'NOT what the events say'}")


def _money(cents: int) -> str:
    return f"{cents / 100:,.2f}"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bank", description=__doc__)
    parser.add_argument(
        "--file", type=Path, default=Path("bank.db"), help="the SQLite file; made if it does not exist (default: %(default)s)"
    )
    parser.add_argument("--accounts", type=int, default=10, metavar="N", help="how many accounts, at least 2 (default: %(default)s)")
    parser.add_argument("--transfers", type=int, default=1_000, metavar="N", help="how many transfers (default: %(default)s)")
    parser.add_argument("--concurrency", type=int, default=16, metavar="N", help="how many of them at a time (default: %(default)s)")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="how many processes share them (default: %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="which transfers: equal seeds draw equal ones (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    for name, least in (("accounts", 2), ("transfers", 1), ("concurrency", 1), ("processes", 1)):
        if getattr(options, name) < least:
            parser.error(f"--{name} must be at least {least}, got {getattr(options, name)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
