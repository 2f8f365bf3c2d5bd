"""The library `eventsourcing` on its SQLite module, at the best of its settings and of 1, 8, 32 or 64 threads.

Its ways, all with one atomic `save` of both accounts:

* `aggregates`: both are folded afresh for each command;
* `cached`: `AGGREGATE_CACHE_MAXSIZE` for all accounts; what is new is read for each command, so that others may write too;
* `cached, one writer`: `AGGREGATE_CACHE_FASTFORWARD=n` too: nothing is read once an account is known. Right only while one process writes,
  since nothing evicts on a conflict (here we do);
* `cached, one writer, not copied`: and `DEEPCOPY_FROM_AGGREGATE_CACHE=n`: commands work on the cached objects themselves, so it is run with
  one thread, and a command that fails after changing one leaves what was never stored behind.

The last two promise less than we do. They are measured and told, but not compared.

Its own JSON transcoder is replaced by orjson. There is no DCB recorder for SQLite in it.
"""

# mypy: ignore-errors
# The peers are installed beside the benchmarks only, so the checkers see no types of theirs.
from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import orjson
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import IntegrityError, OperationalError, Transcoder

from benchmarks.contestants.sqlite_settings import durable_settings
from benchmarks.work import ACCOUNTS, DEPOSIT, Outcome, Transfer, Work

NAME = "pyeventsourcing"
DISTRIBUTIONS = ("eventsourcing", "orjson")
THREADS = (1, 8, 32, 64)
VARIANTS = tuple(f"{way}, {n} threads" for way in ("aggregates", "cached") for n in THREADS)
WEAKER = ("cached one writer, 1 threads", "cached one writer not copied, 1 threads")
_CACHED = {"AGGREGATE_CACHE_MAXSIZE": str(2 * ACCOUNTS)}
SETTINGS = {
    "aggregates": {},
    "cached": _CACHED,
    "cached one writer": {**_CACHED, "AGGREGATE_CACHE_FASTFORWARD": "n"},
    "cached one writer not copied": {**_CACHED, "AGGREGATE_CACHE_FASTFORWARD": "n", "DEEPCOPY_FROM_AGGREGATE_CACHE": "n"},
}


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
    def construct_transcoder(self) -> Transcoder:
        return OrjsonTranscoder()

    def transfer(self, source_id: UUID, target_id: UUID, amount: int) -> None:
        source, target = self.repository.get(source_id), self.repository.get(target_id)
        source.send(amount, target_id)
        target.receive(amount, source_id)
        self.save(source, target)

    def forget(self, *accounts: UUID) -> None:
        cache = self.repository.cache
        for account in accounts if cache is not None else ():
            try:
                cache.get(account, evict=True)
            except KeyError:
                continue


def run(work: Work, *, variant: str, folder: Path) -> Outcome:
    way, _, threads = variant.rpartition(", ")
    concurrency = int(threads.split()[0])
    file = folder / "eventsourcing.db"
    ids = {account: uuid5(SPACE, account) for account in work.accounts}
    bank = Bank(
        env={
            "PERSISTENCE_MODULE": "eventsourcing.sqlite",
            "SQLITE_DBNAME": str(file),
            "SQLITE_LOCK_TIMEOUT": "30",
            **SETTINGS[way],
        }
    )
    try:
        bank.save(*(Account.open(account, DEPOSIT) for account in ids.values()))
        _transfer_all(bank, ids, work.warm_up, concurrency)
        began = time.perf_counter()
        conflicts = _transfer_all(bank, ids, work.transfers, concurrency)
        seconds = time.perf_counter() - began
        with bank.recorder.datastore.get_connection(commit=True) as connection:
            settings = durable_settings(connection._sqlite_conn)  # noqa: SLF001
    finally:
        bank.close()
    return Outcome(seconds, *_read_back(file, ids), {**settings, "at a time": concurrency, "conflicts": conflicts})


def _read_back(file: Path, ids: Mapping[str, UUID]) -> tuple[dict[str, int], int]:
    """Read the balances with a fresh application, so that no cache can flatter them."""
    bank = Bank(env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(file)})
    try:
        found = {account: bank.repository.get(aggregate_id) for account, aggregate_id in ids.items()}
    finally:
        bank.close()
    with sqlite3.connect(file) as connection:
        [events] = connection.execute("SELECT count(*) FROM stored_events").fetchone()
    connection.close()
    return {account: aggregate.balance for account, aggregate in found.items()}, events


def _transfer_all(bank: Bank, ids: Mapping[str, UUID], transfers: Sequence[Transfer], concurrency: int) -> int:
    """Return how many attempts conflicted."""
    if concurrency == 1:
        return _transfer_some(bank, ids, transfers)
    conflicts = [0] * concurrency
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            conflicts[number] = _transfer_some(bank, ids, transfers[number::concurrency])
        except BaseException as error:  # noqa: BLE001  # handed to the main thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sum(conflicts)


def _transfer_some(bank: Bank, ids: Mapping[str, UUID], transfers: Sequence[Transfer]) -> int:
    conflicts = 0
    for source_name, target_name, amount in transfers:
        source, target = ids[source_name], ids[target_name]
        while True:
            try:
                bank.transfer(source, target, amount)
                break
            except (IntegrityError, OperationalError):
                conflicts += 1
                bank.forget(source, target)
    return conflicts
