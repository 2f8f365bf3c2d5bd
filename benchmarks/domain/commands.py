"""Open an account; move money from one to another; pay into many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.domain.accounts import Account, AccountOpened, MoneyReceived, MoneySent
from eventcore import StreamId, command, require, stream

if TYPE_CHECKING:
    from benchmarks.domain.commands_streams import (
        CollectMoneyState,
        CollectMoneyStreams,
        CollectMoneyWrites,
        OpenAccountState,
        OpenAccountStreams,
        OpenAccountWrites,
        TransferMoneyState,
        TransferMoneyStreams,
        TransferMoneyWrites,
    )


@command
class OpenAccount:
    account: StreamId[Account] = stream()
    deposit: int

    def handle(self, streams: OpenAccountStreams, state: OpenAccountState) -> OpenAccountWrites:
        require(streams.account.version == 0, "{} is open already", self.account)
        yield streams.account.write(AccountOpened(self.deposit))


@command
class TransferMoney:
    source: StreamId[Account] = stream()
    target: StreamId[Account] = stream()
    amount: int

    def handle(self, streams: TransferMoneyStreams, state: TransferMoneyState) -> TransferMoneyWrites:
        require(state.source.balance >= self.amount, "{} holds less than {}", self.source, self.amount)
        yield streams.source.write(MoneySent(self.amount, self.target))
        yield streams.target.write(MoneyReceived(self.amount, self.source))


@command
class CollectMoney:
    """All of *accounts* must be open; the first *written* of them receive *amount*."""

    accounts: tuple[StreamId[Account], ...] = stream()
    written: int
    amount: int

    def handle(self, streams: CollectMoneyStreams, state: CollectMoneyState) -> CollectMoneyWrites:
        for account in self.accounts:
            require(state.accounts[account].balance > 0, "{} is not open", account)
        for account in self.accounts[: self.written]:
            yield streams.accounts[account].write(MoneyReceived(self.amount, "collection"))
