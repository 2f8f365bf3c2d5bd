"""The same rows by hand: a loop over pages of our table, by its key, decoded with our codec. No filter, no horizon: it may miss what commits late."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import asyncpg

from benchmarks.contestants.decoding import decoders
from benchmarks.contestants.ours_postgres import prepare
from benchmarks.work import Outcome, Place, Timed, Work

__all__ = ["DISTRIBUTIONS", "NAME", "NEEDS_SERVER", "VARIANTS", "prepare", "run"]

NAME: Final = "asyncpg by hand, catch-up"
DISTRIBUTIONS: Final = ("asyncpg",)
VARIANTS: Final = ("pages of 500", "pages of 1000", "pages of 5000")
NEEDS_SERVER: Final = True

PAGE: Final = """
SELECT tx, ordinal, stream_id, version, event_id, recorded_at, type, type_version, data::text, metadata::text
FROM eventcore.events WHERE (tx, ordinal) > ($1, $2) ORDER BY tx, ordinal LIMIT $3
"""


def run(work: Work, *, variant: str, place: Place) -> Outcome:
    return asyncio.run(_run(work, int(variant.rpartition(" ")[2]), place))


async def _run(work: Work, size: int, place: Place) -> Outcome:
    connection = await asyncpg.connect(place.dsn)
    page = await connection.prepare(PAGE)
    await page.fetch(0, 0, 1)
    decode, count, tx, ordinal = decoders(), 0, 0, 0
    began = time.perf_counter()
    while rows := await page.fetch(tx, ordinal, size):
        for _, _, _, _, _, _, event_type, type_version, data, _ in rows:
            decode[event_type, type_version](data)
        count += len(rows)
        tx, ordinal = rows[-1][:2]
    seconds = time.perf_counter() - began
    await connection.close()
    if count != work.job.commands:
        raise AssertionError(f"read {count} events, expected {work.job.commands}")
    return Outcome(Timed(seconds), None, count, {"page": size})
