"""Write down a schema as it is after the newest migration, or after NUMBER, with a little data: ``python -m tests.integration.postgres.states.make [NUMBER]``.

To be run, and committed, with each new migration; the files of older states stay as they are.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from eventcore import PostgresEventStore
from eventcore.local_postgres import LocalPostgres, Settings
from eventcore.local_postgres.binaries import Binaries
from eventcore.store import IdempotencyKey, Snapshot
from eventcore.stores.postgres import statements
from eventcore.testing.contract.making import add, append_one, new_event, request
from tests.servers.run import FAST, dsn_of

FOLDER = Path(__file__).parent


async def fill(dsn: str) -> None:
    async with PostgresEventStore(dsn) as store:
        await add(store, "a-1", 1)
        await append_one(
            store, request({"a-1": 1, "b-1": 0}, new_event("b-1", 2), new_event("a-1", 3), key=IdempotencyKey("key", b"print"))
        )
        position = (await store.read_all()).position
        assert position is not None
        await store.save_checkpoint("reader", position)
        await store.save_snapshots([Snapshot("a-1", "kind", 1, b"{}")])
        assert await store.acquire_lease("lease", owner="me", ttl=timedelta(seconds=1))


def plain(dump: str) -> str:
    """Leave out what is for psql, what only a newer server knows, and what changes from dump to dump."""
    lines = [line for line in dump.splitlines() if not re.match(r"\\|SET |SELECT pg_catalog\.set_config|--", line)]
    return "\n".join(lines) + "\n"


def main() -> None:
    known = statements._migrations()
    newest = int(sys.argv[1]) if len(sys.argv) > 1 else known[-1].number
    statements._migrations = lambda: known[:newest]  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with LocalPostgres.start(Path(folder) / "data", Settings(parameters=FAST)) as server:
            dsn = dsn_of(server)
            asyncio.run(fill(dsn))
            asked = ["--inserts", "--no-owner", "--schema=eventcore", f"--dbname={dsn}"]
            dump = subprocess.run([Binaries.find().folder / "pg_dump", *asked], check=True, capture_output=True, text=True).stdout
    (FOLDER / f"{newest:04}.sql").write_text(plain(dump), encoding="utf-8")


if __name__ == "__main__":
    main()
