"""Where a store is, as text: ``sqlite:///shop.db``, ``postgresql://user@host/database?schema=shop``, the path of a file.

Nothing here opens anything. What is wrong with a DSN is said here, without a password, before a driver says it with one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, TypeAlias, final
from urllib.parse import unquote, unquote_plus

import attrs

from eventcore.errors import InvalidArgument
from eventcore.stores.redaction import HIDDEN, redacted

DEFAULT_SCHEMA: Final = "eventcore"
EXPECTED: Final = "sqlite:///FILE, postgresql://USER@HOST/DATABASE?schema=SCHEMA, or the path of an SQLite file"

_SQLITE: Final = "sqlite:///"
_POSTGRES: Final = re.compile(r"postgres(?:ql)?://", re.IGNORECASE)
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_SLASHED: Final = re.compile(r"[a-z][a-z0-9+.-]*:?/", re.IGNORECASE)
# The names by which a file is taken for a database that is not there yet; another one has to exist.
_SUFFIXES: Final = frozenset({".db", ".sqlite", ".sqlite3"})
_LARGEST_PORT: Final = 65_535
_FILES: Final = frozenset({"sslrootcert", "sslcert", "sslkey", "sslcrl"})
_ESCAPE: Final = "where a user name or a password holds one of @ : / ? # & % [ ], write it percent-encoded (@ as %40, / as %2F)"


@final
@attrs.frozen
class SqliteUrl:
    path: Path

    def __str__(self) -> str:
        return f"{_SQLITE}{self.path}"


@final
@attrs.frozen
class PostgresUrl:
    """A database by its DSN, without the schema, and the schema. Its text has no password; *dsn* may have one."""

    dsn: str = attrs.field(repr=redacted)
    schema: str = DEFAULT_SCHEMA

    def __str__(self) -> str:
        shown = redacted(self.dsn)
        return f"{shown}{'&' if '?' in shown else '?'}schema={self.schema}"


StoreUrl: TypeAlias = SqliteUrl | PostgresUrl


def parse_url(text: str, /, *, schema: str | None = None) -> StoreUrl:
    """Return what *text* names. *schema* is that of a PostgreSQL store where the URL names none. Raises `InvalidArgument`, without a password."""
    if _POSTGRES.match(text):
        return _postgres(text, schema)
    path = _path(text)
    if schema is not None:
        raise InvalidArgument(f"{text!r} is a file, and a file has no schemas; leave the schema {schema!r} out")
    return SqliteUrl(path)


def check_dsn(dsn: str) -> None:
    """Raise `InvalidArgument`, without a password, for a *dsn* whose parts cannot be told from one another."""
    if not _POSTGRES.match(dsn):
        # Nor is it shown: it may be a password in the wrong place.
        raise InvalidArgument("what was given is no DSN of a PostgreSQL database: it does not begin with postgresql://")
    rest, _, query = dsn.partition("://")[2].partition("?")
    place, _, path = rest.partition("/")
    if place.count("@") > 1 or "@" in path or "#" in dsn:
        raise _unreadable(dsn, f"it is not clear where the user ends and the host begins; {_ESCAPE}")
    for host in unquote(place.rpartition("@")[2]).split(","):
        if host.startswith("/"):
            continue
        parts = re.fullmatch(r"(?:\[[^\]]*\]|[^:\[\]]*)(?::(\d*))?", host)
        if parts is None or not _is_port(parts[1] or ""):
            raise _unreadable(dsn, f"a host is not HOST or HOST:PORT with a number up to {_LARGEST_PORT}; {_ESCAPE}")
    if query and not all("=" in part for part in query.split("&")):
        raise _unreadable(dsn, f"what follows the '?' is not NAME=VALUE&NAME=VALUE; {_ESCAPE}")
    ports = (part.removeprefix("port=") for part in query.split("&") if part.startswith("port="))
    if not all(_is_port(port) for several in ports for port in unquote_plus(several).split(",")):
        raise _unreadable(dsn, f"a port is no number up to {_LARGEST_PORT}")


def _is_port(text: str) -> bool:
    """Whether *text* is one, or nothing: the driver hands any number on, and the socket raises what is no error of a connection."""
    return not text or (text.isdecimal() and int(text) <= _LARGEST_PORT)


def missing_files(dsns: Iterable[str], /) -> list[str]:
    """Return the files for TLS that *dsns* name and that are not there."""
    named = (part.partition("=") for dsn in dsns for part in dsn.partition("?")[2].split("&"))
    files = (unquote_plus(value) for name, _, value in named if name in _FILES)
    return [file for file in files if file != "system" and not Path(file).expanduser().exists()]


def _unreadable(dsn: str, problem: str) -> InvalidArgument:
    return InvalidArgument(f"{redacted(dsn)!r} is no DSN of a PostgreSQL database: {problem}")


def _postgres(text: str, schema: str | None) -> PostgresUrl:
    check_dsn(text)
    base, _, query = text.partition("?")
    parts = query.split("&") if query else []
    named = [unquote_plus(part.partition("=")[2]) for part in parts if part.startswith("schema=")]
    if len(set(named)) > 1 or (named and schema is not None and schema != named[0]):
        raise InvalidArgument(f"two schemas are named, {named[0]!r} and {named[1] if len(named) > 1 else schema!r}; leave one of them out")
    others = "&".join(part for part in parts if not part.startswith("schema="))
    return PostgresUrl(f"{base}?{others}" if others else base, named[0] if named else schema or DEFAULT_SCHEMA)


def _path(text: str) -> Path:
    if text.startswith(_SQLITE) and text != _SQLITE and not _POSTGRES.search(text):
        return Path(text.removeprefix(_SQLITE))
    if text and "\0" not in text and not _SCHEME.match(text) and "=" not in text:
        path = Path(text)
        if path.suffix in _SUFFIXES or os.path.exists(path):  # noqa: PTH110  # a path that may not be looked at is none that exists
            return path
    raise InvalidArgument(f"{_shown(text)!r} names no store, and no file that is there; expected {EXPECTED}")


def _shown(text: str) -> str:
    """Return *text*, which is no URL, without what may be a user and a password before an ``@``."""
    shown = redacted(text)
    _, at, rest = shown.rpartition("@")
    return f"{HIDDEN}@{rest}" if at and not _SLASHED.match(text) else shown
