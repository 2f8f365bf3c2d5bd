"""The bank as an application of the library `eventsourcing`: aggregates, and one atomic `save` of both accounts for each transfer.

Its own JSON transcoder is replaced by orjson.
"""

# mypy: ignore-errors
# The peers are installed beside the benchmarks only, so the checkers see no types of theirs.
from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import orjson
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import IntegrityError, OperationalError, Transcoder

from benchmarks.work import DEPOSIT, Transfer

SPACE = UUID("6d0f7a52-5c8e-4c0f-9f0e-3a2c7d1b8e44")


class OrjsonTranscoder(Transcoder):
    def encode(self, obj: Any) -> bytes:
        return orjson.dumps(obj)

    def decode(self, data: bytes) -> Any:
        fields = orjson.loads(data)
        fields["timestamp"] = datetime.fromisoformat(fields["timestamp"])
        return fields


class Account(Aggregate):
    class Opened(Aggregate.Created):
        deposit: int

    class MoneySent(Aggregate.Event):
        amount: int
        receiver: UUID

        def apply(self, aggregate: Account) -> None:
            aggregate.balance -= self.amount

    class MoneyReceived(Aggregate.Event):
        amount: int
        sender: UUID

        def apply(self, aggregate: Account) -> None:
            aggregate.balance += self.amount

    def __init__(self, deposit: int) -> None:
        self.balance = deposit

    @classmethod
    def open(cls, account: UUID, deposit: int) -> Account:
        return cls._create(cls.Opened, id=account, deposit=deposit)

    def send(self, amount: int, receiver: UUID) -> None:
        if self.balance < amount:
            raise ValueError(f"{self.id} holds less than {amount}")
        self.trigger_event(self.MoneySent, amount=amount, receiver=receiver)

    def receive(self, amount: int, sender: UUID) -> None:
        self.trigger_event(self.MoneyReceived, amount=amount, sender=sender)


class Bank(Application[UUID]):
    def __init__(self, env: dict[str, str]) -> None:
        super().__init__(env=env)
        self.ids: dict[str, UUID] = {}
        self.conflicts = 0
        self._lock = threading.Lock()

    def construct_transcoder(self) -> Transcoder:
        return OrjsonTranscoder()

    def know(self, accounts: Iterable[str]) -> None:
        self.ids |= {account: uuid5(SPACE, account) for account in accounts}

    def open_all(self) -> None:
        self.save(*(Account.open(account, DEPOSIT) for account in self.ids.values()))

    def do(self, transfer: Transfer) -> None:
        """Transfer, however often it has to be tried."""
        source, target = self.ids[transfer.source], self.ids[transfer.target]
        while True:
            try:
                self._transfer(source, target, transfer.amount)
            except (IntegrityError, OperationalError):
                with self._lock:
                    self.conflicts += 1
                self._forget(source, target)
            else:
                return

    def _transfer(self, source_id: UUID, target_id: UUID, amount: int) -> None:
        source, target = self.repository.get(source_id), self.repository.get(target_id)
        source.send(amount, target_id)
        target.receive(amount, source_id)
        self.save(source, target)

    def _forget(self, *accounts: UUID) -> None:
        cache = self.repository.cache
        for account in accounts if cache is not None else ():
            try:
                cache.get(account, evict=True)
            except KeyError:
                continue

    def balances(self) -> dict[str, int]:
        return {account: self.repository.get(aggregate_id).balance for account, aggregate_id in self.ids.items()}

    def count(self) -> int:
        """Return how many events there are."""
        return sum(len(list(self.events.get(aggregate_id))) for aggregate_id in self.ids.values())
