"""The books of the bank: tables that projections keep, and questions to them in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import attrs

from bank.accounts import Account, AccountOpened, MoneyDeposited, MoneyReceived, MoneySent
from eventcore import Position, Recorded, StreamId
from eventcore.projections import Context, ProjectionRunner, on, projection
from eventcore.store import ProjectionStore, ReadModelStore
from eventcore.store import Statement as Sql


@projection
class Balances:
    """What each account holds: the table ``balances``."""

    def create(self, context: Context) -> None:
        context.execute(
            f"CREATE TABLE {context.table('balances')} (account TEXT PRIMARY KEY, owner TEXT NOT NULL, balance BIGINT NOT NULL)",
        )

    @on(AccountOpened)
    def opened(self, recorded: Recorded[AccountOpened], context: Context) -> None:
        context.execute(f"INSERT INTO {context.table('balances')} VALUES ($1, $2, 0)", str(recorded.stream_id), recorded.event.owner)

    @on(MoneyDeposited, MoneyReceived)
    def added(self, recorded: Recorded[MoneyDeposited | MoneyReceived], context: Context) -> None:
        self._add(recorded.stream_id, recorded.event.amount, context)

    @on(MoneySent)
    def taken(self, recorded: Recorded[MoneySent], context: Context) -> None:
        self._add(recorded.stream_id, -recorded.event.amount, context)

    def _add(self, account: StreamId, amount: int, context: Context) -> None:
        context.execute(f"UPDATE {context.table('balances')} SET balance = balance + $2 WHERE account = $1", str(account), amount)


@projection(name="statement")
class StatementLines:
    """What was booked on each account, in the order of its events: the table ``statement``."""

    def create(self, context: Context) -> None:
        context.execute(
            f"CREATE TABLE {context.table('statement')} (account TEXT NOT NULL, line BIGINT NOT NULL, at TEXT NOT NULL, "
            "text TEXT NOT NULL, amount BIGINT NOT NULL, PRIMARY KEY (account, line))",
        )

    @on(MoneyDeposited)
    def deposited(self, recorded: Recorded[MoneyDeposited], context: Context) -> None:
        self._book(recorded, context, "deposit", recorded.event.amount)

    @on(MoneySent)
    def sent(self, recorded: Recorded[MoneySent], context: Context) -> None:
        self._book(recorded, context, f"to {recorded.event.receiver}", -recorded.event.amount)

    @on(MoneyReceived)
    def received(self, recorded: Recorded[MoneyReceived], context: Context) -> None:
        self._book(recorded, context, f"from {recorded.event.sender}", recorded.event.amount)

    def _book(self, recorded: Recorded[object], context: Context, text: str, amount: int) -> None:
        context.execute(
            f"INSERT INTO {context.table('statement')} VALUES ($1, $2, $3, $4, $5)",
            str(recorded.stream_id),
            recorded.version,
            recorded.recorded_at.isoformat(),
            text,
            amount,
        )


@attrs.frozen
class Line:
    """One line of a statement, with what the account held after it."""

    at: datetime
    text: str
    amount: int
    balance: int


BALANCES: Final = "SELECT account, balance FROM {balances} ORDER BY account"
STATEMENT: Final = """\
SELECT at, text, amount, CAST(sum(amount) OVER (ORDER BY line) AS BIGINT) AS balance
FROM {statement}
WHERE account = $1
ORDER BY line"""


async def bring_up(store: ProjectionStore, position: Position | None) -> None:
    """Let the books have everything up to *position*; at the first time, that is the whole history."""
    async with ProjectionRunner(store, [Balances(), StatementLines()]) as runner:
        await runner.caught_up(position, timeout=60)


async def balances(store: ReadModelStore) -> dict[str, int]:
    """Ask what each account holds."""
    async with store.transaction(read_only=True) as books:
        rows = await books.fetch(Sql(BALANCES.format(balances=books.table("balances"))))
    return {row["account"]: row["balance"] for row in rows}


async def statement(store: ReadModelStore, account: StreamId[Account]) -> Sequence[Line]:
    """Ask for all lines of one account, the oldest first."""
    async with store.transaction(read_only=True) as books:
        rows = await books.fetch(Sql(STATEMENT.format(statement=books.table("statement")), (str(account),)))
    return [Line(datetime.fromisoformat(row["at"]), row["text"], row["amount"], row["balance"]) for row in rows]
