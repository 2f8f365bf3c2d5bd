"""The library `eventsourcing` on its PostgreSQL module, at the best of its settings and of 1 to 64 threads, each with a connection of its own.

Its ways:

* `aggregates`: both are folded afresh for each command;
* `cached`: `AGGREGATE_CACHE_MAXSIZE` for all accounts; what is new is read for each command, so that other processes may write too;
* `dcb`: its "dynamic consistency boundaries", without its perspective objects, which are slower: one read by two tags, a fold by hand over
  msgspec structs, one conditional append of two events.

Two more promise less than we do; they are measured and told, but not compared: `functions` (`POSTGRES_ENABLE_DB_FUNCTIONS=y` inserts without the
table lock that keeps its positions in the order of the commits, so a reader can miss events), and `cached one writer`
(`AGGREGATE_CACHE_FASTFORWARD=n`: nothing is read once an account is known, which is right only while one process writes).
"""

# mypy: ignore-errors
# The peers are installed beside the benchmarks only, so the checkers see no types of theirs.
from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from eventsourcing.dcb.api import DCBAppendCondition, DCBEvent, DCBQuery, DCBQueryItem
from eventsourcing.dcb.application import DCBApplication
from eventsourcing.persistence import IntegrityError, OperationalError
from msgspec import Struct
from msgspec.msgpack import Decoder, Encoder

from benchmarks.contestants.eventsourcing_bank import Bank
from benchmarks.threads import transfer_all
from benchmarks.work import DEPOSIT, Outcome, Place, Transfer, Work

NAME = "pyeventsourcing, PostgreSQL"
NEEDS_SERVER = True
DISTRIBUTIONS = ("eventsourcing", "psycopg", "msgspec", "orjson")
THREADS = (1, 4, 8, 16, 32, 64)
VARIANTS = tuple(f"{way}, {n} threads" for way in ("aggregates", "cached", "dcb") for n in THREADS)
WEAKER = ("functions, 8 threads", "cached one writer, 8 threads")
_CACHED = {"AGGREGATE_CACHE_MAXSIZE": "2000"}
SETTINGS = {
    "aggregates": {},
    "cached": _CACHED,
    "dcb": {},
    "functions": {"POSTGRES_ENABLE_DB_FUNCTIONS": "y"},
    "cached one writer": {**_CACHED, "AGGREGATE_CACHE_FASTFORWARD": "n"},
}


class Opened(Struct):
    deposit: int


class MoneySent(Struct):
    amount: int
    receiver: str


class MoneyReceived(Struct):
    amount: int
    sender: str


class DcbBank(DCBApplication):
    name = "bank"

    def __init__(self, env: dict[str, str]) -> None:
        super().__init__(env)
        self.conflicts = 0
        self._lock = threading.Lock()
        self._encode = Encoder().encode
        self._decode = {kind.__name__: Decoder(kind).decode for kind in (Opened, MoneySent, MoneyReceived)}
        self._accounts: list[str] = []

    def know(self, accounts: Iterable[str]) -> None:
        self._accounts = list(accounts)

    def open_all(self) -> None:
        self.recorder.append([self._event(account, Opened(DEPOSIT)) for account in self._accounts])

    def do(self, transfer: Transfer) -> None:
        while True:
            try:
                self._transfer(*transfer)
            except (IntegrityError, OperationalError):
                with self._lock:
                    self.conflicts += 1
            else:
                return

    def _transfer(self, source: str, target: str, amount: int) -> None:
        query = DCBQuery([DCBQueryItem(tags=[source]), DCBQueryItem(tags=[target])])
        found = self.recorder.read(query)
        balances = self._fold(found)
        if balances[source] < amount:
            raise ValueError(f"{source} holds less than {amount}")
        events = [self._event(source, MoneySent(amount, target)), self._event(target, MoneyReceived(amount, source))]
        self.recorder.append(events, DCBAppendCondition(query, found.head))

    def _event(self, account: str, event: Struct) -> DCBEvent:
        return DCBEvent(type(event).__name__, self._encode(event), [account])

    def _fold(self, found) -> dict[str, int]:
        balances: dict[str, int] = {}
        for sequenced in found:
            stored = sequenced.event
            event = self._decode[stored.type](stored.data)
            [account] = stored.tags
            kind = type(event)
            if kind is MoneyReceived:
                balances[account] += event.amount
            elif kind is MoneySent:
                balances[account] -= event.amount
            else:
                balances[account] = event.deposit
        return balances

    def balances(self) -> dict[str, int]:
        return self._fold(self.recorder.read())

    def count(self) -> int:
        return sum(1 for _ in self.recorder.read())


def settings_of(place: Place, way: str, threads: int) -> dict[str, str]:
    """Return the environment of an application that has so many connections."""
    url = urlsplit(place.dsn)
    passfile = Path(parse_qs(url.query)["passfile"][0])
    shared = {
        "POSTGRES_DBNAME": url.path[1:],
        "POSTGRES_HOST": url.hostname or "",
        "POSTGRES_PORT": str(url.port),
        "POSTGRES_USER": url.username or "",
        "POSTGRES_PASSWORD": passfile.read_text().strip().rpartition(":")[2],
        "POSTGRES_POOL_SIZE": str(threads),
        "POSTGRES_MAX_OVERFLOW": "0",
        "POSTGRES_MAX_WAITING": "0",
    }
    module = "eventsourcing.dcb.postgres_tt" if way == "dcb" else "eventsourcing.postgres"
    return {**shared, "PERSISTENCE_MODULE": module, **SETTINGS[way]}


def _bank(place: Place, way: str, threads: int) -> Bank | DcbBank:
    return (DcbBank if way == "dcb" else Bank)(settings_of(place, way, threads))


def run(work: Work, *, variant: str, place: Place) -> Outcome:
    way, _, threads = variant.rpartition(", ")
    concurrency = int(threads.split()[0])
    bank = _bank(place, way, concurrency)
    try:
        bank.know(work.accounts)
        bank.open_all()
        transfer_all(bank.do, work.warming(), concurrency)
        timed = transfer_all(bank.do, work.transfers(), concurrency)
    finally:
        bank.close()
    fresh = _bank(place, way, 1)
    try:
        fresh.know(work.accounts)
        balances, events = fresh.balances(), fresh.count()
    finally:
        fresh.close()
    return Outcome(timed, balances, events, {"at a time": concurrency, "conflicts": bank.conflicts})
