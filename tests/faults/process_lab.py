"""A program that the process tests run: clients of one process.

    python -m tests.faults.process_lab DSN SCHEMA NAME ACCOUNTS CLIENTS TRANSFERS SEED

It waits for a line on stdin, and writes what its clients were told, a line of JSON each.
"""

from __future__ import annotations

import asyncio
import json
import sys

import attrs

from eventcore import PostgresEventStore
from tests.faults.judge import Place, Told
from tests.faults.workload import account_ids, run_clients


def main(dsn: str, schema: str, name: str, accounts: str, clients: str, transfers: str, seed: str) -> None:
    def tell(told: Told) -> None:
        sys.stdout.write(json.dumps(attrs.asdict(told, recurse=False)) + "\n")

    async def run() -> None:
        async with PostgresEventStore(dsn, schema=schema, migrate=False, patience=60) as store:
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            await asyncio.to_thread(sys.stdin.readline)
            await run_clients(
                store,
                account_ids(int(accounts)),
                name=name,
                clients=int(clients),
                seed=int(seed),
                tell=tell,
                going_on=lambda begun: begun < int(transfers),
            )

    asyncio.run(run())


def told_of(line: str) -> Told:
    data = json.loads(line)
    return Told(data["command"], data["outcome"], tuple(Place(*place) for place in data["places"]), data["error"])


if __name__ == "__main__":
    main(*sys.argv[1:])
