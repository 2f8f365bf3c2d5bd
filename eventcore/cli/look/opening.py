"""How a command comes to its store, and how it ends: by URL, without making or changing anything, in one line where it fails."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

from eventcore.cli.options import ENVIRONMENT
from eventcore.errors import EventCoreError, InvalidArgument
from eventcore.store import EventStore, InlineStore
from eventcore.stores.catalogue import Catalogue
from eventcore.stores.redaction import scrubbed
from eventcore.stores.urls import PostgresUrl, StoreUrl, parse_url


class Browsed(EventStore, Catalogue, InlineStore, Protocol):
    """A store of ours: the port, and what people look for."""


OK: Final = 0
FAILED: Final = 2
INTERRUPTED: Final = 130
# Seconds that somebody at a terminal waits for a server that does not answer.
PATIENCE: Final = 5.0

_MISSING_EXTRA: Final = """\
eventcore: a store in PostgreSQL needs asyncpg, which is not installed.
help: install the extra: pip install 'eventcore-py[postgres]'"""


def url_of(options: argparse.Namespace) -> StoreUrl:
    """Return what the user named, or the environment. Raises `InvalidArgument`."""
    given = options.url or os.environ.get(ENVIRONMENT)
    if not given:
        raise InvalidArgument(f"no store is named; give its URL, or set {ENVIRONMENT}")
    return parse_url(given, schema=options.schema)


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
    except BrokenPipeError:
        # A reader that has seen enough, such as `head`. Python flushes once more when it exits, and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except EventCoreError as error:
        return failed(error)
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        print(_MISSING_EXTRA, file=sys.stderr)  # noqa: T201
        return FAILED


def failed(error: EventCoreError) -> int:
    """Print *error*; return the exit code."""
    complain(said(error))
    return FAILED


def complain(text: str) -> None:
    print(f"eventcore: {text}", file=sys.stderr)  # noqa: T201


def said(error: EventCoreError) -> str:
    """Return the words of *error*, in one line, without any password that was given."""
    return scrubbed(" ".join(str(error).split()), *given())


def given() -> tuple[str | None, ...]:
    """Return everything that the user gave and that may hold a password, for `scrubbed`."""
    password = os.environ.get("PGPASSWORD")
    return (*sys.argv[1:], os.environ.get(ENVIRONMENT), f"password={password}" if password else None)
