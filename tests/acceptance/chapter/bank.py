"""The chapter's bank: accounts, and a transfer that changes two of them or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, require, state, stream

if TYPE_CHECKING:
    from chapter.bank_streams import (
        OpenAccountState,
        OpenAccountStreams,
        OpenAccountWrites,
        TransferMoneyState,
        TransferMoneyStreams,
        TransferMoneyWrites,
    )


@event
class AccountOpened:
    balance: int


@event
class MoneyWithdrawn:
    amount: int


@event
class MoneyDeposited:
    amount: int


AccountEvent = AccountOpened | MoneyWithdrawn | MoneyDeposited


@state
class Account:
    balance: int = 0
    is_open: bool = False

    def apply(self, event: AccountEvent) -> Account:
        match event:
            case AccountOpened(balance):
                return Account(balance, is_open=True)
            case MoneyWithdrawn(amount):
                return Account(self.balance - amount, self.is_open)
            case MoneyDeposited(amount):
                return Account(self.balance + amount, self.is_open)


@command
class OpenAccount:
    account: StreamId[Account] = stream()
    balance: int

    def handle(self, streams: OpenAccountStreams, state: OpenAccountState) -> OpenAccountWrites:
        require(not state.account.is_open, "{} is open already", self.account)
        yield streams.account.write(AccountOpened(self.balance))


@command
class TransferMoney:
    from_account: StreamId[Account] = stream()
    to_account: StreamId[Account] = stream()
    amount: int

    def handle(self, streams: TransferMoneyStreams, state: TransferMoneyState) -> TransferMoneyWrites:
        require(state.from_account.balance >= self.amount, "insufficient funds: {} < {}", state.from_account.balance, self.amount)
        yield streams.from_account.write(MoneyWithdrawn(self.amount))
        yield streams.to_account.write(MoneyDeposited(self.amount))
