"""Record many entries at once on a SQLite file, draw up the trial balance, and check it against the whole history."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import attrs

from eventcore import CommandExecutor, RetryPolicy, SqliteEventStore
from ledger.audit import Audit, audit
from ledger.bookkeeping import LEDGER, Day, keep_books, open_books, random_transactions
from ledger.trial_balance import TrialBalance, read_trial_balance


@attrs.frozen
class Books:
    """The books at the end of the day, as their streams fold and as the auditor found them."""

    balance: TrialBalance
    audit: Audit

    @property
    def agree(self) -> bool:
        return self.balance == self.audit.trial_balance

    @property
    def are_sound(self) -> bool:
        return self.balance.is_balanced and self.agree and not self.audit.findings


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if debits equal credits and the history says the same as the streams, else 1."""
    options = _parse(arguments)
    day = Day()
    books = asyncio.run(_run(options, day))
    _show(options, day, books)
    return 0 if books.are_sound else 1


async def _run(options: argparse.Namespace, day: Day) -> Books:
    async with SqliteEventStore(options.file) as store:
        # Every entry is written to the one ledger: each has as many attempts as it needs within a minute.
        executor = CommandExecutor(store, retry=RetryPolicy(max_attempts=10_000, deadline=60), observer=day)
        accounts = await open_books(executor, options.accounts)
        transactions = random_transactions(accounts, options.entries, day=secrets.token_hex(3), seed=options.seed)
        await keep_books(executor, transactions, closing=accounts[-1], concurrency=options.concurrency, day=day, seed=options.seed)
        found = await audit(store)
        return Books(await read_trial_balance(executor, LEDGER, found.accounts), found)


def _show(options: argparse.Namespace, day: Day, books: Books) -> None:
    balance, found = books.balance, books.audit
    print(f"  {options.accounts} accounts, {options.entries:,} entries, {options.concurrency} at a time\n")
    print(f"  {'account':<26}{'debits':>16}{'credits':>16}{'balance':>16}")
    for stream_id, account in balance.accounts:
        closed = "" if account.is_active else "   closed"
        print(f"  {stream_id:<26}{_money(account.debits)}{_money(account.credits)}{_money(account.balance)}{closed}")
    verdict = "balanced" if balance.is_balanced else "NOT BALANCED"
    print(
        f"  {'trial balance':<26}{_money(balance.debits)}{_money(balance.credits)}{_money(balance.debits - balance.credits)}   {verdict}\n"
    )
    print(f"  {day.recorded:>7,} entries recorded: the ledger and both accounts in one atomic append")
    print(f"  {day.sent_again:>7,} sent twice under one reference, and recorded once")
    for reason, count in sorted(day.refused.items()):
        print(f"  {count:>7,} rejected: {reason}")
    print(f"  {day.conflicts:>7,} conflicts met and retried")
    print(f"  {day.per_second:>7,.0f} entries per second, each on the disk before it was reported")
    agreed = "says the same" if books.agree else "SAYS SOMETHING ELSE"
    print(f"  {found.events:>7,} events read back from the first to the last: the history {agreed}")
    for finding in found.findings:
        print(f"  FOUND: {finding}")


def _money(amount: Decimal) -> str:
    return f"{amount:>16,.2f}"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ledger", description=__doc__)
    parser.add_argument(
        "--file", type=Path, default=Path("ledger.db"), help="the SQLite file; made if it does not exist (default: %(default)s)"
    )
    parser.add_argument("--accounts", type=int, default=10, metavar="N", help="how many accounts, at least 2 (default: %(default)s)")
    parser.add_argument("--entries", type=int, default=1_000, metavar="N", help="how many entries (default: %(default)s)")
    parser.add_argument("--concurrency", type=int, default=16, metavar="N", help="how many of them at a time (default: %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="which entries: equal seeds draw equal ones (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    for name, least in (("accounts", 2), ("entries", 1), ("concurrency", 1)):
        if getattr(options, name) < least:
            parser.error(f"--{name} must be at least {least}, got {getattr(options, name)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
