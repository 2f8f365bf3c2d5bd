"""Over TLS, with a password. What is wrong with a certificate or a password is told, and no password is in it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from selectors import BaseSelector
from urllib.parse import urlsplit

import pytest

from eventcore import PostgresEventStore, StoreUnavailable
from eventcore.testing.contract.making import add, labels_of, read_log
from tests.integration.postgres.hand import connected
from tests.servers.installed import program
from tests.servers.run import execute
from tests.servers.tls import TlsServer


@pytest.fixture
def tls_schema(postgres_tls: TlsServer, schema: str) -> Iterator[str]:
    yield schema
    execute(postgres_tls.dsn, f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_store_works_over_tls(postgres_tls: TlsServer, tls_schema: str, mode: str) -> None:
    """Every connection of it, the one that listens too."""
    authority = "" if mode == "require" else f"&sslrootcert={postgres_tls.authority}"
    dsn = f"{postgres_tls.dsn}?sslmode={mode}{authority}&application_name={tls_schema}"

    async def scenario() -> None:
        async with PostgresEventStore(dsn, schema=tls_schema) as store, connected(postgres_tls.dsn) as admin:
            waiting = asyncio.create_task(store.wait_for_news(None, timeout=20))
            await asyncio.sleep(0.1)
            await asyncio.gather(*(add(store, f"a-{n}", n) for n in range(10)))
            assert await waiting
            assert sorted(labels_of(await read_log(store))) == list(range(10))
            ours = "SELECT s.ssl FROM pg_stat_ssl AS s JOIN pg_stat_activity AS a USING (pid) WHERE a.application_name = $1"
            async with asyncio.timeout(20):
                # One to append, one to read, and one that listens, which takes its time.
                while len(rows := await admin.fetch(ours, tls_schema)) < 3:
                    await asyncio.sleep(0.02)
            assert all(row["ssl"] for row in rows)

    asyncio.run(scenario())


def opening(dsn: str) -> StoreUnavailable:
    """Return what opening a store at *dsn* fails with."""

    async def scenario() -> StoreUnavailable:
        with pytest.raises(StoreUnavailable) as raised:
            async with PostgresEventStore(dsn):
                pass
        await disconnected()
        return raised.value

    return asyncio.run(scenario())


async def disconnected() -> None:
    """Wait until the loop watches no connection any more.

    The driver begins to close one that failed, which over TLS takes an answer of the server's, and does not wait for it. A loop that ended before
    would leave a transport behind, for the collector to complain of in a later test.
    """
    selector: BaseSelector = vars(asyncio.get_running_loop())["_selector"]
    async with asyncio.timeout(20):
        while len(selector.get_map()) > 1:  # the loop's own, by which threads wake it
            await asyncio.sleep(0.01)


def with_password(dsn: str, password: str) -> str:
    parts = urlsplit(dsn)
    return dsn.replace(f":{parts.password}@", f":{password}@")


@pytest.mark.parametrize("mode", ["require", "verify-full"])
def test_a_wrong_password_is_told_without_it(postgres_tls: TlsServer, mode: str) -> None:
    dsn = f"{with_password(postgres_tls.dsn, 's3cret')}?sslmode={mode}&sslrootcert={postgres_tls.authority}"

    error = opening(dsn)

    assert "password authentication failed" in str(error)
    assert "correct the DSN" in str(error)
    assert "s3cret" not in "".join(traceback.format_exception(error))


def test_a_certificate_by_another_authority_is_refused(postgres_tls: TlsServer, tmp_path: Path) -> None:
    arguments = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=others -keyout other.key -out other.crt"
    subprocess.run([program("openssl", "openssl"), *arguments.split()], cwd=tmp_path, check=True, capture_output=True)

    error = opening(f"{postgres_tls.dsn}?sslmode=verify-full&sslrootcert={tmp_path / 'other.crt'}")

    assert "certificate" in str(error)
    assert "sslrootcert" in str(error)
    assert str(urlsplit(postgres_tls.dsn).password) not in "".join(traceback.format_exception(error))


def test_an_authority_that_is_not_there_is_named(postgres_tls: TlsServer, tmp_path: Path) -> None:
    error = opening(f"{postgres_tls.dsn}?sslmode=verify-full&sslrootcert={tmp_path / 'nowhere.crt'}")

    assert f"there is no file {tmp_path / 'nowhere.crt'}" in str(error)


def test_a_server_that_wants_tls_says_so_to_whoever_comes_without(postgres_tls: TlsServer) -> None:
    error = opening(f"{postgres_tls.dsn}?sslmode=disable")

    assert "no encryption" in str(error)


def test_a_server_without_tls_is_told_from_one_that_is_away(postgres: str) -> None:
    error = opening(f"{postgres}?sslmode=require")

    assert "SSL" in str(error)


def test_the_command_line_comes_in_over_tls_and_keeps_the_password_to_itself(postgres_tls: TlsServer, tls_schema: str) -> None:
    dsn = f"{postgres_tls.dsn}?sslmode=verify-full&sslrootcert={postgres_tls.authority}"

    async def scenario() -> None:
        async with PostgresEventStore(dsn, schema=tls_schema) as store:
            await add(store, "a-1", 1)

    asyncio.run(scenario())
    for url in (dsn, with_password(dsn, "s3cret")):
        command = [sys.executable, "-m", "eventcore", "events", url, "--schema", tls_schema, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode == 0) is (url == dsn), done.stderr
        assert "s3cret" not in done.stdout + done.stderr
        assert str(urlsplit(dsn).password) not in done.stdout + done.stderr
