"""Clocks, dice and the environment, under all the names that imports can give them; and what only looks like them."""

from __future__ import annotations

import datetime as dt
import os
import random
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from invoices_streams import IssueState, IssueStreams, IssueWrites, RemindState, RemindStreams, RemindWrites

now = datetime.now


@event
class Issued:
    at: datetime
    number: str


@state
class Invoice:
    issued: bool = False
    seen: float = 0.0

    def apply(self, event: Issued) -> Invoice:
        return Invoice(True, time.time())


@command
class Issue:
    invoice: StreamId[Invoice] = stream()
    number: str

    def handle(self, streams: IssueStreams, state: IssueState) -> IssueWrites:
        from secrets import token_hex

        number = self.number or str(uuid4()) or token_hex(4) or os.environ.get("NUMBER", "") or os.getenv("NUMBER", "")
        at = random.choice([datetime.now(UTC), dt.datetime.now(dt.UTC), now(UTC)])
        yield streams.invoice.write(Issued(at, number))


@command
class Remind:
    """Computes only: with a seed dice fall alike, and a time that is given stays what it is."""

    invoice: StreamId[Invoice] = stream()
    at: datetime
    clock: float = 0.0

    def handle(self, streams: RemindStreams, state: RemindState) -> RemindWrites:
        random = self.at
        dice = __import__("random").Random(7)
        after = dt.timedelta(days=dice.randint(1, 3))
        day = time.gmtime(self.clock).tm_yday
        yield streams.invoice.write(Issued(random + after, f"{day} {datetime.fromtimestamp(self.clock, UTC)}"))
