"""The library `eventsourcing` reading everything in order: its projection runner, with a view on PostgreSQL that counts.

It notes each event's position in a transaction of that event, which is how it handles each exactly once. `positions now and then` notes one of a
thousand: what is handled again after a crash is handled twice. That is told, and not compared.
"""

# mypy: ignore-errors
# The peers are installed beside the benchmarks only, so the checkers see no types of theirs.
from __future__ import annotations

import threading
import time
from typing import Final
from uuid import uuid5

from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner

from benchmarks.contestants.eventsourcing_bank import SPACE, Account, Bank
from benchmarks.contestants.pyeventsourcing_postgres import DISTRIBUTIONS, settings_of
from benchmarks.work import Outcome, Place, Timed, Work, opening_history, openings_of

__all__ = ["DISTRIBUTIONS", "NAME", "NEEDS_SERVER", "VARIANTS", "WEAKER", "prepare", "run"]

NAME: Final = "pyeventsourcing, catch-up"
VARIANTS: Final = ("a position for each event",)
WEAKER: Final = ("positions now and then",)
NEEDS_SERVER: Final = True
NOW_AND_THEN: Final = 1_000
TIMEOUT: Final = 300
POOL: Final = 4


class Count(Projection):
    name = "count"
    each = 1
    wanted = 0
    complete = threading.Event()

    def __init__(self, view) -> None:
        super().__init__(view)
        self.seen = 0

    def process_event(self, domain_event, tracking) -> None:
        self.seen += 1
        if self.seen % self.each == 0:
            self.view.insert_tracking(tracking)
        if self.seen == self.wanted:
            self.complete.set()


class CountNowAndThen(Count):
    name = "count"
    each = NOW_AND_THEN


def prepare(work: Work, place: Place) -> None:
    bank = Bank(settings_of(place, "aggregates", 1))
    try:
        for account, history in openings_of(work.job):
            bank.save(_opened(account, history))
    finally:
        bank.close()


def _opened(name: str, history: int) -> Account:
    (_, opening), *rest = opening_history(history)
    account = Account.open(uuid5(SPACE, name), opening["deposit"])
    for kind, fields in rest:
        if kind == "MoneySent":
            account.send(fields["amount"], uuid5(SPACE, fields["receiver"]))
        else:
            account.receive(fields["amount"], uuid5(SPACE, fields["sender"]))
    return account


def run(work: Work, *, variant: str, place: Place) -> Outcome:
    counting = CountNowAndThen if variant in WEAKER else Count
    counting.wanted = work.job.commands
    began = time.perf_counter()
    with ProjectionRunner(
        application_class=Bank,
        projection_class=counting,
        view_class=PostgresTrackingRecorder,
        env=settings_of(place, "aggregates", POOL),
    ) as runner:
        if not counting.complete.wait(TIMEOUT):
            raise TimeoutError(f"read {runner.projection.seen} of {work.job.commands} events in {TIMEOUT} s")
        seconds = time.perf_counter() - began
        seen, noted = runner.projection.seen, runner.view.max_tracking_id(Bank.name)
    if not seen == noted == work.job.commands:
        raise AssertionError(f"read {seen} events and noted position {noted}, expected {work.job.commands}")
    return Outcome(Timed(seconds), None, seen, {"a position each": counting.each})
