"""PostgreSQL 15 that is spoken to over TLS alone, with passwords. The wheel's server knows no TLS."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import attrs

from eventcore.local_postgres import LocalPostgres, Settings
from tests.servers.installed import postgres_15, program
from tests.servers.run import FAST, shared_server

_HBA = """\
hostssl all all 127.0.0.1/32 scram-sha-256
"""
_PARAMETERS = {**FAST, "ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key", "ssl_ca_file": "authority.crt"}


@attrs.frozen
class TlsServer:
    dsn: str
    """As it is, without a word on TLS: drivers then try it first, and check no certificate."""
    authority: Path
    """The certificate that the server's was signed with, for `sslmode=verify-full&sslrootcert=...`."""


def tls_server() -> TlsServer:
    """Return the server of this run that takes TLS connections alone; start it if nobody did."""
    dsn = shared_server("postgres15-tls", binaries=postgres_15(), parameters=_PARAMETERS, prepare=_prepare)
    return TlsServer(dsn, Path(os.environ["EVENTCORE_TEST_RUN"]) / "postgres15-tls" / "authority.crt")


def _prepare(folder: Path) -> None:
    LocalPostgres.start(folder, Settings(binaries=postgres_15(), parameters=FAST)).stop()
    _certify(folder / "cluster")
    shutil.copy(folder / "cluster" / "authority.crt", folder / "authority.crt")
    (folder / "cluster" / "pg_hba.conf").write_text(_HBA)


def _certify(folder: Path) -> None:
    """Make an authority, and a key of the server with a certificate for 127.0.0.1 by it."""
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    _openssl(folder, "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tests -keyout authority.key -out authority.crt")
    _openssl(folder, "req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr")
    _openssl(
        folder, "x509 -req -days 2 -in server.csr -CA authority.crt -CAkey authority.key -CAcreateserial -extfile names -out server.crt"
    )
    (folder / "server.key").chmod(0o600)


def _openssl(folder: Path, arguments: str) -> None:
    subprocess.run([program("openssl", "openssl"), *arguments.split()], cwd=folder, check=True, capture_output=True)
