"""What the helpers here promise to other tests."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from tests.servers.durable import durable_server
from tests.servers.full_disk import full_disk_server
from tests.servers.run import execute
from tests.servers.tls import TlsServer


def value(dsn: str, query: str, **options) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(dsn, **options)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_the_two_servers_are_the_two_versions_that_are_supported(postgres, postgres15):
    assert str(value(postgres, "SHOW server_version")).startswith("18.")
    assert str(value(postgres15, "SHOW server_version")).startswith("15.")


def test_a_schema_is_new_for_each_test(postgres, schema):
    execute(postgres, f'CREATE SCHEMA "{schema}"')


def test_tls_is_spoken_and_its_certificate_is_good(postgres_tls: TlsServer):
    dsn = f"{postgres_tls.dsn}?sslmode=verify-full&sslrootcert={postgres_tls.authority}"

    assert value(dsn, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") is True


def test_without_tls_nobody_comes_in(postgres_tls: TlsServer):
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="no encryption"):
        value(f"{postgres_tls.dsn}?sslmode=disable", "SELECT 1")


def test_pgbouncer_pools_by_transaction(pgbouncer):
    async def two_transactions_of_one_client_beside_another() -> set[int]:
        connection = await asyncpg.connect(pgbouncer, statement_cache_size=0)
        pids = set()
        for _ in range(2):
            async with connection.transaction():
                pids.add(await connection.fetchval("SELECT pg_backend_pid()"))
                other = await asyncpg.connect(pgbouncer, statement_cache_size=0)
                pids.add(await other.fetchval("SELECT pg_backend_pid()"))
                await other.close()
        await connection.close()
        return pids

    assert len(asyncio.run(two_transactions_of_one_client_beside_another())) == 2


@pytest.mark.parametrize("backends", [False, True])
def test_a_durable_server_has_after_a_kill_what_it_acknowledged(tmp_path, backends):
    with durable_server(tmp_path / "server") as server:
        dsn = server.dsn
        execute(dsn, "CREATE TABLE kept (number int)", "INSERT INTO kept VALUES (7)")
        server.kill(backends=backends)
        with pytest.raises(OSError):
            value(dsn, "SELECT 1")
        server.restart()

        assert server.dsn == dsn
        assert value(dsn, "SELECT number FROM kept") == 7
        assert value(dsn, "SHOW fsync") == "on"


def test_a_full_disk_refuses_writes_until_there_is_room(tmp_path):
    with full_disk_server(tmp_path) as server:
        execute(server.dsn, "CREATE TABLE kept (number int, filler text)", "INSERT INTO kept VALUES (7, '')")
        server.fill()
        with pytest.raises(asyncpg.DiskFullError):
            execute(server.dsn, "INSERT INTO kept SELECT 8, repeat('x', 1000) FROM generate_series(1, 100)")
        server.relieve()
        execute(server.dsn, "INSERT INTO kept SELECT 8, repeat('x', 1000) FROM generate_series(1, 100)")

        assert value(server.dsn, "SELECT count(*) FROM kept") == 101
