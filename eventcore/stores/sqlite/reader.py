"""The reading threads.

One thread reads for everybody who waits: all their streams come from one statement, which is one snapshot. What is long goes to the side
threads, so that nobody waits behind a stream of a hundred thousand events.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, Final, TypeAlias, final

from eventcore.ids import StreamPattern
from eventcore.store import ReadResult, RememberedOutcome
from eventcore.stores.sqlite.calls import Job, ReadCall
from eventcore.stores.sqlite.database import Database
from eventcore.stores.sqlite.lane import Answers
from eventcore.stores.sqlite.slices import find_outcomes, read_outcome, read_pieces, read_whole
from eventcore.stores.sqlite.transaction import Transactions

ReaderCall: TypeAlias = "ReadCall | Job[Any]"

# Versions of one stream that the shared statement brings. A stream with more to tell is long.
SHORT: Final = 256
# Versions of one stream that a side thread reads with one statement: each is a step that other threads cannot interrupt.
LONG_STEP: Final = 2000


class Connected:
    """A thread with a connection of its own."""

    def __init__(self, database: Database, *, waits: bool = True) -> None:
        self.database = database
        self._waits = waits
        self._transactions: Transactions | None = None

    @property
    def transactions(self) -> Transactions:
        assert self._transactions is not None  # noqa: S101  # `prepare` comes first
        return self._transactions

    @property
    def connection(self) -> sqlite3.Connection:
        return self.transactions.connection

    def prepare(self) -> None:
        try:
            connection = self.database.connect(waits=self._waits)
        except sqlite3.Error as error:
            raise self.database.faults.translate(error) from error
        connection.create_function("eventcore_matches", 2, _matches, deterministic=True)
        self._transactions = Transactions(connection, self.database)

    def finish(self) -> None:
        if self._transactions is not None:
            self.transactions.close()
            self._transactions = None

    def do(self, job: Job[Any], answers: Answers) -> None:
        scope = self.transactions.writing if job.writes else self.transactions.reading
        try:
            with scope() as connection:
                result = job.act(connection)
        except Exception as error:  # noqa: BLE001  # it belongs to whoever asked
            answers.fail(job, error)
        else:
            answers.give(job, result)


def _matches(pattern: str, stream_id: str) -> bool:
    return StreamPattern(pattern).matches(stream_id)


@final
class SharedReader(Connected):
    """Reads for all who wait; what is long is passed on to *side*."""

    def __init__(self, database: Database, side: Callable[[ReadCall], None]) -> None:
        super().__init__(database)
        self._side = side

    def handle(self, calls: Sequence[ReaderCall], answers: Answers, /) -> None:
        reads: list[ReadCall] = []
        for call in calls:
            if isinstance(call, Job):
                self.do(call, answers)
            else:
                reads.append(call)
        if reads:
            self._read(reads, answers)

    def _read(self, calls: Sequence[ReadCall], answers: Answers) -> None:
        try:
            self._read_together(calls, answers)
        except Exception as error:  # noqa: BLE001  # it belongs to whoever asked
            self.transactions.roll_back()
            if len(calls) == 1:
                answers.fail(calls[0], self.database.faults.translate(error))
            else:
                for call in calls:
                    self._read([call], answers)

    def _read_together(self, calls: Sequence[ReadCall], answers: Answers) -> None:
        reads = list(dict.fromkeys(chain.from_iterable(call.reads for call in calls)))
        keys = {call.key for call in calls if call.key is not None}
        # One statement is a snapshot by itself; two need a transaction around them.
        if keys:
            self.transactions.begin_reading()
        else:
            self.transactions.check_files()
        pieces = dict(zip(reads, read_pieces(self.connection, reads, at_most=SHORT), strict=True))
        remembered: dict[str | None, RememberedOutcome] = {}
        if keys:
            remembered.update((key, read_outcome(self.connection, found)) for key, found in find_outcomes(self.connection, keys).items())
            self.connection.execute("COMMIT")
        for call in calls:
            found = [pieces[read] for read in call.reads]
            if all(piece.complete for piece in found):
                answers.give(call, ReadResult([piece.slice for piece in found], remembered.get(call.key)))
            else:
                self._side(call)


@final
class SideReader(Connected):
    """Does one thing at a time, however long it takes."""

    def handle(self, calls: Sequence[ReaderCall], answers: Answers, /) -> None:
        for call in calls:
            if isinstance(call, Job):
                self.do(call, answers)
            else:
                self._read(call, answers)

    def _read(self, call: ReadCall, answers: Answers) -> None:
        try:
            with self.transactions.reading() as connection:
                slices = read_whole(connection, call.reads, at_a_time=LONG_STEP)
                found = find_outcomes(connection, [] if call.key is None else [call.key])
                remembered = next((read_outcome(connection, outcome) for outcome in found.values()), None)
        except Exception as error:  # noqa: BLE001  # it belongs to whoever asked
            answers.fail(call, error)
        else:
            answers.give(call, ReadResult(slices, remembered))
