"""How a command comes to its store, and how it ends: by URL, without making or changing anything, in one line where it fails."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

from eventcore.cli.exits import FAILED, INTERRUPTED
from eventcore.cli.options import ENVIRONMENT
from eventcore.cli.output import remark
from eventcore.cli.parser import is_url, values
from eventcore.errors import EventCoreError, InvalidArgument
from eventcore.store import EventStore, InlineStore
from eventcore.stores.catalogue import Catalogue
from eventcore.stores.redaction import redacted, scrubbed
from eventcore.stores.urls import PostgresUrl, StoreUrl, parse_url


class Browsed(EventStore, Catalogue, InlineStore, Protocol):
    """A store of ours: the port, and what people look for."""


# Seconds that somebody at a terminal waits for a server that does not answer.
PATIENCE: Final = 5.0

_MISSING_EXTRA: Final = """\
eventcore: a store in PostgreSQL needs asyncpg, which is not installed.
help: install the extra: pip install 'eventcore-py[postgres]'"""


def url_of(options: argparse.Namespace) -> StoreUrl:
    """Return what the user named, or the environment. Raises `InvalidArgument`."""
    return _url(options, "give its URL")


def url_beside(argument: str | None, options: argparse.Namespace, *, what: str) -> StoreUrl:
    """Return what follows `--url`, or the environment, for a command whose *argument* is *what*. Raises `InvalidArgument`, also where it is a store.

    With `--url` beside it *argument* is what it says: the id of a stream may look like anything.
    """
    named = options.url or os.environ.get(ENVIRONMENT)
    if argument is not None and not options.url and (is_url(argument) or (not named and _is_store(argument))):
        shown = redacted(argument)
        raise InvalidArgument(f"{shown!r} is where a store is, and stands in the place of {what}; give it as --url {shown}")
    return _url(options, "give its URL with --url")


def _url(options: argparse.Namespace, how: str) -> StoreUrl:
    given = options.url or os.environ.get(ENVIRONMENT)
    if not given:
        raise InvalidArgument(f"no store is named; {how}, or set {ENVIRONMENT}")
    return parse_url(given, schema=options.schema)


def _is_store(text: str) -> bool:
    try:
        parse_url(text)
    except InvalidArgument:
        return False
    return True


@asynccontextmanager
async def opened(url: StoreUrl) -> AsyncGenerator[Browsed]:
    """Open the store for looking: where there is none, or one of another version, `MigrationNeeded` and its kin are raised, and nothing is made."""
    async with _store(url, migrate=False) as store:
        yield store


async def make(url: StoreUrl) -> None:
    """Make the store, or bring it up to date."""
    async with _store(url, migrate=True):
        pass


def _store(url: StoreUrl, *, migrate: bool) -> Browsed:
    # Only now: a driver takes long to import, and not everybody has the other one.
    if isinstance(url, PostgresUrl):
        from eventcore.stores.postgres import PostgresEventStore  # noqa: PLC0415

        return PostgresEventStore(url.dsn, schema=url.schema, migrate=migrate, pool_size=3, patience=PATIENCE)
    from eventcore.stores.sqlite import SqliteEventStore  # noqa: PLC0415

    return SqliteEventStore(url.path, migrate=migrate)


def finish(work: Coroutine[Any, Any, int]) -> int:
    """Run *work*; return its exit code, or the one of how it ended."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        return INTERRUPTED
    except EventCoreError as error:
        return failed(error)
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        print(_MISSING_EXTRA, file=sys.stderr)  # noqa: T201
        return FAILED


def failed(error: EventCoreError) -> int:
    """Print *error*; return the exit code."""
    remark(said(error))
    return FAILED


def said(error: EventCoreError) -> str:
    """Return the words of *error*, in one line, without any password that was given."""
    return scrubbed(" ".join(str(error).split()), *given())


def given() -> tuple[str | None, ...]:
    """Return everything that the user gave and that may hold a password, for `scrubbed`."""
    password = os.environ.get("PGPASSWORD")
    return (*values(sys.argv[1:]), os.environ.get(ENVIRONMENT), f"password={password}" if password else None)
