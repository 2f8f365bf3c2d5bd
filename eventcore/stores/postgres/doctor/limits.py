"""From when on something is worth a word."""

from __future__ import annotations

from typing import Final, final

import attrs


@final
@attrs.frozen(kw_only=True)
class Limits:
    """Times in seconds, shares from 0 to 1."""

    # An append takes milliseconds.
    append: float = 1.0
    vacuum: float = 300.0
    # Transactions that began since, for what has no time of its own: a minute of a busy server.
    vacuum_transactions: int = 100_000
    prepared: float = 60.0
    notify_queue: float = 0.1
    connections: float = 0.8
    # Locks: what eight batches at once may take, and how many of them may be taken.
    lock_room: int = 8 * 513
    locks: float = 0.5
    dead_rows: int = 10_000
    large_stream: int = 10_000
    newest: int = 10_000
    # A stream's share of the newest events, if those are enough to tell.
    hot_share: float = 0.2
    enough: int = 1_000
    # Bytes and rows up to which a table is looked through.
    counted: int = 64 * 1024 * 1024
    looked_through: int = 1_000_000


LIMITS: Final = Limits()
