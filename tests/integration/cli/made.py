"""What the migrations make, as ``made.json`` of the doctor keeps it: ``python -m tests.integration.cli.made`` writes it, with a server of its own."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path

import asyncpg

from eventcore.local_postgres import LocalPostgres, Settings
from eventcore.stores.postgres import PostgresEventStore
from eventcore.stores.postgres.doctor import schema as doctor
from eventcore.stores.postgres.statements import Schema
from tests.servers.run import dsn_of

FILE = Path(doctor.__file__).with_name(doctor.MADE)


async def objects_of(dsn: str, name: str) -> list[doctor.Object]:
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(readonly=True):
            await connection.execute(Schema(name).statements("doctor")["prologue"], name)
            return await doctor.objects(connection, Schema(name))
    finally:
        await connection.close()


async def made_by_migrations(dsn: str, name: str) -> str:
    async with PostgresEventStore(dsn, schema=name):
        found = await objects_of(dsn, name)
    return json.dumps({each.key: each.digest for each in found}, indent=1) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, LocalPostgres.start(Path(folder) / "data", Settings(remove=True)) as server:
        FILE.write_text(asyncio.run(made_by_migrations(dsn_of(server), 'Fresh "one"')), encoding="utf-8")
